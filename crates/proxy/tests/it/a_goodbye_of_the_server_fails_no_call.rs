//! Promise 4: that the server closes connections, by age or otherwise, is invisible to callers.

use std::time::Duration;

use crate::{
    pki::Ca,
    rig::{Load, Rig, eventually},
    server::Command,
};

#[tokio::test]
async fn goodbye_again_and_again_on_busy_connections() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let load = Load::start(&caller, 8);
    for round in 2..=12 {
        rig.server.command(Command::Goodbye);
        let reconnected = || rig.server.seen(|s| s.connections.len()) >= round;
        eventually("the proxy reconnects", reconnected).await;
        let before = rig.server.seen(|s| s.calls.len());
        let more = || rig.server.seen(|s| s.calls.len()) > before + 30;
        eventually("calls go on", more).await;
    }
    assert!(load.stop().await > 300);
    assert!(
        !caller.was_sent_away().await,
        "the caller never hears of it"
    );
    assert_eq!(rig.proxy.status().failed, 0);
}

#[tokio::test]
async fn the_successor_is_there_before_the_server_says_goodbye() {
    let rig = Rig::start_with(|options| {
        options.upstreams[0].connection_age = Duration::from_secs(2);
    })
    .await;
    let caller = rig.caller().await;
    let load = Load::start(&caller, 2);
    // The server never says goodbye here: every further connection is a successor, dialled at 60 to 80 % of the age.
    eventually("two successors", || {
        rig.server.seen(|s| s.connections.len()) == 3
    })
    .await;
    eventually("the predecessors drain", || {
        rig.server.seen(|s| s.n_open) == 1
    })
    .await;
    load.stop().await;
    let status = rig.proxy.status();
    assert_eq!((status.adopted, status.failed, status.replayed), (1, 0, 0));
}

/// With TLS 1.3 the client's handshake is done before the server refuses its leaf. A proxy that believed the handshake
/// would move its calls to a connection that is about to be closed.
#[tokio::test]
async fn a_successor_that_the_server_refuses_replaces_nothing() {
    let rig = Rig::start_with(|options| {
        options.upstreams[0].connection_age = Duration::from_secs(2);
    })
    .await;
    let caller = rig.caller().await;
    let load = Load::start(&caller, 2);
    rig.server.rule(|rules| {
        let other = Ca::new("another").certificate;
        rules.accepted = vec![other];
    });
    eventually("successors are refused", || {
        rig.server.seen(|s| s.n_refused_handshakes) >= 3
    })
    .await;
    assert!(load.stop().await > 0);
    assert_eq!(rig.server.seen(|s| s.connections.len()), 1);
    let status = rig.proxy.status();
    assert_eq!((status.failed, status.replayed), (0, 0));
}
