//! What the parts of the proxy write down, and the status that is made of it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use jiff::Timestamp;
use newleaf_identity::{
    Identity,
    publish::{Snapshot, Subscriber},
};
use newleaf_x509::Fingerprint;
use tokio::sync::watch;

use super::{
    ApiKeyStatus, BytesStatus, CallsStatus, ConnectionStatus, IdentityStatus, LookupStatus,
    Readiness, Status, UpstreamStatus, listener::ListenerAccount,
};
use crate::{
    clock,
    connection::Line,
    dial::Names,
    expiry::Expiry,
    relay::{FailureCause, Tally},
};

/// Where the parts of the proxy write down what happens.
pub(crate) struct Ledger {
    accounts: Vec<Arc<Account>>,
    /// Those with TLS, by where they accept callers.
    listeners: Mutex<Vec<(String, Arc<ListenerAccount>)>>,
    lines: Mutex<BTreeMap<u64, Arc<Line>>>,
    n_lines: AtomicU64,
    replayed: AtomicU64,
    failed: Mutex<BTreeMap<FailureCause, u64>>,
    tally: SharedTally,
    ready: watch::Sender<bool>,
    started_at: Timestamp,
}

/// The relay's [`Tally`], for whoever may not wait for the relay.
#[derive(Default)]
struct SharedTally {
    answered: AtomicU64,
    reset: AtomicU64,
    from_callers: AtomicU64,
    to_callers: AtomicU64,
    from_servers: AtomicU64,
    to_servers: AtomicU64,
}

/// What is written down of one upstream.
pub(crate) struct Account {
    name: String,
    identity: Subscriber,
    names: Arc<Names>,
    api_keys: AtomicU64,
    refusal: Mutex<Option<Refusal>>,
    adopted: AtomicU64,
    refused: AtomicU64,
    current: AtomicBool,
    trouble: Mutex<Option<String>>,
}

/// Why a candidate was refused, and when.
#[derive(Clone)]
struct Refusal {
    at: Timestamp,
    why: String,
}

