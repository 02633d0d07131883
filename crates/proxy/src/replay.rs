//! Keeps what was sent of a request, so that it can be sent again.
//!
//! A request is kept only while the server has not begun to answer, and within two bounds: one for each call and one
//! for all calls. Beyond them the call goes on, but cannot be replayed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// How much all calls together may still keep.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<Semaphore>);

/// What was kept of one request.
#[derive(Debug)]
pub(crate) struct Kept {
    budget: Budget,
    inner: Mutex<Option<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    chunks: Vec<Bytes>,
    n_bytes: usize,
    permits: Vec<OwnedSemaphorePermit>,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::REPLAY_TOTAL_BYTES)))
    }
}

impl Kept {
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            inner: Mutex::new(Some(Inner::default())),
        }
    }

    /// Keeps a chunk that is about to be sent; gives up the whole request if a bound is reached.
    pub(crate) fn keep(&self, chunk: &Bytes) {
        let mut inner = self.locked();
        let Some(kept) = inner.as_mut() else {
            return;
        };
        let n_bytes = kept.n_bytes.saturating_add(chunk.len());
        let permit = u32::try_from(chunk.len())
            .ok()
            .filter(|_| n_bytes <= limits::REPLAY_BYTES)
            .and_then(|n| Arc::clone(&self.budget.0).try_acquire_many_owned(n).ok());
        let Some(permit) = permit else {
            *inner = None;
            return;
        };
        kept.n_bytes = n_bytes;
        kept.permits.push(permit);
        kept.chunks.push(chunk.clone());
    }

    /// Gives up what was kept: the request cannot be replayed any more, or need not be.
    pub(crate) fn give_up(&self) {
        *self.locked() = None;
    }

    /// Returns everything that was sent so far, or `None` if it was given up.
    pub(crate) fn chunks(&self) -> Option<Vec<Bytes>> {
        self.locked().as_ref().map(|kept| kept.chunks.clone())
    }

    fn locked(&self) -> MutexGuard<'_, Option<Inner>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_bounds_hold_and_what_is_given_up_is_given_back() {
        let budget = Budget::new();
        let kept = Kept::new(budget.clone());
        let half = Bytes::from(vec![0; limits::REPLAY_BYTES / 2]);
        kept.keep(&half);
        kept.keep(&half);
        assert_eq!(kept.chunks().unwrap().len(), 2);
        let free = budget.0.available_permits();
        assert_eq!(free, limits::REPLAY_TOTAL_BYTES - limits::REPLAY_BYTES);
        kept.keep(&Bytes::from_static(b"x"));
        assert!(kept.chunks().is_none(), "over the bound of one call");
        assert_eq!(budget.0.available_permits(), limits::REPLAY_TOTAL_BYTES);

        let others: Vec<_> = (0..64)
            .map(|_| {
                let kept = Kept::new(budget.clone());
                kept.keep(&half);
                kept.keep(&half);
                kept
            })
            .collect();
        assert!(others.iter().all(|kept| kept.chunks().is_some()));
        let one_more = Kept::new(budget.clone());
        one_more.keep(&Bytes::from_static(b"x"));
        assert!(one_more.chunks().is_none(), "over the bound of all calls");
        drop(others);
        assert_eq!(budget.0.available_permits(), limits::REPLAY_TOTAL_BYTES);
    }
}
