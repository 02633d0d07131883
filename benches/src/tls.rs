//! TLS of the measuring server, of the tunnel, and of a caller with nothing in between.

use std::{path::Path, path::PathBuf, sync::Arc};

use newleaf_identity::tls::provider;
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject as _},
    },
    server::{VerifierBuilderError, WebPkiClientVerifier},
};

use crate::pki;

/// The protocol of gRPC.
const H2: &[u8] = b"h2";

/// Why TLS cannot be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that holds no certificate or key.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// Certificates or keys that rustls cannot use.
    #[error("cannot be configured")]
    Configure(#[from] rustls::Error),
    /// CAs that judge no client.
    #[error("cannot judge clients")]
    Verifier(#[from] VerifierBuilderError),
}

/// A client of the server of `directory`, as the identity that is live there. Sessions are not resumed.
pub fn client(directory: &Path) -> Result<ClientConfig, TlsError> {
    let live = directory.join(pki::LIVE);
    let roots = roots(&directory.join(pki::SERVER_CA))?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(
            chain(&live.join(pki::LIVE_CHAIN))?,
            key(&live.join(pki::LIVE_KEY))?,
        )?;
    config.alpn_protocols = vec![H2.to_vec()];
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The server of `directory`: it demands a client certificate, and hands out session tickets as Temporal's does.
pub fn server(directory: &Path) -> Result<ServerConfig, TlsError> {
    let roots = Arc::new(roots(&directory.join(pki::CLIENT_CAS))?);
    let provider = Arc::new(provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            chain(&directory.join(pki::SERVER_CHAIN))?,
            key(&directory.join(pki::SERVER_KEY))?,
        )?;
    config.alpn_protocols = vec![H2.to_vec()];
    Ok(config)
}

/// The name in the server's certificate.
pub fn server_name() -> ServerName<'static> {
    ServerName::DnsName(
        rustls::pki_types::DnsName::try_from_str("localhost")
            .unwrap_or_else(|_invalid| unreachable!("`localhost` is a DNS name")),
    )
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = |source| TlsError::Read {
        path: path.to_owned(),
        source,
    };
    CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(read)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}
