//! The form of certificates and of their names: what DER and RFC 5280 forbid though the value is the same.

use super::*;
use crate::forge::{
    CN, Extension, O, algorithm, name, name_of, oid, rsa_algorithm, rsa_spki, san, tlv,
};

pub(super) fn root() -> Forge {
    Forge::root("g1", "p256-a")
}

pub(super) fn worker() -> Forge {
    Forge::leaf("worker", "p256-b", &root())
}

/// Lints a forged CA for Temporal Cloud.
pub(super) fn of_ca(forge: &Forge) -> Vec<Finding> {
    ca(&forge.certificate(), &CLOUD)
}

/// Lints a forged leaf for Temporal Cloud.
pub(super) fn of_leaf(forge: &Forge) -> Vec<Finding> {
    leaf(&forge.certificate(), &CLOUD)
}

/// A validity of two times, each with its tag.
pub(super) fn times(forge: Forge, begin: (u8, &str), end: (u8, &str)) -> Forge {
    let time = |(tag, text): (u8, &str)| tlv(tag, text.as_bytes());
    forge.with(|f| f.times = Some([time(begin), time(end)].concat()))
}

/// One CRL distribution point of these parts.
pub(super) fn point(oid: &'static str, parts: &[u8]) -> Extension {
    (oid, false, tlv(0x30, &tlv(0x30, parts)))
}

/// The place of a CRL: `[0] { [0] { URI } }`.
pub(super) fn place() -> Vec<u8> {
    tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://crl.example/g1")))
}

/// Information access: where the issuer's certificate lies.
pub(super) fn access(critical: bool) -> Extension {
    let at = [
        oid("1.3.6.1.5.5.7.48.2"),
        tlv(0x86, b"http://ca.example/g1"),
    ]
    .concat();
    ("1.3.6.1.5.5.7.1.1", critical, tlv(0x30, &tlv(0x30, &at)))
}

/// A root with these attributes for its name.
pub(super) fn called(attributes: &[(&str, u8, &[u8])]) -> Forge {
    root().with(|f| {
        f.subject = name_of(attributes);
        f.issuer.clone_from(&f.subject);
    })
}

/// A leaf with these alternative names.
pub(super) fn also_called(names: &[(u8, &[u8])]) -> Forge {
    worker().extension(san(names))
}

/// A leaf with the DER of an extension in the place of the last one, as it stands.
pub(super) fn with_der(forge: &Forge, from: &[u8], to: &[u8]) -> Certificate {
    let der = forge.der();
    let at = der
        .windows(from.len())
        .position(|window| window == from)
        .unwrap();
    assert_eq!(from.len(), to.len(), "lengths are not mended");
    let changed = [&der[..at], to, &der[at + to.len()..]].concat();
    Certificate::from_der(&changed).unwrap()
}

