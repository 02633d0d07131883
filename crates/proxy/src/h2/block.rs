//! Puts header blocks together that came in several frames (RFC 9113 §4.3).

use std::borrow::Cow;

use super::{breach::Breach, frame::Fragment};

/// The longest compressed block, of all its frames together.
pub const BLOCK_BYTES: usize = 256 * 1024;

/// The most frames of one block: sixteen full ones reach [`BLOCK_BYTES`], so these leave room for senders that cut
/// smaller, and none for an endless row of empty ones (CVE-2024-27316).
pub const BLOCK_FRAMES: u32 = 128;

/// A block that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The stream.
    pub stream: u32,
    /// Whether it is the sender's last word.
    pub ends: bool,
    /// The compressed headers.
    pub bytes: Cow<'a, [u8]>,
}

/// The block that is open on a connection, if one is.
#[derive(Debug, Default)]
pub struct Assembly(Option<Open>);

#[derive(Debug)]
struct Open {
    stream: u32,
    ends: bool,
    bytes: Vec<u8>,
    n_frames: u32,
}

impl Assembly {
    /// Returns whether only a CONTINUATION may come next.
    pub fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Begins a block. It is returned at once if it came whole.
    #[inline]
    pub fn begin<'a>(&mut self, fragment: Fragment<'a>) -> Option<Block<'a>> {
        if fragment.complete {
            return Some(Block {
                stream: fragment.stream,
                ends: fragment.ends,
                bytes: Cow::Borrowed(fragment.bytes),
            });
        }
        self.0 = Some(Open {
            stream: fragment.stream,
            ends: fragment.ends,
            bytes: fragment.bytes.to_vec(),
            n_frames: 1,
        });
        None
    }

    /// Goes on with the block that is open.
    pub fn go_on(&mut self, fragment: Fragment<'_>) -> Result<Option<Block<'static>>, Breach> {
        let mut open = self.0.take().ok_or(Breach::Continuation)?;
        if open.stream != fragment.stream {
            return Err(Breach::Continuation);
        }
        open.n_frames += 1;
        open.bytes.extend_from_slice(fragment.bytes);
        if open.bytes.len() > BLOCK_BYTES || open.n_frames > BLOCK_FRAMES {
            return Err(Breach::EndlessBlock { limit: BLOCK_BYTES });
        }
        if !fragment.complete {
            self.0 = Some(open);
            return Ok(None);
        }
        Ok(Some(Block {
            stream: open.stream,
            ends: open.ends,
            bytes: Cow::Owned(open.bytes),
        }))
    }
}
