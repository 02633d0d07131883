//! Does the endpoint let this identity in? Asked with a handshake and nothing of newleaf's.

use std::{io, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::rig::{NAMESPACE, PATIENCE, Rig};

/// What a client of HTTP/2 says first (RFC 9113 §3.4), with an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What became of an identity.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The server began to speak HTTP/2 with it.
    LetIn,
    /// The server sent a fatal alert.
    Refused,
}

/// Presents the identity in this directory.
pub(crate) async fn present(rig: &Rig, directory: &str) -> Answer {
    match timeout(PATIENCE, first_bytes(rig, directory))
        .await
        .unwrap()
    {
        Ok(n) => {
            assert_ne!(n, 0, "closed without a word, which proves nothing");
            Answer::LetIn
        }
        Err(error) => {
            let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
            assert!(
                matches!(inner, Some(rustls::Error::AlertReceived(_))),
                "{error:?} proves nothing"
            );
            Answer::Refused
        }
    }
}

/// Waits for what the server says first. In TLS 1.3 the client's handshake ends before the server has judged its
/// leaf, so that only an answer after it tells.
async fn first_bytes(rig: &Rig, directory: &str) -> io::Result<usize> {
    let address = rig.sandbox.namespace_address(NAMESPACE).unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(presenting(rig, directory)));
    let mut tls = connector.connect(name, tcp).await?;
    // A server that has refused already may have closed; then reading says why, and writing does not.
    if tls.write_all(PREFACE).await.is_ok() {
        drop(tls.flush().await);
    }
    tls.read(&mut [0; 64]).await
}

fn presenting(rig: &Rig, directory: &str) -> ClientConfig {
    let read = |name: &str| rig.bench.read(&format!("{directory}/{name}"));
    let mut roots = RootCertStore::empty();
    let server_ca = rig.sandbox.server_ca_pem().as_bytes();
    roots
        .add(CertificateDer::from_pem_slice(server_ca).unwrap())
        .unwrap();
    let chain = read("tls.crt");
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(read("tls.key").as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
