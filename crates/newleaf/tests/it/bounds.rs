//! Whatever the files of strangers hold, `lint`, `inspect` and their like come to an end: within bounds of memory and of
//! processor time that the kernel keeps, not we.
//!
//! Files are made of what grows fastest: certificates that all must be told apart, names without end, CAs of one name,
//! documents in documents. They are a quarter as large as the door lets in, since the program under test is compiled
//! without optimisation.

use std::{fmt::Write as _, process::Command, sync::LazyLock};

use newleaf_x509::pem;

use crate::bench::{Bench, Said};

/// KiB of address space. The program and its threads take some 100 MiB of it before they have read anything; what they
/// read is held as text, as DER and as values.
const MEMORY_KIB: u32 = 1024 * 1024;
/// Seconds of processor time, for a program that was compiled without optimisation on a machine that does other things.
/// What grows with the square of its input would take hours.
const SECONDS: u32 = 30;

/// How a command may end that was given nonsense: done, usage, findings, unknown. Not by a signal, and not as our bug.
const ENDS: [i32; 4] = [0, 2, 3, 255];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OCTET_STRING: u8 = 0x04;
const UTF8_STRING: u8 = 0x0c;
const EXTENSIONS: u8 = 0xa3;
const VERSION: &[u8] = &[0xa0, 0x03, 0x02, 0x01, 0x02];
const ECDSA_SHA256: &[u8] = &[
    0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
];
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];
const SAN: &[u8] = &[0x06, 0x03, 0x55, 0x1d, 0x11];
/// `basicConstraints` with `CA:TRUE`, as an extension.
const IS_CA: &[u8] = &[
    0x30, 0x0f, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04, 0x05, 0x30, 0x03, 0x01, 0x01,
    0xff,
];
/// From 2026 to 2036.
const VALIDITY: &[u8] = b"\x30\x1e\x17\x0d260101000000Z\x17\x0d360101000000Z";

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let n = u32::try_from(content.len()).unwrap().to_be_bytes();
    let head = match content.len() {
        0..0x80 => vec![tag, n[3]],
        0x80..0x1_0000 => vec![tag, 0x82, n[2], n[3]],
        _ => vec![tag, 0x84, n[0], n[1], n[2], n[3]],
    };
    [head, content].concat()
}

fn name(common_name: &str) -> Vec<u8> {
    let value = element(UTF8_STRING, &[common_name.as_bytes()]);
    let attribute = element(SEQUENCE, &[COMMON_NAME, &value]);
    element(SEQUENCE, &[&element(SET, &[&attribute])])
}

/// What a certificate says that is well-formed and signed by nobody.
struct Forged<'a> {
    number: u32,
    issuer: &'a str,
    subject: &'a str,
    extensions: &'a [u8],
}

impl Forged<'_> {
    fn der(&self) -> Vec<u8> {
        let serial = element(0x02, &[&[0x41], &self.number.to_be_bytes()]);
        // A key of its own, on no curve: what is not looked at is not work.
        let point = [&[0, 4][..], &[0x17; 60], &self.number.to_be_bytes()].concat();
        let spki = element(
            SEQUENCE,
            &[
                b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
                &element(0x03, &[&point]),
            ],
        );
        let extensions = element(EXTENSIONS, &[&element(SEQUENCE, &[self.extensions])]);
        let tbs = element(
            SEQUENCE,
            &[
                VERSION,
                &serial,
                ECDSA_SHA256,
                &name(self.issuer),
                VALIDITY,
                &name(self.subject),
                &spki,
                &extensions,
            ],
        );
        let signature = element(0x03, &[b"\x00\x30\x06\x02\x01\x01\x02\x01\x01"]);
        element(SEQUENCE, &[&tbs, ECDSA_SHA256, &signature])
    }

    fn pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der())
    }
}

