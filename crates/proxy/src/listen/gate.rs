//! TLS towards callers: what they are shown, and whom of them is let in.
//!
//! Identity and CAs are read again when they change. What cannot work is kept out and told; what worked before stays.
//! Whoever is connected already stays so: a change is for those who come.

use std::{collections::BTreeSet, sync::Arc};

use newleaf_identity::{
    Identity, Watcher,
    publish::{self, Publisher},
    source::LoadError,
    tls,
};
use rustls::{
    RootCertStore, ServerConfig,
    server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier},
    sign::SingleCertAndKey,
};
use tokio::sync::watch;

use crate::{
    clock, failure,
    options::ListenerTls,
    status::listener::ListenerAccount,
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
    publisher: Publisher,
    /// Of which files what they last held was refused.
    refused: BTreeSet<File>,
    account: Arc<ListenerAccount>,
}

/// What of a gate's files is read together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum File {
    Identity,
    ClientTrust,
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
            Self::ClientTrust(error) => error.may_pass(),
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
    let (publisher, identity) = publish::channel();
    publisher.publish(Arc::clone(&parts.identity));
    let (gate, config) = watch::channel(Arc::new(parts.config()?));
    let keeper = Gatekeeper {
        identity: Watcher::new(tls.identity.clone(), clock::now),
        client_trust: tls.client_trust.as_deref().map(trust::file),
        current: parts,
        gate,
        publisher,
        refused: BTreeSet::new(),
        account: ListenerAccount::new(identity),
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
    /// Returns where it writes down how its files stand.
    pub(crate) fn account(&self) -> Arc<ListenerAccount> {
        Arc::clone(&self.account)
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let (file, parts) = self.next().await;
            match parts.and_then(|parts| self.renew(parts)) {
                Ok(()) => {
                    self.refused.remove(&file);
                }
                Err(error) => {
                    self.refused.insert(file);
                    self.refuse(&error);
                }
            }
            self.account.current(self.refused.is_empty());
        }
    }

    /// Waits for news of a file, and returns what the gate would be made of by it.
    async fn next(&mut self) -> (File, Result<Parts, GateError>) {
        let parts = self.current.clone();
        tokio::select! {
            identity = self.identity.next() => {
                let with = |identity| Parts { identity: Arc::new(identity), ..parts };
                (File::Identity, identity.map(with).map_err(GateError::from))
            }
            roots = next_roots(&mut self.client_trust) => {
                let with = |roots| Parts { client_trust: Some(roots), ..parts };
                (File::ClientTrust, roots.map(with).map_err(GateError::from))
            }
        }
    }

    fn renew(&mut self, parts: Parts) -> Result<(), GateError> {
        let config = parts.config()?;
        let leaf = parts.identity.fingerprint();
        tracing::info!(%leaf, "callers who come now meet the listener's TLS as its files have it");
        if parts.identity.chain() != self.current.identity.chain() {
            self.publisher.publish(Arc::clone(&parts.identity));
        }
        self.current = parts;
        self.gate.send_replace(Arc::new(config));
        Ok(())
    }

    fn refuse(&self, error: &GateError) {
        let why = failure::sentence(error);
        tracing::warn!(
            why,
            "refused what the listener's files hold; what it had before stays"
        );
        self.account.refused(why);
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

async fn next_roots(file: &mut Option<TextFile>) -> Result<Arc<RootCertStore>, TrustError> {
    match file {
        Some(file) => trust::next(file).await,
        None => std::future::pending().await,
    }
}
