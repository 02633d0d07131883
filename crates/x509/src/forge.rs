//! A forge of certificates for tests: every field can be set, the wrong ones above all.
//!
//! Certificates that follow the rules come from [`crate::issue`]; this one writes DER by hand.

use std::{collections::BTreeMap, sync::Mutex};

use jiff::{SignedDuration, Timestamp};
use rcgen::{PublicKeyData as _, SigningKey as _};

use crate::{certificate::Certificate, key::PrivateKey};

/// The instant at which the tests live.
pub(crate) const NOW: &str = "2026-03-01T00:00:00Z";

pub(crate) const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
pub(crate) const CN: &str = "2.5.4.3";
pub(crate) const O: &str = "2.5.4.10";
pub(crate) const OU: &str = "2.5.4.11";

/// Returns a key of `tests/keys`.
pub(crate) fn key(name: &str) -> PrivateKey {
    let pem = match name {
        "p256-a" => include_str!("../tests/keys/p256-a.pem"),
        "p256-b" => include_str!("../tests/keys/p256-b.pem"),
        "p256-c" => include_str!("../tests/keys/p256-c.pem"),
        "p256-d" => include_str!("../tests/keys/p256-d.pem"),
        "p384-a" => include_str!("../tests/keys/p384-a.pem"),
        "p384-b" => include_str!("../tests/keys/p384-b.pem"),
        "p521-a" => include_str!("../tests/keys/p521-a.pem"),
        "rsa2048-a" => include_str!("../tests/keys/rsa2048-a.pem"),
        "ed25519-a" => include_str!("../tests/keys/ed25519-a.pem"),
        other => panic!("no key `{other}`"),
    };
    PrivateKey::from_pem(pem).unwrap()
}

pub(crate) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

pub(crate) fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

