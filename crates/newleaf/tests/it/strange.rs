//! Files that hold certificates in another way, or none: each command says what it met, and what to do about it.

use crate::bench::Bench;

/// What each file is, and words of the hint that its reader is owed.
fn files(pem: &str) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let base64: String = pem.lines().filter(|line| !line.contains("-----")).collect();
    let der = decode(&base64);
    let signed_data = [
        0x30, 0x82, 1, 0, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2,
    ];
    let relabelled = |label: &str| pem.replace("CERTIFICATE", label).into_bytes();
    vec![
        (
            "bom",
            format!("\u{feff}{pem}").into_bytes(),
            "byte order mark",
        ),
        ("utf16", utf16(pem), "iconv"),
        ("utf16-with-bom", utf16(&format!("\u{feff}{pem}")), "iconv"),
        ("base64", base64.into_bytes(), "-----BEGIN CERTIFICATE-----"),
        (
            "two.der",
            [der.clone(), der.clone()].concat(),
            "one certificate a file",
        ),
        ("cut.der", der[..der.len() / 2].to_vec(), "too early"),
        ("p7.der", signed_data.to_vec(), "pkcs7 -inform der"),
        ("p12", vec![0x30, 0x82, 1, 0, 2, 1, 3, 0x30], "PKCS #12"),
        ("gzip", vec![0x1f, 0x8b, 8, 0], "gzip -d"),
        ("nothing", Vec::new(), "found none"),
        (
            "cut.pem",
            pem.as_bytes()[..200].to_vec(),
            "before the text ends",
        ),
        ("p7.pem", relabelled("PKCS7"), "pkcs7 -in FILE"),
        (
            "trusted.pem",
            relabelled("TRUSTED CERTIFICATE"),
            "openssl x509 -in FILE",
        ),
        (
            "x509.pem",
            relabelled("X509 CERTIFICATE"),
            "openssl x509 -in FILE",
        ),
        (
            "indented",
            pem.replace("-----BEGIN", "  -----BEGIN").into_bytes(),
            "alone",
        ),
    ]
}

fn decode(base64: &str) -> Vec<u8> {
    let text = format!("-----BEGIN X-----\n{base64}\n-----END X-----\n");
    let document = newleaf_x509::pem::parse(&text).ok().unwrap();
    document.blocks[0].der.to_vec()
}

#[test]
fn what_is_not_certificates_is_told_for_what_it_is() {
    let bench = Bench::with_identity();
    for (name, bytes, hint) in files(&bench.read("worker/tls.crt")) {
        fs_err::write(bench.path(name), bytes).unwrap();
        let said = bench.run(&format!("inspect {name}"));
        // What a PKCS #12 file holds is behind its passphrase; that it is one is an answer.
        assert!([0, 2].contains(&said.code), "{name}: {}", said.err);
        let verify = bench.run(&format!("verify --bundle ca/ca.crt {name}"));
        assert_eq!(verify.code, 2, "{name}: {}", verify.err);
        assert!(verify.err.contains(hint), "{name}: {}", verify.err);
        let lint = bench.run(&format!("lint {name}"));
        assert!([2, 3].contains(&lint.code), "{name}: {}", lint.err);
        if lint.code == 2 {
            assert!(lint.err.contains(hint), "{name}: {}", lint.err);
        }
    }
}

/// What is only written in an unusual way is read.
#[test]
fn what_is_written_otherwise_is_read() {
    let bench = Bench::with_identity();
    let pem = bench.read("worker/tls.crt");
    let body: String = pem.lines().filter(|line| !line.contains("-----")).collect();
    let files = [
        ("crlf", pem.replace('\n', "\r\n")),
        ("trailing", pem.replace('\n', " \t\n")),
        (
            "remarks",
            format!("Bag Attributes\n    friendlyName: x\n{pem}subject=CN = x\n"),
        ),
        (
            "long-line",
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----"),
        ),
    ];
    for (name, text) in files {
        bench.write(name, &text);
        bench.done(&format!("verify --bundle ca/ca.crt {name}"));
        bench.done(&format!("inspect {name}"));
        bench.done(&format!("lint {name}"));
    }
}
