//! Bytes that wait to be written to a connection, and memory for those that have to wait before it.

use std::collections::VecDeque;

/// The bytes, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    n_written: usize,
    /// How much was written since the connection began.
    n_gone: u64,
    /// The most that lay here since memory was last given back.
    most: usize,
    /// Memory in which calls' bytes waited for room here.
    spares: Vec<VecDeque<u8>>,
}

/// Of how many calls the memory is kept in which their bytes waited.
const SPARES: usize = 16;

/// Less is not worth moving the rest.
const GONE_BYTES: usize = 64 * 1024;

impl Outbox {
    /// Returns what waits.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(self.n_written..).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.n_written
    }

    pub(super) fn is_empty(&self) -> bool {
        // What is written whole is forgotten at once.
        self.bytes.is_empty()
    }

    /// Returns how much was written since the connection began.
    pub(super) fn n_gone(&self) -> u64 {
        self.n_gone
    }

    /// Returns the end at which frames are written.
    pub(super) fn end(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Forgets what was written.
    pub(super) fn written(&mut self, n_bytes: usize) {
        self.most = self.most.max(self.bytes.len());
        let n_gone = n_bytes.min(self.len());
        self.n_gone += u64::try_from(n_gone).unwrap_or(0);
        self.n_written = self.n_written.saturating_add(n_bytes).min(self.bytes.len());
        if self.n_written == self.bytes.len() {
            self.bytes.clear();
            self.n_written = 0;
        } else if self.n_written > GONE_BYTES.max(2 * self.len()) {
            // A peer that reads slowly never empties it; what is written must go all the same, but for two bytes that go
            // at most one is moved.
            self.bytes.drain(..self.n_written);
            self.n_written = 0;
        }
    }

    /// Returns memory for a call's bytes that have to wait for room here.
    pub(super) fn spare(&mut self) -> VecDeque<u8> {
        self.spares.pop().unwrap_or_default()
    }

    /// Takes memory in which nothing waits any more.
    pub(super) fn keep_spare(&mut self, emptied: VecDeque<u8>) {
        if emptied.capacity() > 0 && self.spares.len() < SPARES {
            self.spares.push(emptied);
        }
    }

    /// Gives back memory that was not used since the last time.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to(self.most);
        self.most = 0;
        self.spares = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_kept_while_it_is_used_and_given_back_a_sweep_later() {
        let mut outbox = Outbox::default();
        outbox.end().resize(200_000, 7);
        outbox.written(200_000);
        assert!(outbox.is_empty());
        outbox.shrink();
        assert!(outbox.bytes.capacity() >= 200_000, "it was used since");
        outbox.end().extend([7; 100]);
        outbox.written(100);
        outbox.shrink();
        assert!(
            outbox.bytes.capacity() < 1000,
            "only a little was used since"
        );
        outbox.shrink();
        assert_eq!(outbox.bytes.capacity(), 0);
    }

    #[test]
    fn what_waits_is_not_touched_by_giving_memory_back() {
        let mut outbox = Outbox::default();
        let sent: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        outbox.end().extend(&sent);
        let mut read = Vec::new();
        while !outbox.is_empty() {
            let n_bytes = outbox.len().min(7001);
            read.extend_from_slice(&outbox.bytes()[..n_bytes]);
            outbox.written(n_bytes);
            outbox.shrink();
        }
        assert_eq!(read, sent);
        assert_eq!(outbox.n_gone(), 300_000);
    }

    #[test]
    fn memory_of_those_that_waited_is_lent_again() {
        let mut outbox = Outbox::default();
        assert_eq!(outbox.spare().capacity(), 0);
        for _ in 0..100 {
            outbox.keep_spare(VecDeque::with_capacity(4096));
        }
        let lent = (0..100).map(|_| outbox.spare().capacity());
        assert_eq!(lent.filter(|n| *n >= 4096).count(), SPARES);
        outbox.keep_spare(VecDeque::with_capacity(4096));
        outbox.shrink();
        assert_eq!(outbox.spare().capacity(), 0, "it was given back");
    }
}
