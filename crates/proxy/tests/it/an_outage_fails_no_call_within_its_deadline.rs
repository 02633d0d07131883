//! While there is no connection, calls wait for one: as long as their own deadline, and no longer.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use tokio::{net::TcpListener, time::Instant};

use crate::{
    caller::{Caller, End},
    pki::Ca,
    rig::{Rig, Running, eventually, options},
    server::{Command, Server},
};

/// An address that nothing listens on: bound, known, and let go.
async fn reserved() -> SocketAddr {
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    reserved.local_addr().unwrap()
}

/// Nothing is in use yet, so everything depends on the first identity: it is not left waiting as one is beside which another
/// serves.
#[tokio::test]
async fn a_server_that_comes_very_late() {
    let (g1, server_ca, address) = (Ca::new("g1"), Ca::new("server CA"), reserved().await);
    let directory = g1.directory_of_worker();
    let proxy = Running::start(options(address, &server_ca, directory.path())).await;
    // By now pauses that double from half a second would be eight seconds long.
    tokio::time::sleep(Duration::from_millis(9200)).await;
    let _server = Server::start_with(address, server_ca, &[&g1]).await;
    let began = Instant::now();
    eventually("it is ready", || proxy.status().ready).await;
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_server_that_comes_late() {
    let address = reserved().await;
    let (g1, server_ca) = (Ca::new("g1"), Ca::new("server CA"));
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let proxy = Running::start(options(address, &server_ca, directory.path())).await;
    let mut caller = Caller::connect(proxy.address).await;

    let deadline = [("grpc-timeout", "300m")];
    let began = Instant::now();
    let end = caller.call("/echo", Bytes::new(), &deadline).await;
    assert!(matches!(end, End::Status(14, _)), "{end:?}");
    let waited = began.elapsed();
    assert!(waited >= Duration::from_millis(300) && waited < Duration::from_secs(5));

    let mut patient = caller.clone();
    let call = tokio::spawn(async move { patient.echo().await });
    let server = Server::start_with(address, server_ca, &[&g1]).await;
    assert!(call.await.unwrap().is_ok());
    let status = proxy.status();
    assert_eq!((status.adopted, status.refused, status.failed), (1, 0, 1));
    assert_eq!(server.seen(|s| s.calls.len()), 1);
}

#[tokio::test]
async fn a_connection_that_is_cut() {
    let rig = Rig::start().await;
    let caller = rig.caller().await;
    let mut poller = caller.clone();
    let poll = tokio::spawn(async move { poller.hold(60_000).await });
    eventually("the poll is held", || rig.server.seen(|s| s.n_holding) == 1).await;
    rig.server.command(Command::Cut);
    // The server may have processed it, so it is not sent again: the caller is told, and told why.
    let end = poll.await.unwrap();
    assert!(matches!(end, End::Status(14, _)), "{end:?}");
    assert!(
        caller.clone().echo().await.is_ok(),
        "the next call finds a new connection"
    );
    let status = rig.proxy.status();
    assert_eq!((status.failed, status.replayed), (1, 0));
}