pub(super) fn cases() -> Vec<Case> {
    [
        frames(),
        extensions(),
        strings(),
        alternative_names(),
        keys(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn frames() -> Vec<Case> {
    let utc = (0x17, "260219000000Z");
    let until = |tag, text| of_ca(&times(root(), utc, (tag, text)));
    let unique = |tag| of_ca(&root().with(|f| f.identifiers = tlv(tag, &[0, 1])));
    let odd = "1.3.6.1.4.1.99999.1";
    // `critical` as FALSE is written by hand: the forge leaves it out.
    let uncritical = root().extension((odd, true, vec![5, 0]));
    let uncritical = with_der(
        &uncritical,
        &[1, 1, 0xff, 4, 2, 5, 0],
        &[1, 1, 0, 4, 2, 5, 0],
    );
    let not_a_ca = ("2.5.29.19", true, vec![0x30, 3, 1, 1, 0]);
    vec![
        case("`critical` as FALSE", ca(&uncritical, &CLOUD), &["NL016"]),
        case(
            "`cA` as FALSE",
            of_leaf(&worker().extension(not_a_ca)),
            &["NL016"],
        ),
        case(
            "version 1 written",
            of_ca(&root().with(|f| {
                f.version_written = true;
                f.version = 0;
            })),
            &["NL009", "NL016", "NL208", "NL401", "NL405"],
        ),
        case(
            "GeneralizedTime in 2027",
            until(0x18, "20270219000000Z"),
            &["NL018"],
        ),
        case("no seconds", until(0x17, "2702190000Z"), &["NL019"]),
        case("another zone", until(0x17, "270219000000+0100"), &["NL019"]),
        case(
            "fractions",
            until(0x18, "20510219000000.5Z"),
            &["NL019", "NL308"],
        ),
        case("issuer's identifier", unique(0x81), &["NL020"]),
        case("subject's identifier", unique(0x82), &["NL020"]),
    ]
}

fn extensions() -> Vec<Case> {
    let empty = |oid, critical| of_ca(&root().extension((oid, critical, vec![0x30, 0])));
    let key_usage = |content: &[u8]| of_ca(&root().extension(("2.5.29.15", true, tlv(3, content))));
    let critical = |oid, value| of_ca(&root().extension((oid, true, value)));
    let uncritical = |oid, value| of_ca(&root().extension((oid, false, value)));
    let alternative = tlv(0x30, &tlv(0x82, b"ca.example"));
    let attributes = tlv(
        0x30,
        &tlv(0x30, &[oid(O), tlv(0x31, &tlv(0x0c, b"acme"))].concat()),
    );
    let somewhere = point("2.5.29.31", &place()).2;
    let elsewhere = tlv(
        0x30,
        &tlv(0xa1, &tlv(0x30, &tlv(0x82, b"elsewhere.example"))),
    );
    vec![
        case("key usage with zeros", key_usage(&[0, 0x86]), &["NL017"]),
        case(
            "key usage of two octets",
            key_usage(&[1, 0x86, 0]),
            &["NL017"],
        ),
        case(
            "key usage of ten bits",
            key_usage(&[6, 0x86, 0x40]),
            &["NL017"],
        ),
        case(
            "path length below zero",
            of_ca(&root().extension(("2.5.29.19", true, vec![0x30, 6, 1, 1, 0xff, 2, 1, 0xff]))),
            &["NL014", "NL401", "NL419"],
        ),
        case("no attributes", empty("2.5.29.9", false), &["NL021"]),
        case("no policies", empty("2.5.29.32", false), &["NL021"]),
        case(
            "no constraints",
            empty("2.5.29.30", true),
            &["NL021", "NL026"],
        ),
        case(
            "critical issuer names",
            critical("2.5.29.18", alternative),
            &["NL022", "NL026"],
        ),
        case(
            "critical attributes",
            critical("2.5.29.9", attributes),
            &["NL022", "NL026"],
        ),
        case(
            "critical points",
            critical("2.5.29.31", somewhere.clone()),
            &["NL022"],
        ),
        case(
            "critical freshest CRL",
            critical("2.5.29.46", somewhere),
            &["NL022", "NL026"],
        ),
        case(
            "policy constraints not critical",
            uncritical("2.5.29.36", vec![0x30, 3, 0x80, 1, 0]),
            &["NL023"],
        ),
        case(
            "inhibit anyPolicy not critical",
            uncritical("2.5.29.54", vec![2, 1, 0]),
            &["NL023"],
        ),
        case(
            "name constraints not critical",
            uncritical("2.5.29.30", elsewhere),
            &["NL023"],
        ),
        case(
            "critical access",
            of_ca(&root().extension(access(true))),
            &["NL024"],
        ),
        case(
            "point of reasons alone",
            of_ca(&root().extension(point("2.5.29.31", &[0x81, 2, 1, 6]))),
            &["NL025"],
        ),
    ]
}

fn strings() -> Vec<Case> {
    let of = |attributes: &[(&str, u8, &[u8])]| of_ca(&called(attributes));
    vec![
        // Both names of a root are the same, and both are judged.
        case(
            "an at sign",
            of(&[(CN, 0x13, b"ca@acme")]),
            &["NL110", "NL110"],
        ),
        case(
            "an ampersand",
            of(&[(CN, 0x13, b"a&b")]),
            &["NL111", "NL111"],
        ),
        case(
            "country in UTF-8",
            of(&[("2.5.4.6", 0x0c, b"DE"), (CN, 0x0c, b"g1")]),
            &["NL112", "NL112"],
        ),
        case(
            "domain component in UTF-8",
            of(&[
                ("0.9.2342.19200300.100.1.25", 0x0c, b"example"),
                (CN, 0x0c, b"g1"),
            ]),
            &["NL112", "NL112"],
        ),
        case(
            "an empty part of a name",
            of_ca(&called(&[(CN, 0x0c, b"g1")]).with(|f| {
                let parts = [tlv(0x31, &[]), f.subject[2..].to_vec()].concat();
                f.subject = tlv(0x30, &parts);
                f.issuer.clone_from(&f.subject);
            })),
            &["NL120", "NL120"],
        ),
        case(
            "long place",
            of(&[("2.5.4.7", 0x0c, &[b'x'; 129])]),
            &["NL102"],
        ),
        case("long country", of(&[("2.5.4.6", 0x13, b"DEU")]), &["NL102"]),
        case(
            "long postal code",
            of(&[("2.5.4.17", 0x0c, &[b'1'; 41])]),
            &["NL102"],
        ),
    ]
}

fn alternative_names() -> Vec<Case> {
    let dns = |text: &str| of_leaf(&also_called(&[(2, text.as_bytes())]));
    let uri = |text: &str| of_leaf(&also_called(&[(6, text.as_bytes())]));
    let email = |text: &str| of_leaf(&also_called(&[(1, text.as_bytes())]));
    let long_label = format!("{}.example", "x".repeat(64));
    let long_name = ["x".repeat(60).as_str(); 5].join(".");
    let nobody = || worker().with(|f| f.subject = name(&[]));
    let critical = |(oid, _, value): Extension| (oid, true, value);
    vec![
        case(
            "no subject, names not critical",
            of_leaf(&nobody().extension(san(&[(2, b"a.example")]))),
            &["NL105", "NL113"],
        ),
        case(
            "no subject, critical names",
            of_leaf(&nobody().extension(critical(san(&[(2, b"a.example")])))),
            &["NL105"],
        ),
        case("no name", dns(""), &["NL114"]),
        case("a space", dns(" "), &["NL114"]),
        case("a space within", dns("a b.example"), &["NL115"]),
        case("no label", dns("a..example"), &["NL115"]),
        case("long label", dns(&long_label), &["NL115"]),
        case("long name", dns(&long_name), &["NL115"]),
        case("a star behind", dns("a.*.example"), &["NL115"]),
        case("underscore", dns("worker_1.example"), &["NL116"]),
        case("hyphen at the end", dns("worker-.example"), &["NL116"]),
        case("relative", uri("worker/1"), &["NL117"]),
        case("scheme alone", uri("spiffe://"), &["NL117"]),
        case(
            "a space in the URI",
            uri("spiffe://example/a b"),
            &["NL117"],
        ),
        case("angle brackets", email("<a@b.example>"), &["NL118"]),
        case("no domain", email("a"), &["NL118"]),
        case(
            "e-mail address in the subject",
            of_ca(&called(&[
                (CN, 0x0c, b"g1"),
                ("1.2.840.113549.1.9.1", 0x16, b"a@b.example"),
            ])),
            &["NL119"],
        ),
        case("not ASCII", dns("w\u{f6}rker.example"), &["NL109"]),
        case("URI not ASCII", uri("spiffe://example/\u{f6}"), &["NL109"]),
    ]
}

fn keys() -> Vec<Case> {
    // The forge's RSA key has NULL; here it is cut off.
    let rsa = oid("1.2.840.113549.1.1.1");
    let whole = [tlv(0x30, &[rsa.clone(), tlv(5, &[])].concat())].concat();
    let spki = rsa_spki(2048);
    let key = &spki[4 + whole.len()..];
    let without = tlv(0x30, &[tlv(0x30, &rsa), key.to_vec()].concat());
    let sha256 = "1.2.840.113549.1.1.11";
    vec![
        case(
            "RSA key without NULL",
            of_leaf(&worker().with(|f| f.spki = without)),
            &["NL212"],
        ),
        case(
            "RSA signature without NULL",
            of_leaf(&worker().signed_with(algorithm(sha256))),
            &["NL213"],
        ),
        case(
            "RSA signature",
            of_leaf(&worker().signed_with(rsa_algorithm(sha256))),
            &[],
        ),
        case(
            "key for others",
            key_file("tls.key", 0o644, &CLOUD),
            &["NL214"],
        ),
        case(
            "key for all to write",
            key_file("tls.key", 0o602, &CLOUD),
            &["NL214"],
        ),
    ]
}

#[test]
fn forms() {
    check(cases());
}
