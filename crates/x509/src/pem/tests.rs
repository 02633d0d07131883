//! What is PEM, and what a lenient reader would lose.

use super::*;

const BLOCK: &str = "-----BEGIN X-----\nAAEC\n-----END X-----\n";

fn blocks(text: &str) -> Vec<(String, Vec<u8>, usize)> {
    let document = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let described = document
        .blocks
        .iter()
        .map(|b| (b.label.clone(), b.der.to_vec(), b.line));
    described.collect()
}

fn error(text: &str) -> PemError {
    parse(text).err().unwrap()
}

#[test]
fn blocks_are_read_with_their_lines() {
    let x = |line| ("X".to_owned(), vec![0, 1, 2], line);
    assert_eq!(blocks(BLOCK), [x(1)]);
    assert_eq!(blocks(&format!("{BLOCK}\n{BLOCK}")), [x(1), x(5)]);
    assert_eq!(blocks(&BLOCK.replace('\n', "\r\n")), [x(1)]);
    assert_eq!(blocks(&BLOCK.replace('\n', " \t\n")), [x(1)]);
    assert_eq!(blocks(BLOCK.trim_end()), [x(1)]);
    assert_eq!(blocks(&format!("subject=a\n{BLOCK}")), [x(2)]);
    assert_eq!(blocks("-----BEGIN X-----\nAA\nEC\n-----END X-----"), [x(1)]);
}

#[test]
fn stray_lines_are_counted() {
    let document = parse(&format!("a\n\n{BLOCK}b\n")).ok().unwrap();
    assert_eq!(document.stray_lines, [1, 6]);
}

#[test]
fn what_is_not_pem_is_told_by_line() {
    let x = || "X".to_owned();
    assert_eq!(error(""), PemError::Empty);
    assert_eq!(error("hello\n"), PemError::Empty);
    assert_eq!(error(&format!("\u{feff}{BLOCK}")), PemError::ByteOrderMark);
    assert_eq!(
        error("-----BEGIN X-----\nAAEC\n"),
        PemError::Unterminated {
            line: 1,
            label: x()
        }
    );
    let (expected, found) = (x(), "Y".to_owned());
    assert_eq!(
        error("\n-----BEGIN X-----\nAAEC\n-----END Y-----\n"),
        PemError::MismatchedEnd {
            line: 4,
            expected,
            found
        },
    );
    assert_eq!(
        error(&format!("-----BEGIN X-----\n{BLOCK}")),
        PemError::Nested {
            line: 2,
            begin: 1,
            label: x()
        },
    );
    for body in ["A?EC", "AAE"] {
        let text = format!("-----BEGIN X-----\n{body}\n-----END X-----\n");
        assert_eq!(
            error(&text),
            PemError::NotBase64 {
                line: 1,
                label: x()
            },
            "{body}"
        );
    }
}

#[test]
fn a_key_with_a_passphrase_of_the_old_form_is_named() {
    let text =
        "-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\nAAEC\n-----END X-----\n";
    assert!(matches!(error(text), PemError::Headers { line: 1, .. }));
    assert!(
        error(text)
            .to_string()
            .ends_with("as of a key with a passphrase")
    );
}

#[test]
fn a_body_is_never_taken_for_a_label() {
    let text = BLOCK.replace('\n', "\r");
    assert!(!format!("{:?}", error(&text)).contains("AAEC"));
    let open = format!("-----BEGIN Y-----\n{text}");
    assert!(!format!("{:?}", error(&open)).contains("AAEC"));
}

#[test]
fn a_boundary_out_of_place_is_not_passed_over() {
    for text in [
        format!("{BLOCK} {BLOCK}"),
        format!("certificate: {BLOCK}"),
        format!("-----END X-----\n{BLOCK}"),
        BLOCK.replace('\n', "\r"),
    ] {
        assert!(
            matches!(error(&text), PemError::MisplacedBoundary { .. }),
            "{text:?}"
        );
    }
}

#[test]
fn printing_and_reading_agree() {
    for length in [0, 1, 47, 48, 49, 500] {
        let der = vec![0xa5; length];
        let text = encode("CERTIFICATE", &der);
        assert!(text.ends_with("-----END CERTIFICATE-----\n"));
        assert!(text.lines().all(|line| line.len() <= 64));
        if length > 0 {
            assert_eq!(blocks(&text), [("CERTIFICATE".to_owned(), der, 1)]);
        }
    }
}

/// Go misses such a block without a word, and the certificate in it is lost.
#[test]
fn white_space_that_go_does_not_know_is_an_error() {
    for strange in ["\u{b}", "\u{c}", "\u{a0}", "\u{2028}", "\u{3000}", "\r\r"] {
        let within = BLOCK.replace("AAEC", &format!("AA{strange}EC"));
        assert!(
            matches!(error(&within), PemError::NotBase64 { .. }),
            "{within:?}"
        );
        for boundary in ["-----BEGIN X-----", "-----END X-----"] {
            let behind = BLOCK.replace(boundary, &format!("{boundary}{strange}"));
            assert!(parse(&behind).is_err(), "{behind:?}");
        }
    }
    assert_eq!(blocks(&BLOCK.replace("AAEC", " A\tA E C ")), blocks(BLOCK));
}
