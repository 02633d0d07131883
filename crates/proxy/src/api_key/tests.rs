//! What is a key, and that none is shown.

use std::sync::Arc;

use super::{ApiKey, ApiKeyError, ApiKeySource, MAX_BYTES};

#[test]
fn white_space_at_the_ends_is_not_the_key() {
    let key = ApiKey::parse("  eyJhbGciOi.JFUzI1NiIs_-ImtpZCI6=\r\n").ok();
    let header = key.unwrap().header().to_vec();
    assert_eq!(header, b"Bearer eyJhbGciOi.JFUzI1NiIs_-ImtpZCI6=");
}

#[test]
fn what_no_key_can_be_is_refused_and_not_quoted() {
    let long = "k".repeat(MAX_BYTES + 1);
    for text in [
        "",
        " \n",
        "two words",
        "two\nlines",
        "schlüssel",
        "nul\0",
        &long,
    ] {
        let error = ApiKey::parse(text).err().unwrap();
        let said = error.to_string();
        assert!(text.trim().is_empty() || !said.contains(text), "{said}");
    }
    assert!(ApiKey::parse(&"k".repeat(MAX_BYTES)).is_ok());
    let found = ApiKey::parse(&long).err();
    assert!(matches!(found, Some(ApiKeyError::TooLong { found }) if found == MAX_BYTES + 1));
}

#[test]
fn a_source_shows_no_key() {
    let key = Arc::new(ApiKey::parse("open-sesame").ok().unwrap());
    let shown = format!("{:?}", ApiKeySource::Fixed(key));
    assert_eq!(shown, "Fixed");
}
