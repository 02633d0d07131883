//! What an endpoint saw: which leaf calls, over how many connections, and who was refused.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use newleaf_x509::{Certificate, Fingerprint};

/// How many refusals are remembered in words; all are counted.
const MAX_REMEMBERED_REFUSALS: usize = 256;

/// How many leaves are remembered; the one that called longest ago is forgotten first.
const MAX_REMEMBERED_LEAVES: usize = 4_096;

/// What an endpoint saw since it started.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Every leaf that passed a handshake.
    pub leaves: BTreeMap<Fingerprint, SeenLeaf>,
    /// The latest refused handshakes, oldest first.
    pub refusals: VecDeque<Refusal>,
    /// How many handshakes were refused in all.
    pub n_refused: u64,
}

/// What an endpoint saw of one leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenLeaf {
    /// Who is certified.
    pub subject: String,
    /// Who signed.
    pub issuer: String,
    /// The key identifier of who signed (AKI), in hexadecimal.
    pub authority_key_id: Option<String>,
    /// Connections that are open now.
    pub n_connections: u64,
    /// Handshakes that passed, resumed sessions included.
    pub n_handshakes: u64,
    /// Handshakes that resumed a session.
    pub n_resumed: u64,
    /// Calls, denied ones included.
    pub n_calls: u64,
    /// Calls that no filter admitted.
    pub n_denied: u64,
    /// The latest call.
    pub last_call_at: Option<Timestamp>,
}

/// A refused handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// The leaf that was presented, if one was.
    pub leaf: Option<Fingerprint>,
    /// Why.
    pub reason: String,
}

/// The one place where an endpoint's connections write down what they see.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Seen>>);

/// An open connection: it counts as open until this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    ledger: Ledger,
    leaf: Fingerprint,
}

impl Ledger {
    pub(crate) fn seen(&self) -> Seen {
        self.with(|seen| seen.clone())
    }

    pub(crate) fn refuse(&self, refusal: Refusal) {
        tracing::debug!(reason = refusal.reason, "refused a handshake");
        self.with(|seen| {
            seen.n_refused += 1;
            if seen.refusals.len() >= MAX_REMEMBERED_REFUSALS {
                seen.refusals.pop_front();
            }
            seen.refusals.push_back(refusal);
        });
    }

    pub(crate) fn open(&self, leaf: &Certificate, is_resumed: bool) -> Open {
        let fingerprint = leaf.fingerprint();
        self.with(|seen| {
            seen.forget_oldest();
            let entry = seen
                .leaves
                .entry(fingerprint)
                .or_insert_with(|| SeenLeaf::of(leaf));
            entry.n_connections += 1;
            entry.n_handshakes += 1;
            entry.n_resumed += u64::from(is_resumed);
        });
        Open {
            ledger: self.clone(),
            leaf: fingerprint,
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Seen) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Open {
    pub(crate) fn call(&self, at: Timestamp) {
        self.with_leaf(|leaf| {
            leaf.n_calls += 1;
            leaf.last_call_at = Some(at);
        });
    }

    pub(crate) fn deny(&self) {
        self.with_leaf(|leaf| leaf.n_denied += 1);
    }

    fn with_leaf(&self, act: impl FnOnce(&mut SeenLeaf)) {
        self.ledger.with(|seen| {
            if let Some(leaf) = seen.leaves.get_mut(&self.leaf) {
                act(leaf);
            }
        });
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.with_leaf(|leaf| leaf.n_connections = leaf.n_connections.saturating_sub(1));
    }
}

impl Seen {
    fn forget_oldest(&mut self) {
        if self.leaves.len() < MAX_REMEMBERED_LEAVES {
            return;
        }
        let oldest = self
            .leaves
            .iter()
            .filter(|(_, leaf)| leaf.n_connections == 0)
            .min_by_key(|(_, leaf)| leaf.last_call_at)
            .map(|(fingerprint, _)| *fingerprint);
        if let Some(fingerprint) = oldest {
            self.leaves.remove(&fingerprint);
        }
    }
}

impl SeenLeaf {
    fn of(leaf: &Certificate) -> Self {
        let key_id = leaf
            .extensions()
            .authority_key_id
            .as_ref()
            .and_then(|aki| aki.value.key_id.as_ref());
        Self {
            subject: leaf.subject().to_string(),
            issuer: leaf.issuer().to_string(),
            authority_key_id: key_id.map(|id| hex(id)),
            n_connections: 0,
            n_handshakes: 0,
            n_resumed: 0,
            n_calls: 0,
            n_denied: 0,
            last_call_at: None,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
