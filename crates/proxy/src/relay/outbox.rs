//! Bytes that wait to be written to a connection.

/// The bytes, in order.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    n_written: usize,
    /// How much was written since the connection began.
    n_gone: u64,
}

/// Above this, memory is given back as soon as it is empty.
const SPARE_BYTES: usize = 64 * 1024;

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
        let n_gone = n_bytes.min(self.len());
        self.n_gone += u64::try_from(n_gone).unwrap_or(0);
        self.n_written = self.n_written.saturating_add(n_bytes).min(self.bytes.len());
        if self.n_written == self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(SPARE_BYTES);
            self.n_written = 0;
        } else if self.n_written > SPARE_BYTES.max(self.len()) {
            // A peer that reads slowly never empties it; what is written must go all the same, but no byte is moved more
            // often than it is worth.
            self.bytes.drain(..self.n_written);
            self.n_written = 0;
        }
    }

    /// Gives back memory that is not in use.
    pub(super) fn shrink(&mut self) {
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }
}
