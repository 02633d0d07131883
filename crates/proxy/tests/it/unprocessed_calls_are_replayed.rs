//! Promise 5: what the server provably did not process is sent again, within bounds.

use bytes::Bytes;

use crate::{
    caller::{Caller, End},
    pki::Ca,
    raw_server,
    rig::{Rig, Running, eventually, options},
};

#[tokio::test]
async fn refused_streams() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let body = Bytes::from(vec![5; 300_000]);
    for n_refused in 1..=5 {
        rig.server.rule(|rules| rules.n_refused = n_refused);
        let end = caller.call("/echo", body.clone(), &[]).await;
        assert_eq!(end, End::Status(0, body.clone()));
    }
    let status = rig.proxy.status();
    assert_eq!((status.replayed, status.failed), (15, 0));
}

#[tokio::test]
async fn a_server_that_means_it_is_believed() {
    let rig = Rig::start().await;
    rig.server.rule(|rules| rules.n_refused = usize::MAX);
    let deadline = [("grpc-timeout", "500m")];
    let mut caller = rig.caller().await;
    let end = caller.call("/echo", Bytes::new(), &deadline).await;
    assert!(matches!(end, End::Status(14, _)), "{end:?}");
    let status = rig.proxy.status();
    assert_eq!(status.failed, 1);
    assert!((3..=64).contains(&status.replayed), "{}", status.replayed);
}

#[tokio::test]
async fn a_reset_that_proves_nothing_is_passed_on() {
    let rig = Rig::start().await;
    let end = rig.caller().await.call("/reset", Bytes::new(), &[]).await;
    assert_eq!(end, End::Broken(Some(h2::Reason::ENHANCE_YOUR_CALM)));
    let status = rig.proxy.status();
    assert_eq!((status.replayed, status.failed), (0, 0));
}

/// The server says goodbye in one step, as nginx does: what is on the wire already is beyond its last stream id.
#[tokio::test]
async fn streams_beyond_the_last_of_a_goodbye() {
    let (g1, server_ca) = (Ca::new("g1"), Ca::new("server CA"));
    let server = raw_server::start(&server_ca, &g1).await;
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let mut options = options(server.address, &server_ca, directory.path());
    options.upstreams[0].namespace = None;
    let proxy = Running::start(options).await;
    eventually("the identity is adopted", || proxy.status().adopted == 1).await;

    let caller = Caller::connect(proxy.address).await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let mut caller = caller.clone();
            tokio::spawn(async move { caller.echo().await })
        })
        .collect();
    for call in calls {
        let end = call.await.unwrap();
        assert!(end.is_ok(), "{end:?}");
    }
    let status = proxy.status();
    assert_eq!(status.failed, 0);
    assert!(status.replayed > 50, "{}", status.replayed);
    assert!(server.n_connections() > 5);
}
