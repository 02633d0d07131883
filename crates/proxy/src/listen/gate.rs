//! TLS towards callers: what they are shown, and whom of them is let in.
//!
//! Identity and CAs are read again when they change. What cannot work is kept out and told; what worked before stays.
//! Whoever is connected already stays so: a change is for those who come.

use std::sync::Arc;

use newleaf_identity::{Identity, Watcher, source::LoadError, tls};
use rustls::{
    RootCertStore, ServerConfig,
    server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier},
    sign::SingleCertAndKey,
};
use tokio::sync::watch;

use crate::{
    clock, failure,
    options::ListenerTls,
    text_file::TextFile,
    trust::{self, TrustError},
};

/// What a listener needs for each caller.
#[derive(Clone)]
pub(crate) struct Gate(watch::Receiver<Arc<ServerConfig>>);

/// Keeps a gate in step with its files.
pub(crate) struct Gatekeeper {
    identity: Watcher,
    client_trust: Option<TextFile>,
    /// What the gate is made of now.
    current: Parts,
    gate: watch::Sender<Arc<ServerConfig>>,
}

/// What a gate is made of.
#[derive(Clone)]
struct Parts {
    identity: Arc<Identity>,
    client_trust: Option<Arc<RootCertStore>>,
}

/// Why there is no TLS towards callers.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The identity that callers would be shown.
    #[error("cannot use the listener's identity")]
    Identity(#[from] LoadError),
    /// The CAs that callers would be judged by.
    #[error("cannot judge callers by their CAs")]
    ClientTrust(#[from] TrustError),
    /// A leaf that no caller takes for a server's (RFC 5280 §4.2.1.12).
    #[error(
        "expected a leaf for servers, found `{subject}`, whose extended key usage leaves out `serverAuth`"
    )]
    NotForServers {
        /// The leaf's subject.
        subject: String,
    },
    /// They cannot be a verifier.
    #[error("cannot judge callers by their CAs")]
    Verifier(#[from] VerifierBuilderError),
    /// The library offers no protocol version.
    #[error("cannot configure TLS")]
    Protocol(#[source] rustls::Error),
}

impl GateError {
    /// Returns whether a look at the same files later may find something better.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Identity(_) | Self::NotForServers { .. } => true,
            Self::ClientTrust(error) => match error {
                TrustError::Read(_) | TrustError::Certificates(_) => true,
                TrustError::Roots(_) => false,
            },
            Self::Verifier(_) | Self::Protocol(_) => false,
        }
    }
}

/// Opens a gate. Files that cannot work are an error here: a listener that lets nobody in would fail later and less clearly.
pub(crate) fn open(tls: &ListenerTls) -> Result<(Gate, Gatekeeper), GateError> {
    let client_trust = tls.client_trust.as_deref().map(trust::read).transpose()?;
    let parts = Parts {
        identity: Arc::new(tls.identity.load(clock::now())?),
        client_trust,
    };
    let (gate, config) = watch::channel(Arc::new(parts.config()?));
    let keeper = Gatekeeper {
        identity: Watcher::new(tls.identity.clone(), clock::now),
        client_trust: tls.client_trust.as_deref().map(trust::file),
        current: parts,
        gate,
    };
    Ok((Gate(config), keeper))
}

impl Gate {
    /// Returns what the next caller is met with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.borrow())
    }
}

impl Gatekeeper {
    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            match self.next().await {
                Ok(parts) => {
                    if let Err(error) = self.renew(parts) {
                        refuse(&error);
                    }
                }
                Err(error) => refuse(&error),
            }
        }
    }

    async fn next(&mut self) -> Result<Parts, GateError> {
        let mut parts = self.current.clone();
        tokio::select! {
            identity = self.identity.next() => parts.identity = Arc::new(identity?),
            roots = next_roots(&mut self.client_trust) => parts.client_trust = Some(roots?),
        }
        Ok(parts)
    }

    fn renew(&mut self, parts: Parts) -> Result<(), GateError> {
        let config = parts.config()?;
        let leaf = parts.identity.fingerprint();
        tracing::info!(%leaf, "callers who come now meet the listener's TLS as its files have it");
        self.current = parts;
        self.gate.send_replace(Arc::new(config));
        Ok(())
    }
}

impl Parts {
    /// Sessions are not resumed: a resumed one would not be asked for its certificate again, and so outlive the trust in it.
    fn config(&self) -> Result<ServerConfig, GateError> {
        let leaf = self.identity.leaf();
        if !leaf.allows_server_auth() {
            let subject = leaf.subject().to_string();
            return Err(GateError::NotForServers { subject });
        }
        let provider = Arc::new(tls::provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(GateError::Protocol)?;
        let config = match &self.client_trust {
            None => config.with_no_client_auth(),
            Some(roots) => {
                let roots = Arc::clone(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                config.with_client_cert_verifier(verifier.build()?)
            }
        };
        let certified = self.identity.certified_key();
        let mut config = config.with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(config)
    }
}

fn refuse(error: &GateError) {
    let why = failure::sentence(error);
    tracing::warn!(
        why,
        "refused what the listener's files hold; what it had before stays"
    );
}

async fn next_roots(file: &mut Option<TextFile>) -> Result<Arc<RootCertStore>, TrustError> {
    match file {
        Some(file) => trust::next(file).await,
        None => std::future::pending().await,
    }
}
