//! Connections that carry nothing any more, and say so to nobody: a host that is gone, a firewall that forgot.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use newleaf_proxy::{Resolver, ResolverOptions, limits};
use tokio::time::{Instant, timeout};

use crate::{
    caller::{Caller, End},
    dns::free_port,
    pki::Ca,
    rig::{Running, eventually, look_up, options},
    server::{POLL, Server},
    stretch::Stretch,
};

/// Long before anybody gives a connection up.
const SOON: Duration = limits::SILENCE;

struct Scene {
    server: Server,
    stretch: Stretch,
    proxy: Running,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn set(n_swallowed: usize) -> Self {
        let g1 = Ca::new("g1");
        let server = Server::start(&[&g1]).await;
        let stretch = Stretch::start(server.address).await;
        stretch.swallow(n_swallowed);
        let directory = tempfile::tempdir().unwrap();
        g1.leaf("worker").swap_into(directory.path());
        let options = options(stretch.address, &server.ca, directory.path());
        let proxy = Running::start(options).await;
        eventually("the identity is adopted", || proxy.status().adopted == 1).await;
        Self {
            server,
            stretch,
            proxy,
            _directory: directory,
        }
    }
}

#[tokio::test]
async fn a_half_open_connection() {
    let scene = Scene::set(0).await;
    let caller = Caller::connect(scene.proxy.address).await;
    let poll = {
        let mut caller = caller.clone();
        tokio::spawn(async move {
            let hold = [("hold-ms", "500")];
            caller.call(POLL, Bytes::new(), &hold).await
        })
    };
    eventually("the poll is held", || {
        scene.server.seen(|s| s.n_holding) == 1
    })
    .await;
    scene.stretch.freeze();
    // The one call by which it is found out; nobody knows what became of it.
    let lost = {
        let mut caller = caller.clone();
        tokio::spawn(async move { caller.echo().await })
    };
    eventually("another connection is dialled", || {
        scene.server.seen(|s| s.connections.len()) == 2
    })
    .await;
    let began = Instant::now();
    let mut next = caller.clone();
    let end = timeout(SOON, next.echo()).await.unwrap();
    assert!(end.is_ok(), "{end:?}");
    assert!(!lost.is_finished(), "its server might still come back");
    // A poll only asks: it is asked again where there is somebody to answer.
    assert!(poll.await.unwrap().is_ok());
    let end = lost.await.unwrap();
    assert!(matches!(end, End::Status(14, _)), "{end:?}");
    assert!(began.elapsed() < limits::KEEPALIVE_TIMEOUT);
    let status = scene.proxy.status();
    assert_eq!((status.failed, status.replayed), (1, 1));
    assert_eq!(status.connections.len(), 1);
}

#[tokio::test]
async fn a_connection_that_leads_nowhere() {
    // The first dial of the first identity, and of the successor, find somebody who accepts and never speaks.
    let scene = Scene::set(1).await;
    scene.stretch.swallow(1);
    scene.stretch.freeze();
    let mut caller = Caller::connect(scene.proxy.address).await;
    let mut other = caller.clone();
    let lost = tokio::spawn(async move { other.echo().await });
    eventually("another connection is dialled", || {
        scene.server.seen(|s| s.connections.len()) == 2
    })
    .await;
    let end = timeout(SOON, caller.echo()).await.unwrap();
    assert!(end.is_ok(), "{end:?}");
    assert!(matches!(lost.await.unwrap(), End::Status(14, _)));
}

/// A server that was only slow is not left: what it carries is answered, and no call fails.
#[tokio::test]
async fn a_slow_call_raises_no_doubt() {
    let scene = Scene::set(0).await;
    let mut caller = Caller::connect(scene.proxy.address).await;
    let hold = (limits::QUIET + limits::DOUBT) * 3;
    let n_millis = u32::try_from(hold.as_millis()).unwrap();
    assert!(caller.hold(n_millis).await.is_ok());
    assert_eq!(scene.server.seen(|s| s.connections.len()), 1);
}

/// Of three addresses two have a balancer with nobody behind it.
#[tokio::test]
async fn two_addresses_that_accept_and_never_speak() {
    let directory = tempfile::tempdir().unwrap();
    let hosts = directory.path().join("hosts");
    let (g1, port) = (Ca::new("g1"), free_port());
    let at = |n: u8| SocketAddr::from(([127, 0, 0, n], port));
    let lines = (1..=3).map(|n| format!("{} temporal.test\n", at(n).ip()));
    fs_err::write(&hosts, lines.collect::<String>()).unwrap();
    let server = Server::start_at(at(3), &[&g1]).await;
    let mut silent = Vec::new();
    for n in 1..=2 {
        let stretch = Stretch::start_at(at(n), server.address).await;
        stretch.swallow(100);
        silent.push(stretch);
    }
    g1.leaf("worker").swap_into(directory.path());
    let mut options = options(server.address, &server.ca, directory.path());
    let resolver = Resolver::new(ResolverOptions {
        hosts,
        ..ResolverOptions::system()
    });
    look_up(&mut options, "temporal.test", resolver);
    let proxy = Running::start(options).await;
    let began = Instant::now();
    eventually("the third is found", || proxy.status().ready).await;
    let took = began.elapsed();
    assert!(took < limits::SECOND_DIAL_MAX * 4, "{took:?}");
    assert!(silent.iter().all(|stretch| stretch.n_to_swallow() == 99));
}
