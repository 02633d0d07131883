//! A handshake against a real server that hands out session tickets.

use std::sync::{Arc, Mutex};

use newleaf_x509::{Fingerprint, TrustBundle};
use rustls::{ClientConfig, ServerConfig, client::Resumption, version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::{bundle_roots, client_config, present, provider, server_name};
use crate::{
    Identity,
    publish::{self, Publisher},
    testing::{Ca, now, server_config, server_speaking},
};

/// Shakes hands once, exchanges a byte each way so that the tickets arrive, and returns the leaf that the server saw.
async fn shake(acceptor: &TlsAcceptor, connector: &TlsConnector) -> Option<Fingerprint> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let seen = Mutex::new(None);
    let serve = async {
        let Ok(mut stream) = acceptor.accept(far).await else {
            return;
        };
        let presented = stream.get_ref().1.peer_certificates().unwrap();
        *seen.lock().unwrap() = Some(Fingerprint::of(presented.first().unwrap()));
        let mut byte = [0];
        stream.read_exact(&mut byte).await.unwrap();
        stream.write_all(&byte).await.unwrap();
        stream.shutdown().await.unwrap();
    };
    let dial = async {
        let name = server_name("localhost").unwrap();
        let Ok(mut stream) = connector.connect(name, near).await else {
            return;
        };
        let mut byte = [7];
        let _refused = stream.write_all(&byte).await;
        let _refused = stream.read_exact(&mut byte).await;
    };
    tokio::join!(serve, dial);
    seen.into_inner().unwrap()
}

/// Servers that offer resumption in every way that there is: by tickets, and in TLS 1.2 by the session's id too.
fn servers(ca: &Ca) -> [ServerConfig; 3] {
    let mut tickets_of_1_2 = server_speaking(&[&version::TLS12], ca);
    tickets_of_1_2.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    let ids = server_speaking(&[&version::TLS12], ca);
    [server_config(ca), tickets_of_1_2, ids]
}

/// Has a server meet a client that resumes as `resumption` has it, or else as we make one; returns who publishes its identities.
fn meet(
    ca: &Ca,
    server: ServerConfig,
    resumption: Option<Resumption>,
) -> (TlsAcceptor, TlsConnector, Publisher) {
    let (publisher, subscriber) = publish::channel();
    let roots = bundle_roots(&TrustBundle::new([ca.certificate.clone()])).unwrap();
    let mut config = client_config(roots, Arc::new(subscriber)).unwrap();
    if let Some(resumption) = resumption {
        config.resumption = resumption;
    }
    let acceptor = TlsAcceptor::from(Arc::new(server));
    (acceptor, TlsConnector::from(Arc::new(config)), publisher)
}

/// Issues a leaf, publishes it, and returns what a server should see.
fn publish_leaf(publisher: &Publisher, ca: &Ca, name: &str) -> Fingerprint {
    let pair = ca.leaf(name);
    let identity = Identity::from_pem(&pair.chain, &pair.key, now());
    let published = publisher.publish(Arc::new(identity.ok().unwrap()));
    published.identity.fingerprint()
}

#[tokio::test]
async fn the_new_leaf_is_presented_although_the_server_offers_resumption() {
    let ca = Ca::new("g1");
    for server in servers(&ca) {
        let (acceptor, connector, publisher) = meet(&ca, server, None);
        let nothing = shake(&acceptor, &connector).await;
        assert_eq!(nothing, None, "empty: fails closed");
        for name in ["one", "two", "three"] {
            let expected = Some(publish_leaf(&publisher, &ca, name));
            assert_eq!(shake(&acceptor, &connector).await, expected);
            assert_eq!(shake(&acceptor, &connector).await, expected);
        }
    }
}

/// That these servers do resume, or the test above would prove nothing.
#[tokio::test]
async fn with_resumption_a_server_goes_on_seeing_the_old_leaf() {
    let ca = Ca::new("g1");
    for server in servers(&ca) {
        let (acceptor, connector, publisher) = meet(&ca, server, Some(Resumption::default()));
        let old = publish_leaf(&publisher, &ca, "one");
        assert_eq!(shake(&acceptor, &connector).await, Some(old));
        let new = publish_leaf(&publisher, &ca, "two");
        assert_ne!(old, new);
        assert_eq!(shake(&acceptor, &connector).await, Some(old));
    }
}

/// A configuration that somebody made without us has resumption on, as rustls has it.
#[tokio::test]
async fn a_client_of_ones_own_presents_the_new_leaf_too() {
    let ca = Ca::new("g1");
    let acceptor = TlsAcceptor::from(Arc::new(server_config(&ca)));
    let (publisher, subscriber) = publish::channel();
    let roots = bundle_roots(&TrustBundle::new([ca.certificate.clone()])).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(present(config, subscriber)));
    for name in ["one", "two"] {
        let expected = Some(publish_leaf(&publisher, &ca, name));
        assert_eq!(shake(&acceptor, &connector).await, expected);
        assert_eq!(shake(&acceptor, &connector).await, expected);
    }
}

#[test]
fn aes_128_is_offered_first_and_nothing_is_lost() {
    let (ours, theirs) = (provider(), rustls::crypto::aws_lc_rs::default_provider());
    assert_eq!(ours.cipher_suites.len(), theirs.cipher_suites.len());
    let first = ours.cipher_suites.first().unwrap().suite();
    assert_eq!(first, rustls::CipherSuite::TLS13_AES_128_GCM_SHA256);
}

#[test]
fn an_empty_bundle_and_a_wrong_name_are_refused() {
    assert!(bundle_roots(&TrustBundle::new([])).is_err());
    let error = server_name("not a name").unwrap_err().to_string();
    assert!(error.contains("`not a name`"), "{error}");
}
