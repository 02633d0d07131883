//! What commands print, word for word: `tests/cmd/*.md`.

#[test]
fn transcripts_are_true() {
    trycmd::TestCases::new().case("tests/cmd/*.md");
}
