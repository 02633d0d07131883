//! Readers see the identity of the moment, and nothing before the first.

use std::{collections::BTreeSet, sync::Arc, thread};

use rustls::client::ResolvesClientCert as _;

use super::channel;
use crate::{
    Identity,
    testing::{Ca, now},
};

fn identity(ca: &Ca, name: &str) -> Arc<Identity> {
    let pair = ca.leaf(name);
    Arc::new(
        Identity::from_pem(&pair.chain, &pair.key, now())
            .ok()
            .unwrap(),
    )
}

#[tokio::test]
async fn readers_see_the_latest_and_snapshots_stand() {
    let ca = Ca::new("g1");
    let (publisher, mut subscriber) = channel();
    assert!(subscriber.current().is_none());
    assert!(!subscriber.has_certs());
    assert!(subscriber.resolve(&[], &[]).is_none(), "fails closed");

    let first = publisher.publish(identity(&ca, "one"));
    assert_eq!(subscriber.changed().await.unwrap().generation, 1);
    let second = publisher.publish(identity(&ca, "two"));
    assert_eq!((first.generation, second.generation), (1, 2));

    let presented = subscriber.resolve(&[], &[]).unwrap();
    assert!(Arc::ptr_eq(&presented, &second.identity.certified_key()));
    assert_eq!(first.identity.leaf().subject().to_string(), "CN=one");
    drop(publisher);
    assert_eq!(subscriber.changed().await.unwrap().generation, 2);
    assert!(subscriber.changed().await.is_none());
    assert!(subscriber.current().is_some(), "the last identity stays");
}

#[test]
fn generations_are_given_once() {
    let identity = identity(&Ca::new("g1"), "one");
    let (publisher, subscriber) = channel();
    let publish = || -> Vec<u64> {
        let published = (0..2_000).map(|_| publisher.publish(Arc::clone(&identity)).generation);
        published.collect()
    };
    let generations: BTreeSet<_> = thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(publish));
        threads
            .map(|thread| thread.join().unwrap())
            .into_iter()
            .flatten()
            .collect()
    });
    assert_eq!(generations.len(), 8_000);
    assert_eq!(subscriber.current().unwrap().generation, 8_000);
}