/// One extension: object identifier, criticality, content.
pub(crate) type Extension = (&'static str, bool, Vec<u8>);

/// A certificate to be, with everything that RFC 5280 leaves to choose and some things that it does not.
#[derive(Clone)]
pub(crate) struct Forge {
    pub version: u8,
    /// Whether version 1, the default, is written out.
    pub version_written: bool,
    pub serial: Vec<u8>,
    pub inner_algorithm: Vec<u8>,
    pub outer_algorithm: Vec<u8>,
    pub issuer: Vec<u8>,
    pub subject: Vec<u8>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// The two times as they stand, in the place of those above.
    pub times: Option<Vec<u8>>,
    pub spki: Vec<u8>,
    /// What stands between the key and the extensions: the unique identifiers of X.509v2.
    pub identifiers: Vec<u8>,
    pub extensions: Vec<Extension>,
    pub signer: &'static str,
}

impl Forge {
    /// A root CA without fault: a year from ten days ago, path length 0.
    pub(crate) fn root(common_name: &str, key_name: &'static str) -> Self {
        let name = name(&[(O, "acme"), (CN, common_name)]);
        Self {
            version: 2,
            version_written: false,
            serial: vec![0x41; 16],
            inner_algorithm: algorithm(ECDSA_SHA256),
            outer_algorithm: algorithm(ECDSA_SHA256),
            issuer: name.clone(),
            subject: name,
            not_before: now() - days(10),
            not_after: now() + days(355),
            times: None,
            spki: spki(key_name),
            identifiers: Vec::new(),
            extensions: vec![
                basic_constraints(true, Some(0)),
                key_usage(&[0, 5, 6]),
                ski(key_name),
            ],
            signer: key_name,
        }
    }

    /// An intermediate CA without fault, signed by a root or another intermediate.
    pub(crate) fn intermediate(common_name: &str, key_name: &'static str, by: &Self) -> Self {
        let mut forge = Self::root(common_name, key_name);
        forge.issuer = by.subject.clone();
        forge.signer = by.own_key();
        forge.extensions.push(aki(by.own_key()));
        forge
    }

    /// A leaf without fault: 90 days from ten days ago.
    pub(crate) fn leaf(common_name: &str, key_name: &'static str, by: &Self) -> Self {
        let mut forge = Self::intermediate(common_name, key_name, by);
        forge.not_after = now() + days(80);
        forge.extensions = vec![
            basic_constraints(false, None),
            key_usage(&[0]),
            eku(&["1.3.6.1.5.5.7.3.2"]),
            ski(key_name),
            aki(by.own_key()),
        ];
        forge
    }

    /// The key whose public half is certified, by its name.
    fn own_key(&self) -> &'static str {
        [
            "p256-a",
            "p256-b",
            "p256-c",
            "p256-d",
            "p384-a",
            "p384-b",
            "p521-a",
            "rsa2048-a",
            "ed25519-a",
        ]
        .into_iter()
        .find(|key| spki(key) == self.spki)
        .unwrap()
    }

    /// Changes it.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Replaces the extension with the same object identifier, or adds it.
    pub(crate) fn extension(mut self, extension: Extension) -> Self {
        self = self.without(extension.0);
        self.extensions.push(extension);
        self
    }

    /// Leaves an extension out.
    pub(crate) fn without(mut self, oid: &str) -> Self {
        self.extensions.retain(|(own, ..)| *own != oid);
        self
    }

    /// Names both algorithms.
    pub(crate) fn signed_with(mut self, algorithm: Vec<u8>) -> Self {
        self.inner_algorithm.clone_from(&algorithm);
        self.outer_algorithm = algorithm;
        self
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.sealed(&self.tbs())
    }

    /// Returns what is signed.
    pub(crate) fn tbs(&self) -> Vec<u8> {
        let extensions: Vec<u8> = self.extensions.iter().flat_map(extension).collect();
        let mut tbs = Vec::new();
        if self.version > 0 || self.version_written {
            tbs.extend(tlv(0xa0, &tlv(0x02, &[self.version])));
        }
        tbs.extend(tlv(0x02, &self.serial));
        tbs.extend(&self.inner_algorithm);
        tbs.extend(&self.issuer);
        let times = || [time(self.not_before), time(self.not_after)].concat();
        tbs.extend(tlv(0x30, &self.times.clone().unwrap_or_else(times)));
        tbs.extend(&self.subject);
        tbs.extend(&self.spki);
        tbs.extend(&self.identifiers);
        if self.version == 2 && !extensions.is_empty() {
            tbs.extend(tlv(0xa3, &tlv(0x30, &extensions)));
        }
        tlv(0x30, &tbs)
    }

    /// Signs something that is to be signed, be it not quite what this one says.
    pub(crate) fn sealed(&self, tbs: &[u8]) -> Vec<u8> {
        let signature = tlv(0x03, &[vec![0], sign(self.signer, tbs)].concat());
        let rest = [self.outer_algorithm.clone(), signature].concat();
        tlv(0x30, &[tbs, &rest].concat())
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_der(&self.der()).unwrap()
    }
}

/// Signs, and signs the same bytes in the same way when asked again: ECDSA would not, and what is forged twice from
/// one description is meant to be one certificate.
fn sign(key_name: &'static str, tbs: &[u8]) -> Vec<u8> {
    static SIGNED: Mutex<BTreeMap<Vec<u8>, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut signed = SIGNED.lock().unwrap();
    signed
        .entry([key_name.as_bytes(), tbs].concat())
        .or_insert_with(|| key(key_name).pair().sign(tbs).unwrap())
        .clone()
}

/// Writes tag, length, value.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(u8::try_from(length).unwrap());
    } else {
        let octets: Vec<u8> = length
            .to_be_bytes()
            .into_iter()
            .skip_while(|b| *b == 0)
            .collect();
        der.push(0x80 | u8::try_from(octets.len()).unwrap());
        der.extend(octets);
    }
    der.extend(value);
    der
}

pub(crate) fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut value = Vec::new();
    for arc in [&[arcs[0] * 40 + arcs[1]], &arcs[2..]].concat() {
        let groups: Vec<u8> = (0..9)
            .rev()
            .map(|i| u8::try_from(arc >> (7 * i) & 0x7f).unwrap())
            .skip_while(|group| *group == 0)
            .collect();
        let groups = if groups.is_empty() { vec![0] } else { groups };
        let (last, first) = groups.split_last().unwrap();
        value.extend(first.iter().map(|group| group | 0x80));
        value.push(*last);
    }
    tlv(0x06, &value)
}

pub(crate) fn algorithm(dotted: &str) -> Vec<u8> {
    tlv(0x30, &oid(dotted))
}

/// An algorithm of RSA, which has NULL for its parameters.
pub(crate) fn rsa_algorithm(dotted: &str) -> Vec<u8> {
    tlv(0x30, &[oid(dotted), tlv(0x05, &[])].concat())
}

