//! What people read.

use super::*;
use crate::forge::{self, Forge, days, now};

#[test]
fn spans_are_said_in_two_units() {
    let cases = [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3_661, "1 h 1 min"),
        (86_400, "1 d"),
        (86_400 + 59, "1 d"),
        (90_000, "1 d 1 h"),
        (-3_600, "1 h"),
    ];
    for (seconds, expected) in cases {
        assert_eq!(span(SignedDuration::from_secs(seconds)), expected);
    }
    assert_eq!(relative(now() + days(3), now()), "in 3 d");
    assert_eq!(relative(now() - days(3), now()), "3 d ago");
}

#[test]
fn a_leaf_is_described_with_its_time_left_first() {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-b", &root)
        .extension(forge::san(&[(2, b"w.example"), (7, &[10, 0, 0, 1])]))
        .certificate();
    let described = Description::of(&leaf, now());
    assert_eq!(described.remaining_seconds, 80 * 86_400);
    let stable: Vec<_> = described
        .to_string()
        .lines()
        .filter(|line| !line.starts_with("SHA-"))
        .map(ToOwned::to_owned)
        .collect();
    insta::assert_snapshot!(stable.join("\n"), @r"
    time left    80 d
    valid        2026-02-19T00:00:00Z to 2026-05-20T00:00:00Z
    kind         leaf
    subject      O=acme, CN=worker
    issuer       O=acme, CN=g1
    other names  DNS:w.example, IP:10.0.0.1
    key          ECDSA P-256
    signature    ECDSA-SHA256
    key usage    digitalSignature
    extended     clientAuth
    serial       41414141414141414141414141414141
    SKI          65d037ed46d86262ff6d517118039879a0653d7d
    AKI          631326c9f4aac1d28e4b3c5192b3936250280471
    ");
    let json = serde_json::to_value(&described).unwrap();
    assert_eq!(json["standing"], "valid");
    assert_eq!(json["kind"], "leaf");
    assert_eq!(json["not_after"], "2026-05-20T00:00:00Z");
}

#[test]
fn standing_and_kind_are_told() {
    let root = Forge::root("g1", "p256-a");
    let middle = Forge::intermediate("i1", "p256-b", &root).certificate();
    let root = root.certificate();
    let at = |days_from_now| Description::of(&root, now() + days(days_from_now)).to_string();
    assert!(at(0).starts_with("time left    355 d\n"));
    assert!(at(360).starts_with("time left    none, ended 5 d ago\n"));
    assert!(at(-11).starts_with("time left    begins in 1 d\n"));
    assert_eq!(Kind::of(&root), Kind::Root);
    assert_eq!(Kind::of(&middle), Kind::Intermediate);
    assert!(at(0).contains("kind         root CA, path length 0\n"));
    assert!(!at(0).contains("issuer"));
}
