//! Files are replaced while a reader holds on to what it has.

use std::path::Path;

use tokio::sync::mpsc;

use super::*;
use crate::testing::{Ca, Pair, now};

fn put(directory: &Path, pair: &Pair) {
    fs_err::write(directory.join("tls.crt"), &pair.chain).unwrap();
    fs_err::write(directory.join("tls.key"), &pair.key).unwrap();
}

#[tokio::test]
async fn a_new_pair_is_published_and_a_broken_one_is_not() {
    let (ca, directory) = (Ca::new("g1"), tempfile::tempdir().unwrap());
    let source = Source::Directory(directory.path().to_owned());
    assert!(
        Reloader::start(source.clone(), now).is_err(),
        "there is none"
    );

    let (one, two) = (ca.leaf("one"), ca.leaf("two"));
    put(directory.path(), &one);
    let (reloader, subscriber) = Reloader::start(source, now).unwrap();
    let first = subscriber.current().unwrap();
    let recheck = reloader.recheck();
    let (told, mut news) = mpsc::unbounded_channel();
    let running = tokio::spawn(reloader.run(move |reload| told.send(reload).unwrap()));

    // The key of the one with the chain of the other, and it stays so.
    fs_err::write(directory.path().join("tls.crt"), &two.chain).unwrap();
    recheck.request();
    assert!(matches!(news.recv().await, Some(Reload::Refused(_))));
    let still = subscriber.current().unwrap();
    assert_eq!(still.generation, first.generation);

    put(directory.path(), &two);
    recheck.request();
    let second = loop {
        match news.recv().await.unwrap() {
            Reload::Adopted(second) => break second,
            // Met while the key was being written.
            Reload::Refused(_) => {}
        }
    };
    assert_eq!(second.generation, 2);
    assert_eq!(
        subscriber.current().unwrap().identity.fingerprint(),
        second.identity.fingerprint()
    );
    assert_ne!(first.identity.fingerprint(), second.identity.fingerprint());
    running.abort();
}
