//! How many callers may be in at once.

use std::sync::Arc;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Places for so many, and the news that one of them is free.
#[derive(Clone)]
pub(super) struct Room {
    places: Arc<Semaphore>,
    freed: Arc<Notify>,
}

/// The right to one of them, which is free when this is dropped.
pub(super) struct Ticket {
    permit: Option<OwnedSemaphorePermit>,
    freed: Arc<Notify>,
}

impl Room {
    pub(super) fn of(n_places: usize, freed: &Arc<Notify>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(n_places)),
            freed: Arc::clone(freed),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.places.available_permits() == 0
    }

    /// Takes a place, if one is free.
    pub(super) fn try_enter(&self) -> Option<Ticket> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok();
        permit.map(|permit| self.ticket(permit))
    }

    /// Waits for a place. It is never closed, so that there is always one some time.
    pub(super) async fn enter(&self) -> Option<Ticket> {
        let permit = Arc::clone(&self.places).acquire_owned().await.ok();
        permit.map(|permit| self.ticket(permit))
    }

    /// Comes back when a place has become free here, or in another room that shares the news.
    pub(super) async fn freed(&self) {
        self.freed.notified().await;
    }

    fn ticket(&self, permit: OwnedSemaphorePermit) -> Ticket {
        Ticket {
            permit: Some(permit),
            freed: Arc::clone(&self.freed),
        }
    }
}

impl Ticket {
    /// Gives it back to a room in which nobody was missed for it.
    pub(super) fn leave_unsaid(mut self) {
        drop(self.permit.take());
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.permit.take().is_some() {
            self.freed.notify_one();
        }
    }
}
