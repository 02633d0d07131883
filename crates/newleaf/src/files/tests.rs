//! Files are written whole or not at all.

use super::*;

fn mode(path: &Path) -> u32 {
    fs_err::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn litter(directory: &Path) -> usize {
    fs_err::read_dir(directory).unwrap().count()
}

#[test]
fn keys_are_for_their_owner_and_certificates_for_everybody() {
    let directory = tempfile::tempdir().unwrap();
    let (key, certificate) = (directory.path().join("a/k"), directory.path().join("a/c"));
    write(&key, "k", Readers::Owner, Existing::Keep).unwrap();
    write(&certificate, "c", Readers::Everybody, Existing::Keep).unwrap();
    assert_eq!((mode(&key), mode(&certificate)), (0o600, 0o644));
}

#[test]
fn what_is_there_stays_unless_it_is_to_be_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    write(&path, "old", Readers::Owner, Existing::Keep).unwrap();
    let refused = write(&path, "new", Readers::Owner, Existing::Keep).unwrap_err();
    assert!(
        format!("{refused:?}").contains("expected no file at"),
        "{refused:?}"
    );
    assert!(must_be_free(&[&path], Existing::Keep).is_err());
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "old");
    write(&path, "new", Readers::Owner, Existing::Replace).unwrap();
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "new");
    assert_eq!(litter(directory.path()), 1);
}

#[test]
fn a_full_disk_leaves_what_was_there_and_no_litter() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    write(&path, "old", Readers::Owner, Existing::Keep).unwrap();
    // A directory where the file should go cannot be replaced by a file: the last step fails, as on a full disk.
    let blocked = directory.path().join("d");
    fs_err::create_dir(&blocked).unwrap();
    fs_err::write(blocked.join("inside"), "x").unwrap();
    assert!(write(&blocked, "new", Readers::Owner, Existing::Replace).is_err());
    assert_eq!(litter(directory.path()), 2);
    assert_eq!(fs_err::read_to_string(&path).unwrap(), "old");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("huge");
    fs_err::File::create(&path)
        .unwrap()
        .set_len(MAX_BYTES + 1)
        .unwrap();
    let refused = read_bytes(&path).unwrap_err();
    assert!(
        format!("{refused:?}").contains("expected at most 16777216 bytes, found more"),
        "{refused:?}"
    );
}
