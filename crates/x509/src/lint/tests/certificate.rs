//! One certificate at a time: its frame, name, key, validity and usage.

use super::*;
use crate::forge::{
    CN, O, OU, algorithm, basic_constraints, eku, key_usage, name, name_of, rsa_algorithm,
    rsa_spki, san,
};

fn root() -> Forge {
    Forge::root("g1", "p256-a")
}

fn worker() -> Forge {
    Forge::leaf("worker", "p256-b", &root())
}

pub(super) fn cases() -> Vec<Case> {
    [
        clean(),
        frames(),
        names(),
        keys(),
        validities(),
        ca_usages(),
        leaf_usages(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Lints a forged CA for Temporal Cloud.
fn of_ca(forge: &Forge) -> Vec<Finding> {
    ca(&forge.certificate(), &CLOUD)
}

/// Lints a forged leaf for Temporal Cloud.
fn of_leaf(forge: &Forge) -> Vec<Finding> {
    leaf(&forge.certificate(), &CLOUD)
}

fn clean() -> Vec<Case> {
    let chosen = |forge: Forge| certificate(&forge.certificate(), &CLOUD);
    vec![
        case("root", of_ca(&root()), &[]),
        case("leaf", of_leaf(&worker()), &[]),
        case(
            "intermediate",
            of_ca(&Forge::intermediate("i1", "p256-b", &root())),
            &[],
        ),
        case("chosen as CA", chosen(root()), &[]),
        case("chosen as leaf", chosen(worker()), &[]),
        case(
            "root by the standard",
            ca(&root().certificate(), &STANDARD),
            &[],
        ),
        case(
            "leaf, self-hosted",
            leaf(&worker().certificate(), &SELF_HOSTED),
            &[],
        ),
    ]
}

fn frames() -> Vec<Case> {
    let odd = ("1.3.6.1.4.1.99999.1", true, vec![5, 0]);
    let constraints = ("2.5.29.36", true, vec![0x30, 3, 0x80, 1, 0]);
    let twice = root().with(|f| f.extensions.push(key_usage(&[5])));
    let sha1 = algorithm("1.2.840.10045.4.1");
    vec![
        case(
            "version 1",
            of_ca(&root().with(|f| f.version = 0)),
            &["NL009", "NL208", "NL401", "NL405"],
        ),
        case(
            "serial 0",
            of_ca(&root().with(|f| f.serial = vec![0])),
            &["NL010"],
        ),
        case(
            "serial below 0",
            of_ca(&root().with(|f| f.serial = vec![0x80, 1])),
            &["NL010"],
        ),
        case(
            "serial of 21 octets",
            of_ca(&root().with(|f| f.serial = vec![1; 21])),
            &["NL011"],
        ),
        case(
            "serial of 20 octets",
            of_ca(&root().with(|f| f.serial = vec![1; 20])),
            &[],
        ),
        case(
            "algorithms disagree",
            of_ca(&root().with(|f| f.inner_algorithm = sha1)),
            &["NL012"],
        ),
        case("extension twice", of_ca(&twice), &["NL013"]),
        case(
            "extension unreadable",
            of_ca(&root().extension(("2.5.29.14", false, vec![9]))),
            &["NL014", "NL208"],
        ),
        case(
            "unknown critical",
            of_ca(&root().extension(odd.clone())),
            &["NL015"],
        ),
        case(
            "unknown",
            of_ca(&root().extension((odd.0, false, odd.2))),
            &[],
        ),
        case("known critical", of_ca(&root().extension(constraints)), &[]),
    ]
}

/// A root with this name.
fn called(name: Vec<u8>) -> Forge {
    root().with(|f| {
        f.issuer.clone_from(&name);
        f.subject = name;
    })
}

fn names() -> Vec<Case> {
    let long = "x".repeat(65);
    let empty = || name(&[]);
    let latin = name_of(&[(CN, 0x14, b"caf\xe9")]);
    vec![
        case(
            "empty OU",
            of_leaf(&worker().with(|f| f.subject = name(&[(OU, ""), (CN, "w")]))),
            &["NL101"],
        ),
        case("long CN", of_ca(&called(name(&[(CN, &long)]))), &["NL102"]),
        case(
            "CN of 64",
            of_ca(&called(name(&[(CN, &"x".repeat(64))]))),
            &[],
        ),
        case(
            "long street",
            of_ca(&called(name(&[("2.5.4.9", &long)]))),
            &[],
        ),
        case(
            "no issuer",
            of_leaf(&worker().with(|f| f.issuer = empty())),
            &["NL103"],
        ),
        case(
            "CA without name",
            of_ca(&called(empty())),
            &["NL103", "NL104"],
        ),
        case(
            "leaf without name",
            of_leaf(&worker().with(|f| f.subject = empty())),
            &["NL105", "NL113"],
        ),
        case("Latin-1", of_ca(&called(latin)), &["NL106"]),
        case(
            "a line feed",
            of_ca(&called(name(&[(CN, "a\nb")]))),
            &["NL107"],
        ),
        case(
            "turned around",
            of_ca(&called(name(&[(CN, "a\u{202e}b")]))),
            &["NL107"],
        ),
        case(
            "a space behind",
            of_ca(&called(name(&[(O, "acme ")]))),
            &["NL108"],
        ),
        case(
            "named as its issuer, case apart",
            of_leaf(&worker().with(|f| f.subject = name(&[(O, "ACME"), (CN, "G1")]))),
            &["NL503"],
        ),
    ]
}

fn keys() -> Vec<Case> {
    let under = |spki: Vec<u8>| worker().with(|f| f.spki = spki);
    let signed = |oid: &str| worker().signed_with(algorithm(oid));
    let signed_by_rsa = |oid: &str| worker().signed_with(rsa_algorithm(oid));
    let p224 = forge::tlv(
        0x30,
        &[
            forge::tlv(
                0x30,
                &[forge::oid("1.2.840.10045.2.1"), forge::oid("1.3.132.0.33")].concat(),
            ),
            forge::tlv(0x03, &[0; 58]),
        ]
        .concat(),
    );
    let ed25519 = forge::spki("ed25519-a");
    let mine = worker().certificate();
    let (right, wrong) = (forge::key("p256-b"), forge::key("p256-c"));
    vec![
        case("P-384", of_leaf(&under(forge::spki("p384-a"))), &[]),
        case("P-521", of_leaf(&under(forge::spki("p521-a"))), &[]),
        case("Ed25519", of_leaf(&under(ed25519.clone())), &["NL201"]),
        case(
            "Ed25519, self-hosted",
            leaf(&under(ed25519).certificate(), &SELF_HOSTED),
            &[],
        ),
        case("P-224", of_leaf(&under(p224)), &["NL202"]),
        case(
            "SHA-1",
            of_leaf(&signed_by_rsa("1.2.840.113549.1.1.5")),
            &["NL203"],
        ),
        case(
            "MD5",
            of_leaf(&signed_by_rsa("1.2.840.113549.1.1.4")),
            &["NL203"],
        ),
        case(
            "ECDSA over SHA-1",
            of_leaf(&signed("1.2.840.10045.4.1")),
            &["NL203"],
        ),
        case(
            "RSA-PSS by default",
            of_leaf(&signed("1.2.840.113549.1.1.10")),
            &["NL203"],
        ),
        case(
            "signed by Ed25519",
            of_leaf(&signed("1.3.101.112")),
            &["NL204"],
        ),
        case(
            "signed by a stranger",
            of_leaf(&signed("1.3.101.113")),
            &["NL204"],
        ),
        case(
            "SHA-512",
            of_leaf(&signed_by_rsa("1.2.840.113549.1.1.13")),
            &[],
        ),
        case("RSA 1024", of_leaf(&under(rsa_spki(1024))), &["NL205"]),
        case("RSA 2040", of_leaf(&under(rsa_spki(2040))), &["NL205"]),
        case("RSA 2048", of_leaf(&under(rsa_spki(2048))), &[]),
        case("RSA 8192", of_leaf(&under(rsa_spki(8192))), &[]),
        case("RSA 16384", of_leaf(&under(rsa_spki(16384))), &["NL206"]),
        case("its key", key_pair(&mine, right.public_key(), &CLOUD), &[]),
        case(
            "another's key",
            key_pair(&mine, wrong.public_key(), &CLOUD),
            &["NL207"],
        ),
    ]
}

/// A forge that begins and ends so many days from now.
fn from_to(forge: Forge, begin: i64, end: i64) -> Forge {
    forge.with(|f| {
        f.not_before = now() + days(begin);
        f.not_after = now() + days(end);
    })
}

fn validities() -> Vec<Case> {
    let of_root = |begin, end| of_ca(&from_to(root(), begin, end));
    let of_worker = |begin, end| of_leaf(&from_to(worker(), begin, end));
    let endless =
        |forge: Forge| forge.with(|f| f.not_after = "9999-12-30T00:00:00Z".parse().unwrap());
    vec![
        case("CA ended", of_root(-400, -1), &["NL301"]),
        case("leaf ended", of_worker(-90, -1), &["NL301"]),
        case("its last instant", of_worker(-90, 0), &["NL306"]),
        case("its first instant", of_worker(0, 90), &["NL310"]),
        case("leaf to come", of_worker(1, 90), &["NL302"]),
        case("CA to come", of_root(1, 300), &["NL302"]),
        case("inverted", of_root(5, 2), &["NL302", "NL303"]),
        case("CA ends soon", of_root(-300, 29), &["NL304"]),
        case("CA ends less soon", of_root(-300, 60), &["NL305"]),
        case("CA at 90 days", of_root(-300, 90), &[]),
        case("short CA past its half", of_root(-70, 60), &["NL305"]),
        case("short CA before its half", of_root(-50, 60), &[]),
        case("leaf past two thirds", of_worker(-61, 29), &["NL306"]),
        case("leaf at two thirds", of_worker(-60, 30), &[]),
        case("short leaf past its half", of_worker(-6, 4), &["NL306"]),
        case("short leaf before its half", of_worker(-4, 6), &[]),
        case("leaf of two years", of_worker(-1, 729), &["NL307"]),
        case("CA of twenty years", of_root(-1, 7300), &["NL308"]),
        case("CA without end", of_ca(&endless(root())), &["NL309"]),
        case("leaf without end", of_leaf(&endless(worker())), &["NL309"]),
    ]
}

fn ca_usages() -> Vec<Case> {
    let calm = |(oid, _, value): forge::Extension| (oid, false, value);
    let ski = |critical| (("2.5.29.14"), critical, forge::ski("p256-a").2);
    let orphaned = Forge::intermediate("i1", "p256-b", &root()).without("2.5.29.35");
    vec![
        case(
            "CA:FALSE",
            of_ca(&root().extension(basic_constraints(false, None))),
            &["NL401", "NL419"],
        ),
        case(
            "no constraints",
            of_ca(&root().without("2.5.29.19")),
            &["NL401", "NL419"],
        ),
        case("a leaf as CA", of_ca(&worker()), &["NL401", "NL404"]),
        case(
            "constraints not critical",
            of_ca(&root().extension(calm(basic_constraints(true, Some(0))))),
            &["NL402"],
        ),
        case(
            "may not sign",
            of_ca(&root().extension(key_usage(&[0, 6]))),
            &["NL404", "NL415"],
        ),
        case(
            "no key usage",
            of_ca(&root().without("2.5.29.15")),
            &["NL405"],
        ),
        case(
            "key usage not critical",
            of_ca(&root().extension(calm(key_usage(&[5, 6])))),
            &["NL406"],
        ),
        case(
            "encipherment with ECDSA",
            of_ca(&root().extension(key_usage(&[2, 5, 6]))),
            &["NL410"],
        ),
        case(
            "for servers only",
            of_ca(&root().extension(eku(&["1.3.6.1.5.5.7.3.1"]))),
            &["NL413"],
        ),
        case(
            "for servers only, by the standard",
            ca(
                &root().extension(eku(&["1.3.6.1.5.5.7.3.1"])).certificate(),
                &STANDARD,
            ),
            &[],
        ),
        case(
            "for clients",
            of_ca(&root().extension(eku(&["1.3.6.1.5.5.7.3.2"]))),
            &[],
        ),
        case("no SKI", of_ca(&root().without("2.5.29.14")), &["NL208"]),
        case("no AKI", of_ca(&orphaned), &["NL210"]),
        case(
            "critical SKI",
            of_ca(&root().extension(ski(true))),
            &["NL211"],
        ),
        case(
            "no path length",
            of_ca(&root().extension(basic_constraints(true, None))),
            &["NL414"],
        ),
    ]
}

fn leaf_usages() -> Vec<Case> {
    let critical_aki = ("2.5.29.35", true, forge::aki("p256-a").2);
    let ip_of_5 = san(&[(7, &[10, 0, 0, 1, 9])]);
    let rsa = worker().with(|f| f.spki = rsa_spki(2048));
    vec![
        case(
            "a CA as leaf",
            of_leaf(&root()),
            &["NL403", "NL412", "NL503"],
        ),
        case(
            "no digitalSignature",
            of_leaf(&worker().extension(key_usage(&[4]))),
            &["NL407"],
        ),
        case(
            "no key usage",
            of_leaf(&worker().without("2.5.29.15")),
            &["NL408"],
        ),
        case(
            "may sign certificates",
            of_leaf(&worker().extension(key_usage(&[0, 5]))),
            &["NL409"],
        ),
        case(
            "encipherment with ECDSA",
            of_leaf(&worker().extension(key_usage(&[0, 2]))),
            &["NL410"],
        ),
        case(
            "encipherment with RSA",
            of_leaf(&rsa.extension(key_usage(&[0, 2]))),
            &[],
        ),
        case(
            "for servers",
            of_leaf(&worker().extension(eku(&["1.3.6.1.5.5.7.3.1"]))),
            &["NL411"],
        ),
        case(
            "for both",
            of_leaf(&worker().extension(eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]))),
            &[],
        ),
        case(
            "for anything",
            of_leaf(&worker().extension(eku(&["2.5.29.37.0"]))),
            &[],
        ),
        case(
            "not said for what",
            of_leaf(&worker().without("2.5.29.37")),
            &["NL412"],
        ),
        case(
            "no SKI",
            of_leaf(&worker().without("2.5.29.14")),
            &["NL209"],
        ),
        case(
            "no AKI",
            of_leaf(&worker().without("2.5.29.35")),
            &["NL210"],
        ),
        case(
            "critical AKI",
            of_leaf(&worker().extension(critical_aki)),
            &["NL211"],
        ),
        case(
            "path length",
            of_leaf(&worker().extension(basic_constraints(false, Some(0)))),
            &["NL415"],
        ),
        case(
            "IP of five octets",
            of_leaf(&worker().extension(ip_of_5)),
            &["NL109"],
        ),
        case(
            "IP of four octets",
            of_leaf(&worker().extension(san(&[(7, &[10, 0, 0, 1])]))),
            &[],
        ),
    ]
}

#[test]
fn certificates() {
    check(cases());
}

#[test]
fn a_key_that_does_not_match_is_named() {
    let findings = key_pair(
        &worker().certificate(),
        forge::key("p384-a").public_key(),
        &CLOUD,
    );
    assert_eq!(
        findings[0].message,
        "expected the private key of this ECDSA P-256 certificate, found another ECDSA P-384 key",
    );
}
