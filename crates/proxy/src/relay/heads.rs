//! The heads of requests: of the calls there are, and of those that are remembered.
//!
//! Calls that say the same have one head, and most calls do; to count how many have it would cost each of them two atomic
//! operations, since a relay may move between threads. So nobody counts: what has no call and is not remembered is found, and
//! forgotten, when as much has come as is worth looking.

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
}

/// Less is not worth looking through: a worker has about ten different heads, of some hundred bytes each.
const ENOUGH: usize = 256 * 1024;

impl Heads {
    pub(super) fn new() -> Self {
        Self {
            table: Slots::new(),
            n_bytes: 0,
            enough: ENOUGH,
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
        // Until then no more comes than is used now, or than is not worth looking through, or than there is room for.
        let room = limits::HEADS_BYTES.saturating_sub(limits::HEADS_BYTES / 16);
        self.enough = ENOUGH.max(2 * self.n_bytes).min(room);
    }
}

impl Relay {
    /// Takes a head in, for a call that is to come, or to be remembered. None if there is no room for it.
    pub(super) fn take_head(&mut self, head: RequestHead) -> Option<HeadId> {
        if self.heads.n_bytes >= self.heads.enough {
            let remembered = self.requests.notes().map(|known| known.head);
            let calls = self.calls.values().map(|call| call.head);
            let mut used: Vec<HeadId> = remembered.chain(calls).collect();
            used.sort_unstable();
            self.heads.retain(&used);
        }
        let has_room = self.heads.n_bytes + head.fields.size() <= limits::HEADS_BYTES;
        has_room.then(|| self.heads.insert(head))
    }
}
