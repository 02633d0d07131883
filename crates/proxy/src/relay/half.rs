//! One direction of a call: what came from its sender and has not been passed on yet.
//!
//! Bytes are passed on as far as the receiver has room, and only then is the sender given room for more. So what a slow
//! reader does not take, its writer cannot send, and at most one window of each stream waits here.

use std::{collections::VecDeque, sync::Arc};

use super::{kept::Kept, slots::Key, wire::Wire};
use crate::{
    h2::{
        breach::Breach,
        frame::Data,
        hpack::HeaderList,
        window::{ReceiveWindow, SendWindow},
    },
    limits,
};

/// One direction of a call.
#[derive(Debug)]
pub(super) struct Half {
    /// What the sender may still send.
    pub(super) credit: ReceiveWindow,
    /// What the receiver may still be sent.
    pub(super) window: SendWindow,
    pub(super) pending: VecDeque<u8>,
    pub(super) end: End,
    /// How many of the bytes in `pending` were passed on before, to a server that did not process them: the sender has been
    /// given room for them already.
    prepaid: usize,
    /// How many bytes are to come, where the sender has said so (RFC 9113 §8.1.1).
    declared: Option<u64>,
    /// Whether it waits for room on the connection of its receiver.
    pub(super) is_queued: bool,
}

/// How far the sender's last word has come.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// The sender has not said it.
    Open,
    /// It is behind what is pending.
    Coming(Last),
    /// It has been passed on.
    Passed,
}

/// A sender's last word.
#[derive(Clone, Debug)]
pub(super) enum Last {
    /// Nothing but the end.
    Bytes,
    /// Trailers.
    Trailers(Arc<HeaderList>),
}

impl Half {
    /// A direction whose receiver may be sent this much at first. Its sender may have said how many bytes will come, and may
    /// have ended already.
    pub(super) fn new(window: SendWindow, declared: Option<u64>, end: End) -> Self {
        Self {
            credit: ReceiveWindow::new(limits::STREAM_WINDOW_BYTES),
            window,
            pending: VecDeque::new(),
            end,
            prepaid: 0,
            declared,
            is_queued: false,
        }
    }

    /// Returns whether the sender has said its last word.
    pub(super) fn is_heard(&self) -> bool {
        !matches!(self.end, End::Open)
    }

    /// Returns whether the receiver has heard it too.
    pub(super) fn is_passed(&self) -> bool {
        matches!(self.end, End::Passed)
    }

    /// Notes how many bytes the sender says that it will send.
    pub(super) fn declare(&mut self, length: Option<u64>) {
        self.declared = length;
    }

    /// Notes the sender's last word.
    #[inline]
    pub(super) fn hear_end(&mut self, last: Last) -> Result<(), Breach> {
        may_end(self.declared)?;
        self.end = End::Coming(last);
        Ok(())
    }

    /// Takes note of a DATA frame.
    #[inline]
    pub(super) fn hear(&mut self, data: &Data<'_>) -> Result<(), Breach> {
        if self.is_heard() {
            return Err(Breach::ClosedStream {
                kind: "DATA",
                stream: data.stream,
            });
        }
        self.credit.receive(data.cost)?;
        if let Some(lacking) = &mut self.declared {
            let n_bytes = u64::try_from(data.bytes.len()).unwrap_or(u64::MAX);
            *lacking = lacking.checked_sub(n_bytes).ok_or(LENGTH)?;
        }
        if data.ends {
            self.hear_end(Last::Bytes)?;
        }
        Ok(())
    }

    /// Forgets what is pending, and returns how much of it the sender was not given room for yet.
    pub(super) fn discard(&mut self) -> usize {
        let n_bytes = self.pending.len().saturating_sub(self.prepaid);
        self.pending = VecDeque::new();
        self.prepaid = 0;
        n_bytes
    }

    /// Puts bytes that were passed on before in front of what is pending.
    pub(super) fn put_back(&mut self, passed: &[u8]) {
        let mut again = VecDeque::with_capacity(passed.len() + self.pending.len());
        again.extend(passed);
        again.extend(std::mem::take(&mut self.pending));
        self.pending = again;
        self.prepaid = self.prepaid.saturating_add(passed.len());
    }