fn ca(number: u32, issuer: &str, subject: &str) -> String {
    let extensions = IS_CA;
    let forged = Forged {
        number,
        issuer,
        subject,
        extensions,
    };
    forged.pem()
}

/// Thousands of certificates, each told apart from the others.
fn full(certificate: impl Fn(u32) -> String) -> String {
    const ALLOWED: usize = 4 * 1024 * 1024;
    let mut text = String::new();
    for number in 0.. {
        let next = certificate(number);
        if text.len() + next.len() > ALLOWED {
            break;
        }
        text += &next;
    }
    text
}

/// As many alternative names of two bytes each as a certificate may hold: all of them empty.
fn empty_names() -> Vec<u8> {
    let names = element(SEQUENCE, &[&[0x82, 0x00].repeat(100_000)]);
    element(SEQUENCE, &[SAN, &element(OCTET_STRING, &[&names])])
}

/// The bench with the large files, made once.
static BENCH: LazyLock<Bench> = LazyLock::new(|| {
    let bench = Bench::with_identity();
    bench.write("same-name", &full(|n| ca(n, "ca", "ca")));
    bench.write(
        "other-names",
        &full(|n| ca(n, &format!("ca {}", n + 1), &format!("ca {n}"))),
    );
    bench.write("later", &full(|n| ca(n + 1_000_000, "ca", "ca")));
    let leaf = Forged {
        number: 1,
        issuer: "ca",
        subject: "leaf",
        extensions: &empty_names(),
    };
    bench.write("names", &leaf.pem());
    let long = "x".repeat(120 * 1024);
    bench.write("long-name", &ca(1, &long, &long));
    bench.write("chain", &format!("{}{}", leaf.pem(), ca(2, "ca", "ca")));
    bench.write(
        "chain-without-end",
        &(leaf.pem() + &bench.read("same-name")),
    );
    bench
});

/// Runs newleaf within bounds that the kernel keeps.
#[track_caller]
fn bounded(bench: &Bench, arguments: &str) -> Said {
    let newleaf = bench.newleaf(arguments);
    let mut shell = Command::new("sh");
    let limits = format!("ulimit -v {MEMORY_KIB} && ulimit -t {SECONDS} && exec \"$@\"");
    shell
        .args(["-c", &limits, "sh"])
        .arg(newleaf.get_program())
        .args(newleaf.get_args())
        .current_dir(newleaf.get_current_dir().unwrap());
    let output = shell.output().unwrap();
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| ENDS.contains(&code)),
        "newleaf {arguments}: {} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Said::of(&output)
}

#[test]
fn sets_of_thousands_are_judged() {
    for profile in ["temporal-cloud", "self-hosted"] {
        for set in ["same-name", "other-names"] {
            let said = bounded(
                &BENCH,
                &format!("lint --profile {profile} --format json {set}"),
            );
            assert!([0, 3].contains(&said.code), "{}", said.err);
            assert!(said.out.len() < 64 * 1024 * 1024, "{}", said.out.len());
        }
    }
}

#[test]
fn a_leaf_is_judged_against_thousands_of_cas_of_the_right_name() {
    let said = bounded(&BENCH, "lint --bundle same-name chain");
    assert_eq!(said.code, 3);
}

#[test]
fn changes_of_thousands_are_judged() {
    let said = bounded(&BENCH, "lint --bundle later --current same-name chain");
    assert_eq!(said.code, 3);
    let said = bounded(&BENCH, "diff same-name later");
    assert!(said.code <= 3, "{}", said.err);
}

#[test]
fn a_chain_without_end_is_none() {
    let said = bounded(&BENCH, "lint --format json chain-without-end");
    assert!(said.code == 3 || said.code == 2, "{}", said.err);
}

#[test]
fn names_without_end_are_spoken_of_in_bounds() {
    for file in ["names", "long-name"] {
        for command in ["lint", "inspect", "inspect --json"] {
            let said = bounded(&BENCH, &format!("{command} {file}"));
            assert!(said.out.len() < 16 * 1024 * 1024, "{command} {file}");
        }
    }
}

