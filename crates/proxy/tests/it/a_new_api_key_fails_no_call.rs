//! An API key is replaced as an identity is: proved, adopted, and the old one stays in use until then. No call fails.

use std::path::{Path, PathBuf};

use newleaf_identity::Source;
use newleaf_proxy::{ApiKeySource, CredentialsOptions};

use crate::{
    caller::Caller,
    pki::Ca,
    rig::{Load, Running, eventually, options},
    server::{Server, nobody},
};

/// A server that wants a key, and a proxy with the first one.
struct Keyed {
    server: Server,
    directory: tempfile::TempDir,
    proxy: Running,
}

impl Keyed {
    /// Besides the key, the server wants a leaf of this CA, if one is given.
    async fn start(ca: Option<&Ca>) -> Self {
        let server = Server::start(&ca.into_iter().collect::<Vec<_>>()).await;
        server.rule(|rules| rules.api_keys = vec!["key-1".to_owned()]);
        let directory = tempfile::tempdir().unwrap();
        let mut options = options(server.address, &server.ca, directory.path());
        write(directory.path(), "key-1");
        let api_key = ApiKeySource::File(file(directory.path()));
        let upstream = options.upstreams.first_mut().unwrap();
        upstream.credentials = match ca {
            None => CredentialsOptions::ApiKey(api_key),
            Some(ca) => {
                ca.leaf("worker one").swap_into(directory.path());
                let identity = Source::Directory(directory.path().to_owned());
                CredentialsOptions::Both { identity, api_key }
            }
        };
        let proxy = Running::start(options).await;
        eventually("the first key is adopted", || proxy.status().adopted == 1).await;
        Self {
            server,
            directory,
            proxy,
        }
    }

    /// Makes the server accept these keys.
    fn accept(&self, keys: &[&str]) {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        self.server.rule(|rules| rules.api_keys = keys);
    }

    fn generation(&self) -> u64 {
        let status = self.proxy.status();
        let upstream = status.upstreams.first().unwrap();
        upstream.api_key.as_ref().unwrap().generation
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("api-key")
}

/// Replaces the key as a Secret volume does, by a rename.
fn write(directory: &Path, key: &str) {
    let next = directory.join("api-key.next");
    fs_err::write(&next, format!("{key}\n")).unwrap();
    fs_err::rename(next, file(directory)).unwrap();
}

#[tokio::test]
async fn under_load_with_long_polls() {
    let rig = Keyed::start(None).await;
    let caller = Caller::connect(rig.proxy.address).await;
    let load = Load::start(&caller, 8);
    for generation in 2..=5 {
        let key = format!("key-{generation}");
        let before = format!("key-{}", generation - 1);
        rig.accept(&[&before, &key]);
        write(rig.directory.path(), &key);
        eventually("the new key is adopted", || rig.generation() == generation).await;
        let n_calls = rig.server.seen(|seen| seen.calls.len());
        let more = || rig.server.seen(|seen| seen.calls.len()) > n_calls + 50;
        eventually("calls go on", more).await;
        let since = rig
            .server
            .seen(|seen| seen.authorizations[n_calls + 16..].to_vec());
        assert!(since.iter().all(|said| *said == format!("Bearer {key}")));
        // Calls that began with the old one are open still; that it goes does not concern them.
        rig.accept(&[&key]);
    }
    assert!(load.stop().await > 200);
    let status = rig.proxy.status();
    assert_eq!((status.adopted, status.refused, status.failed), (5, 0, 0));
    assert_eq!(rig.server.seen(|seen| seen.n_unauthenticated), 0);
    // Without an identity no certificate is presented, and the status says so.
    assert_eq!(status.identity, None);
    assert!(status.connections.iter().all(|of| of.leaf.is_none()));
    assert!(
        rig.server
            .seen(|seen| seen.connections.iter().all(|leaf| *leaf == nobody()))
    );
}

#[tokio::test]
async fn what_callers_say_about_themselves_is_replaced() {
    let rig = Keyed::start(None).await;
    let mut caller = Caller::connect(rig.proxy.address).await;
    let own = [
        ("authorization", "Bearer mine"),
        ("authorization", "Basic too"),
    ];
    for _round in 0..3 {
        assert!(caller.call("/echo", "hello".into(), &own).await.is_ok());
    }
    let said = rig.server.seen(|seen| seen.authorizations.clone());
    assert_eq!(said, ["Bearer key-1"; 3]);
}

#[tokio::test]
async fn a_key_that_the_server_refuses_is_not_adopted_until_it_is_good() {
    let rig = Keyed::start(None).await;
    let caller = Caller::connect(rig.proxy.address).await;
    let load = Load::start(&caller, 4);
    write(rig.directory.path(), "key-2");
    eventually("it is refused", || rig.proxy.status().refused == 1).await;
    let status = rig.proxy.status();
    let why = status.last_refusal.unwrap();
    assert!(why.contains("UNAUTHENTICATED"), "{why}");
    assert!(!why.contains("key-2"), "{why}");
    assert_eq!(rig.generation(), 1);
    // What is no key at all is not even tried.
    fs_err::write(file(rig.directory.path()), "two words").unwrap();
    eventually("it is refused", || rig.proxy.status().refused == 2).await;
    rig.accept(&["key-1", "key-3"]);
    write(rig.directory.path(), "key-3");
    eventually("a good one is adopted", || rig.generation() == 2).await;
    assert!(load.stop().await > 0);
    assert_eq!(rig.proxy.status().failed, 0);
}

/// While a namespace moves from one to the other there are both, and each changes without waiting for the other.
#[tokio::test]
async fn a_refused_key_does_not_hold_up_a_new_identity() {
    let g1 = Ca::new("g1");
    let rig = Keyed::start(Some(&g1)).await;
    let mut caller = Caller::connect(rig.proxy.address).await;
    let load = Load::start(&caller, 4);
    write(rig.directory.path(), "key-2");
    eventually("the key is refused", || rig.proxy.status().refused == 1).await;
    let second = g1.leaf("worker two");
    second.swap_into(rig.directory.path());
    let leaf = || rig.proxy.status().identity.unwrap().leaf;
    eventually("the leaf is adopted", || leaf() == second.fingerprint()).await;
    assert_eq!(rig.generation(), 1, "the key is not");
    rig.accept(&["key-1", "key-2"]);
    eventually("the key is adopted too", || rig.generation() == 2).await;
    assert_eq!(leaf(), second.fingerprint());
    assert!(load.stop().await > 0);
    let status = rig.proxy.status();
    assert_eq!((status.adopted, status.failed), (3, 0));
    assert!(caller.echo().await.is_ok());
    let last = rig.server.seen(|seen| {
        let (_path, leaf) = seen.calls.last().unwrap();
        (*leaf, seen.authorizations.last().unwrap().clone())
    });
    assert_eq!(last, (second.fingerprint(), "Bearer key-2".to_owned()));
}
