//! Extensions drawn by chance: constraints and names that touch each other, policies that do.

use super::Chance;
use crate::forge::{Extension, oid, san, tlv};

const DOMAINS: [&str; 14] = [
    "acme.test",
    ".acme.test",
    "a.acme.test",
    "",
    "ACME.test",
    "test",
    "b.test",
    "acme",
    "x.a.acme.test",
    "a-a.acme.test",
    "cme.test",
    ".test",
    "*.acme.test",
    "a",
];
const HOSTS: [&str; 14] = [
    "acme.test",
    "a.acme.test",
    "*.acme.test",
    "x.a.acme.test",
    "A.Acme.TEST",
    "b.test",
    "*",
    "acme.test.",
    "acme",
    "a_b.acme.test",
    "a-a.acme.test",
    "*.a.acme.test",
    "w*.acme.test",
    "",
];
const NETWORKS: [&[u8]; 7] = [
    &[10, 0, 0, 0, 255, 0, 0, 0],
    &[10, 1, 0, 0, 255, 255, 0, 0],
    &[10, 1, 2, 3, 255, 255, 0, 0],
    &[0, 0, 0, 0, 0, 0, 0, 0],
    &[0; 32],
    &[
        0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0,
    ],
    &[192, 168, 0, 1, 255, 255, 255, 255],
];
const ADDRESSES: [&[u8]; 4] = [
    &[10, 1, 2, 3],
    &[192, 168, 0, 1],
    &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 2, 3],
];
const URIS: [&str; 5] = [
    "spiffe://acme.test/w",
    "spiffe://a.acme.test/w",
    "https://b.test:8443/",
    "urn:x:y",
    "spiffe://10.1.2.3/w",
];
const MAILS: [&str; 4] = ["a@acme.test", "a@a.acme.test", "b@b.test", "A@ACME.test"];
const POLICIES: [&str; 4] = [
    "1.3.6.1.4.1.99999.1",
    "1.3.6.1.4.1.99999.2",
    "1.3.6.1.4.1.99999.3",
    "2.5.29.32.0",
];

fn side(chance: &mut Chance) -> Vec<u8> {
    let mut all = Vec::new();
    for _ in 0..chance.below(3) {
        let base = match chance.below(5) {
            2 => tlv(0x87, chance.of(&NETWORKS)),
            3 if chance.one_in(2) => tlv(0x86, chance.of(&DOMAINS).as_bytes()),
            3 => tlv(0x81, chance.of(&DOMAINS).as_bytes()),
            _ => tlv(0x82, chance.of(&DOMAINS).as_bytes()),
        };
        all.extend(tlv(0x30, &base));
    }
    all
}

/// Draws name constraints.
pub(super) fn constraints(chance: &mut Chance) -> Extension {
    let [permitted, excluded] = [side(chance), side(chance)];
    let written = |tag, side: &[u8]| {
        if side.is_empty() {
            Vec::new()
        } else {
            tlv(tag, side)
        }
    };
    let both = [written(0xa0, &permitted), written(0xa1, &excluded)].concat();
    ("2.5.29.30", !chance.one_in(4), tlv(0x30, &both))
}

/// Draws alternative names.
pub(super) fn names(chance: &mut Chance) -> Extension {
    let mut all: Vec<(u8, &[u8])> = Vec::new();
    for _ in 0..=chance.below(3) {
        all.push(match chance.below(6) {
            0..=2 => (2, chance.of(&HOSTS).as_bytes()),
            3 => (7, chance.of(&ADDRESSES)),
            4 => (6, chance.of(&URIS).as_bytes()),
            _ => (1, chance.of(&MAILS).as_bytes()),
        });
    }
    san(&all)
}

/// Draws something that is said of policies.
pub(super) fn policy(chance: &mut Chance) -> Extension {
    let critical = chance.one_in(12);
    let value = match chance.below(6) {
        0..=2 => {
            let policies = chance.some(&POLICIES, 3);
            let policies: Vec<u8> = policies
                .into_iter()
                .flat_map(|one| tlv(0x30, &oid(one)))
                .collect();
            return ("2.5.29.32", critical, tlv(0x30, &policies));
        }
        3 => {
            let mut value = Vec::new();
            if !chance.one_in(3) {
                value.extend(tlv(0x80, &[u8::try_from(chance.below(4)).unwrap()]));
            }
            if chance.one_in(2) {
                value.extend(tlv(0x81, &[u8::try_from(chance.below(3)).unwrap()]));
            }
            return ("2.5.29.36", critical, tlv(0x30, &value));
        }
        4 => {
            let n = u8::try_from(chance.below(3)).unwrap();
            return ("2.5.29.54", critical, tlv(0x02, &[n]));
        }
        _ => chance.some(&POLICIES, 2),
    };
    let pairs: Vec<u8> = value
        .into_iter()
        .flat_map(|from| tlv(0x30, &[oid(from), oid(chance.of(&POLICIES))].concat()))
        .collect();
    ("2.5.29.33", critical, tlv(0x30, &pairs))
}
