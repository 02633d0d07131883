//! Behind a name, addresses change: connections follow, and no call fails.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use newleaf_proxy::{Answer, Resolver, ServerTrust};
use newleaf_x509::TrustBundle;

use crate::{
    caller::Caller,
    pki::Ca,
    rig::{Load, Running, eventually, options},
    server::{Command, Server},
};

/// What the name stands for; nothing, when nobody knows.
type Zone = Arc<Mutex<Option<Vec<SocketAddr>>>>;

fn resolver(zone: &Zone) -> Resolver {
    let zone = Arc::clone(zone);
    let lookup = move |place: String| -> Answer {
        assert_eq!(place, "temporal.test:7233");
        let answer = zone.lock().unwrap().clone();
        Box::pin(async move { answer.ok_or_else(|| io::ErrorKind::TimedOut.into()) })
    };
    Resolver::new(lookup, Duration::from_millis(50))
}

fn n_open(server: &Server) -> usize {
    server.seen(|seen| seen.n_open)
}

#[tokio::test]
async fn from_one_address_to_another() {
    let g1 = Ca::new("g1");
    let (here, there) = (Server::start(&[&g1]).await, Server::start(&[&g1]).await);
    let zone: Zone = Arc::new(Mutex::new(Some(vec![here.address])));
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let mut options = options(here.address, &here.ca, directory.path());
    let both = [&here, &there].map(|server| server.ca.certificate.clone());
    let upstream = &mut options.upstreams[0];
    upstream.server_trust = ServerTrust::Bundle(TrustBundle::new(both));
    upstream.address = "temporal.test:7233".to_owned();
    upstream.resolver = resolver(&zone);
    let proxy = Running::start(options).await;
    eventually("the identity is adopted", || proxy.status().adopted == 1).await;
    let load = Load::start(&Caller::connect(proxy.address).await, 3);

    // The old address works on, and is left all the same.
    *zone.lock().unwrap() = Some(vec![there.address]);
    let n_calls = |server: &Server| server.seen(|seen| seen.calls.len());
    eventually("calls are there", || n_calls(&there) > 0).await;
    eventually("nothing is left here", || n_open(&here) == 0).await;

    // While nobody knows, nothing is left, and what ends is replaced where it was.
    *zone.lock().unwrap() = None;
    there.command(Command::Goodbye);
    let n_connections = || there.seen(|seen| seen.connections.len());
    eventually("a successor is there", || n_connections() == 2).await;

    // That there is another address too is no reason to move.
    *zone.lock().unwrap() = Some(vec![here.address, there.address]);
    let before = n_calls(&there);
    eventually("calls go on there", || n_calls(&there) > before + 100).await;
    assert_eq!(n_open(&here), 0);
    assert!(load.stop().await > 0);
    assert_eq!(proxy.status().failed, 0);
}
