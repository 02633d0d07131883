//! The heads of requests: of the calls there are, and of those that are remembered.
//!
//! Calls that say the same have one head, and most calls do; to count how many have it would cost each of them two atomic
//! operations, since a relay may move between threads. So nobody counts: what has no call and is not remembered is found, and
//! forgotten, when as much has come as is worth looking.

use std::time::Instant;

use super::{
    Relay,
    head::RequestHead,
    slots::{Key, Slots},
};
use crate::limits;

/// Where a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HeadId(Key);

/// The heads.
#[derive(Debug)]
pub(super) struct Heads {
    table: Slots<RequestHead>,
    /// Their size together.
    n_bytes: usize,
    /// The size from which it is worth looking for those that are not used.
    enough: usize,
    /// Until when nobody looks again whether there is room, if there was none.
    full_until: Option<Instant>,
}

/// Less is not worth looking through: a worker has about ten different heads, of some hundred bytes each.
const ENOUGH: usize = 256 * 1024;

impl Heads {
    pub(super) fn new() -> Self {
        Self {
            table: Slots::new(),
            n_bytes: 0,
            enough: ENOUGH,
            full_until: None,
        }
    }

    pub(super) fn get(&self, HeadId(key): HeadId) -> Option<&RequestHead> {
        self.table.get(key)
    }

    /// Returns the method that a call calls, as its caller wrote it.
    pub(super) fn path(&self, id: HeadId) -> &[u8] {
        let head = self.get(id);
        head.and_then(|head| head.fields.get(b":path"))
            .unwrap_or_default()
    }

    /// Returns the size of all.
    #[cfg(test)]
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    fn lacks_room(&self, size: usize) -> bool {
        self.n_bytes + size > limits::HEADS_BYTES
    }

    fn insert(&mut self, head: RequestHead) -> HeadId {
        self.n_bytes += head.fields.size();
        HeadId(self.table.insert(head))
    }

    /// Forgets all but these, which are sorted.
    fn retain(&mut self, used: &[HeadId]) {
        for key in self.table.keys() {
            if used.binary_search(&HeadId(key)).is_err()
                && let Some(head) = self.table.remove(key)
            {
                self.n_bytes -= head.fields.size();
            }
        }
        // Until then no more comes than is used now, or than is not worth looking through.
        self.enough = ENOUGH.max(2 * self.n_bytes);
    }
}

impl Relay {
    /// Takes a head in, for a call that is to come, or to be remembered. None if there is no room for it: what is remembered
    /// gives way to calls, and calls to nothing.
    pub(super) fn take_head(&mut self, head: RequestHead) -> Option<HeadId> {
        if self.heads.n_bytes >= self.heads.enough {
            self.forget_unused_heads();
        }
        let size = head.fields.size();
        if self.heads.lacks_room(size) && self.heads.full_until.is_none_or(|at| at <= self.now) {
            self.requests.clear();
            self.forget_unused_heads();
            // To look through ten thousand calls for each that is refused would cost more than they do.
            let full_until = self.now + limits::SWEEP_INTERVAL;
            self.heads.full_until = self.heads.lacks_room(size).then_some(full_until);
        }
        let has_room = !self.heads.lacks_room(size);
        has_room.then(|| self.heads.insert(head))
    }

    fn forget_unused_heads(&mut self) {
        let remembered = self.requests.notes().map(|known| known.head);
        let calls = self.calls.values().map(|call| call.head);
        let mut used: Vec<HeadId> = remembered.chain(calls).collect();
        used.sort_unstable();
        self.heads.retain(&used);
    }
}
