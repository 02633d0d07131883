//! Each way of replacing an identity is noticed; halves are not.

use std::path::Path;

use super::Watcher;
use crate::{
    directory::{CHAIN_FILE, KEY_FILE},
    source::{INTERVAL, LoadError, Source},
    testing::{Ca, now},
};

fn put(directory: &Path, name: &str, text: &str) {
    fs_err::write(directory.join(name), text).unwrap();
}

async fn subject(watcher: &mut Watcher) -> String {
    let news = watcher.next().await;
    match news {
        Ok(identity) => identity.leaf().subject().to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn replacements_are_handed_on_once() {
    let ca = Ca::new("g1");
    let (one, two, three) = (ca.leaf("one"), ca.leaf("two"), ca.leaf("three"));
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, CHAIN_FILE, &one.chain);
    put(root, KEY_FILE, &one.key);
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);
    assert_eq!(subject(&mut watcher).await, "CN=one");

    // Overwritten in place.
    put(root, CHAIN_FILE, &two.chain);
    put(root, KEY_FILE, &two.key);
    assert_eq!(subject(&mut watcher).await, "CN=two");

    // Renamed into place.
    put(root, "crt.new", &three.chain);
    put(root, "key.new", &three.key);
    fs_err::rename(root.join("crt.new"), root.join(CHAIN_FILE)).unwrap();
    fs_err::rename(root.join("key.new"), root.join(KEY_FILE)).unwrap();
    assert_eq!(subject(&mut watcher).await, "CN=three");

    // Unchanged: not handed on again, except on request.
    let quiet = tokio::time::timeout(INTERVAL * 10, watcher.next()).await;
    assert!(quiet.is_err());
    watcher.recheck().request();
    assert_eq!(subject(&mut watcher).await, "CN=three");
}

#[tokio::test(start_paused = true)]
async fn halves_are_never_handed_on() {
    let ca = Ca::new("g1");
    let (one, two) = (ca.leaf("one"), ca.leaf("two"));
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);

    // Nothing there yet: told once, then quiet.
    let nothing = watcher.next().await.err().unwrap();
    assert!(matches!(nothing, LoadError::Read(_)), "{nothing}");
    let quiet = tokio::time::timeout(INTERVAL * 10, watcher.next()).await;
    assert!(quiet.is_err());

    put(root, CHAIN_FILE, &one.chain);
    put(root, KEY_FILE, &one.key);
    assert_eq!(subject(&mut watcher).await, "CN=one");

    // The writer stops between the two files: a refusal, and then the whole identity.
    put(root, CHAIN_FILE, &two.chain);
    let torn = watcher.next().await.err().unwrap();
    assert!(matches!(torn, LoadError::Refused { .. }), "{torn}");
    put(root, KEY_FILE, &two.key);
    assert_eq!(subject(&mut watcher).await, "CN=two");
}
