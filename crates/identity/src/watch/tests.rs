//! Each way of replacing an identity is noticed; halves are not.

use std::{io::Write as _, os::unix::fs::symlink, path::Path, time::Duration};

use newleaf_x509::issue::LeafUse;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};

use super::{Look, OVERDUE, SETTLING, Watcher};
use crate::{
    directory::{CHAIN_FILE, DATA_LINK, KEY_FILE},
    source::{Helper, INTERVAL, LoadError, Source},
    testing::{Ca, now},
};

/// Over long before [`now`].
const PAST: (&str, &str) = ("2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z");

/// A script in `root` that is run once an hour, and may know the directory as `$1`.
fn hourly(root: &Path, script: &str) -> Source {
    put(root, "script", script);
    let arguments = [root.join("script"), root.to_owned()];
    Source::Command(Helper {
        program: "sh".into(),
        arguments: arguments.map(|path| path.display().to_string()).into(),
        every: Duration::from_hours(1),
    })
}

fn runs(root: &Path) -> usize {
    let runs = fs_err::read_to_string(root.join("runs")).unwrap();
    runs.lines().count()
}

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
    let quiet = timeout(INTERVAL * 10, watcher.next()).await;
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
    let quiet = timeout(INTERVAL * 10, watcher.next()).await;
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

/// The key is there, and of the chain the leaf: an identity, but not the one that is being written.
#[tokio::test(start_paused = true)]
async fn half_a_chain_is_not_handed_on() {
    let ca = Ca::new("g1");
    let pair = ca.leaf("one");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, KEY_FILE, &pair.key);
    put(root, CHAIN_FILE, &pair.chain);
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);
    let looked_once = timeout(SETTLING / 2, watcher.next()).await;
    assert!(looked_once.is_err());

    let mut chain = fs_err::OpenOptions::new()
        .append(true)
        .open(root.join(CHAIN_FILE))
        .unwrap();
    chain.write_all(ca.certificate.to_pem().as_bytes()).unwrap();
    let identity = watcher.next().await.ok().unwrap();
    assert_eq!(identity.chain().certificates().count(), 2);
}

/// A version is written before it is linked to.
#[tokio::test(start_paused = true)]
async fn a_version_is_handed_on_at_once() {
    let pair = Ca::new("g1").leaf("one");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    fs_err::create_dir(root.join("..one")).unwrap();
    put(&root.join("..one"), KEY_FILE, &pair.key);
    put(&root.join("..one"), CHAIN_FILE, &pair.chain);
    symlink("..one", root.join(DATA_LINK)).unwrap();
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);
    let news = timeout(SETTLING / 2, watcher.next()).await.unwrap();
    assert_eq!(news.ok().unwrap().leaf().subject().to_string(), "CN=one");
}

/// Whoever waits has other things to do too, and comes back. Meanwhile the program goes on, and is not run again for that.
#[tokio::test]
async fn a_program_that_nobody_waits_for_is_heard_all_the_same() {
    let pair = Ca::new("g1").leaf("one");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, "text", &format!("{}{}", pair.chain, pair.key));
    let script = "echo run >>\"$1/runs\"\nsleep 0.5\ncat \"$1/text\"";
    let mut watcher = Watcher::new(hourly(root, script), now);
    let until = Instant::now() + Duration::from_secs(20);
    let heard = loop {
        assert!(Instant::now() < until, "it is not heard");
        let waited = timeout(Duration::from_millis(20), watcher.next());
        if let Ok(news) = waited.await {
            break news;
        }
    };
    let subject = heard.ok().unwrap().leaf().subject().to_string();
    assert_eq!(subject, "CN=one");
    assert_eq!(runs(root), 1);
}

/// A program that makes a new leaf at each run is not run without end because one look was not like the other.
#[tokio::test(start_paused = true)]
async fn what_is_refused_in_other_bytes_each_time_is_told_after_two_looks() {
    let ca = Ca::new("g1");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    for run in 1..=3 {
        let pair = ca.leaf_valid("worker", PAST, LeafUse::Client);
        put(
            root,
            &run.to_string(),
            &format!("{}{}", pair.chain, pair.key),
        );
    }
    let script = "echo run >>\"$1/runs\"\ncat \"$1/$(wc -l <\"$1/runs\" | tr -d ' ')\"";
    let mut watcher = Watcher::new(hourly(root, script), now);
    let refused = watcher.next().await.err().unwrap();
    assert!(matches!(refused, LoadError::Refused { .. }), "{refused}");
    assert_eq!(runs(root), 2);

    // From then on it is looked at as seldom as everything else.
    let quiet = timeout(Duration::from_mins(50), watcher.next()).await;
    assert!(quiet.is_err());
    assert_eq!(runs(root), 2);
    let again = watcher.next().await.err().unwrap();
    assert!(matches!(again, LoadError::Refused { .. }), "{again}");
    assert_eq!(runs(root), 3);
}