#[test]
fn thousands_of_certificates_are_shown() {
    let said = bounded(&BENCH, "inspect other-names");
    assert_eq!(said.code, 0);
}

#[test]
fn what_is_too_large_is_not_read() {
    let file = fs_err::File::create(BENCH.path("100-mb")).unwrap();
    file.set_len(100 * 1024 * 1024).unwrap();
    for command in [
        "lint",
        "inspect",
        "diff 100-mb",
        "needs-renewal",
        "lint --leaf ca/ca.crt --filters",
    ] {
        for input in ["100-mb", "/dev/zero"] {
            let said = bounded(&BENCH, &format!("{command} {input}"));
            assert!(
                said.err.contains("expected at most"),
                "{command}: {}",
                said.err
            );
        }
    }
}

#[test]
fn a_million_blocks_are_too_large() {
    let mut million = String::new();
    for _ in 0..1_000_000 {
        million += "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    }
    BENCH.write("million", &million);
    let said = bounded(&BENCH, "lint million");
    assert_eq!(said.code, 2);
}

#[test]
fn documents_in_documents_end() {
    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..30 {
        let above = format!("*a{}, ", n - 1).repeat(10);
        writeln!(laughs, "a{n}: &a{n} [{above}]").unwrap();
    }
    BENCH.write("laughs.yaml", &laughs);
    BENCH.write("deep.yaml", &"[".repeat(1024 * 1024));
    BENCH.write(
        "deep.json",
        &format!("{{\"filters\":{}", "[".repeat(1024 * 1024)),
    );
    BENCH.write("deeper.yaml", &"- ".repeat(1024 * 1024));
    for file in ["laughs.yaml", "deep.yaml", "deep.json", "deeper.yaml"] {
        for command in [
            "inspect",
            "lint --leaf ca/ca.crt --filters",
            "config show --config",
        ] {
            let said = bounded(&BENCH, &format!("{command} {file}"));
            assert_eq!(said.code, 2, "{command} {file}: {}", said.err);
        }
    }
}

#[test]
fn a_file_of_keys_does_not_choose_how_long_it_takes() {
    let der = fs_err::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fuzz/corpus/pkcs12/openssl"
    ))
    .unwrap();
    // The last element of the file is the number of rounds of its MAC: 16.
    let (rounds, before) = der.split_last().unwrap();
    assert_eq!(
        (*rounds, &before[before.len() - 2..]),
        (16, &[0x02, 0x01][..])
    );
    let greedy = &before[..before.len() - 2];
    // The outer SEQUENCE and that of the MAC grow by three bytes.
    let greedy = [greedy, &[0x02, 0x04, 0x7f, 0xff, 0xff, 0xff]].concat();
    let greedy = lengthened(&greedy, 3);
    fs_err::write(BENCH.path("greedy.p12"), greedy).unwrap();
    BENCH.write("secret", "s");
    let said = bounded(
        &BENCH,
        "key convert greedy.p12 out.pem --to pkcs8 --passphrase file:secret",
    );
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("at most 10000000 rounds"), "{}", said.err);
}

/// Lengthens a PKCS #12 file and the MAC at its end.
fn lengthened(der: &[u8], by: u8) -> Vec<u8> {
    let mut der = der.to_vec();
    assert_eq!(&der[..2], [SEQUENCE, 0x82]);
    let length = u16::from_be_bytes([der[2], der[3]]) + u16::from(by);
    der[2..4].copy_from_slice(&length.to_be_bytes());
    // `SEQUENCE { SEQUENCE { SHA-256 … }, OCTET STRING of 8, INTEGER }`.
    let mac = der
        .windows(4)
        .rposition(|at| at[0] == SEQUENCE && at[2..] == [SEQUENCE, 0x31]);
    let mac = mac.unwrap();
    der[mac + 1] += by;
    der
}
