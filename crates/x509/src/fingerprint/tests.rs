//! Fingerprints as they are written and read.

use super::*;

/// SHA-256 and SHA-1 of the empty string (NIST CAVP, SHA256ShortMsg.rsp and SHA1ShortMsg.rsp, Len = 0).
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const EMPTY_SHA1: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

#[test]
fn fingerprints_are_printed_in_lower_case_and_read_with_colons() {
    let fingerprint = Fingerprint::of(b"");
    assert_eq!(fingerprint.to_string(), EMPTY);
    assert_eq!(fingerprint.short(), "e3b0c44298fc");
    assert_eq!(Sha1Fingerprint::of(b"").to_string(), EMPTY_SHA1);
    let digits: Vec<_> = EMPTY.chars().collect();
    let colons: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
    for text in [EMPTY.to_owned(), EMPTY.to_uppercase(), colons.join(":")] {
        assert_eq!(text.parse(), Ok(fingerprint), "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    let longer = format!("{EMPTY}00");
    let spoilt = EMPTY.replace('e', "g");
    for text in ["", "e3b0", EMPTY_SHA1, &longer, &spoilt, "é"] {
        assert!(text.parse::<Fingerprint>().is_err(), "{text}");
    }
}
