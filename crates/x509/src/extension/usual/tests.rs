//! What is read fast is what the parser reads, on certificates as they should be and on spoilt ones.

use proptest::{collection::vec, prelude::*, sample::Index};
use x509_parser::{nom::Parser as _, prelude::*};

use super::*;
use crate::forge::{Forge, basic_constraints, eku, key_usage, san};

fn seeds() -> Vec<Vec<u8>> {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-b", &root).extension(san(&[
        (1, b"a@b.example"),
        (2, b"worker.example"),
        (6, b"spiffe://example/w"),
        (7, &[192, 0, 2, 7]),
        (7, &[0x20; 16]),
    ]));
    let both = leaf
        .clone()
        .extension(eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]))
        .extension(key_usage(&[0, 4]));
    let rare = leaf
        .clone()
        .extension(eku(&["2.5.29.37.0", "1.3.6.1.5.5.7.3.4"]))
        .extension(basic_constraints(true, Some(3)))
        .extension(san(&[(8, &[0x2a, 3])]));
    [root, leaf, both, rare].map(|forge| forge.der()).to_vec()
}

/// Returns what each reads, if there is a certificate to read.
fn both(der: &[u8]) -> Option<(Option<Extensions>, Extensions)> {
    let mut shallow = X509CertificateParser::new().with_deep_parse_extensions(false);
    let fast = shallow.parse(der).ok().map(|(_, parsed)| read(&parsed));
    let slow = X509Certificate::from_der(der).ok();
    let slow = slow.map(|(_, parsed)| Extensions::read(&parsed));
    assert_eq!(fast.is_some(), slow.is_some(), "one of two refuses");
    fast.zip(slow)
}

#[test]
fn usual_certificates_are_read_fast() {
    let fast = |der: &Vec<u8>| both(der).unwrap().0.is_some();
    let found: Vec<_> = seeds().iter().map(fast).collect();
    assert_eq!(found, [true, true, true, false]);
}

#[test]
fn both_read_the_same() {
    let seeds = seeds();
    let config = ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let spoil = (any::<Index>(), any::<u8>());
    proptest!(config, |(which in any::<Index>(), spoils in vec(spoil, 0..3))| {
        let mut der = seeds[which.index(seeds.len())].clone();
        for (at, octet) in &spoils {
            let at = at.index(der.len());
            der[at] = *octet;
        }
        if let Some((Some(fast), slow)) = both(&der) {
            prop_assert_eq!(fast, slow);
        }
    });
}
