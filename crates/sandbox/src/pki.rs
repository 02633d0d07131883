//! The sandbox's own server certificates: a CA made at each start, which nobody trusts who was not told to.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::generate::{self, GenerateError, KeyKind};
use newleaf_x509::{
    Certificate, PrivateKey,
    issue::{self, CaTemplate, IssueError, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
};
use rustls::{
    crypto::{CryptoProvider, aws_lc_rs},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// How long the server certificates live: longer than any sandbox.
const LIFETIME: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Clocks of containers and laptops differ a little.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Why the sandbox has no server certificate.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// No key or serial number.
    #[error("could not make the sandbox's server key")]
    Generate(#[from] GenerateError),
    /// No certificate.
    #[error("cannot issue the sandbox's server certificate")]
    Issue(#[from] IssueError),
    /// The TLS library refuses the pair.
    #[error("cannot serve TLS with the certificate that was just issued")]
    Tls(#[from] rustls::Error),
}

/// The server CA and the one certificate that every listener of the sandbox presents.
pub(crate) struct ServerPki {
    pub(crate) ca: Certificate,
    pub(crate) presented: Arc<CertifiedKey>,
}

impl ServerPki {
    /// Issues a CA and a leaf for `localhost`, the `addresses`, and the names that the real service would have.
    pub(crate) fn issue(
        namespaces: &[&str],
        addresses: &BTreeSet<IpAddr>,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        let validity = Validity {
            not_before: now - SKEW,
            not_after: now + LIFETIME,
        };
        let ca_key = generate::key(KeyKind::EcdsaP256)?;
        let ca = issue::ca(
            &CaTemplate {
                subject: Subject::new("newleaf sandbox server CA", None, None)?,
                serial: generate::serial()?,
                validity,
            },
            &ca_key,
        )?;
        // Certificates count whole seconds: the leaf takes its ends from the CA as it was written.
        let validity = Validity {
            not_before: ca.not_before(),
            not_after: ca.not_after(),
        };
        let key = generate::key(KeyKind::EcdsaP256)?;
        let leaf = issue::leaf(
            &LeafTemplate {
                subject: Subject::new("newleaf sandbox", None, None)?,
                sans: sans(namespaces, addresses),
                serial: generate::serial()?,
                validity,
                usage: LeafUse::Server,
            },
            &key,
            &Issuer::new(&ca, &ca_key)?,
        )?;
        let presented = Arc::new(certified(&leaf, &key)?);
        Ok(Self { ca, presented })
    }
}

fn sans(namespaces: &[&str], addresses: &BTreeSet<IpAddr>) -> Vec<San> {
    let names = ["localhost", "saas-api.tmprl.cloud"]
        .into_iter()
        .map(|name| San::Dns(name.to_owned()));
    let endpoints = namespaces
        .iter()
        .map(|namespace| San::Dns(format!("{namespace}.tmprl.cloud")));
    let addresses = addresses.iter().map(|address| San::Ip(*address));
    names.chain(endpoints).chain(addresses).collect()
}

fn certified(leaf: &Certificate, key: &PrivateKey) -> Result<CertifiedKey, rustls::Error> {
    let chain = vec![CertificateDer::from(leaf.der().to_vec())];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.secret_der().to_vec()));
    CertifiedKey::from_der(chain, key, &provider())
}

/// Returns the one TLS provider of the workspace.
pub(crate) fn provider() -> CryptoProvider {
    aws_lc_rs::default_provider()
}
