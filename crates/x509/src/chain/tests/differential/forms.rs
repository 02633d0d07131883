//! Forms that Go reads otherwise than webpki and our parser do, or refuses to read: met in other people's certificates, or
//! read in Go's source.

use super::changes::Change;
use crate::forge::{
    CN, Forge, algorithm, name, name_of, oid, rsa_algorithm, rsa_spki, san, spki, tlv,
};

const SAN: &str = "2.5.29.17";
const CONSTRAINTS: &str = "2.5.29.30";
const POLICIES: &str = "2.5.29.32";

/// Name constraints of one permitted subtree, a general name with its context tag.
fn permitted(critical: bool, tag: u8, base: &[u8]) -> (&'static str, bool, Vec<u8>) {
    let subtree = tlv(0x30, &tlv(tag, base));
    (CONSTRAINTS, critical, tlv(0x30, &tlv(0xa0, &subtree)))
}

fn other_name() -> Vec<u8> {
    let value = tlv(0xa0, &tlv(0x0c, b"worker"));
    tlv(0xa0, &[oid("1.3.6.1.4.1.311.20.2.3"), value].concat())
}

pub(super) const FORMS: &[Change] = &[
    // Strings of names.
    ("a VisibleString", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x1a, b"x")]))
    }),
    ("a UniversalString", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x1c, b"\0\0\0x")]))
    }),
    ("a number in the place of a string", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x02, &[1])]))
    }),
    ("a bit string in the place of a string", |f| {
        f.with(|f| f.subject = name_of(&[("2.5.4.45", 0x03, &[0, 1])]))
    }),
    ("a NumericString with letters", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x12, b"1a")]))
    }),
    ("a BMPString with half a pair", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x1e, &[0xd8, 0])]))
    }),
    ("a BMPString of odd length", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x1e, b"abc")]))
    }),
    ("an IA5String beyond ASCII", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x16, &[0xff])]))
    }),
    ("an attribute of a huge arc", |f| {
        f.with(|f| f.subject = name_of(&[("2.5.4.2147483648", 0x0c, b"x")]))
    }),
    // Times.
    ("times with fractions", |f| {
        let end = |year: &str| tlv(0x18, format!("{year}0101000000.5Z").as_bytes());
        f.with(|f| f.times = Some([end("2026"), end("2027")].concat()))
    }),
    ("the last instant of all", |f| {
        let times = [tlv(0x17, b"260101000000Z"), tlv(0x18, b"99991231235959Z")];
        f.with(|f| f.times = Some(times.concat()))
    }),
    // Alternative names.
    ("another form of name alone", |f| {
        f.extension((SAN, false, tlv(0x30, &other_name())))
    }),
    ("another form of name alone, critical", |f| {
        f.extension((SAN, true, tlv(0x30, &other_name())))
    }),
    ("URI without a host", |f| {
        f.extension(san(&[(
            6,
            b"urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        )]))
    }),
    ("URI of an address", |f| {
        f.extension(san(&[(6, b"spiffe://10.0.0.1/w")]))
    }),
    ("URI with a space in its host", |f| {
        f.extension(san(&[(6, b"spiffe://ac me/w")]))
    }),
    ("URI with a broken escape", |f| {
        f.extension(san(&[(6, b"spiffe://acme/%zz")]))
    }),
    ("URI with a strange port", |f| {
        f.extension(san(&[(6, b"spiffe://acme:https/w")]))
    }),
    ("URI with an empty label", |f| {
        f.extension(san(&[(6, b"spiffe://acme..test/w")]))
    }),
    ("URI with an underscore", |f| {
        f.extension(san(&[(6, b"spiffe://a_b.test/w?x=y#z")]))
    }),
    ("a URI that begins with a colon", |f| {
        f.extension(san(&[(6, b"://acme")]))
    }),
    ("DNS name with an empty label", |f| {
        f.extension(san(&[(2, b"a..acme.test")]))
    }),
    ("DNS name of a star", |f| {
        f.extension(san(&[(2, b"*.acme.test")]))
    }),
    ("e-mail address in quotes", |f| {
        f.extension(san(&[(1, b"\"a b\"@acme.test")]))
    }),
    // Constraints.
    ("permitted registered identifiers", |f| {
        f.extension(permitted(true, 0x88, &[0x2a, 3]))
    }),
    ("permitted registered identifiers, not critical", |f| {
        f.extension(permitted(false, 0x88, &[0x2a, 3]))
    }),
    ("permitted other names", |f| {
        f.extension(permitted(true, 0xa0, &oid("1.2.3")))
    }),
    ("permitted directory names, not critical", |f| {
        f.extension(permitted(false, 0xa4, &name(&[(CN, "x")])))
    }),
    ("a mask with holes", |f| {
        f.extension(permitted(true, 0x87, &[10, 0, 0, 0, 255, 0, 255, 0]))
    }),
    ("a network of 5 octets", |f| {
        f.extension(permitted(true, 0x87, &[10, 0, 0, 0, 8]))
    }),
    ("a constraint that ends in a dot", |f| {
        f.extension(permitted(true, 0x82, b"acme.test."))
    }),
    ("a constraint that begins with a dot", |f| {
        f.extension(permitted(true, 0x82, b".acme.test"))
    }),
    ("a constraint of one mailbox", |f| {
        f.extension(permitted(true, 0x81, b"a@acme.test"))
    }),
    ("a URI constraint of an address", |f| {
        f.extension(permitted(true, 0x86, b"10.0.0.1"))
    }),
    // Policies.
    ("require explicit policy, not critical", |f| {
        f.extension(("2.5.29.36", false, tlv(0x30, &tlv(0x80, &[0]))))
    }),
    ("a policy twice", |f| {
        let policy = tlv(0x30, &oid("1.3.6.1.4.1.99999.1"));
        f.extension((
            POLICIES,
            false,
            tlv(0x30, &[policy.clone(), policy].concat()),
        ))
    }),
    ("policies that are none", |f| {
        f.extension((POLICIES, false, tlv(0x30, &oid("1.2.3"))))
    }),
    ("a mapping of any policy", |f| {
        let pair = [oid("2.5.29.32.0"), oid("1.2.3")].concat();
        f.extension(("2.5.29.33", false, tlv(0x30, &tlv(0x30, &pair))))
    }),
    ("inhibit any policy, of no number", |f| {
        f.extension(("2.5.29.54", false, tlv(0x30, &[])))
    }),
    // Where to fetch what.
    ("a list that is named relative to its issuer", |f| {
        let relative = tlv(0xa1, &tlv(0x30, &[oid(CN), tlv(0x0c, b"crl")].concat()));
        let point = tlv(0x30, &tlv(0xa0, &relative));
        f.extension(("2.5.29.31", false, tlv(0x30, &point)))
    }),
    ("access information that is none", |f| {
        f.extension(("1.3.6.1.5.5.7.1.1", false, tlv(0x30, &tlv(0x30, &[]))))
    }),
    ("access information critical", |f| {
        f.extension(("1.3.6.1.5.5.7.1.1", true, tlv(0x30, &[])))
    }),
    ("an extension of a huge arc", |f| {
        f.extension(("1.3.6.1.4.1.99999.2147483648", false, vec![5, 0]))
    }),
    ("an extension with a tail", |f| {
        f.extension(("2.5.29.19", true, vec![0x30, 3, 1, 1, 0xff, 5, 0]))
    }),
    ("a CA by a strange tag", |f| {
        f.extension(("2.5.29.19", true, vec![0x30, 3, 0x21, 1, 0xff]))
    }),
];

/// The base point of P-224, which is on it (SEC 2 §2.6.2).
const P224: [u8; 57] = [
    0x04, 0xb7, 0x0e, 0x0c, 0xbd, 0x6b, 0xb4, 0xbf, 0x7f, 0x32, 0x13, 0x90, 0xb9, 0x4a, 0x03, 0xc1,
    0xd3, 0x56, 0xc2, 0x11, 0x22, 0x34, 0x32, 0x80, 0xd6, 0x11, 0x5c, 0x1d, 0x21, 0xbd, 0x37, 0x63,
    0x88, 0xb5, 0xf7, 0x23, 0xfb, 0x4c, 0x22, 0xdf, 0xe6, 0xcd, 0x43, 0x75, 0xa0, 0x5a, 0x07, 0x47,
    0x64, 0x44, 0xd5, 0x81, 0x99, 0x85, 0x00, 0x7e, 0x34,
];

/// Keys that only a leaf can bear.
pub(super) const KEYS: &[Change] = &[
    ("RSA without NULL", |f| {
        let with = rsa_spki(2048);
        let algorithm = rsa_algorithm("1.2.840.113549.1.1.1");
        let at = with.len() - with.windows(2).position(|w| w == [0x03, 0x82]).unwrap();
        let bits = with[with.len() - at..].to_vec();
        assert!(with.windows(algorithm.len()).any(|w| w == algorithm));
        let without = [tlv(0x30, &oid("1.2.840.113549.1.1.1")), bits].concat();
        f.with(|f| f.spki = tlv(0x30, &without))
    }),
    ("RSA of a negative modulus", |f| {
        let key = tlv(0x30, &[tlv(2, &[0x80; 128]), tlv(2, &[1, 0, 1])].concat());
        let bits = tlv(3, &[vec![0], key].concat());
        let algorithm = rsa_algorithm("1.2.840.113549.1.1.1");
        f.with(|f| f.spki = tlv(0x30, &[algorithm, bits].concat()))
    }),
    ("a curve of nobody", |f| on(f, "1.3.132.0.10", &[4; 65])),
    ("a point on P-224 that is short", |f| {
        on(f, "1.3.132.0.33", &[4; 56])
    }),
    ("a point on P-224", |f| on(f, "1.3.132.0.33", &P224)),
    ("a point beside P-224", |f| on(f, "1.3.132.0.33", &[4; 57])),
    ("a point beside P-384", |f| on(f, "1.3.132.0.34", &[4; 97])),
    ("a point beside P-521", |f| on(f, "1.3.132.0.35", &[4; 133])),
    ("RSA of 1016 bits", |f| f.with(|f| f.spki = rsa_spki(1016))),
    ("RSA of 8192 bits", |f| f.with(|f| f.spki = rsa_spki(8192))),
    ("RSA of 8200 bits", |f| f.with(|f| f.spki = rsa_spki(8200))),
    ("RSA with an even exponent", |f| rsa_with(f, &[1, 0, 0])),
    ("RSA with an exponent of 1", |f| rsa_with(f, &[1])),
    ("RSA with an exponent of 2^31 - 1", |f| {
        rsa_with(f, &[0x7f, 0xff, 0xff, 0xff])
    }),
    ("RSA with an exponent of 2^31 + 1", |f| {
        rsa_with(f, &[0, 0x80, 0, 0, 1])
    }),
    ("a point written short", |f| {
        let whole = spki("p256-c");
        let (_, point) = whole.split_at(whole.len() - 65);
        let short = [&[2 | (point[64] & 1)], &point[1..33]].concat();
        on(f, "1.2.840.10045.3.1.7", &short)
    }),
    ("Ed25519 with parameters", |f| {
        let algorithm = tlv(0x30, &[oid("1.3.101.112"), tlv(5, &[])].concat());
        let bits = tlv(3, &[0; 33]);
        f.with(|f| f.spki = tlv(0x30, &[algorithm, bits].concat()))
    }),
    ("X25519", |f| {
        let bits = tlv(3, &[&[0], &[9; 32][..]].concat());
        f.with(|f| f.spki = tlv(0x30, &[algorithm("1.3.101.110"), bits].concat()))
    }),
    ("DSA without parameters", |f| {
        let bits = tlv(3, &[vec![0], tlv(2, &[5])].concat());
        f.with(|f| f.spki = tlv(0x30, &[algorithm("1.2.840.10040.4.1"), bits].concat()))
    }),
];

/// A key of RSA with this exponent.
fn rsa_with(forge: Forge, exponent: &[u8]) -> Forge {
    let modulus = [&[0], &[0xa5; 256][..]].concat();
    let key = tlv(0x30, &[tlv(2, &modulus), tlv(2, exponent)].concat());
    let algorithm = rsa_algorithm("1.2.840.113549.1.1.1");
    let bits = tlv(3, &[vec![0], key].concat());
    forge.with(|f| f.spki = tlv(0x30, &[algorithm, bits].concat()))
}

/// A key of an elliptic curve.
fn on(forge: Forge, curve: &str, point: &[u8]) -> Forge {
    let algorithm = tlv(0x30, &[oid("1.2.840.10045.2.1"), oid(curve)].concat());
    let bits = tlv(3, &[&[0], point].concat());
    forge.with(|f| f.spki = tlv(0x30, &[algorithm, bits].concat()))
}
