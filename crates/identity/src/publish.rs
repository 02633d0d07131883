//! One writer publishes the identity of the moment, many readers subscribe.
//!
//! A reader takes a [`Snapshot`] and keeps it as long as it likes: what was published later does not change
//! it. Because only an [`Identity`] can be published, and an identity is checked when it is made, a bad one
//! never takes the place of a good one.

use std::{fmt, sync::Arc};

use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};
use tokio::sync::watch;

use crate::identity::Identity;

/// An identity and its place in the order of publication.
#[derive(Clone)]
pub struct Snapshot {
    /// 1 for the first identity, and one more for each that follows.
    pub generation: u64,
    /// The identity.
    pub identity: Arc<Identity>,
}

/// The writing end. There is one.
#[derive(Debug)]
pub struct Publisher(watch::Sender<Option<Arc<Snapshot>>>);

/// A reading end. Before the first identity it presents nothing, so that handshakes which need one fail closed.
#[derive(Clone, Debug)]
pub struct Subscriber(watch::Receiver<Option<Arc<Snapshot>>>);

/// Makes a channel on which nothing is published yet.
pub fn channel() -> (Publisher, Subscriber) {
    let (sender, receiver) = watch::channel(None);
    (Publisher(sender), Subscriber(receiver))
}

impl Publisher {
    /// Makes `identity` the identity of the moment, and returns its snapshot.
    pub fn publish(&self, identity: Arc<Identity>) -> Arc<Snapshot> {
        let mut snapshot = Arc::new(Snapshot {
            generation: 1,
            identity,
        });
        // Under the channel's lock: of two tasks that publish at once, one is later.
        self.0.send_modify(|current| {
            if let Some(before) = current {
                Arc::make_mut(&mut snapshot).generation = before.generation.saturating_add(1);
            }
            *current = Some(Arc::clone(&snapshot));
        });
        snapshot
    }

    /// Returns another reading end.
    pub fn subscribe(&self) -> Subscriber {
        Subscriber(self.0.subscribe())
    }
}

impl Subscriber {
    /// Returns the identity of the moment, or `None` before the first.
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.0.borrow().clone()
    }

    /// Waits until an identity is published that this reading end has not waited for yet; `None` when the
    /// writer is gone. Safe to drop halfway.
    pub async fn changed(&mut self) -> Option<Arc<Snapshot>> {
        loop {
            self.0.changed().await.ok()?;
            let current = self.0.borrow_and_update().clone();
            if current.is_some() {
                return current;
            }
        }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("generation", &self.generation)
            .field("leaf", &self.identity.fingerprint())
            .finish_non_exhaustive()
    }
}

impl ResolvesClientCert for Subscriber {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        _signature_schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        // The server's hints are not obeyed: which identity is presented is newleaf's decision, and a server
        // that would not accept it should say so.
        self.current()
            .map(|snapshot| snapshot.identity.certified_key())
    }

    fn has_certs(&self) -> bool {
        self.0.borrow().is_some()
    }
}

#[cfg(test)]
mod tests;
