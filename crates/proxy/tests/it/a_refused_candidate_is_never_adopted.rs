//! Promise 2: an identity that cannot work is never adopted; the old one stays, loudly.

use std::time::Duration;

use jiff::SignedDuration;
use newleaf_x509::issue::LeafUse;
use tokio::{net::TcpListener, time::Instant};

use crate::{
    pki::Ca,
    raw_server::{self, Manners},
    rig::{Load, Rig, Running, eventually, options},
    server::{Command, Server},
};

#[tokio::test]
async fn a_ca_that_the_server_does_not_accept_until_it_does() {
    let rig = Rig::start().await;
    let caller = rig.caller().await;
    let load = Load::start(&caller, 4);
    let g2 = Ca::new("g2");
    let second = g2.leaf("worker two");
    second.swap_into(rig.directory.path());
    eventually("the server refuses twice", || {
        rig.server.seen(|s| s.n_refused_handshakes) >= 2
    })
    .await;
    let status = rig.proxy.status();
    assert_eq!((status.adopted, status.refused), (1, 1));
    assert!(
        !rig.proxy.is_current(),
        "what is in use is not what was read"
    );
    let why = status.last_refusal.unwrap();
    assert!(why.contains("UnknownCA") || why.contains("alert"), "{why}");
    assert_eq!(status.identity.unwrap().leaf, rig.first.fingerprint());
    assert_eq!(status.connections.len(), 1);

    // Accepted at last, it is adopted without anybody touching the files.
    rig.server
        .rule(|rules| rules.accepted.push(g2.certificate.clone()));
    eventually("g2 is adopted", || rig.proxy.status().adopted == 2).await;
    eventually("nothing newer waits", || rig.proxy.is_current()).await;
    assert!(load.stop().await > 0);
    let seen = rig.server.seen(|s| s.connections.clone());
    assert_eq!(seen, [rig.first.fingerprint(), second.fingerprint()]);
}

/// As when the bundle of a server is replaced, not added to, and the server is started again: nothing works any more but the
/// candidate that was refused so far.
#[tokio::test]
async fn a_ca_that_takes_the_place_of_the_other_on_the_server() {
    let rig = Rig::start().await;
    let g2 = Ca::new("g2");
    g2.leaf("worker two").swap_into(rig.directory.path());
    // By the fifth time the next attempt is eight seconds away.
    eventually("the server refuses five times", || {
        rig.server.seen(|s| s.n_refused_handshakes) >= 5
    })
    .await;
    rig.server
        .rule(|rules| rules.accepted = vec![g2.certificate.clone()]);
    rig.server.command(Command::Cut);
    let began = Instant::now();
    eventually("g2 is adopted", || rig.proxy.status().adopted == 2).await;
    assert!(rig.caller().await.echo().await.is_ok());
    assert!(began.elapsed() < Duration::from_secs(3));
}

/// The old connection serves on, but the server would let in no other like it.
#[tokio::test]
async fn a_ca_that_the_server_no_longer_accepts() {
    let rig = Rig::start_with(|options| {
        options.upstreams[0].connection_age = Duration::from_secs(15);
    })
    .await;
    let g2 = Ca::new("g2");
    g2.leaf("worker two").swap_into(rig.directory.path());
    let n_refused = || rig.server.seen(|s| s.n_refused_handshakes);
    eventually("the server refuses five times", || n_refused() >= 5).await;
    rig.server
        .rule(|rules| rules.accepted = vec![g2.certificate.clone()]);
    // That is found out when the connection has grown old: after 9 to 12 s, when the next trial is seconds away.
    eventually("a successor is refused", || n_refused() >= 6).await;
    let began = Instant::now();
    eventually("g2 is adopted", || rig.proxy.status().adopted == 2).await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(rig.caller().await.echo().await.is_ok());
}

