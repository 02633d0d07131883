//! The mTLS endpoint on the wire.

use crate::{
    client::canary,
    pki::Ca,
    play::{NAMESPACE, Play, eventually, options},
};

#[tokio::test]
async fn a_leaf_of_an_accepted_ca_is_served_and_seen() {
    let g1 = Ca::new("payments g1");
    let leaf = g1.leaf("worker-1");
    let play = Play::new(options(&[&g1])).await;
    let wire = canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .unwrap();
    wire.ping().await.unwrap();

    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    let seen = &seen.leaves[&leaf.certificate.fingerprint()];
    assert_eq!((seen.n_connections, seen.n_calls, seen.n_denied), (1, 2, 0));
    assert_eq!(seen.issuer, "O=acme, CN=payments g1");
    assert!(seen.authority_key_id.is_some());

    drop(wire);
    eventually("the connection is seen to be closed", async || {
        let seen = play.sandbox.seen(NAMESPACE).unwrap();
        seen.leaves[&leaf.certificate.fingerprint()].n_connections == 0
    })
    .await;
}

#[tokio::test]
async fn a_leaf_of_a_foreign_ca_is_refused_in_the_handshake() {
    let (g1, foreign) = (Ca::new("payments g1"), Ca::new("mallory"));
    let leaf = foreign.leaf("worker-1");
    let play = Play::new(options(&[&g1])).await;
    canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .map(|_wire| ())
        .unwrap_err();
    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    assert!(seen.leaves.is_empty());
    assert_eq!(seen.refusals.len(), 1);
    assert_eq!(seen.refusals[0].leaf, Some(leaf.certificate.fingerprint()));
    assert!(seen.refusals[0].reason.contains("mallory"));
}
