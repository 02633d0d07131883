//! What Go does not read or handle, though no rule of another family calls it an error.

use super::form::{called, of_ca, of_leaf, root, worker};
use super::*;
use crate::forge::{CN, oid, tlv};

/// A policy extension with these policies.
fn policies(of: &[&str]) -> forge::Extension {
    let all: Vec<u8> = of.iter().flat_map(|one| tlv(0x30, &oid(one))).collect();
    ("2.5.29.32", false, tlv(0x30, &all))
}

pub(super) fn cases() -> Vec<Case> {
    let only_to_people = ("2.5.29.17", true, tlv(0x30, &tlv(0x88, &[0x2a, 3])));
    let for_directories = tlv(0x30, &tlv(0xa4, &forge::name(&[(CN, "x")])));
    let for_directories = ("2.5.29.30", true, tlv(0x30, &tlv(0xa0, &for_directories)));
    let lint = |extension| of_leaf(&worker().extension(extension));
    vec![
        case(
            "a type of string that Go does not know",
            of_ca(&called(&[(CN, 0x1a, b"g1")])),
            &["NL026", "NL106"],
        ),
        case(
            "a policy twice, which another family tells",
            lint(policies(&["1.2.3", "1.2.3"])),
            &["NL424"],
        ),
        case(
            "critical names of a form that Go passes over",
            lint(only_to_people),
            &["NL026"],
        ),
        case(
            "critical constraints of directory names",
            of_ca(&root().extension(for_directories)),
            &["NL026"],
        ),
        case(
            "an error that says the same",
            of_leaf(&worker().with(|f| f.serial = vec![0xff, 1])),
            &["NL010"],
        ),
    ]
}

/// What Go reads.
pub(super) fn read() -> Vec<Finding> {
    let several = of_leaf(&worker().extension(policies(&["1.2.3", "1.2.4"])));
    [several, of_ca(&called(&[(CN, 0x14, b"g\xe9")]))].concat()
}

#[test]
fn go() {
    check(cases());
}
