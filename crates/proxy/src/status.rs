//! What the proxy tells about itself: the evidence on which a rotation relies.
//!
//! The shape of [`Status`] is stable: fields may be added, none is renamed or changes its meaning.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use jiff::Timestamp;
use newleaf_identity::{Identity, publish::Subscriber};
use newleaf_x509::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::{clock, connection::Line};

/// The proxy at one instant, as `GET /status` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The identity that was adopted last for the first upstream that has one; none before the first proof.
    pub identity: Option<IdentityStatus>,
    /// Every live connection to a server that carries calls, oldest first.
    pub connections: Vec<ConnectionStatus>,
    /// How many times credentials were adopted: an identity, an API key, or both at once.
    pub adopted: u64,
    /// How many candidates were refused, by our own check or by a server. Unanswered dials are not counted.
    pub refused: u64,
    /// Why the last one was refused.
    pub last_refusal: Option<String>,
    /// How many times a call was sent again that the server had provably not processed, or that only asks.
    pub replayed: u64,
    /// How many calls ended with a status that the proxy, not the server, gave.
    pub failed: u64,
    /// Every upstream, in the order of the configuration.
    pub upstreams: Vec<UpstreamStatus>,
}

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Whether a call to it would be carried now.
    pub ready: bool,
    /// The identity that was adopted last; none before the first proof, and none where only an API key is used.
    pub identity: Option<IdentityStatus>,
    /// The API key that was adopted last, likewise.
    pub api_key: Option<ApiKeyStatus>,
    /// How many times credentials were adopted.
    pub adopted: u64,
    /// How many candidates were refused.
    pub refused: u64,
    /// Why the last one was refused.
    pub last_refusal: Option<String>,
}

/// The API key of the moment. Of the key itself nothing is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyStatus {
    /// 1 for the first key that was adopted, and one more for each that followed.
    pub generation: u64,
}

/// The identity of the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityStatus {
    /// 1 for the first identity that was adopted, and one more for each that followed.
    pub generation: u64,
    /// SHA-256 of the leaf.
    pub leaf: Fingerprint,
    /// The distinguished name of the CA that signed the leaf.
    pub issuer: String,
    /// The key identifier of that CA, in hexadecimal.
    pub authority_key_id: Option<String>,
    /// The instant at which the first certificate of the chain ends.
    pub not_after: Timestamp,
}

/// One live connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// The name of its upstream.
    pub upstream: String,
    /// SHA-256 of the leaf that this connection presented; none where only an API key is used.
    pub leaf: Option<Fingerprint>,
    /// The distinguished name of the CA that signed the leaf.
    pub issuer: Option<String>,
    /// The key identifier of that CA, in hexadecimal.
    pub authority_key_id: Option<String>,
    /// When the connection was opened.
    pub opened_at: Timestamp,
    /// Calls in flight on it.
    pub streams: usize,
    /// Whether it takes no new calls.
    pub draining: bool,
}

/// Where the parts of the proxy write down what happens.
pub(crate) struct Ledger {
    accounts: Vec<Arc<Account>>,
    lines: Mutex<BTreeMap<u64, Arc<Line>>>,
    n_lines: AtomicU64,
    replayed: AtomicU64,
    failed: AtomicU64,
}

/// What is written down of one upstream.
pub(crate) struct Account {
    name: String,
    identity: Subscriber,
    api_keys: AtomicU64,
    refusal: Mutex<Option<Refusal>>,
    adopted: AtomicU64,
    refused: AtomicU64,
}

/// Why a candidate was refused, and when.
#[derive(Clone)]
struct Refusal {
    at: Timestamp,
    why: String,
}

impl Account {
    pub(crate) fn new(name: String, identity: Subscriber) -> Arc<Self> {
        Arc::new(Self {
            name,
            identity,
            api_keys: AtomicU64::new(0),
            refusal: Mutex::default(),
            adopted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        })
    }

    /// Returns the name of the upstream.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Notes that credentials were adopted.
    pub(crate) fn adopted(&self) {
        self.adopted.fetch_add(1, Relaxed);
    }

