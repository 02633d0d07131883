//! Cuts a stream of bytes into frames.
//!
//! Reads end anywhere. A frame that arrived whole is lent out where it lies. DATA that a read has cut is lent out in pieces,
//! each as a frame of its own, which is what it could have been: so bytes of calls are never copied here. Any other frame that
//! was cut is put together, and no more is copied than it needs.

use super::{
    breach::Breach,
    frame::{HEAD_LEN, Head, MAX_FRAME_LEN},
};

/// Where in a frame the bytes ended that came so far, and what is kept of it.
#[derive(Debug, Default)]
pub struct Cutter {
    cut: Cut,
    partial: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Cut {
    /// Between two frames.
    #[default]
    Between,
    /// Within a frame whose beginning is in `partial`.
    Within,
    /// Behind a frame that was put together in `partial` and has been lent out.
    Lent,
    /// Within a DATA frame that is lent out in pieces; what this says is still to come.
    Data(Head),
}

/// A shorter piece of DATA is not worth a head of its own.
const PIECE_BYTES: usize = 1024;

impl Cutter {
    /// Returns the next whole frame, and moves `bytes` past it; `None` once more bytes are needed.
    #[inline]
    pub fn next<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<(Head, &'s [u8])>, Breach> {
        // Most frames find it so.
        if let Cut::Between = self.cut
            && let Some((head, rest)) = Head::read(bytes)
            && head.length() <= MAX_FRAME_LEN
            && let Ok(len) = usize::try_from(head.length())
            && let Some((payload, after)) = rest.split_at_checked(len)
        {
            *bytes = after;
            return Ok(Some((head, payload)));
        }
        self.next_of_cut(bytes)
    }

    /// The same where a read has cut a frame.
    fn next_of_cut<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<(Head, &'s [u8])>, Breach> {
        match self.cut {
            Cut::Between => self.begin(bytes),
            Cut::Within => self.complete(bytes),
            Cut::Lent => {
                self.partial.clear();
                self.cut = Cut::Between;
                self.next(bytes)
            }
            Cut::Data(head) => {
                self.cut = Cut::Between;
                Ok(self.piece(head, bytes))
            }
        }
    }

    /// Begins a frame that is not here whole, or must not be.
    fn begin<'s, 'b: 's>(
        &'s mut self,
        bytes: &mut &'b [u8],
    ) -> Result<Option<(Head, &'s [u8])>, Breach> {
        let all: &'b [u8] = bytes;
        if let Some((head, mut rest)) = Head::read(all) {
            length(head)?;
            if rest.len() >= PIECE_BYTES
                && let Some(piece) = self.piece(head, &mut rest)
            {
                *bytes = rest;
                return Ok(Some(piece));
            }
        }
        self.complete(bytes)
    }

    /// Lends out as much of a DATA frame as there is.
    fn piece<'b>(&mut self, head: Head, bytes: &mut &'b [u8]) -> Option<(Head, &'b [u8])> {
        let all: &'b [u8] = bytes;
        let len = usize::try_from(head.length()).ok()?;
        if let Some((payload, after)) = all.split_at_checked(len) {
            *bytes = after;
            return Some((head, payload));
        }
        if all.is_empty() {
            self.cut = Cut::Data(head);
            return None;
        }
        let (first, rest) = head.split(u32::try_from(all.len()).ok()?)?;
        self.cut = Cut::Data(rest);
        *bytes = &[];
        Some((first, all))
    }

    /// Adds to the frame in `partial` what it lacks.
    fn complete(&mut self, bytes: &mut &[u8]) -> Result<Option<(Head, &[u8])>, Breach> {
        self.take(bytes, HEAD_LEN);
        if !self.partial.is_empty() {
            self.cut = Cut::Within;
        }
        let Some((head, _)) = Head::read(&self.partial) else {
            return Ok(None);
        };
        let whole = HEAD_LEN + length(head)?;
        self.take(bytes, whole);
        if self.partial.len() < whole {
            return Ok(None);
        }
        self.cut = Cut::Lent;
        let payload = self.partial.get(HEAD_LEN..).unwrap_or_default();
        Ok(Some((head, payload)))
    }

    fn take(&mut self, bytes: &mut &[u8], len: usize) {
        let lacking = len.saturating_sub(self.partial.len()).min(bytes.len());
        if let Some((taken, rest)) = bytes.split_at_checked(lacking) {
            self.partial.extend_from_slice(taken);
            *bytes = rest;
        }
    }

    /// Gives back memory that is not in use.
    pub fn shrink(&mut self) {
        match self.cut {
            Cut::Within => {}
            Cut::Lent => *self = Self::default(),
            Cut::Between | Cut::Data(_) => self.partial = Vec::new(),
        }
    }
}

fn length(head: Head) -> Result<usize, Breach> {
    let too_long = Breach::FrameTooLong {
        limit: MAX_FRAME_LEN,
        found: head.length(),
    };
    if head.length() > MAX_FRAME_LEN {
        return Err(too_long);
    }
    usize::try_from(head.length()).map_err(|_too_wide| too_long)
}

#[cfg(test)]
mod tests;
