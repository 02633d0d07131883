//! What a trust domain is made of, resolved: the one input of the adapters.
//!
//! Nothing here has a default. The binary's configuration has the one table of defaults; past it, every
//! value was chosen.

use std::{path::PathBuf, sync::Arc};

use jiff::SignedDuration;
use newleaf_identity::generate::KeyKind;
use newleaf_keystore::{Ask, TokenOptions};
use newleaf_rotation::{HolderId, TrustDomainId, TrustPointId};
use newleaf_x509::{
    TrustBundle,
    issue::{San, Subject},
};
use zeroize::Zeroizing;

/// One CA and everything that trusts or presents it.
#[expect(
    missing_debug_implementations,
    reason = "a trust point may hold an API key"
)]
pub struct Domain {
    /// Its name.
    pub id: TrustDomainId,
    /// Where newleaf keeps what is its own: canary identities, hand-over notes.
    pub state: PathBuf,
    /// Who signs.
    pub issuer: IssuerOptions,
    /// What leaves are like.
    pub leaf: LeafOptions,
    /// Every place that trusts.
    pub points: Vec<Point>,
    /// Everybody who presents, in the order of the configuration.
    pub holders: Vec<Holder>,
    /// How old a sighting may be and still count.
    pub evidence_window: SignedDuration,
    /// How far clocks may disagree.
    pub skew: SignedDuration,
    /// How much life the current CA must have left beyond the rotation itself.
    pub reserve: SignedDuration,
}

/// A CA that lives in a directory of this machine.
#[derive(Clone, Debug)]
pub struct IssuerOptions {
    /// The directory; each generation has a directory of its own in it, `g1`, `g2`, ….
    pub directory: PathBuf,
    /// The common name, to which the generation is appended: `payments-ca g2`.
    pub common_name: String,
    /// The organization.
    pub organization: Option<String>,
    /// The kind of key.
    pub key: KeyKind,
    /// How long a CA lives.
    pub lifetime: SignedDuration,
    /// Where its private keys are kept.
    pub custody: Custody,
}

/// Where the private keys of a CA are kept. What is made is made so; a key file that is there is read as what it is.
#[derive(Clone, Debug)]
pub enum Custody {
    /// In a file that only its owner can read, and whoever has the owner's rights or a copy of the disk.
    Plain,
    /// In a file, behind a passphrase that somebody is asked for whenever the CA signs.
    Sealed(Arc<dyn Ask>),
    /// In a PKCS #11 token, which signs and never lets a key out.
    Token {
        /// Which token.
        options: TokenOptions,
        /// Who knows its PIN.
        pin: Arc<dyn Ask>,
    },
}

/// What leaves are like.
#[derive(Clone, Debug)]
pub struct LeafOptions {
    /// How long a leaf lives.
    pub lifetime: SignedDuration,
    /// The kind of key.
    pub key: KeyKind,
}

/// A place that trusts.
#[expect(missing_debug_implementations, reason = "it may hold an API key")]
pub struct Point {
    /// Its name.
    pub id: TrustPointId,
    /// How its trust bundle is read and changed.
    pub kind: PointKind,
    /// Where its servers listen: the addresses at which a canary is tried.
    pub endpoints: Vec<Endpoint>,
}

/// How a trust bundle is read and changed.
#[expect(missing_debug_implementations, reason = "it may hold an API key")]
pub enum PointKind {
    /// A Temporal Cloud namespace, by the Cloud Ops API.
    TemporalCloud(CloudOptions),
    /// A self-hosted server, by the files that it reads its client CAs from.
    SelfHosted(SlotOptions),
    /// By a person.
    Manual,
}

/// A Temporal Cloud namespace.
#[expect(missing_debug_implementations, reason = "it holds an API key")]
pub struct CloudOptions {
    /// The namespace's full name, for example `payments.a2dd6`.
    pub namespace: String,
    /// The Cloud Ops API, for example `https://saas-api.tmprl.cloud:443`.
    pub address: String,
    /// The key that opens it.
    pub api_key: ApiKey,
    /// By which CAs its server is judged; the platform's, if none are given.
    pub server_ca: Option<TrustBundle>,
}

/// The CA slot files of a self-hosted server (its `clientCaFiles`).
#[derive(Clone, Debug)]
pub struct SlotOptions {
    /// The files, one CA certificate each.
    pub slots: Vec<PathBuf>,
    /// The server's `refreshInterval`: how long it may take to see a change of the files.
    pub refresh_interval: SignedDuration,
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Host and port, for example `payments.a2dd6.tmprl.cloud:7233`.
    pub address: String,
    /// The name that the server's certificate must bear, if it is not the host's.
    pub server_name: Option<String>,
    /// By which CAs the server is judged; the platform's, if none are given.
    pub server_ca: Option<TrustBundle>,
    /// The namespace to ask about.
    pub namespace: String,
}

/// A party that presents an identity.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Its name.
    pub id: HolderId,
    /// Where it reads its identity.
    pub store: Store,
    /// The subject of its leaves.
    pub subject: Subject,
    /// The other names of its leaves.
    pub sans: Vec<San>,
    /// What makes it take up a new identity.
    pub delivery: Delivery,
    /// Where it can be seen what it presents. Without a source, nothing is ever known of it.
    pub evidence: Vec<EvidenceSource>,
}

/// Where a holder reads its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// An identity directory, as [`newleaf_identity::directory`] describes it.
    Directory(PathBuf),
}

/// What makes a holder take up a new identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It notices by itself.
    Reload,
    /// A command makes it: program and arguments, run without a shell.
    Restart {
        /// Program and arguments.
        command: Vec<String>,
    },
}

impl Holder {
    /// Returns whether some source tells of its traffic. A person vouches for a leaf, not for pollers and calls.
    pub fn is_watched(&self) -> bool {
        self.evidence.iter().any(|source| match source {
            EvidenceSource::Proxy { .. } | EvidenceSource::Pollers { .. } => true,
            EvidenceSource::Attested => false,
        })
    }
}

/// Where it can be seen what a holder presents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceSource {
    /// Its `newleaf-proxy` tells.
    Proxy {
        /// The proxy's admin endpoint: host and port, or `unix:` and the path of a socket.
        admin: String,
    },
    /// Temporal tells: the identity of its pollers carries `newleaf:<fingerprint of the leaf>`.
    Pollers {
        /// The trust point whose endpoint is asked.
        point: TrustPointId,
        /// The task queue that it polls.
        task_queue: String,
        /// What its pollers' identities begin with.
        identity_prefix: String,
    },
    /// A person says so.
    Attested,
}

/// A secret that opens an API. It can be sent, and nothing else; wiped when dropped.
#[expect(
    missing_debug_implementations,
    reason = "a secret has no way into a log"
)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes a copy of the secret; white space around it, such as a file's last newline, is not part of it.
    pub fn new(secret: &Zeroizing<String>) -> Self {
        Self(Zeroizing::new(secret.trim().to_owned()))
    }

    /// Returns the secret, for the one header that carries it.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}
