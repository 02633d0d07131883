//! The calls under way on one connection.

use std::collections::VecDeque;

use tokio::time::Instant;

/// A call under way.
#[derive(Debug)]
pub(super) struct Stream {
    /// Which kind of call.
    pub(super) which: usize,
    /// Since when its caller has waited.
    pub(super) since: Instant,
    /// `:status`, once it was said.
    pub(super) status: Option<u16>,
    /// Bytes of the reply so far.
    pub(super) received: usize,
    /// What the server takes of the request.
    pub(super) window: i64,
    /// Bytes of the request that were sent.
    pub(super) sent: usize,
}

/// Streams by their number. They end nearly in the order in which they began, so a queue with holes serves.
#[derive(Debug)]
pub(super) struct Streams {
    queue: VecDeque<Option<Stream>>,
    /// The number of the first in the queue.
    base: u32,
    next: u32,
    open: usize,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            base: 1,
            next: 1,
            open: 0,
        }
    }
}

impl Streams {
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// The number of the stream that begins next.
    pub(super) fn next_id(&self) -> u32 {
        self.next
    }

    /// Begins a stream; answers with its number.
    pub(super) fn push(&mut self, stream: Stream) -> u32 {
        let id = self.next;
        self.next += 2;
        self.open += 1;
        self.queue.push_back(Some(stream));
        id
    }

    pub(super) fn get(&mut self, id: u32) -> Option<&mut Stream> {
        self.slot(id)?.as_mut()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream> {
        self.queue.iter_mut().flatten()
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<Stream> {
        let stream = self.slot(id)?.take()?;
        self.open -= 1;
        while let Some(None) = self.queue.front() {
            self.queue.pop_front();
            self.base += 2;
        }
        Some(stream)
    }

    /// Ends them all.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Stream> + use<> {
        self.base = self.next;
        self.open = 0;
        std::mem::take(&mut self.queue).into_iter().flatten()
    }

    fn slot(&mut self, id: u32) -> Option<&mut Option<Stream>> {
        let place = id.checked_sub(self.base)? / 2;
        self.queue.get_mut(usize::try_from(place).ok()?)
    }
}
