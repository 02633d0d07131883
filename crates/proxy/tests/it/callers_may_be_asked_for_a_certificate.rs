//! A listener may speak TLS, and ask its callers for a certificate. Its files are reloaded, and bad ones kept out.

use std::{net::SocketAddr, path::Path, sync::Arc};

use newleaf_identity::{Source, tls};
use newleaf_proxy::{ListenerTls, Proxy, StartError};
use newleaf_x509::{TrustBundle, issue::LeafUse};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    caller::Caller,
    pki::{Ca, Leaf},
    rig::{Load, Rig, eventually, options},
};

/// What a caller trusts, and what it presents.
fn config(ours: &Ca, leaf: Option<&Leaf>) -> ClientConfig {
    let bundle = TrustBundle::new([ours.certificate.clone()]);
    let roots = tls::bundle_roots(&bundle).unwrap();
    let Some(leaf) = leaf else {
        let provider = Arc::new(tls::provider());
        return ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    };
    tls::client_config(roots, leaf.identity().resolver()).unwrap()
}

/// Makes one call over a new connection, and returns whether it was answered.
async fn call(address: SocketAddr, ours: &Ca, leaf: Option<&Leaf>) -> bool {
    let socket = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config(ours, leaf)));
    let name = tls::server_name("temporal.test").unwrap();
    let Ok(stream) = connector.connect(name, socket).await else {
        return false;
    };
    // With TLS 1.3 a refusal arrives after the handshake, wherever the client is then.
    match Caller::try_over(stream).await {
        Ok(mut caller) => caller.echo().await.is_ok(),
        Err(_refused) => false,
    }
}

fn listener_tls(directory: &Path) -> ListenerTls {
    ListenerTls {
        identity: Source::Directory(directory.to_owned()),
        client_trust: Some(directory.join("clients.pem")),
    }
}

fn trust(directory: &Path, cas: &[&Ca]) {
    let text: String = cas.iter().map(|ca| ca.certificate.to_pem()).collect();
    fs_err::write(directory.join("clients.pem"), text).unwrap();
}

#[tokio::test]
async fn only_callers_of_these_cas_are_let_in() {
    let (ours, theirs, strangers) = (Ca::new("ours"), Ca::new("theirs"), Ca::new("strangers"));
    let directory = tempfile::tempdir().unwrap();
    ours.server_leaf().swap_into(directory.path());
    trust(directory.path(), &[&theirs]);
    let rig = Rig::start_with(|options| {
        options.listeners[0].tls = Some(listener_tls(directory.path()));
    })
    .await;
    let address = rig.proxy.address;
    let (friend, stranger) = (theirs.leaf("friend"), strangers.leaf("stranger"));
    assert!(call(address, &ours, Some(&friend)).await);
    assert!(!call(address, &ours, Some(&stranger)).await);
    assert!(!call(address, &ours, None).await);
    assert!(
        !call(address, &strangers, Some(&friend)).await,
        "the caller judges too"
    );
    let socket = TcpStream::connect(address).await.unwrap();
    if let Ok(mut plain) = Caller::try_over(socket).await {
        assert!(
            !plain.echo().await.is_ok(),
            "plaintext is not an answer to TLS"
        );
    }

    // Trust moves on: first both, then the new one alone; and the listener's own leaf changes while calls run.
    let socket = TcpStream::connect(address).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config(&ours, Some(&friend))));
    let name = tls::server_name("temporal.test").unwrap();
    let stays = Caller::over(connector.connect(name, socket).await.unwrap()).await;
    let load = Load::start(&stays, 4);
    trust(directory.path(), &[&theirs, &strangers]);
    wait_until(address, (&ours, &stranger), true).await;
    fs_err::write(directory.path().join("clients.pem"), "no certificate").unwrap();
    let next = Ca::new("ours next");
    next.server_leaf().swap_into(directory.path());
    wait_until(address, (&next, &friend), true).await;
    assert!(
        call(address, &next, Some(&stranger)).await,
        "bad CAs are kept out"
    );
    trust(directory.path(), &[&strangers]);
    wait_until(address, (&next, &friend), false).await;
    assert!(call(address, &next, Some(&stranger)).await);
    // Whoever was let in is not sent away.
    assert!(load.stop().await > 50);
    assert_eq!(rig.server.seen(|seen| seen.connections.len()), 1);
}

async fn wait_until(address: SocketAddr, (ours, leaf): (&Ca, &Leaf), answered: bool) {
    let mut tries = 0;
    while call(address, ours, Some(leaf)).await != answered {
        tries += 1;
        assert!(tries < 2000, "waited in vain for {answered}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn tls_without_a_certificate_from_the_caller() {
    let ours = Ca::new("ours");
    let directory = tempfile::tempdir().unwrap();
    ours.certify("listener", LeafUse::Server)
        .swap_into(directory.path());
    let rig = Rig::start_with(|options| {
        let tls = listener_tls(directory.path());
        options.listeners[0].tls = Some(ListenerTls {
            client_trust: None,
            ..tls
        });
    })
    .await;
    assert!(call(rig.proxy.address, &ours, None).await);
    // What no caller would take for a server's is kept out; longer than it takes to notice.
    ours.leaf("worker").swap_into(directory.path());
    let until = tokio::time::Instant::now() + std::time::Duration::from_millis(1500);
    while tokio::time::Instant::now() < until {
        assert!(call(rig.proxy.address, &ours, None).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(rig.proxy.status().failed, 0);
}

#[tokio::test]
async fn a_listener_that_could_let_nobody_in_does_not_start() {
    let rig = Rig::start().await;
    let ours = Ca::new("ours");
    let directory = tempfile::tempdir().unwrap();
    let make = || {
        let mut options = options(rig.server.address, &rig.server.ca, rig.directory.path());
        options.listeners[0].tls = Some(listener_tls(directory.path()));
        options
    };
    for step in [
        "no identity",
        "no CAs",
        "what are no CAs",
        "a leaf for clients",
    ] {
        let error = Proxy::bind(make()).await.err().unwrap();
        assert!(matches!(error, StartError::Gate { .. }), "{step}: {error}");
        match step {
            "no identity" | "a leaf for clients" => ours.server_leaf().swap_into(directory.path()),
            "what are no CAs" => {
                trust(directory.path(), &[&ours]);
                ours.leaf("worker").swap_into(directory.path());
            }
            _ => fs_err::write(directory.path().join("clients.pem"), "nothing").unwrap(),
        }
    }
    assert!(Proxy::bind(make()).await.is_ok());
    eventually("the rig still serves", || rig.proxy.status().adopted == 1).await;
}