    /// Gives the sender room for bytes that are not held here any more.
    pub(super) fn give_room(&mut self, sender: &mut Wire, stream: u32, n_bytes: usize) {
        sender.release(n_bytes);
        if !self.is_heard() {
            let n_bytes = u32::try_from(n_bytes).unwrap_or(u32::MAX);
            if let Some(increment) = self.credit.release(n_bytes) {
                sender.write_window(stream, increment);
            }
        }
    }

    /// Notes that bytes were passed on; returns for how many of them the sender is to be given room.
    fn passed(&mut self, n_bytes: usize) -> usize {
        let paid = n_bytes.min(self.prepaid);
        self.prepaid -= paid;
        n_bytes - paid
    }
}

/// Makes sure that nothing is lacking where a sender ends.
pub(super) fn may_end(lacking: Option<u64>) -> Result<(), Breach> {
    match lacking {
        Some(1..) => Err(LENGTH),
        Some(0) | None => Ok(()),
    }
}

const LENGTH: Breach = Breach::Malformed {
    rule: "content-length does not say the length",
};

/// A half on its way to the stream of its receiver.
pub(super) struct Passage<'a> {
    pub(super) half: &'a mut Half,
    pub(super) sink: &'a mut Wire,
    pub(super) stream: u32,
    /// Where bytes are kept that may have to be sent again.
    pub(super) kept: Option<&'a mut Kept>,
}

impl Passage<'_> {
    /// Passes bytes on that have just come, or lets them wait. Returns for how many the sender is to be given room.
    #[inline]
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let goes_through = self.half.pending.is_empty() && bytes.len() <= self.room();
        if !goes_through {
            return self.pass_what_fits(bytes);
        }
        let ends = matches!(self.half.end, End::Coming(Last::Bytes));
        if !bytes.is_empty() || ends {
            self.write((bytes, &[]), ends);
        }
        self.half.passed(bytes.len())
    }

    /// Passes bytes on as far as there is room. The rest waits behind what is pending.
    #[inline(never)]
    fn pass_what_fits(&mut self, bytes: &[u8]) -> usize {
        if self.half.pending.capacity() == 0 {
            self.half.pending = self.sink.out.spare();
        }
        self.half.pending.extend(bytes);
        self.pump()
    }

    /// Passes on what is pending, as far as there is room; and then the end. Returns for how many bytes the sender is
    /// to be given room.
    pub(super) fn pump(&mut self) -> usize {
        let mut n_passed = 0;
        let mut pending = std::mem::take(&mut self.half.pending);
        while !pending.is_empty() {
            let n_bytes = pending.len().min(self.room());
            if n_bytes == 0 {
                break;
            }
            let is_last = n_bytes == pending.len();
            let ends = is_last && matches!(self.half.end, End::Coming(Last::Bytes));
            let (front, back) = pending.as_slices();
            let (front, back) = match front.split_at_checked(n_bytes) {
                Some((front, _)) => (front, &[][..]),
                None => (front, back.get(..n_bytes - front.len()).unwrap_or_default()),
            };
            self.write((front, back), ends);
            pending.drain(..n_bytes);
            n_passed += n_bytes;
        }
        if pending.is_empty() {
            self.sink.out.keep_spare(pending);
            self.pass_end();
        } else {
            self.half.pending = pending;
        }
        self.half.passed(n_passed)
    }

    /// Lets a call wait its turn, if it is its receiver's connection, not its stream, that has no room.
    pub(super) fn queue(&mut self, call: Key) {
        let waits = !self.half.pending.is_empty() && self.half.window.room() > 0;
        if waits && !self.half.is_queued {
            self.half.is_queued = true;
            self.sink.blocked.push_back(call);
        }
    }

    fn pass_end(&mut self) {
        match std::mem::replace(&mut self.half.end, End::Passed) {
            End::Open => self.half.end = End::Open,
            End::Passed => {}
            End::Coming(Last::Bytes) => self.write((&[], &[]), true),
            End::Coming(Last::Trailers(fields)) => {
                self.sink.write_list(self.stream, true, fields.iter());
            }
        }
    }

    /// Returns how many bytes one frame may carry now.
    #[inline]
    fn room(&self) -> usize {
        self.half.window.room().min(self.sink.room_for_data())
    }

    #[inline]
    fn write(&mut self, parts: (&[u8], &[u8]), ends: bool) {
        self.sink.write_data(self.stream, ends, parts);
        self.half.window.take(parts.0.len() + parts.1.len());
        if let Some(kept) = &mut self.kept {
            kept.add(parts);
        }
        if ends {
            self.half.end = End::Passed;
        }
    }
}
