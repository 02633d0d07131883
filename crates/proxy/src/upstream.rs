//! The connections to the server that take new streams; callers pick one, [`keeper::Keeper`] keeps them there.

mod ages;
pub(crate) mod keeper;

use std::{pin::pin, sync::Arc};

use tokio::{
    sync::{Notify, watch},
    time::{Instant, timeout_at},
};

use crate::{
    connection::{Connection, Ticket},
    status::Ledger,
};

/// What the calls share.
pub(crate) struct Upstream {
    live: watch::Sender<Vec<Arc<Connection>>>,
    freed: Notify,
    crowded: Notify,
    pub(crate) ledger: Arc<Ledger>,
}

/// The right to open one stream on a connection.
pub(crate) struct Lease {
    pub(crate) connection: Arc<Connection>,
    pub(crate) seat: Seat,
}

/// One stream's place; others may wait for it.
pub(crate) struct Seat {
    upstream: Arc<Upstream>,
    /// Given back before the others are told.
    ticket: Option<Ticket>,
}

impl Upstream {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Self {
            live: watch::Sender::new(Vec::new()),
            freed: Notify::new(),
            crowded: Notify::new(),
            ledger,
        }
    }

    /// Returns whether a call that came now would be carried.
    pub(crate) fn is_ready(&self) -> bool {
        !self.live.borrow().is_empty()
    }

    /// Returns the least busy connection, waiting until `by` for one that has room; `None` then.
    pub(crate) async fn lease(self: &Arc<Self>, by: Instant) -> Option<Lease> {
        let mut changes = self.live.subscribe();
        let waiting = async {
            loop {
                // Registered before the look, so that no news falls between look and wait.
                let mut freed = pin!(self.freed.notified());
                freed.as_mut().enable();
                changes.mark_unchanged();
                if let Some(lease) = self.lease_now() {
                    return lease;
                }
                self.crowded.notify_one();
                tokio::select! {
                    () = freed => {}
                    // The sender lives in `self`.
                    _changed = changes.changed() => {}
                }
            }
        };
        timeout_at(by, waiting).await.ok()
    }

    fn lease_now(self: &Arc<Self>) -> Option<Lease> {
        let live = self.live.borrow();
        let connection = live
            .iter()
            .filter(|connection| connection.has_room())
            .min_by_key(|connection| connection.streams())?;
        let seat = Seat {
            upstream: Arc::clone(self),
            ticket: Some(connection.ticket()),
        };
        Some(Lease {
            connection: Arc::clone(connection),
            seat,
        })
    }

    /// Returns whether there are connections and none of them has room.
    fn is_crowded(&self) -> bool {
        let live = self.live.borrow();
        !live.is_empty() && !live.iter().any(|connection| connection.has_room())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        drop(self.ticket.take());
        self.upstream.freed.notify_one();
    }
}
