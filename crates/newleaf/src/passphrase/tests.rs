//! Where passphrases come from.

use super::*;

#[test]
fn places_are_read_and_printed_again() {
    for text in [
        "env:CA_PASSPHRASE",
        "file:etc/passphrase",
        "keyring:payments-ca",
        "command:secret-tool lookup newleaf payments",
        "prompt",
    ] {
        assert_eq!(Source::parse(text).unwrap().to_string(), text);
    }
}

#[test]
fn what_may_be_the_passphrase_is_not_quoted() {
    for text in [
        "hunter2",
        "pass:hunter2",
        "env:",
        "keyring:",
        "command: ",
        "",
    ] {
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

/// The kernel of some containers refuses keyrings altogether.
#[cfg(target_os = "linux")]
#[test]
fn the_kernels_keyring_is_asked() {
    use linux_keyutils::{KeyRing, KeyRingIdentifier};

    let name = format!("newleaf-test-{}", std::process::id());
    let missing = Source::Keyring(name.clone()).get("").map(|_| ());
    let added = KeyRing::from_special_id(KeyRingIdentifier::User, false)
        .and_then(|ring| Ok((ring, ring.add_key(&name, "correct horse\nsecond")?)));
    let Ok((ring, key)) = added else {
        eprintln!("not tested: this kernel gives no keyring to this process");
        return;
    };
    let found = Source::Keyring(name).get("");
    ring.unlink_key(key).unwrap();
    let expected = Passphrase::new(Zeroizing::new("correct horse".to_owned()));
    assert!(found.unwrap().is_same(&expected));
    assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
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