#[tokio::test]
async fn a_leaf_that_may_connect_but_not_call() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    // As with certificate filters: the handshake works, calls are denied.
    rig.server.rule(|rules| rules.system_info = 7);
    rig.g1.leaf("filtered").swap_into(rig.directory.path());
    eventually("the candidate is refused", || {
        rig.proxy.status().refused == 1
    })
    .await;
    let status = rig.proxy.status();
    let why = status.last_refusal.unwrap();
    assert!(why.contains("PERMISSION_DENIED"), "{why}");
    assert_eq!(status.adopted, 1);
    assert!(caller.echo().await.is_ok());
    let presented = rig.server.seen(|s| s.calls.last().unwrap().1);
    assert_eq!(presented, rig.first.fingerprint());
}

/// With TLS 1.2 the server judges within the handshake, with TLS 1.3 behind it.
#[tokio::test]
async fn a_refusal_is_told_as_one_in_either_version_of_tls() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (g1, g2) = (Ca::new("g1"), Ca::new("g2"));
        let server = Server::start(&[&g1]).await;
        let versions: &'static [_] = Box::leak(Box::new([version]));
        server.rule(|rules| rules.versions = versions);
        let directory = g2.directory_of_worker();
        let proxy = Running::start(options(server.address, &server.ca, directory.path())).await;
        eventually("it is refused", || proxy.status().refused == 1).await;
        let why = proxy.status().last_refusal.unwrap();
        assert!(why.contains("UnknownCA"), "{version:?}: {why}");
    }
}

/// A balancer that has nobody behind it, a server that is being stopped, one that speaks another protocol: none has judged us.
#[tokio::test]
async fn whoever_only_hangs_up_has_refused_nobody() {
    let g1 = Ca::new("g1");
    let directory = g1.directory_of_worker();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            drop(listener.accept().await.unwrap());
        }
    });
    let server_ca = Ca::new("server CA");
    let polite = raw_server::start(&server_ca, &g1).await;
    polite.behave(Manners::First);
    let other = raw_server::start(&server_ca, &g1).await;
    other.behave(Manners::InAnotherProtocol);
    for (address, words) in [
        (address, "TLS handshake"),
        (polite.address, "said goodbye"),
        (other.address, "no protocol by ALPN"),
    ] {
        let proxy = Running::start(options(address, &server_ca, directory.path())).await;
        let trouble = || proxy.status().upstreams.first().unwrap().trouble.clone();
        eventually(words, || trouble().is_some_and(|why| why.contains(words))).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let status = proxy.status();
        assert_eq!((status.adopted, status.refused), (0, 0), "{words}");
    }
}

#[tokio::test]
async fn a_leaf_that_is_no_clients() {
    let rig = Rig::start().await;
    rig.g1
        .certify("server only", LeafUse::Server)
        .swap_into(rig.directory.path());
    eventually("the candidate is refused", || {
        rig.proxy.status().refused == 1
    })
    .await;
    let why = rig.proxy.status().last_refusal.unwrap();
    assert!(why.contains("client authentication"), "{why}");
    assert_eq!(
        rig.server.seen(|s| s.connections.len()),
        1,
        "not even dialled"
    );
    assert!(rig.caller().await.echo().await.is_ok());
}

/// As where the clock of the machine is behind its CA's. Nobody touches the files, and time alone makes them good.
#[tokio::test]
async fn a_chain_that_begins_a_little_later() {
    let root = Ca::root("root");
    let server = Server::start(&[&root]).await;
    let (intermediate, to_come) = root.intermediate(SignedDuration::from_secs(3));
    let directory = tempfile::tempdir().unwrap();
    let leaf = intermediate.leaf("worker").behind(&to_come);
    leaf.swap_into(directory.path());
    let proxy = Running::start(options(server.address, &server.ca, directory.path())).await;
    eventually("it is refused", || proxy.status().refused == 1).await;
    let why = proxy.status().last_refusal.unwrap();
    assert!(why.contains("NL302"), "{why}");
    assert!(!proxy.is_current());
    eventually("it is adopted", || proxy.status().adopted == 1).await;
    eventually("it is what was read", || proxy.is_current()).await;
    let status = proxy.status();
    assert_eq!(status.refused, 1);
    // The CA that the chain has behind the leaf is told of the connection too.
    let connection = status.connections.first().unwrap();
    assert_eq!(connection.leaf, Some(leaf.fingerprint()));
    assert_eq!(connection.ca, Some(to_come.fingerprint()));
}