impl Account {
    pub(crate) fn new(name: String, identity: Subscriber, names: Arc<Names>) -> Arc<Self> {
        Arc::new(Self {
            name,
            identity,
            names,
            api_keys: AtomicU64::new(0),
            refusal: Mutex::default(),
            adopted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            current: AtomicBool::new(false),
            trouble: Mutex::default(),
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

    /// Notes why a dial led nowhere, or that one did not.
    pub(crate) fn dialled(&self, trouble: Option<&str>) {
        *locked(&self.trouble) = trouble.map(str::to_owned);
    }

    /// Notes whether what is in use is what was read last.
    pub(crate) fn current(&self, current: bool) {
        self.current.store(current, Relaxed);
    }

    fn status(&self, lines: &[Arc<Line>], now: Timestamp) -> UpstreamStatus {
        let identity = self.identity.current();
        let generation = self.api_keys.load(Relaxed);
        UpstreamStatus {
            name: self.name.clone(),
            ready: lines
                .iter()
                .any(|line| line.upstream() == self.name && !line.is_draining()),
            identity: identity.map(|snapshot| identity_status(&snapshot, now)),
            api_key: (generation > 0).then_some(ApiKeyStatus { generation }),
            name_lookup: self.names.told().map(|told| LookupStatus {
                addresses: told.addresses,
                due_at: now.saturating_add(told.due).unwrap_or(now),
                trouble: told.trouble,
            }),
            current: self.current.load(Relaxed),
            adopted: self.adopted.load(Relaxed),
            refused: self.refused.load(Relaxed),
            last_refusal: locked(&self.refusal).clone().map(|refusal| refusal.why),
            trouble: locked(&self.trouble).clone(),
        }
    }
}

impl Ledger {
    pub(crate) fn new(accounts: Vec<Arc<Account>>, started_at: Timestamp) -> Self {
        Self {
            accounts,
            listeners: Mutex::default(),
            lines: Mutex::default(),
            n_lines: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            failed: Mutex::new(FailureCause::ALL.map(|cause| (cause, 0)).into()),
            tally: SharedTally::default(),
            ready: watch::Sender::new(false),
            started_at,
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

    /// Notes a listener that speaks TLS.
    pub(crate) fn bound(&self, place: String, account: Arc<ListenerAccount>) {
        locked(&self.listeners).push((place, account));
    }

    /// Notes that a call was sent again.
    pub(crate) fn replayed(&self) {
        self.replayed.fetch_add(1, Relaxed);
    }

    /// Notes that the proxy failed a call.
    pub(crate) fn failed(&self, cause: FailureCause) {
        *locked(&self.failed).entry(cause).or_default() += 1;
    }

    /// Takes note of what the relay has carried. Called at each of its turns: no lock, no addition.
    pub(crate) fn carried(&self, tally: Tally) {
        let Tally {
            answered,
            reset,
            from_callers_bytes,
            to_callers_bytes,
            from_servers_bytes,
            to_servers_bytes,
        } = tally;
        let shared = &self.tally;
        shared.answered.store(answered, Relaxed);
        shared.reset.store(reset, Relaxed);
        shared.from_callers.store(from_callers_bytes, Relaxed);
        shared.to_callers.store(to_callers_bytes, Relaxed);
        shared.from_servers.store(from_servers_bytes, Relaxed);
        shared.to_servers.store(to_servers_bytes, Relaxed);
    }

    /// Notes whether a call that came now would be carried.
    pub(crate) fn ready(&self, ready: bool) {
        self.ready.send_replace(ready);
    }

    /// Returns whether a call that came now would be carried, for whoever waits for it.
    pub(crate) fn readiness(&self) -> Readiness {
        Readiness::of(&self.ready)
    }

    /// Returns, by upstream, a reading end for the identity of the moment.
    pub(crate) fn identities(&self) -> impl Iterator<Item = (String, Subscriber)> {
        let of = |account: &Arc<Account>| (account.name.clone(), account.identity.clone());
        self.accounts.iter().map(of)
    }

    /// Returns, by listener, a reading end for the identity that callers are shown.
    pub(crate) fn shown_identities(&self) -> Vec<(String, Subscriber)> {
        let of =
            |(place, account): &(String, Arc<ListenerAccount>)| (place.clone(), account.identity());
        locked(&self.listeners).iter().map(of).collect()
    }

    /// Returns the whole picture.
    pub(crate) fn status(&self, now: Timestamp) -> Status {
        let failed_by_cause = locked(&self.failed).clone();
        let failed = failed_by_cause.values().sum();
        let lines: Vec<_> = locked(&self.lines).values().cloned().collect();
        let upstreams: Vec<_> = self
            .accounts
            .iter()
            .map(|account| account.status(&lines, now))
            .collect();
        let listeners = locked(&self.listeners).clone().into_iter();
        let refusals = self.accounts.iter();
        let last = refusals
            .filter_map(|account| locked(&account.refusal).clone())
            .max_by_key(|refusal| refusal.at);
        // A statement of its own. The connections ask the relay, whose thread tells here whether it is ready: who asked the one
        // while it held the other would wait for ever.
        let ready = *self.ready.borrow();
        Status {
            started_at: self.started_at,
            ready,
            identity: upstreams.iter().find_map(|of| of.identity.clone()),
            connections: lines.iter().map(|line| connection(line)).collect(),
            adopted: upstreams.iter().map(|of| of.adopted).sum(),
            refused: upstreams.iter().map(|of| of.refused).sum(),
            last_refusal_at: last.as_ref().map(|refusal| refusal.at),
            last_refusal: last.map(|refusal| refusal.why),
            replayed: self.replayed.load(Relaxed),
            failed,
            calls: CallsStatus {
                answered: self.tally.answered.load(Relaxed),
                failed,
                failed_by_cause,
                reset: self.tally.reset.load(Relaxed),
            },
            bytes: BytesStatus {
                from_callers: self.tally.from_callers.load(Relaxed),
                to_callers: self.tally.to_callers.load(Relaxed),
                from_servers: self.tally.from_servers.load(Relaxed),
                to_servers: self.tally.to_servers.load(Relaxed),
            },
            upstreams,
            listeners: listeners
                .filter_map(|(place, account)| account.status(&place, now))
                .collect(),
        }
    }
}

/// Returns how the life of an identity looks.
pub(crate) fn expiry(identity: &Identity, now: Timestamp) -> Expiry {
    Expiry::new(identity.leaf().not_before(), identity.not_after(), now)
}

pub(super) fn identity_status(snapshot: &Snapshot, now: Timestamp) -> IdentityStatus {
    let identity = &snapshot.identity;
    let expiry = expiry(identity, now);
    IdentityStatus {
        generation: snapshot.generation,
        leaf: identity.fingerprint(),
        issuer: issuer(identity),
        authority_key_id: authority_key_id(identity),
        ca: ca(identity),
        not_before: identity.leaf().not_before(),
        not_after: identity.not_after(),
        stage: expiry.stage(),
        expiry: expiry.to_string(),
    }
}

fn connection(line: &Line) -> ConnectionStatus {
    let identity = line.credentials().identity.as_deref();
    ConnectionStatus {
        upstream: line.upstream().to_owned(),
        leaf: identity.map(Identity::fingerprint),
        issuer: identity.map(issuer),
        authority_key_id: identity.and_then(authority_key_id),
        ca: identity.and_then(ca),
        opened_at: line.opened_at(),
        streams: line.streams(),
        draining: line.is_draining(),
    }
}

fn issuer(identity: &Identity) -> String {
    identity.leaf().issuer().to_string()
}

fn ca(identity: &Identity) -> Option<Fingerprint> {
    let above = identity.chain().intermediates().first();
    above.map(newleaf_x509::Certificate::fingerprint)
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
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
