//! The TLS configuration under which an identity is presented to a Temporal server.

use std::sync::Arc;

use newleaf_x509::TrustBundle;
use rustls::{
    CipherSuite, ClientConfig, RootCertStore,
    client::{ResolvesClientCert, Resumption},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName},
};

use crate::publish::Subscriber;

/// HTTP/2 by its ALPN name (RFC 9113 §3.1): the only protocol that gRPC speaks.
pub(crate) const ALPN_H2: &[u8] = b"h2";

/// Why no TLS configuration could be made. A closed set: one more is a breaking release.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The platform's trust store could not be read, or is empty.
    #[error(
        "could not read the platform's trust bundle ({reason}); in a container, install `ca-certificates`"
    )]
    PlatformRoots {
        /// What the platform said.
        reason: String,
    },
    /// A CA certificate that cannot be a trust anchor.
    #[error("cannot trust the CA certificate `{subject}`")]
    TrustAnchor {
        /// Its subject.
        subject: String,
        /// Why.
        source: rustls::Error,
    },
    /// A trust bundle without a member trusts no server.
    #[error("expected at least one CA certificate to judge the server by, found none")]
    NoTrustAnchor,
    /// A name that no server can have.
    #[error("expected a DNS name or an IP address as the server's name, found `{found}`")]
    ServerName {
        /// The text.
        found: String,
    },
    /// The library offers no protocol version: a fault of newleaf or its libraries.
    #[error("cannot configure TLS")]
    Protocol(#[source] rustls::Error),
}

/// Returns the CAs that the platform trusts: the right choice for Temporal Cloud, whose servers have publicly
/// trusted certificates.
pub fn platform_roots() -> Result<Arc<RootCertStore>, TlsError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A platform's store may hold certificates that webpki does not accept; one of them must not cost us the rest.
    let (added, _ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        let reason = found.errors.first().map_or_else(
            || "it holds no usable certificate".to_owned(),
            ToString::to_string,
        );
        return Err(TlsError::PlatformRoots { reason });
    }
    Ok(Arc::new(roots))
}

/// Returns the CAs of a bundle as the only ones that a server may be certified by.
pub fn bundle_roots(bundle: &TrustBundle) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for ca in bundle.members() {
        roots
            .add(CertificateDer::from(ca.der()))
            .map_err(|source| TlsError::TrustAnchor {
                subject: ca.subject().to_string(),
                source,
            })?;
    }
    if roots.is_empty() {
        return Err(TlsError::NoTrustAnchor);
    }
    Ok(Arc::new(roots))
}

/// Reads the name that the server's certificate must bear, which need not be the name that is dialled.
pub fn server_name(text: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(text.to_owned()).map_err(|_error| TlsError::ServerName {
        found: text.to_owned(),
    })
}

/// Makes the configuration of a client that judges servers by `roots` and presents what `resolver` gives it.
///
/// **Resumption is off.** A resumed session keeps the client identity of the session it resumes: rustls does not ask
/// the resolver, and the server goes on seeing the old leaf, on each reconnect, for as long as its tickets live
/// (seven days with Go). So with resumption a rotation looks done and is not. A full handshake costs 0.4 ms of
/// CPU, once in minutes.
pub fn client_config(
    roots: Arc<RootCertStore>,
    resolver: Arc<dyn ResolvesClientCert>,
) -> Result<ClientConfig, TlsError> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Protocol)?
        .with_root_certificates(roots)
        .with_client_cert_resolver(resolver);
    config.alpn_protocols = vec![ALPN_H2.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Makes a client's own configuration present the identity of the moment, and turns resumption off, as
/// [`client_config`] tells why. Everything else stays as it was.
///
/// A connection that is there keeps the identity it began with; a channel that is replaced (feature `tonic`) does not wait for
/// the server to end it.
pub fn present(mut config: ClientConfig, identities: Subscriber) -> ClientConfig {
    config.client_auth_cert_resolver = Arc::new(identities);
    config.resumption = Resumption::disabled();
    config
}

/// Returns the one crypto provider, with AES-128-GCM offered first: rustls' own order has AES-256 first, which
/// costs 21 to 25 % more CPU on messages of 128 KB and protects a gRPC call no better.
pub fn provider() -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

#[cfg(test)]
mod tests;
