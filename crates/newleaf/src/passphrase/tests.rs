//! Where passphrases come from.

use super::*;

#[test]
fn places_are_read_and_printed_again() {
    for text in [
        "env:CA_PASSPHRASE",
        "file:etc/passphrase",
        "command:secret-tool lookup newleaf payments",
        "prompt",
    ] {
        assert_eq!(Source::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_may_be_the_passphrase_is_not_quoted() {
    for text in ["hunter2", "pass:hunter2", "env:", "command: ", ""] {
        let refused = Source::parse(text).unwrap_err();
        assert!(!refused.contains("hunter2"), "{refused}");
    }
}

#[test]
fn the_first_line_is_the_passphrase() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p");
    fs_err::write(&path, " with spaces \r\nsecond").unwrap();
    let expected = Passphrase::new(Zeroizing::new(" with spaces ".to_owned()));
    assert!(
        Source::File(path.clone())
            .get("")
            .unwrap()
            .is_same(&expected)
    );
    let program = vec!["cat".to_owned(), path.display().to_string()];
    assert!(Source::Command(program).get("").unwrap().is_same(&expected));
}

#[test]
fn no_passphrase_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("empty");
    fs_err::write(&path, "\n").unwrap();
    assert!(Source::File(path).get("").is_err());
    for program in ["false", "/nowhere"] {
        assert!(Source::Command(vec![program.to_owned()]).get("").is_err());
    }
}
