//! What is written down of a listener that speaks TLS.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use jiff::Timestamp;
use newleaf_identity::publish::Subscriber;

use super::{
    ListenerStatus,
    ledger::{identity_status, locked},
};

/// What is written down of one listener.
pub(crate) struct ListenerAccount {
    identity: Subscriber,
    current: AtomicBool,
    last_refusal: Mutex<Option<String>>,
}

impl ListenerAccount {
    /// Begins with what the files hold.
    pub(crate) fn new(identity: Subscriber) -> Arc<Self> {
        Arc::new(Self {
            identity,
            current: AtomicBool::new(true),
            last_refusal: Mutex::default(),
        })
    }

    /// Returns a reading end for the identity that callers are shown.
    pub(crate) fn identity(&self) -> Subscriber {
        self.identity.clone()
    }

    /// Notes whether what is in use is what the files last held.
    pub(crate) fn current(&self, current: bool) {
        self.current.store(current, Relaxed);
    }

    /// Notes why something that the files held was refused.
    pub(crate) fn refused(&self, why: String) {
        *locked(&self.last_refusal) = Some(why);
    }

    pub(super) fn status(&self, place: &str, now: Timestamp) -> Option<ListenerStatus> {
        let snapshot = self.identity.current()?;
        Some(ListenerStatus {
            place: place.to_owned(),
            identity: identity_status(&snapshot, now),
            current: self.current.load(Relaxed),
            last_refusal: locked(&self.last_refusal).clone(),
        })
    }
}
