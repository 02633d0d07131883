//! A server may accept connections only to end them, as a balancer with nobody behind it. It is not dialled without a pause.

use std::time::Duration;

use tokio::time::sleep;

use crate::{
    caller::Caller,
    pki::Ca,
    raw_server::{self, Manners, RawServer},
    rig::{Running, eventually, options},
};

/// Within this, handshakes back to back are hundreds.
const SPAN: Duration = Duration::from_secs(3);

/// At once, after 50, 100, 200, 400, 800 ms, and then every second, each less a fifth.
const DIALS: usize = 10;

async fn start(manners: Manners) -> (RawServer, Running, tempfile::TempDir) {
    let (g1, server_ca) = (Ca::new("g1"), Ca::new("server CA"));
    let server = raw_server::start(&server_ca, &g1).await;
    server.behave(manners);
    let directory = g1.directory_of_worker();
    let mut options = options(server.address, &server_ca, directory.path());
    options.upstreams.first_mut().unwrap().namespace = None;
    (server, Running::start(options).await, directory)
}

#[tokio::test]
async fn that_says_goodbye_at_once() {
    let (server, proxy, _directory) = start(Manners::AfterTenCalls).await;
    eventually("the identity is adopted", || proxy.status().adopted == 1).await;
    server.behave(Manners::AtOnce);
    let caller = Caller::connect(proxy.address).await;
    let calls: Vec<_> = (0..11)
        .map(|_| {
            let mut caller = caller.clone();
            tokio::spawn(async move { caller.echo().await })
        })
        .collect();
    eventually("it is dialled again", || server.n_connections() > 1).await;
    sleep(SPAN).await;
    let n_dials = server.n_connections() - 1;
    assert!((3..DIALS).contains(&n_dials), "{n_dials}");

    server.behave(Manners::AfterTenCalls);
    for call in calls {
        let end = call.await.unwrap();
        assert!(end.is_ok(), "{end:?}");
    }
}

#[tokio::test]
async fn that_says_goodbye_once_a_candidate_is_proved() {
    let (server, proxy, _directory) = start(Manners::WithTheFirstAnswer).await;
    eventually("it is dialled", || server.n_connections() > 0).await;
    sleep(SPAN).await;
    let n_dials = server.n_connections();
    assert!((3..DIALS).contains(&n_dials), "{n_dials}");

    server.behave(Manners::AfterTenCalls);
    let mut caller = Caller::connect(proxy.address).await;
    let end = caller.echo().await;
    assert!(end.is_ok(), "{end:?}");
}
