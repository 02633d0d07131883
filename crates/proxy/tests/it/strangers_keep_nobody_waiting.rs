//! Whoever comes and says nothing is in nobody's way.

use std::time::Duration;

use newleaf_identity::Source;
use newleaf_proxy::{ListenerTls, limits};
use tokio::{net::TcpStream, time::timeout};

use crate::{
    caller::Caller,
    pki::Ca,
    rig::{PATIENCE, Rig},
};

/// Callers on this machine are not kept out by those who come over the network and shake no hands.
#[tokio::test]
async fn before_their_handshake_callers_fill_no_other_listener() {
    let ours = Ca::new("ours");
    let directory = tempfile::tempdir().unwrap();
    ours.server_leaf().swap_into(directory.path());
    let rig = Rig::start_with(|options| {
        let plain = options.listeners[0].clone();
        options.listeners.push(plain);
        options.listeners[0].tls = Some(ListenerTls {
            identity: Source::Directory(directory.path().to_owned()),
            client_trust: None,
        });
    })
    .await;
    let mut silent = Vec::new();
    for _stranger in 0..limits::DOWNSTREAM_CONNECTIONS {
        silent.push(TcpStream::connect(rig.proxy.address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let answered = timeout(PATIENCE.min(limits::DOWNSTREAM_HANDSHAKE / 2), async {
        let mut caller = Caller::connect(rig.proxy.addresses[1]).await;
        caller.echo().await.is_ok()
    });
    assert_eq!(answered.await, Ok(true));
}
