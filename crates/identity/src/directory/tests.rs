//! Both layouts are read; key and chain always come from the same version.

use std::{os::unix::fs::symlink, path::Path};

use super::{CHAIN_FILE, DATA_LINK, KEY_FILE, LoadError, Source, load};
use crate::{
    source::MAX_BYTES,
    testing::{Ca, Pair, now},
};

fn put(directory: &Path, pair: &Pair) {
    fs_err::create_dir_all(directory).unwrap();
    fs_err::write(directory.join(CHAIN_FILE), &pair.chain).unwrap();
    fs_err::write(directory.join(KEY_FILE), &pair.key).unwrap();
}

fn subject(source: &Source) -> String {
    source
        .load(now())
        .ok()
        .unwrap()
        .leaf()
        .subject()
        .to_string()
}

#[test]
fn plain_directories_and_two_files_are_read() {
    let ca = Ca::new("g1");
    let directory = tempfile::tempdir().unwrap();
    put(directory.path(), &ca.leaf("plain"));
    assert_eq!(
        subject(&Source::Directory(directory.path().into())),
        "CN=plain"
    );
    let files = Source::Files {
        chain: directory.path().join(CHAIN_FILE),
        key: directory.path().join(KEY_FILE),
    };
    assert_eq!(subject(&files), "CN=plain");
}

#[test]
fn versions_are_followed_and_never_mixed() {
    let ca = Ca::new("g1");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(&root.join("..one"), &ca.leaf("one"));
    put(&root.join("..two"), &ca.leaf("two"));
    symlink("..one", root.join(DATA_LINK)).unwrap();
    // The outer names lead to no version at all: whoever reads them mixes versions, or fails here.
    symlink("nowhere", root.join(CHAIN_FILE)).unwrap();
    symlink("nowhere", root.join(KEY_FILE)).unwrap();
    let source = Source::Directory(root.into());
    assert_eq!(subject(&source), "CN=one");
    symlink("..two", root.join("..next")).unwrap();
    fs_err::rename(root.join("..next"), root.join(DATA_LINK)).unwrap();
    assert_eq!(subject(&source), "CN=two");
}

#[test]
fn errors_name_the_file() {
    let ca = Ca::new("g1");
    let directory = tempfile::tempdir().unwrap();
    let missing = load(directory.path(), now()).err().unwrap();
    let LoadError::Read(source) = missing else {
        panic!("expected a file that cannot be read, found {missing}");
    };
    assert!(source.to_string().contains(CHAIN_FILE), "{source}");

    put(directory.path(), &ca.leaf("worker"));
    let huge = fs_err::File::create(directory.path().join(KEY_FILE)).unwrap();
    huge.set_len(MAX_BYTES + 1).unwrap();
    let error = load(directory.path(), now()).err().unwrap();
    assert!(matches!(error, LoadError::TooLarge { .. }), "{error}");
}