/// A name of one UTF-8 attribute each.
pub(crate) fn name(attributes: &[(&str, &str)]) -> Vec<u8> {
    let tagged: Vec<_> = attributes
        .iter()
        .map(|(oid, value)| (*oid, 0x0c, value.as_bytes()))
        .collect();
    name_of(&tagged)
}

/// A name of attributes with their own string tags.
pub(crate) fn name_of(attributes: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let rdns: Vec<u8> = attributes
        .iter()
        .flat_map(|(kind, tag, value)| {
            tlv(0x31, &tlv(0x30, &[oid(kind), tlv(*tag, value)].concat()))
        })
        .collect();
    tlv(0x30, &rdns)
}

/// RFC 5280 §4.1.2.5: two digits for the year before 2050, four from then on.
fn time(at: Timestamp) -> Vec<u8> {
    let digits: String = at
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .take(14)
        .collect();
    if digits.as_str() < "2050" {
        let two = digits.get(2..).unwrap();
        tlv(0x17, format!("{two}Z").as_bytes())
    } else {
        tlv(0x18, format!("{digits}Z").as_bytes())
    }
}

pub(crate) fn spki(key_name: &str) -> Vec<u8> {
    key(key_name).pair().subject_public_key_info()
}

/// A public key of RSA with a modulus of so many bits: nobody has the private half.
pub(crate) fn rsa_spki(bits: usize) -> Vec<u8> {
    let mut modulus = vec![0xa5; bits / 8];
    modulus.insert(0, 0);
    let key = tlv(0x30, &[tlv(0x02, &modulus), tlv(0x02, &[1, 0, 1])].concat());
    let algorithm = tlv(
        0x30,
        &[oid("1.2.840.113549.1.1.1"), tlv(0x05, &[])].concat(),
    );
    tlv(
        0x30,
        &[algorithm, tlv(0x03, &[vec![0], key].concat())].concat(),
    )
}

fn extension((kind, critical, value): &Extension) -> Vec<u8> {
    let critical = if *critical {
        tlv(0x01, &[0xff])
    } else {
        Vec::new()
    };
    tlv(0x30, &[oid(kind), critical, tlv(0x04, value)].concat())
}

pub(crate) fn basic_constraints(ca: bool, path_length: Option<u8>) -> Extension {
    let ca = if ca { tlv(0x01, &[0xff]) } else { Vec::new() };
    let limit = path_length.map_or_else(Vec::new, |limit| tlv(0x02, &[limit]));
    ("2.5.29.19", true, tlv(0x30, &[ca, limit].concat()))
}

/// Key usage by the numbers of its bits.
pub(crate) fn key_usage(bits: &[u32]) -> Extension {
    let flags = bits.iter().fold(0u8, |flags, bit| flags | (0x80 >> bit));
    // DER leaves out the zeros at the end (X.690 §11.2.2).
    let content = match u8::try_from(flags.trailing_zeros()) {
        Ok(unused) if flags != 0 => vec![unused, flags],
        Ok(_) | Err(_) => vec![0],
    };
    ("2.5.29.15", true, tlv(0x03, &content))
}

pub(crate) fn eku(purposes: &[&str]) -> Extension {
    let purposes: Vec<u8> = purposes.iter().flat_map(|purpose| oid(purpose)).collect();
    ("2.5.29.37", false, tlv(0x30, &purposes))
}

/// Subject alternative names by context tag: 1 email, 2 DNS, 6 URI, 7 IP.
pub(crate) fn san(names: &[(u8, &[u8])]) -> Extension {
    let names: Vec<u8> = names
        .iter()
        .flat_map(|(tag, value)| tlv(0x80 | tag, value))
        .collect();
    ("2.5.29.17", false, tlv(0x30, &names))
}

fn key_id(key_name: &str) -> Vec<u8> {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &spki(key_name));
    digest.as_ref()[..20].to_vec()
}

pub(crate) fn ski(key_name: &str) -> Extension {
    ("2.5.29.14", false, tlv(0x04, &key_id(key_name)))
}

pub(crate) fn aki(key_name: &str) -> Extension {
    ("2.5.29.35", false, tlv(0x30, &tlv(0x80, &key_id(key_name))))
}
