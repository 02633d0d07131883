//! Configurations of a stranger: what is wrong with one is said in words that fit a terminal, and the same twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_fuzz::assert_printable;

fuzz_target!(|text: &str| {
    let said = newleaf::complaint_about_configuration(text);
    assert_eq!(said, newleaf::complaint_about_configuration(text));
    if let Some(said) = said {
        assert_printable(&said);
        assert!(said.len() <= 4096 + 8 * text.len());
    }
});
