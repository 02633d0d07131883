//! Files are replaced while a reader holds on to what it has.

use std::{path::Path, time::Duration};

use tokio::{sync::mpsc, time::timeout};

use super::*;
use crate::{
    source::Helper,
    testing::{Ca, Pair, now},
    watch::SETTLING,
};

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

/// A secret manager may count, or charge for, what is read of it.
#[tokio::test(start_paused = true)]
async fn a_program_is_run_once_at_a_start() {
    let (pair, directory) = (Ca::new("g1").leaf("one"), tempfile::tempdir().unwrap());
    put(directory.path(), &pair);
    let script = "cd \"$0\" && echo run >>runs && cat tls.crt tls.key";
    let source = Source::Command(Helper {
        program: "sh".into(),
        arguments: vec![
            "-c".to_owned(),
            script.to_owned(),
            directory.path().display().to_string(),
        ],
        every: Duration::from_hours(1),
    });
    let runs = || fs_err::read_to_string(directory.path().join("runs")).unwrap();
    let (reloader, subscriber) = Reloader::start(source, now).unwrap();
    let running = reloader.run(|reload| panic!("expected no news, found {reload:?}"));
    assert!(timeout(Duration::from_mins(90), running).await.is_err());
    assert_eq!(subscriber.current().unwrap().generation, 1);
    assert_eq!(runs(), "run\nrun\n");
}

#[tokio::test(start_paused = true)]
async fn half_a_chain_at_the_start_is_made_whole_soon() {
    let (ca, directory) = (Ca::new("g1"), tempfile::tempdir().unwrap());
    let mut pair = ca.leaf("one");
    put(directory.path(), &pair);
    let source = Source::Directory(directory.path().to_owned());
    let (reloader, _subscriber) = Reloader::start(source, now).unwrap();
    pair.chain.push_str(&ca.certificate.to_pem());
    put(directory.path(), &pair);
    let (told, mut news) = mpsc::unbounded_channel();
    let running = tokio::spawn(reloader.run(move |reload| told.send(reload).unwrap()));
    let soon = timeout(SETTLING * 3, news.recv()).await.unwrap();
    let Some(Reload::Adopted(whole)) = soon else {
        panic!("expected the whole chain, found {soon:?}")
    };
    assert_eq!(whole.identity.chain().certificates().count(), 2);
    running.abort();
}
