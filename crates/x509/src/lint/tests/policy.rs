//! Empty usages, name constraints and certificate policies.

use super::form::{of_ca, of_leaf, root, worker};
use super::*;
use crate::forge::{Extension, eku, key_usage, oid, rsa_spki, tlv};

/// Name constraints that permit one subtree of these parts.
pub(super) fn permits(subtree: &[u8]) -> Extension {
    let permitted = tlv(0xa0, &tlv(0x30, subtree));
    ("2.5.29.30", true, tlv(0x30, &permitted))
}

/// Certificate policies.
pub(super) fn policies(critical: bool, all: &[&str]) -> Extension {
    let each: Vec<u8> = all.iter().flat_map(|one| tlv(0x30, &oid(one))).collect();
    ("2.5.29.32", critical, tlv(0x30, &each))
}

/// A mapping from one policy to another.
pub(super) fn maps(from: &str, to: &str) -> Extension {
    let pair = tlv(0x30, &[oid(from), oid(to)].concat());
    ("2.5.29.33", true, tlv(0x30, &pair))
}

pub(super) const ONE: &str = "1.3.6.1.4.1.99999.10";
pub(super) const TWO: &str = "1.3.6.1.4.1.99999.11";
const ANY: &str = "2.5.29.32.0";

pub(super) fn cases() -> Vec<Case> {
    let of_root = |extension| of_ca(&root().extension(extension));
    let any = || eku(&["2.5.29.37.0"]);
    let dns = |tail: &[u8]| [tlv(0x82, b"example"), tail.to_vec()].concat();
    let rsa = root()
        .with(|f| f.spki = rsa_spki(2048))
        .extension(key_usage(&[2, 3, 5, 6]));
    vec![
        case(
            "no usage",
            of_leaf(&worker().extension(key_usage(&[]))),
            &["NL407", "NL416"],
        ),
        case(
            "critical for anything",
            of_leaf(&worker().extension((any().0, true, any().2))),
            &["NL417"],
        ),
        case("RSA CA that enciphers", of_ca(&rsa), &["NL418"]),
        case(
            "leaf that revokes",
            of_leaf(&worker().extension(key_usage(&[0, 6]))),
            &["NL419"],
        ),
        case(
            "constraints of a leaf",
            of_leaf(&worker().extension(permits(&dns(&[])))),
            &["NL420"],
        ),
        case("minimum", of_root(permits(&dns(&[0x80, 1, 1]))), &["NL421"]),
        case("maximum", of_root(permits(&dns(&[0x81, 1, 1]))), &["NL421"]),
        case(
            "registered id",
            of_root(permits(&[0x88, 2, 0x2a, 3])),
            &["NL026", "NL422"],
        ),
        case(
            "a path",
            of_root(permits(&tlv(0x86, b"spiffe://example/x"))),
            &["NL423"],
        ),
        case(
            "policy again",
            of_root(policies(false, &[ONE, ONE])),
            &["NL424"],
        ),
        case(
            "any policy mapped",
            of_ca(
                &root()
                    .extension(policies(false, &[ONE]))
                    .extension(maps(ONE, ANY)),
            ),
            &["NL425"],
        ),
        case("mapped only", of_root(maps(ONE, TWO)), &["NL426"]),
        case(
            "critical policies",
            of_root(policies(true, &[ONE])),
            &["NL427"],
        ),
    ]
}

#[test]
fn policies_and_constraints() {
    check(cases());
}