/// A span of nothing is no interval.
#[tokio::test(start_paused = true)]
async fn a_program_is_not_run_without_a_pause() {
    let pair = Ca::new("g1").leaf("one");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, "text", &format!("{}{}", pair.chain, pair.key));
    let mut source = hourly(root, "echo run >>\"$1/runs\"\ncat \"$1/text\"");
    if let Source::Command(helper) = &mut source {
        helper.every = Duration::ZERO;
    }
    let mut watcher = Watcher::new(source, now);
    assert_eq!(subject(&mut watcher).await, "CN=one");
    let quiet = timeout(INTERVAL * 3 / 2, watcher.next()).await;
    assert!(quiet.is_err());
    assert_eq!(runs(root), 2);
}

#[tokio::test(start_paused = true)]
async fn another_reason_is_told_too() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);
    let first = watcher.next().await.err().unwrap();
    assert!(matches!(first, LoadError::Read(_)), "{first}");
    fs_err::create_dir(root.join(CHAIN_FILE)).unwrap();
    let second = watcher.next().await.err().unwrap().to_string();
    assert!(second.contains("found a directory"), "{second}");
}

/// Whoever opens it waits for somebody who writes.
#[tokio::test(start_paused = true)]
async fn a_named_pipe_is_no_key_and_is_not_waited_for() {
    let pair = Ca::new("g1").leaf("one");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, CHAIN_FILE, &pair.chain);
    let key = root.join(KEY_FILE);
    mknodat(CWD, &key, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);
    let news = timeout(OVERDUE, watcher.next()).await.unwrap();
    let refused = news.err().unwrap();
    assert!(matches!(refused, LoadError::NotAFile { .. }), "{refused}");

    put(root, "key.new", &pair.key);
    fs_err::rename(root.join("key.new"), key).unwrap();
    assert_eq!(subject(&mut watcher).await, "CN=one");
}

/// As where the files lie on a server that is away.
#[tokio::test(start_paused = true)]
async fn a_look_that_hangs_is_told_once_and_waited_for() {
    let pair = Ca::new("g1").leaf("one");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    put(root, CHAIN_FILE, &pair.chain);
    put(root, KEY_FILE, &pair.key);
    let source = Source::Directory(root.into());
    let mut watcher = Watcher::new(source.clone(), now);
    let (answer, answered) = oneshot::channel();
    watcher.look = Some(Look {
        found: tokio::spawn(async { answered.await.unwrap() }),
        overdue_at: Some(Instant::now() + OVERDUE),
    });
    let silent = watcher.next().await.err().unwrap();
    assert!(matches!(silent, LoadError::Silent { .. }), "{silent}");
    let quiet = timeout(OVERDUE * 10, watcher.next()).await;
    assert!(quiet.is_err());
    assert!(answer.send(source.read()).is_ok());
    assert_eq!(subject(&mut watcher).await, "CN=one");
}

/// Somebody issues whenever he is asked, and never what can be used: that is told, and not twice a second.
#[tokio::test(start_paused = true)]
async fn refusals_of_other_bytes_each_time_are_told_now_and_then() {
    let ca = Ca::new("g1");
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let issue = || {
        let pair = ca.leaf_valid("over", PAST, LeafUse::Client);
        put(root, CHAIN_FILE, &pair.chain);
        put(root, KEY_FILE, &pair.key);
    };
    issue();
    let mut watcher = Watcher::new(Source::Directory(root.into()), now);
    let mut n_told = 0;
    // Twice as often as anybody looks, so that no two looks find the same.
    for _ in 0..120 {
        issue();
        n_told += usize::from(timeout(INTERVAL / 2, watcher.next()).await.is_ok());
    }
    assert_eq!(n_told, 1, "in 30 s");
    // Whoever puts another bad one there hears of it soon.
    issue();
    assert!(
        timeout(INTERVAL * 3, watcher.next())
            .await
            .unwrap()
            .is_err()
    );
    assert!(timeout(INTERVAL * 3, watcher.next()).await.is_err());
}
