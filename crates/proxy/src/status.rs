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

use crate::connection::Line;

/// The proxy at one instant, as `GET /status` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The identity that was adopted last; none before the first proof.
    pub identity: Option<IdentityStatus>,
    /// Every live connection to the server that carries calls, oldest first.
    pub connections: Vec<ConnectionStatus>,
    /// How many identities were adopted.
    pub adopted: u64,
    /// How many candidates were refused, by our own check or by the server. Unanswered dials are not counted.
    pub refused: u64,
    /// Why the last one was refused.
    pub last_refusal: Option<String>,
    /// How many times a call was sent again that the server had provably not processed, or that only asks.
    pub replayed: u64,
    /// How many calls ended with a status that the proxy, not the server, gave.
    pub failed: u64,
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

/// One live connection to the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// SHA-256 of the leaf that this connection presented.
    pub leaf: Fingerprint,
    /// The distinguished name of the CA that signed the leaf.
    pub issuer: String,
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
    identity: Subscriber,
    lines: Mutex<BTreeMap<u64, Arc<Line>>>,
    refusal: Mutex<Option<String>>,
    adopted: AtomicU64,
    refused: AtomicU64,
    replayed: AtomicU64,
    failed: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(identity: Subscriber) -> Self {
        Self {
            identity,
            lines: Mutex::default(),
            refusal: Mutex::default(),
            adopted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// Notes a connection that carries calls from now on.
    pub(crate) fn opened(&self, line: Arc<Line>) {
        locked(&self.lines).insert(line.id(), line);
    }

    /// Notes that a connection is gone.
    pub(crate) fn closed(&self, line: &Line) {
        locked(&self.lines).remove(&line.id());
    }

    /// Notes that an identity was adopted.
    pub(crate) fn adopted(&self) {
        self.adopted.fetch_add(1, Relaxed);
    }

    /// Notes that a candidate was refused.
    pub(crate) fn refused(&self, why: String) {
        self.refused.fetch_add(1, Relaxed);
        *locked(&self.refusal) = Some(why);
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
        let identity = self.identity.current().map(|snapshot| IdentityStatus {
            generation: snapshot.generation,
            leaf: snapshot.identity.fingerprint(),
            issuer: issuer(&snapshot.identity),
            authority_key_id: authority_key_id(&snapshot.identity),
            not_after: snapshot.identity.not_after(),
        });
        Status {
            identity,
            connections: lines.iter().map(|line| connection(line)).collect(),
            adopted: self.adopted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            last_refusal: locked(&self.refusal).clone(),
            replayed: self.replayed.load(Relaxed),
            failed: self.failed.load(Relaxed),
        }
    }
}

fn connection(line: &Line) -> ConnectionStatus {
    ConnectionStatus {
        leaf: line.identity().fingerprint(),
        issuer: issuer(line.identity()),
        authority_key_id: authority_key_id(line.identity()),
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