    /// Notes that an API key was adopted, and returns its generation.
    pub(crate) fn adopted_api_key(&self) -> u64 {
        self.api_keys.fetch_add(1, Relaxed).saturating_add(1)
    }

    /// Notes that a candidate was refused.
    pub(crate) fn refused(&self, why: String) {
        self.refused.fetch_add(1, Relaxed);
        let at = clock::now();
        *locked(&self.refusal) = Some(Refusal { at, why });
    }

    fn status(&self, lines: &[Arc<Line>]) -> UpstreamStatus {
        let identity = self.identity.current().map(|snapshot| IdentityStatus {
            generation: snapshot.generation,
            leaf: snapshot.identity.fingerprint(),
            issuer: issuer(&snapshot.identity),
            authority_key_id: authority_key_id(&snapshot.identity),
            not_after: snapshot.identity.not_after(),
        });
        let generation = self.api_keys.load(Relaxed);
        UpstreamStatus {
            name: self.name.clone(),
            ready: lines
                .iter()
                .any(|line| line.upstream() == self.name && !line.is_draining()),
            identity,
            api_key: (generation > 0).then_some(ApiKeyStatus { generation }),
            adopted: self.adopted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            last_refusal: locked(&self.refusal).clone().map(|refusal| refusal.why),
        }
    }
}

impl Ledger {
    pub(crate) fn new(accounts: Vec<Arc<Account>>) -> Self {
        Self {
            accounts,
            lines: Mutex::default(),
            n_lines: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Returns a number that no other connection has.
    pub(crate) fn number(&self) -> u64 {
        self.n_lines.fetch_add(1, Relaxed)
    }

    /// Notes a connection that carries calls from now on.
    pub(crate) fn opened(&self, line: Arc<Line>) {
        locked(&self.lines).insert(line.id(), line);
    }

    /// Notes that a connection is gone.
    pub(crate) fn closed(&self, line: &Line) {
        locked(&self.lines).remove(&line.id());
    }

    /// Notes that a call was sent again.
    pub(crate) fn replayed(&self) {
        self.replayed.fetch_add(1, Relaxed);
    }

    /// Notes that the proxy failed a call.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    /// Returns the whole picture.
    pub(crate) fn status(&self) -> Status {
        let lines: Vec<_> = locked(&self.lines).values().cloned().collect();
        let upstreams: Vec<_> = self.accounts.iter().map(|a| a.status(&lines)).collect();
        let refusals = self.accounts.iter();
        let last = refusals
            .filter_map(|account| locked(&account.refusal).clone())
            .max_by_key(|refusal| refusal.at);
        Status {
            identity: upstreams.iter().find_map(|of| of.identity.clone()),
            connections: lines.iter().map(|line| connection(line)).collect(),
            adopted: upstreams.iter().map(|of| of.adopted).sum(),
            refused: upstreams.iter().map(|of| of.refused).sum(),
            last_refusal: last.map(|refusal| refusal.why),
            replayed: self.replayed.load(Relaxed),
            failed: self.failed.load(Relaxed),
            upstreams,
        }
    }
}

fn connection(line: &Line) -> ConnectionStatus {
    let identity = line.credentials().identity.as_deref();
    ConnectionStatus {
        upstream: line.upstream().to_owned(),
        leaf: identity.map(Identity::fingerprint),
        issuer: identity.map(issuer),
        authority_key_id: identity.and_then(authority_key_id),
        opened_at: line.opened_at(),
        streams: line.streams(),
        draining: line.is_draining(),
    }
}

fn issuer(identity: &Identity) -> String {
    identity.leaf().issuer().to_string()
}

fn authority_key_id(identity: &Identity) -> Option<String> {
    identity.authority_key_id().map(|id| {
        id.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _infallible = write!(hex, "{byte:02x}");
            hex
        })
    })
}

/// A panic elsewhere cannot leave these values half-written: each is changed by one statement.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
