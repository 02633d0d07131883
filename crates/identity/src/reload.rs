//! Keeps what lies in a source published: for a client that trusts whoever writes the files.
//!
//! A file that is no identity is never published; the one before stays. But whether the *server* accepts a new identity is
//! not asked here. Where that must be proved first, put the proof between [`Watcher`] and [`Publisher`] as `newleaf-proxy`
//! does, or let a channel follow (feature `tonic`).

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    publish::{self, Publisher, Snapshot, Subscriber},
    source::{LoadError, Source},
    watch::{Recheck, Watcher},
};

/// Publishes the identity of a source, and each one that replaces it.
#[derive(Debug)]
pub struct Reloader {
    watcher: Watcher,
    publisher: Publisher,
}

/// What a reloader has to tell. A closed set: one more is a breaking release.
#[derive(Debug)]
pub enum Reload {
    /// A new identity is published.
    Adopted(Arc<Snapshot>),
    /// What lies in the source is no identity, or a look at it hangs; the one before is published still.
    Refused(LoadError),
}

impl Reloader {
    /// Publishes the identity that lies in `source` now, on the runtime it is called in. `clock` tells the instant at which
    /// validity is judged: [`Timestamp::now`], outside of tests.
    ///
    /// It blocks until the source was read, once: a program may take [`PATIENCE`](crate::source::PATIENCE), and a mount that
    /// hangs has no bound. In files without versions one look may meet a writer halfway, and find a chain without its
    /// intermediate. Nobody who starts waits for a second look: [`Self::run`] takes it [`SETTLING`](crate::watch::SETTLING)
    /// later, and publishes what it finds.
    ///
    /// # Errors
    ///
    /// There is no identity: a client that starts without one would fail later and less clearly.
    pub fn start(
        source: Source,
        clock: fn() -> Timestamp,
    ) -> Result<(Self, Subscriber), LoadError> {
        let material = source.read()?;
        let first = source.check(&material, clock())?;
        let (publisher, subscriber) = publish::channel();
        publisher.publish(Arc::new(first));
        let watcher = Watcher::after(&material, source, clock);
        Ok((Self { watcher, publisher }, subscriber))
    }

    /// Returns the handle that asks for a look now.
    pub fn recheck(&self) -> Recheck {
        self.watcher.recheck()
    }

    /// Publishes until it is dropped.
    pub async fn run(mut self, mut tell: impl FnMut(Reload)) {
        loop {
            match self.watcher.next().await {
                Err(refused) => tell(Reload::Refused(refused)),
                Ok(identity) => {
                    let current = self.publisher.subscribe().current();
                    let published = current.as_ref().map(|s| s.identity.chain());
                    if published != Some(identity.chain()) {
                        tell(Reload::Adopted(self.publisher.publish(Arc::new(identity))));
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
