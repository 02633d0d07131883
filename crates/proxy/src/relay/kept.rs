//! What was sent of requests, kept while they may be sent again; and the bounds of that.

use super::half::Last;
use crate::{grpc, limits};

/// What was sent of a request, besides its head.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) body: Vec<u8>,
    /// How much room was made for it before it came; room counts as if it were full.
    n_foreseen: usize,
    /// How much of it is counted among what is kept of all calls.
    n_counted: usize,
    is_too_long: bool,
    pub(super) trailers: Option<Last>,
}

/// How much is kept of all calls, and memory that was used for it: most requests are short, and each would cost an allocation.
#[derive(Debug, Default)]
pub(super) struct Keep {
    n_bytes: usize,
    spare: Vec<Vec<u8>>,
    /// The same with room for as much as may be kept.
    longest: Vec<Vec<u8>>,
}

/// Longer bodies are not worth their memory once they are gone, unless they have all the room that may be kept.
const SPARE_BYTES: usize = 1024;
/// As many as are sent between two turns of a busy thread.
const SPARES: usize = 128;

/// As many as are kept at a time, where a few callers send large messages: 1 MiB in all.
const LONGEST: usize = 4;

/// A message whose first piece is shorter is cheap to move.
const LARGE_BYTES: usize = 4096;

impl Kept {
    /// Adds what is sent. Of what is longer than may be kept, nothing is worth keeping, and least of all is it worth moving.
    #[inline]
    pub(super) fn add(&mut self, parts: (&[u8], &[u8])) {
        self.is_too_long |= self.body.len() + parts.0.len() + parts.1.len() > limits::REPLAY_BYTES;
        if !self.is_too_long {
            self.body.extend_from_slice(parts.0);
            if !parts.1.is_empty() {
                self.body.extend_from_slice(parts.1);
            }
        }
    }

    /// Makes room at once for a message that begins like this, if nothing of the request waits or is kept before it, so that
    /// a large one is not moved again and again as it grows. What it says of its length is a hint: it reserves no more than
    /// may be kept, and memory that is not there is not missed.
    pub(super) fn reserve_for(&mut self, bytes: &[u8], keep: &mut Keep) {
        if bytes.len() >= LARGE_BYTES
            && self.body.is_empty()
            && let Some(n_bytes) = grpc::message_bytes(bytes)
        {
            if let Some(longest) = keep.longest.pop() {
                self.body = longest;
            }
            let n_bytes = n_bytes.min(limits::REPLAY_BYTES);
            if self.body.try_reserve(n_bytes).is_ok() {
                self.n_foreseen = self.body.capacity().min(limits::REPLAY_BYTES);
            }
        }
    }
}

impl Keep {
    /// Returns how much is kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.n_bytes
    }

    /// Begins to keep a request.
    pub(super) fn begin(&mut self) -> Kept {
        Kept {
            body: self.spare.pop().unwrap_or_default(),
            ..Kept::default()
        }
    }

    /// Counts what was added to a request; what breaks the bounds is not kept any more.
    pub(super) fn count(&mut self, kept: &mut Option<Kept>) {
        let Some(counted) = kept else { return };
        let n_bytes = counted.body.len().max(counted.n_foreseen);
        self.n_bytes += n_bytes - counted.n_counted;
        counted.n_counted = n_bytes;
        if counted.is_too_long || self.n_bytes > limits::REPLAY_TOTAL_BYTES {
            self.forget(kept.take());
        }
    }

    /// Forgets a request that will not be sent again.
    pub(super) fn forget(&mut self, kept: Option<Kept>) {
        let Some(Kept {
            mut body,
            n_counted,
            ..
        }) = kept
        else {
            return;
        };
        self.n_bytes -= n_counted;
        body.clear();
        let (spare, most) = match body.capacity() {
            ..=SPARE_BYTES => (&mut self.spare, SPARES),
            limits::REPLAY_BYTES.. => (&mut self.longest, LONGEST),
            _ => return,
        };
        if spare.len() < most {
            spare.push(body);
        }
    }

    /// Takes back what was kept of a request that is about to be sent again, from its beginning.
    pub(super) fn take_back(&mut self, kept: &mut Kept) -> Vec<u8> {
        self.n_bytes -= std::mem::take(&mut kept.n_counted);
        kept.n_foreseen = 0;
        std::mem::take(&mut kept.body)
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        self.spare = Vec::new();
        self.longest = Vec::new();
    }
}
