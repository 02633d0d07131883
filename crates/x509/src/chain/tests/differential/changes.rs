//! What may be wrong with one certificate of a chain, or only unusual.

use crate::forge::{
    CN, Extension, Forge, O, OU, aki, algorithm, basic_constraints, days, eku, key_usage, name,
    name_of, now, oid, rsa_spki, san, ski, spki, tlv,
};

/// A change, by its name.
pub(super) type Change = (&'static str, fn(Forge) -> Forge);

const CLIENT: &str = "1.3.6.1.5.5.7.3.2";
const SERVER: &str = "1.3.6.1.5.5.7.3.1";
const EKU: &str = "2.5.29.37";
const KU: &str = "2.5.29.15";
const BC: &str = "2.5.29.19";
const SKI: &str = "2.5.29.14";
const AKI: &str = "2.5.29.35";

/// Makes an extension critical, or takes that from it.
fn critical((kind, _, value): Extension, critical: bool) -> Extension {
    (kind, critical, value)
}

/// Writes the validity as it is said, with the tag of its times.
fn times(mut forge: Forge, tag: u8, begin: &[u8], end: &[u8]) -> Forge {
    forge.times = Some([tlv(tag, begin), tlv(tag, end)].concat());
    forge
}

/// Name constraints: subtrees that are permitted (0) or excluded (1), each a general name with its context tag.
fn constraints(side: u8, tag: u8, base: &[u8]) -> Extension {
    let subtree = tlv(0x30, &tlv(tag, base));
    ("2.5.29.30", true, tlv(0x30, &tlv(0xa0 | side, &subtree)))
}

fn policies() -> Extension {
    (
        "2.5.29.32",
        false,
        tlv(0x30, &tlv(0x30, &oid("1.3.6.1.4.1.99999.1"))),
    )
}

pub(super) const CHANGES: &[Change] = &[
    ("nothing", |f| f),
    // Validity.
    ("expired", |f| f.with(|f| f.not_after = now() - days(1))),
    ("not yet valid", |f| {
        f.with(|f| f.not_before = now() + days(1))
    }),
    ("ends before it begins", |f| {
        f.with(|f| std::mem::swap(&mut f.not_before, &mut f.not_after))
    }),
    ("until 2060", |f| {
        f.with(|f| f.not_after = now() + days(12_500))
    }),
    ("UTC time without seconds", |f| {
        times(f, 0x17, b"2601010000Z", b"2701010000Z")
    }),
    ("times with an offset", |f| {
        times(f, 0x17, b"260101000000+0100", b"270101000000+0100")
    }),
    ("generalized time before 2050", |f| {
        times(f, 0x18, b"20260101000000Z", b"20270101000000Z")
    }),
    ("times that are none", |f| {
        times(f, 0x17, b"269999000000Z", b"270101000000Z")
    }),
    // What it may do.
    ("no basic constraints", |f| f.without(BC)),
    ("a CA", |f| f.extension(basic_constraints(true, None))),
    ("no CA", |f| f.extension(basic_constraints(false, None))),
    ("no CA, with a path length", |f| {
        f.extension(basic_constraints(false, Some(0)))
    }),
    ("path length 0", |f| {
        f.extension(basic_constraints(true, Some(0)))
    }),
    ("basic constraints not critical", |f| {
        f.extension(critical(basic_constraints(true, None), false))
    }),
    ("basic constraints that are none", |f| {
        f.extension((BC, true, vec![0x30, 0x03, 0x02, 0x01]))
    }),
    ("no key usage", |f| f.without(KU)),
    ("key usage: keyCertSign", |f| f.extension(key_usage(&[5]))),
    ("key usage: digitalSignature", |f| {
        f.extension(key_usage(&[0]))
    }),
    ("key usage: cRLSign", |f| f.extension(key_usage(&[6]))),
    ("key usage: keyEncipherment", |f| {
        f.extension(key_usage(&[2]))
    }),
    ("key usage: nothing", |f| {
        f.extension((KU, true, vec![0x03, 0x01, 0x00]))
    }),
    ("key usage not critical", |f| {
        f.extension(critical(key_usage(&[0, 5]), false))
    }),
    ("no extended key usage", |f| f.without(EKU)),
    ("clientAuth", |f| f.extension(eku(&[CLIENT]))),
    ("serverAuth", |f| f.extension(eku(&[SERVER]))),
    ("serverAuth and clientAuth", |f| {
        f.extension(eku(&[SERVER, CLIENT]))
    }),
    ("any purpose", |f| f.extension(eku(&["2.5.29.37.0"]))),
    ("a purpose of our own", |f| {
        f.extension(eku(&["1.3.6.1.4.1.99999.2"]))
    }),
    ("no purpose in the list", |f| f.extension(eku(&[]))),
    ("purposes critical", |f| {
        f.extension(critical(eku(&[CLIENT]), true))
    }),
    // Identifiers.
    ("no subject key identifier", |f| f.without(SKI)),
    ("another subject key identifier", |f| {
        f.extension(ski("p256-d"))
    }),
    ("subject key identifier critical", |f| {
        f.extension(critical(ski("p256-d"), true))
    }),
    ("no authority key identifier", |f| f.without(AKI)),
    ("another authority key identifier", |f| {
        f.extension(aki("p256-d"))
    }),
    ("authority key identifier that is none", |f| {
        f.extension((AKI, false, vec![0x04, 0x01, 0x00]))
    }),
    // The frame.
    ("version 1", |f| f.with(|f| f.version = 0)),
    ("version 1, written out", |f| {
        f.with(|f| (f.version, f.version_written) = (0, true))
    }),
    ("version 2", |f| f.with(|f| f.version = 1)),
    ("version 4", |f| f.with(|f| f.version = 3)),
    ("serial 0", |f| f.with(|f| f.serial = vec![0])),
    ("serial negative", |f| {
        f.with(|f| f.serial = vec![0xff, 0x01])
    }),
    ("serial of 21 octets", |f| {
        f.with(|f| f.serial = vec![0x41; 21])
    }),
    ("serial with a zero too many", |f| {
        f.with(|f| f.serial = vec![0, 1])
    }),
    ("unique identifiers", |f| {
        f.with(|f| f.identifiers = tlv(0x81, &[0, 1]))
    }),
    ("algorithms that differ", |f| {
        f.with(|f| f.inner_algorithm = algorithm("1.2.840.10045.4.3.3"))
    }),
    ("ECDSA with SHA-1", |f| {
        f.signed_with(algorithm("1.2.840.10045.4.1"))
    }),
    ("an algorithm of nobody", |f| {
        f.signed_with(algorithm("1.3.6.1.4.1.99999.3"))
    }),
    ("signed by another", |f| f.with(|f| f.signer = "p256-d")),
    ("no extension at all", |f| f.with(|f| f.extensions.clear())),
    ("an extension twice", |f| {
        f.with(|f| f.extensions.extend([policies(), policies()]))
    }),
    // Names.
    ("no subject", |f| f.with(|f| f.subject = name(&[]))),
    ("the issuer's name", |f| {
        f.with(|f| f.subject.clone_from(&f.issuer))
    }),
    ("another issuer", |f| {
        f.with(|f| f.issuer = name(&[(O, "acme"), (CN, "another")]))
    }),
    ("the issuer in capitals", |f| {
        f.with(|f| f.issuer = name(&[(O, "ACME"), (CN, "G1")]))
    }),
    ("an empty attribute", |f| {
        f.with(|f| f.subject = name(&[(O, "acme"), (OU, ""), (CN, "x")]))
    }),
    ("a long attribute", |f| {
        f.with(|f| f.subject = name(&[(O, &"x".repeat(300)), (CN, "x")]))
    }),
    ("a PrintableString with an at sign", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x13, b"a@b")]))
    }),
    ("a PrintableString with a star", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x13, b"*.b")]))
    }),
    ("a BMPString", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x1e, b"\0a\0b")]))
    }),
    ("a TeletexString", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x14, b"ab")]))
    }),
    ("text that is not UTF-8", |f| {
        f.with(|f| f.subject = name_of(&[(CN, 0x0c, b"\xff\xfe")]))
    }),
    ("a control character", |f| {
        f.with(|f| f.subject = name(&[(CN, "a\u{7}b")]))
    }),
    // Alternative names.
    ("DNS name", |f| {
        f.extension(san(&[(2, b"worker.acme.test")]))
    }),
    ("DNS name with an underscore", |f| {
        f.extension(san(&[(2, b"a_b.acme.test")]))
    }),
    ("DNS name with a space", |f| {
        f.extension(san(&[(2, b"a b")]))
    }),
    ("DNS name that ends in a dot", |f| {
        f.extension(san(&[(2, b"acme.test.")]))
    }),
    ("DNS name that is empty", |f| f.extension(san(&[(2, b"")]))),
    ("DNS name beyond ASCII", |f| {
        f.extension(san(&[(2, "sö.test".as_bytes())]))
    }),
    ("IP address of 3 octets", |f| {
        f.extension(san(&[(7, &[10, 0, 0])]))
    }),
    ("URI", |f| f.extension(san(&[(6, b"spiffe://acme/w")]))),
    ("URI that is none", |f| {
        f.extension(san(&[(6, b"http://[::1")]))
    }),
    ("e-mail address", |f| {
        f.extension(san(&[(1, b"a@acme.test")]))
    }),
    ("e-mail address that is none", |f| {
        f.extension(san(&[(1, b"a b")]))
    }),
    ("no alternative name in the list", |f| f.extension(san(&[]))),
    ("alternative names critical", |f| {
        f.extension(critical(san(&[(2, b"a.test")]), true))
    }),
    // Constraints, policies, and what nobody knows.
    ("permitted DNS names", |f| {
        f.extension(constraints(0, 0x82, b"acme.test"))
    }),
    ("excluded DNS names", |f| {
        f.extension(constraints(1, 0x82, b"acme.test"))
    }),
    ("permitted directory names", |f| {
        f.extension(constraints(0, 0xa4, &name(&[(O, "acme")])))
    }),
    ("permitted e-mail addresses", |f| {
        f.extension(constraints(0, 0x81, b"acme.test"))
    }),
    ("permitted URIs", |f| {
        f.extension(constraints(0, 0x86, b"acme"))
    }),
    ("permitted IP addresses", |f| {
        f.extension(constraints(0, 0x87, &[10, 0, 0, 0, 255, 0, 0, 0]))
    }),
    ("constraints that are none", |f| {
        f.extension(("2.5.29.30", true, vec![0x30, 0x00]))
    }),
    ("policies", |f| f.extension(policies())),
    ("policies critical", |f| {
        f.extension(critical(policies(), true))
    }),
    ("a critical extension of nobody", |f| {
        f.extension(("1.3.6.1.4.1.99999.4", true, vec![0x05, 0x00]))
    }),
    ("an extension of nobody", |f| {
        f.extension(("1.3.6.1.4.1.99999.4", false, vec![0x05, 0x00]))
    }),
    ("require explicit policy", |f| {
        f.extension(("2.5.29.36", true, tlv(0x30, &tlv(0x80, &[0]))))
    }),
    ("authority information that is none", |f| {
        f.extension(("1.3.6.1.5.5.7.1.1", false, vec![0x30, 0x00]))
    }),
    ("CRL distribution points", |f| {
        f.extension((
            "2.5.29.31",
            false,
            tlv(
                0x30,
                &tlv(
                    0x30,
                    &tlv(0xa0, &tlv(0xa0, &tlv(0x86, b"http://a.test/crl"))),
                ),
            ),
        ))
    }),
];

/// Changes of the key, which only a leaf can bear: nobody has the private half.
pub(super) const OF_A_LEAF: &[Change] = &[
    ("RSA of 1024 bits", |f| f.with(|f| f.spki = rsa_spki(1024))),
    ("RSA of 512 bits", |f| f.with(|f| f.spki = rsa_spki(512))),
    ("Ed25519", |f| f.with(|f| f.spki = spki("ed25519-a"))),
    ("P-521", |f| f.with(|f| f.spki = spki("p521-a"))),
    ("a key of nobody", |f| {
        let content = [algorithm("1.3.6.1.4.1.99999.5"), tlv(0x03, &[0, 1])];
        f.with(|f| f.spki = tlv(0x30, &content.concat()))
    }),
    ("a point on no curve", |f| {
        f.with(|f| *f.spki.last_mut().unwrap() ^= 1)
    }),
];
