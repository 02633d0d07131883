//! HTTP/2 frames, as far as a measuring caller and a measuring server need them (RFC 9113 §4 and §6).

/// What every connection of a client begins with (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The window of a connection and of a stream before anything was said (RFC 9113 §6.9.2).
pub const DEFAULT_WINDOW: i64 = 65_535;

/// The largest payload of a frame before anything was said (RFC 9113 §6.5.2).
pub const DEFAULT_FRAME_BYTES: usize = 16_384;

/// Bytes of a frame's head.
const HEAD_BYTES: usize = 9;

/// Bytes of one setting.
const SETTING_BYTES: usize = 6;

/// The kinds of frames that we know by name.
pub mod kind {
    /// Bytes of a message.
    pub const DATA: u8 = 0;
    /// The first piece of a header block.
    pub const HEADERS: u8 = 1;
    /// The end of a stream before its time.
    pub const RST_STREAM: u8 = 3;
    /// What the peer wants of us.
    pub const SETTINGS: u8 = 4;
    /// A question whether we live.
    pub const PING: u8 = 6;
    /// No new streams, please.
    pub const GOAWAY: u8 = 7;
    /// More may be sent.
    pub const WINDOW_UPDATE: u8 = 8;
    /// A further piece of a header block.
    pub const CONTINUATION: u8 = 9;
}

/// The flags of frames.
pub mod flag {
    /// Of SETTINGS and PING: an answer.
    pub const ACK: u8 = 0x1;
    /// Of DATA and HEADERS: the last of this direction.
    pub const END_STREAM: u8 = 0x1;
    /// Of HEADERS and CONTINUATION: the block is complete.
    pub const END_HEADERS: u8 = 0x4;
    /// Of DATA and HEADERS: a length and as many bytes of nothing.
    pub const PADDED: u8 = 0x8;
    /// Of HEADERS: five bytes of priority stand before the block.
    pub const PRIORITY: u8 = 0x20;
}

/// The settings that we send or obey.
pub mod setting {
    /// Bytes of the sender's decoder's dynamic table.
    pub const HEADER_TABLE_SIZE: u16 = 1;
    /// Whether servers may push.
    pub const ENABLE_PUSH: u16 = 2;
    /// Streams at once.
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    /// The window that each stream begins with.
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    /// The largest payload of a frame.
    pub const MAX_FRAME_SIZE: u16 = 5;
}

/// Codes of `RST_STREAM` and GOAWAY.
pub mod code {
    /// Nothing went wrong.
    pub const NO_ERROR: u32 = 0;
    /// The server did not look at the stream.
    pub const REFUSED_STREAM: u32 = 7;
}

/// One frame of the other side.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// One of [`kind`], or one we do not know.
    pub kind: u8,
    /// Some of [`flag`].
    pub flags: u8,
    /// The stream; 0 is the connection.
    pub stream: u32,
    /// What follows the head.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Whether a flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The payload of DATA or HEADERS without padding and priority; nothing if it is shorter than it says.
    pub fn content(&self) -> Option<&'a [u8]> {
        let mut content = self.payload;
        if self.has(flag::PADDED) {
            let (&padding, rest) = content.split_first()?;
            content = rest.get(..rest.len().checked_sub(usize::from(padding))?)?;
        }
        if self.kind == kind::HEADERS && self.has(flag::PRIORITY) {
            content = content.get(5..)?;
        }
        Some(content)
    }

    /// The settings of a SETTINGS frame.
    pub fn settings(&self) -> impl Iterator<Item = (u16, u32)> + 'a {
        let settings = self.payload.chunks_exact(SETTING_BYTES);
        settings.filter_map(|setting| {
            let (name, value) = setting.split_first_chunk::<2>()?;
            Some((u16::from_be_bytes(*name), number(value)?))
        })
    }

    /// The increment of `WINDOW_UPDATE`, the code of `RST_STREAM`, the last stream of GOAWAY.
    pub fn first_number(&self) -> Option<u32> {
        number(self.payload)
    }
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes
        .first_chunk::<4>()
        .map(|bytes| u32::from_be_bytes(*bytes))
}

/// Cuts what is read from a connection into frames, and keeps what is not whole yet.
#[derive(Debug, Default)]
pub struct Cutter {
    rest: Vec<u8>,
}

impl Cutter {
    /// Shows `each` every frame that is whole now.
    pub fn cut<E>(
        &mut self,
        bytes: &[u8],
        mut each: impl FnMut(Frame<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.rest.is_empty() {
            let left = walk(bytes, &mut each)?;
            self.rest.extend_from_slice(left);
            return Ok(());
        }
        self.rest.extend_from_slice(bytes);
        let left = walk(&self.rest, &mut each)?.len();
        let used = self.rest.len() - left;
        self.rest.drain(..used);
        Ok(())
    }
}

/// Returns what is left after the last whole frame.
fn walk<'a, E>(
    mut bytes: &'a [u8],
    each: &mut impl FnMut(Frame<'_>) -> Result<(), E>,
) -> Result<&'a [u8], E> {
    while let Some((frame, rest)) = split(bytes) {
        each(frame)?;
        bytes = rest;
    }
    Ok(bytes)
}

fn split(bytes: &[u8]) -> Option<(Frame<'_>, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let (length, rest_of_head) = head.split_first_chunk::<3>()?;
    let (&[kind, flags], stream) = rest_of_head.split_first_chunk::<2>()?;
    let length = length
        .iter()
        .fold(0, |length, byte| length << 8 | usize::from(*byte));
    let (payload, rest) = rest.split_at_checked(length)?;
    let frame = Frame {
        kind,
        flags,
        stream: number(stream)? & 0x7fff_ffff,
        payload,
    };
    Some((frame, rest))
}

/// Writes the head of a frame whose payload has `length` bytes.
pub fn put_head(out: &mut Vec<u8>, length: usize, (kind, flags): (u8, u8), stream: u32) {
    // No frame of ours is longer than the other side's limit, which fits into 24 bits.
    let [_, length @ ..] = u32::try_from(length).unwrap_or(0).to_be_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
}

/// Writes a SETTINGS frame.
pub fn put_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    put_head(out, settings.len() * SETTING_BYTES, (kind::SETTINGS, 0), 0);
    for (name, value) in settings {
        out.extend_from_slice(&name.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
    }
}

/// Writes the answer to the peer's SETTINGS.
pub fn put_settings_ack(out: &mut Vec<u8>) {
    put_head(out, 0, (kind::SETTINGS, flag::ACK), 0);
}

/// Writes a frame whose payload is one number: `WINDOW_UPDATE` or `RST_STREAM`.
pub fn put_number(out: &mut Vec<u8>, kind: u8, stream: u32, value: u32) {
    put_head(out, 4, (kind, 0), stream);
    out.extend_from_slice(&value.to_be_bytes());
}

/// Writes the answer to a PING.
pub fn put_pong(out: &mut Vec<u8>, payload: &[u8]) {
    put_head(out, payload.len(), (kind::PING, flag::ACK), 0);
    out.extend_from_slice(payload);
}

/// Writes a GOAWAY.
pub fn put_goaway(out: &mut Vec<u8>, last: u32, code: u32) {
    put_head(out, 8, (kind::GOAWAY, 0), 0);
    out.extend_from_slice(&last.to_be_bytes());
    out.extend_from_slice(&code.to_be_bytes());
}

#[cfg(test)]
mod tests;
