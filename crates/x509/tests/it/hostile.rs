//! What strangers send: bytes and texts that are almost certificates never panic and never take long.

use newleaf_x509::{
    Certificate, Chain, PrivateKey, TrustBundle,
    describe::Description,
    issue::LeafUse,
    lint::{self, Context, Profile},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::issued::{KEYS, ca, leaf, now};

const CLOUD: Profile = Profile::TemporalCloud;

/// Asks everything that can be asked of bytes.
pub(crate) fn interrogate(der: &[u8]) {
    let context = Context {
        profile: CLOUD,
        now: now(),
    };
    let Ok(certificate) = Certificate::from_der(der) else {
        return;
    };
    assert_eq!(certificate.der(), der, "what is read is kept as it was");
    let said = Description::of(&certificate, now()).to_string();
    assert!(!said.contains('\u{1b}'), "a name reached the terminal");
    for findings in [
        lint::certificate(&certificate, &context),
        lint::ca(&certificate, &context),
        lint::leaf(&certificate, &context),
    ] {
        for finding in findings {
            assert!(!finding.to_string().contains('\u{1b}'));
        }
    }
    let bundle = TrustBundle::new([certificate.clone()]);
    lint::bundle(&bundle, &context);
    if let Ok(chain) = Chain::new([certificate]) {
        lint::chain_to(&chain, &bundle, &context);
    }
    assert_eq!(TrustBundle::from_pem(&bundle.to_pem()), Ok(bundle));
}

/// A CA and a leaf, as seeds.
fn seeds() -> [Vec<u8>; 2] {
    let [(_, ca_key, leaf_key), ..] = KEYS;
    let ca_key = PrivateKey::from_pem(ca_key).unwrap();
    let leaf_key = PrivateKey::from_pem(leaf_key).unwrap();
    let ca = ca(&ca_key);
    let leaf = leaf(&leaf_key, &ca, &ca_key, LeafUse::Client);
    [ca.der().to_vec(), leaf.der().to_vec()]
}

/// One way to spoil bytes.
#[derive(Clone, Debug)]
enum Spoil {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Remove(Index),
}

impl Spoil {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let n = bytes.len();
        match self {
            Self::Flip(at, bit) => bytes[at.index(n)] ^= 1 << (bit % 8),
            Self::Set(at, value) => bytes[at.index(n)] = *value,
            Self::Cut(at) => bytes.truncate(at.index(n)),
            Self::Insert(at, more) => {
                let at = at.index(n);
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Remove(at) => {
                bytes.remove(at.index(n));
            }
        }
    }
}

fn spoil() -> impl Strategy<Value = Spoil> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, bit)| Spoil::Flip(at, bit)),
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, value)| Spoil::Set(at, value)),
        1 => any::<Index>().prop_map(Spoil::Cut),
        1 => (any::<Index>(), vec(any::<u8>(), 1..9)).prop_map(|(at, more)| Spoil::Insert(at, more)),
        1 => any::<Index>().prop_map(Spoil::Remove),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_not_panic(bytes in vec(any::<u8>(), 0..512)) {
        interrogate(&bytes);
    }

    #[test]
    fn random_texts_do_not_panic(text in "(-----(BEGIN|END) [A-Z ]{0,12}-----|[A-Za-z0-9+/=\r\n \u{feff}-]{0,70}|\n|\r\n){0,12}") {
        ask_text(&text);
    }
}

#[test]
fn spoilt_der_does_not_panic() {
    let seeds = seeds();
    let config = ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(which in any::<Index>(), spoils in vec(spoil(), 1..4))| {
        let mut der = seeds[which.index(seeds.len())].clone();
        for spoil in &spoils {
            spoil.apply(&mut der);
        }
        interrogate(&der);
    });
}

#[test]
fn spoilt_pem_does_not_panic() {
    let [(_, key, _), ..] = KEYS;
    let [ca, leaf] = seeds().map(|der| Certificate::from_der(&der).unwrap().to_pem());
    let text = format!("{ca}{leaf}{key}");
    let config = ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(spoils in vec(spoil(), 1..4))| {
        let mut bytes = text.clone().into_bytes();
        for spoil in &spoils {
            spoil.apply(&mut bytes);
        }
        ask_text(&String::from_utf8_lossy(&bytes));
    });
}

/// Asks everything that can be asked of a text, and that no line of the key of the seeds is quoted.
fn ask_text(text: &str) {
    let context = Context {
        profile: CLOUD,
        now: now(),
    };
    let mut said: Vec<_> = lint::pem_text(text, &context)
        .iter()
        .map(ToString::to_string)
        .collect();
    if let Err(error) = TrustBundle::from_pem(text) {
        said.push(format!("{error} {error:?}"));
    }
    if let Err(error) = Chain::from_pem(text) {
        said.push(format!("{error} {error:?}"));
    }
    if let Err(error) = PrivateKey::from_pem(text) {
        said.push(format!("{error} {error:?}"));
    }
    let said = said.join("\n");
    let [(_, key, _), ..] = KEYS;
    for line in key
        .lines()
        .filter(|line| !line.starts_with("-----") && line.len() > 16)
    {
        assert!(!said.contains(line), "a line of the key was quoted: {said}");
    }
}

#[test]
fn every_prefix_of_a_certificate_is_refused() {
    for der in seeds() {
        for length in 0..der.len() {
            assert!(
                Certificate::from_der(&der[..length]).is_err(),
                "{length} bytes"
            );
        }
        let longer = [der.as_slice(), &[0]].concat();
        assert!(Certificate::from_der(&longer).is_err(), "a byte too many");
    }
}

#[test]
fn deep_nesting_does_not_overflow() {
    for tag in [0x30, 0x31, 0xa0, 0xa3, 0x24] {
        let mut der = vec![0x05, 0x00];
        while der.len() < 200 * 1024 {
            der = wrap(tag, &der);
            if der.len() > 2_000 {
                // Indefinite and absurd lengths are cheaper to stack than true ones.
                der = [[tag, 0x80].repeat(50_000), der].concat();
            }
        }
        assert!(Certificate::from_der(&der).is_err());
    }
}

fn wrap(tag: u8, der: &[u8]) -> Vec<u8> {
    let length = u16::try_from(der.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[tag, 0x82], length.as_slice(), der].concat()
}

#[test]
fn megabytes_of_pem_are_read_in_one_pass() {
    let [ca, _] = seeds().map(|der| Certificate::from_der(&der).unwrap().to_pem());
    let certificates = ca.repeat(6 * 1024 * 1024 / ca.len());
    let text = format!("{certificates}{}", "words of no use\n".repeat(128 * 1024));
    // A reader that looked back at what it has read would not come to an end in the time that a test is given.
    let bundle = TrustBundle::from_pem(&text).unwrap();
    assert_eq!(bundle.len(), 1);
    let context = Context {
        profile: CLOUD,
        now: now(),
    };
    let findings = lint::pem_text(&text, &context);
    assert_eq!(lint::worst(&findings), Some(lint::Severity::Warning));
    let open = format!(
        "-----BEGIN CERTIFICATE-----\n{}",
        "AAAA\n".repeat(1024 * 1024)
    );
    assert!(TrustBundle::from_pem(&open).is_err());
}
