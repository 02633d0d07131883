//! Near misses: for each lint something that comes close to what it finds, and that it lets pass.

mod sets;

use super::form::{access, also_called, called, of_ca, of_leaf, place, point, root, times, worker};
use super::policy::{ONE, TWO, maps, permits, policies};
use super::*;
use crate::forge::{
    CN, O, OU, algorithm, basic_constraints, eku, key_usage, name, name_of, oid, rsa_algorithm,
    rsa_spki, san, tlv,
};

/// What comes close to some lints and fires none of them.
pub(super) struct Miss {
    pub(super) name: &'static str,
    pub(super) codes: &'static [&'static str],
    pub(super) findings: Vec<Finding>,
}

fn miss(name: &'static str, codes: &'static [&'static str], findings: Vec<Finding>) -> Miss {
    Miss {
        name,
        codes,
        findings,
    }
}

pub(super) fn misses() -> Vec<Miss> {
    [
        texts(),
        frames(),
        vec![miss(
            "old strings and policies that differ",
            &["NL026"],
            go::read(),
        )],
        names(),
        keys(),
        validities(),
        usages(),
        sets::misses(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn texts() -> Vec<Miss> {
    let (one, two) = (
        root().certificate().to_pem(),
        worker().certificate().to_pem(),
    );
    let text = |text: &str| pem_text(text, &CLOUD);
    vec![
        miss(
            "two blocks with blank lines between",
            &["NL001", "NL002", "NL004", "NL005", "NL006", "NL008"],
            text(&format!("\n{one}\n \t\n{two}")),
        ),
        miss(
            "a certificate whose name speaks of keys",
            &["NL003"],
            text(&one),
        ),
        miss(
            "a carriage return within a line",
            &["NL007"],
            text(&one.replace("CATE-----\n", "CATE----- \n")),
        ),
    ]
}

fn frames() -> Vec<Miss> {
    let of_root = |extension| of_ca(&root().extension(extension));
    let odd = "1.3.6.1.4.1.99999.1";
    let constraints = |critical| ("2.5.29.36", critical, vec![0x30, 3, 0x80, 1, 0]);
    vec![
        miss(
            "a v3 root",
            &[
                "NL009", "NL012", "NL013", "NL014", "NL016", "NL017", "NL018", "NL020",
            ],
            of_ca(&root()),
        ),
        miss(
            "serial 1",
            &["NL010"],
            of_ca(&root().with(|f| f.serial = vec![1])),
        ),
        miss(
            "serial of 20 octets",
            &["NL011"],
            of_ca(&root().with(|f| f.serial = vec![1; 20])),
        ),
        miss(
            "a stranger that is not critical",
            &["NL015"],
            of_root((odd, false, vec![5, 0])),
        ),
        miss(
            "from 2050 on with four digits",
            &["NL018", "NL019"],
            of_ca(&times(
                root(),
                (0x17, "260219000000Z"),
                (0x18, "20500101000000Z"),
            )),
        ),
        miss("one policy", &["NL021"], of_root(policies(false, &[ONE]))),
        miss(
            "points that are not critical",
            &["NL022", "NL025"],
            of_root(point("2.5.29.31", &place())),
        ),
        miss(
            "policy constraints that are critical",
            &["NL023"],
            of_root(constraints(true)),
        ),
        miss(
            "access that is not critical",
            &["NL024"],
            of_root(access(false)),
        ),
    ]
}

fn names() -> Vec<Miss> {
    let named = |attributes: &[(&str, u8, &[u8])]| of_ca(&called(attributes));
    let dns = |text: &str| of_leaf(&also_called(&[(2, text.as_bytes())]));
    let critical_san = ("2.5.29.17", true, san(&[(2, b"a.example")]).2);
    let email = "1.2.840.113549.1.9.1";
    let both = worker()
        .with(|f| f.subject = name_of(&[(CN, 0x0c, b"w"), (email, 0x16, b"a@b.example")]))
        .extension(san(&[(1, b"a@b.example")]));
    vec![
        miss(
            "an OU of one character",
            &["NL101"],
            named(&[(OU, 0x0c, b"x"), (CN, 0x0c, b"g1")]),
        ),
        miss(
            "64 characters of two octets",
            &["NL102"],
            named(&[(CN, 0x0c, "\u{f6}".repeat(64).as_bytes())]),
        ),
        miss(
            "one attribute is a name",
            &["NL103", "NL104"],
            named(&[(O, 0x0c, b"acme")]),
        ),
        miss(
            "an organization is a subject",
            &["NL105"],
            of_leaf(&worker().with(|f| f.subject = name(&[(O, "acme")]))),
        ),
        miss(
            "printable and UTF-8",
            &["NL106"],
            named(&[(O, 0x13, b"acme"), (CN, 0x0c, b"g1")]),
        ),
        miss(
            "a letter that few have",
            &["NL107"],
            named(&[(CN, 0x0c, "\u{1e9e}".as_bytes())]),
        ),
        miss(
            "a space within",
            &["NL108"],
            named(&[(CN, 0x0c, b"acme g1")]),
        ),
        miss(
            "an address of 16 octets",
            &["NL109"],
            of_leaf(&also_called(&[(7, &[0x20; 16])])),
        ),
        miss(
            "the whole alphabet",
            &["NL110", "NL111"],
            named(&[(CN, 0x13, b"Az09 '()+,-./:=?")]),
        ),
        miss(
            "an at sign in UTF-8",
            &["NL110", "NL111"],
            named(&[(CN, 0x0c, b"a@b&*")]),
        ),
        miss(
            "a country that can be printed",
            &["NL112"],
            named(&[("2.5.4.6", 0x13, b"DE"), (CN, 0x0c, b"g1")]),
        ),
        miss(
            "two attributes in one part of a name",
            &["NL120"],
            of_leaf(&worker().with(|f| {
                let attribute = |text: &[u8]| tlv(0x30, &[oid(CN), tlv(0x0c, text)].concat());
                let part = tlv(0x31, &[attribute(b"a"), attribute(b"b")].concat());
                f.subject = tlv(0x30, &part);
            })),
        ),
        miss(
            "no subject, critical names",
            &["NL113"],
            of_leaf(
                &worker()
                    .with(|f| f.subject = name(&[]))
                    .extension(critical_san),
            ),
        ),
        miss(
            "a name of one letter",
            &["NL114", "NL115", "NL116"],
            dns("a"),
        ),
        miss(
            "a star in front",
            &["NL115", "NL116"],
            dns("*.worker-1.example"),
        ),
        miss(
            "a SPIFFE id",
            &["NL117"],
            of_leaf(&also_called(&[(6, b"spiffe://example/w")])),
        ),
        miss(
            "a URN",
            &["NL117"],
            of_leaf(&also_called(&[(6, b"urn:uuid:0")])),
        ),
        miss(
            "a plain address",
            &["NL118"],
            of_leaf(&also_called(&[(1, b"a.b+c@d.example")])),
        ),
        miss("the address in both places", &["NL119"], of_leaf(&both)),
    ]
}

fn keys() -> Vec<Miss> {
    let under = |spki: Vec<u8>| of_leaf(&worker().with(|f| f.spki = spki));
    let signed = |algorithm: Vec<u8>| of_leaf(&worker().signed_with(algorithm));
    let ed25519 = worker().with(|f| f.spki = forge::spki("ed25519-a"));
    let mine = worker().certificate();
    let self_issued = of_ca(&root().without("2.5.29.35"));
    vec![
        miss(
            "Ed25519 at home",
            &["NL201", "NL202"],
            leaf(&ed25519.certificate(), &SELF_HOSTED),
        ),
        miss(
            "SHA-256",
            &["NL203", "NL204"],
            signed(algorithm(forge::ECDSA_SHA256)),
        ),
        miss("RSA 2048", &["NL205", "NL212"], under(rsa_spki(2048))),
        miss("RSA 8192", &["NL206"], under(rsa_spki(8192))),
        miss(
            "its own key",
            &["NL207"],
            key_pair(&mine, forge::key("p256-b").public_key(), &CLOUD),
        ),
        miss(
            "identifiers as they should be",
            &["NL208", "NL211"],
            of_ca(&root()),
        ),
        miss("a leaf's identifier", &["NL209"], of_leaf(&worker())),
        miss("a root names no other key", &["NL210"], self_issued),
        miss(
            "an RSA signature",
            &["NL213"],
            signed(rsa_algorithm("1.2.840.113549.1.1.11")),
        ),
        miss(
            "ECDSA has no NULL",
            &["NL212", "NL213"],
            under(forge::spki("p384-a")),
        ),
        miss(
            "a key for its group",
            &["NL214"],
            key_file("tls.key", 0o640, &CLOUD),
        ),
    ]
}

fn validities() -> Vec<Miss> {
    let from_to = |forge: Forge, begin: i64, end: i64| {
        forge.with(|f| {
            f.not_before = now() + days(begin);
            f.not_after = now() + days(end);
        })
    };
    let of_root = |begin, end| of_ca(&from_to(root(), begin, end));
    let of_worker = |begin, end| of_leaf(&from_to(worker(), begin, end));
    let a_minute_ago = worker().with(|f| f.not_before = now() - jiff::SignedDuration::from_mins(1));
    let at_once = worker().with(|f| {
        f.not_before = now();
        f.not_after = now();
    });
    vec![
        miss("its last instant", &["NL301"], of_worker(-90, 0)),
        miss("its first instant", &["NL302"], of_worker(0, 90)),
        miss("an instant", &["NL303"], of_leaf(&at_once)),
        miss("CA with 30 days", &["NL304"], of_root(-300, 30)),
        miss("CA with 90 days", &["NL305"], of_root(-300, 90)),
        miss("leaf at two thirds", &["NL306"], of_worker(-60, 30)),
        miss("leaf of 366 days", &["NL307"], of_worker(-1, 365)),
        miss("CA of ten years", &["NL308"], of_root(-1, 3652)),
        miss(
            "three days before the end of all years",
            &["NL309"],
            of_ca(&root().with(|f| f.not_after = "9999-12-27T00:00:00Z".parse().unwrap())),
        ),
        miss("a minute ago", &["NL310"], of_leaf(&a_minute_ago)),
    ]
}

fn usages() -> Vec<Miss> {
    let of_root = |extension| of_ca(&root().extension(extension));
    let of_worker = |extension| of_leaf(&worker().extension(extension));
    let rsa = || worker().with(|f| f.spki = rsa_spki(2048));
    let dns = tlv(0x82, b"example");
    let middle = Forge::intermediate("i1", "p256-b", &root());
    vec![
        miss(
            "a CA",
            &[
                "NL401", "NL402", "NL404", "NL405", "NL406", "NL414", "NL415",
            ],
            of_ca(&root()),
        ),
        miss(
            "a leaf without constraints",
            &["NL403", "NL415"],
            of_leaf(&worker().without("2.5.29.19")),
        ),
        miss(
            "digitalSignature and more",
            &["NL407"],
            of_worker(key_usage(&[0, 1])),
        ),
        miss(
            "key agreement with a curve",
            &["NL410", "NL416"],
            of_worker(key_usage(&[0, 4])),
        ),
        miss(
            "encipherment with RSA",
            &["NL410"],
            of_leaf(&rsa().extension(key_usage(&[0, 2, 3]))),
        ),
        miss(
            "a leaf as it should be",
            &["NL408", "NL409", "NL412", "NL419"],
            of_leaf(&worker()),
        ),
        miss(
            "client among others",
            &["NL411"],
            of_worker(eku(&["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"])),
        ),
        miss(
            "CA for anything",
            &["NL413"],
            of_root(eku(&["2.5.29.37.0"])),
        ),
        miss(
            "any purpose, not critical",
            &["NL417"],
            of_worker(eku(&["2.5.29.37.0"])),
        ),
        miss(
            "an RSA leaf that enciphers",
            &["NL418"],
            of_leaf(&rsa().extension(key_usage(&[0, 2, 3]))),
        ),
        miss("a CA that revokes", &["NL419"], of_ca(&root())),
        miss(
            "constraints of a CA",
            &["NL420", "NL421", "NL422"],
            of_root(permits(&dns)),
        ),
        miss(
            "a domain",
            &["NL423"],
            of_root(permits(&tlv(0x86, b".prod.example"))),
        ),
        miss(
            "two policies",
            &["NL424", "NL427"],
            of_root(policies(false, &[ONE, TWO])),
        ),
        miss(
            "one mapped to another",
            &["NL425", "NL426"],
            of_ca(
                &middle
                    .extension(policies(false, &[ONE]))
                    .extension(maps(ONE, TWO)),
            ),
        ),
    ]
}
