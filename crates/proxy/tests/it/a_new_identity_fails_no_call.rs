//! Promise 1: no call fails because an identity changed, and new streams present the new one at once.
//! Promise 8: every live connection tells which leaf and CA it presents.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    caller::End,
    pki::Ca,
    rig::{Load, Rig, eventually},
    server::POLL,
};

#[tokio::test]
async fn under_load_with_long_polls() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let load = Load::start(&caller, 8);
    let holding = || rig.server.seen(|s| s.n_holding);
    eventually("polls are held", || holding() == 8).await;

    let mut leaves = vec![rig.first.fingerprint()];
    for generation in 2..=5 {
        let leaf = rig.g1.leaf("worker next");
        leaf.swap_into(rig.directory.path());
        let adopted = || rig.proxy.status().adopted == generation;
        eventually("the new leaf is adopted", adopted).await;
        // Calls opened from here on present the new leaf.
        let before = rig.server.seen(|s| s.calls.len());
        let more = || rig.server.seen(|s| s.calls.len()) > before + 100;
        eventually("calls go on", more).await;
        let since = rig.server.seen(|s| s.calls[before + 16..].to_vec());
        assert!(
            since
                .iter()
                .all(|(_, presented)| *presented == leaf.fingerprint())
        );
        leaves.push(leaf.fingerprint());
    }
    let only_one_left = || rig.proxy.status().connections.len() == 1;
    eventually("the old connections have drained", only_one_left).await;
    assert!(load.stop().await > 400);
    assert!(!caller.was_sent_away().await);
    assert_eq!(rig.server.seen(|s| s.connections.clone()), leaves);
    let status = rig.proxy.status();
    assert_eq!((status.refused, status.failed), (0, 0));
}

#[tokio::test]
async fn a_new_ca_too_and_every_connection_tells_whom_it_presents() {
    let mut rig = Rig::start().await;
    let g2 = Ca::new("g2");
    rig.server
        .rule(|rules| rules.accepted.push(g2.certificate.clone()));
    let mut caller = rig.caller().await;
    let mut poller = caller.clone();
    let poll = tokio::spawn(async move { poller.hold(3000).await });
    eventually("the poll is held", || rig.server.seen(|s| s.n_holding) == 1).await;

    let second = g2.leaf("worker two");
    second.swap_into(rig.directory.path());
    eventually("g2 is adopted", || rig.proxy.status().adopted == 2).await;
    assert!(caller.echo().await.is_ok());

    let status = rig.proxy.status();
    let identity = status.identity.unwrap();
    assert_eq!(
        (identity.generation, identity.leaf),
        (2, second.fingerprint())
    );
    assert_eq!(identity.issuer, "CN=g2");
    let told: Vec<_> = status
        .connections
        .iter()
        .map(|c| (c.leaf.unwrap(), c.issuer.as_deref(), c.streams, c.draining))
        .collect();
    assert_eq!(
        told,
        [
            (rig.first.fingerprint(), Some("CN=g1"), 1, true),
            (second.fingerprint(), Some("CN=g2"), 0, false),
        ]
    );
    let aki = |c: &newleaf_proxy::status::ConnectionStatus| c.authority_key_id.clone().unwrap();
    assert_ne!(aki(&status.connections[0]), aki(&status.connections[1]));

    assert!(
        poll.await.unwrap().is_ok(),
        "the poll finished on its old connection"
    );
    let only_g2 = || {
        rig.proxy
            .status()
            .connections
            .iter()
            .all(|c| c.issuer.as_deref() == Some("CN=g2"))
    };
    eventually("nothing presents g1 any more", only_g2).await;
    rig.proxy.shut_down();
}

/// What outlasts the drain on the old connection is cut there. A call that only asks is asked again under the new identity.
#[tokio::test]
async fn what_outlasts_the_drain_is_cut_and_a_poll_asked_again() {
    let bound = Duration::from_millis(500);
    let rig = Rig::start_with(|options| options.drain_timeout = bound).await;
    let [mut poller, mut holder] = [rig.caller().await, rig.caller().await];
    let poll = tokio::spawn(async move {
        let hold = [("hold-ms", "2000")];
        poller.call(POLL, Bytes::new(), &hold).await
    });
    let held = tokio::spawn(async move { holder.hold(60_000).await });
    eventually("both are held", || rig.server.seen(|s| s.n_holding) == 2).await;
    let second = rig.g1.leaf("worker two");
    second.swap_into(rig.directory.path());
    let cut = held.await.unwrap();
    assert!(matches!(cut, End::Status(14, _)), "{cut:?}");
    assert!(poll.await.unwrap().is_ok());
    let status = rig.proxy.status();
    assert_eq!((status.failed, status.replayed), (1, 1));
    let polls = rig.server.seen(|s| s.calls.clone());
    assert_eq!(polls.last().unwrap().1, second.fingerprint());
}
