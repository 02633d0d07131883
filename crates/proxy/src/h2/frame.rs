//! Frames: what their heads say, what they carry, and how they are written (RFC 9113 §4, §6).

mod write;

use super::{
    breach::{Breach, Fault},
    reason::Reason,
    settings::Entries,
};

pub use write::{
    write_data, write_go_away, write_headers, write_ping, write_pong, write_reset, write_settings,
    write_settings_ack, write_window,
};

/// The length of a frame's head (RFC 9113 §4.1).
pub const HEAD_LEN: usize = 9;

/// The longest payload that everybody must accept, and that we announce (RFC 9113 §4.2). Longer frames would save
/// nothing here: their heads are nine bytes in 16 KiB.
pub const MAX_FRAME_LEN: u32 = 16_384;

/// A stream's number has 31 bits (RFC 9113 §4.1).
pub const MAX_STREAM: u32 = 0x7fff_ffff;

/// The type of DATA (RFC 9113 §6.1).
pub(crate) const DATA: u8 = 0;
/// The type of HEADERS (§6.2).
pub(crate) const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const HAS_PRIORITY: u8 = 0x20;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Length, type and flags, as they begin a frame (RFC 9113 §4.1). In one word, because a head is handed on several times
    /// in each call, and a processor waits where bytes that were written apart are read together.
    start: u64,
    stream: u32,
}

/// A frame that was read. Slices point into what was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// DATA (§6.1).
    Data(Data<'a>),
    /// HEADERS (§6.2), without padding and priority.
    Headers(Fragment<'a>),
    /// PRIORITY (§6.3), which RFC 9113 deprecates and nobody needs to obey.
    Priority,
    /// `RST_STREAM` (§6.4).
    Reset {
        /// The stream that ends.
        stream: u32,
        /// Why.
        reason: Reason,
    },
    /// SETTINGS (§6.5).
    Settings(Entries<'a>),
    /// SETTINGS with ACK.
    SettingsAck,
    /// `PUSH_PROMISE` (§6.6), which we never allow.
    PushPromise,
    /// PING (§6.7).
    Ping([u8; 8]),
    /// PING with ACK.
    Pong([u8; 8]),
    /// GOAWAY (§6.8).
    GoAway {
        /// The highest stream that was or may be processed.
        last: u32,
        /// Why.
        reason: Reason,
    },
    /// `WINDOW_UPDATE` (§6.9).
    Window {
        /// The stream, or 0 for the connection.
        stream: u32,
        /// By how much; 0 is a breach that only the receiver can place.
        increment: u32,
    },
    /// CONTINUATION (§6.10).
    Continuation(Fragment<'a>),
    /// A type that we do not know, and ignore (§4.1).
    Unknown,
}

/// What a DATA frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// The stream.
    pub stream: u32,
    /// Whether it is the sender's last word.
    pub ends: bool,
    /// The bytes, without padding.
    pub bytes: &'a [u8],
    /// What it costs in flow control: padding counts (§6.1).
    pub cost: u32,
}

/// A piece of a header block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// The stream.
    pub stream: u32,
    /// Whether the block is the sender's last word; meaningless in CONTINUATION.
    pub ends: bool,
    /// Whether the block is complete.
    pub complete: bool,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl Head {
    /// Reads a head from the first nine bytes, and returns the bytes that follow it.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_LEN>()?;
        // As two words that overlap, since nine octets put together one by one take longer.
        let head = Self {
            start: u64::from_be_bytes(*head.first_chunk()?) >> 24,
            stream: u32::from_be_bytes(*head.last_chunk()?) & MAX_STREAM,
        };
        Some((head, rest))
    }

    /// Returns the length of the payload.
    #[inline]
    pub fn length(self) -> u32 {
        // Three octets: never more than fit.
        u32::try_from(self.start >> 16 & 0xff_ffff).unwrap_or(u32::MAX)
    }

    /// Returns the type.
    #[inline]
    pub(crate) fn kind(self) -> u8 {
        let [.., kind, _] = self.start.to_be_bytes();
        kind
    }

    /// Splits an unpadded DATA frame in two: heads of its first bytes and of the rest. `None` of any other frame.
    pub(super) fn split(self, length: u32) -> Option<(Self, Self)> {
        if self.kind() != DATA || self.has(PADDED) || self.stream == 0 {
            return None;
        }
        let left = self.length().checked_sub(length)?;
        let [_, a, b, c] = length.to_be_bytes();
        let [.., flags] = self.start.to_be_bytes();
        let first = Self {
            start: u64::from_be_bytes([0, 0, 0, a, b, c, DATA, flags & !END_STREAM]),
            ..self
        };
        let [_, a, b, c] = left.to_be_bytes();
        let rest = Self {
            start: u64::from_be_bytes([0, 0, 0, a, b, c, DATA, flags]),
            ..self
        };
        Some((first, rest))
    }

    #[inline]
    fn has(self, flag: u8) -> bool {
        let [.., flags] = self.start.to_be_bytes();
        flags & flag != 0
    }
}

impl<'a> Frame<'a> {
    /// Reads the payload that belongs to a head.
    pub fn read(head: Head, payload: &'a [u8]) -> Result<Self, Fault> {
        match head.kind() {
            DATA => Ok(Self::Data(Data::read(head, payload)?)),
            HEADERS => Ok(Self::Headers(Fragment::read(head, payload)?)),
            PRIORITY => priority(head, payload),
            RST_STREAM => reset(head, payload).map_err(Fault::Connection),
            SETTINGS => settings(head, payload).map_err(Fault::Connection),
            PUSH_PROMISE => Ok(Self::PushPromise),
            PING => ping(head, payload).map_err(Fault::Connection),
            GOAWAY => go_away(head, payload).map_err(Fault::Connection),
            WINDOW_UPDATE => window(head, payload).map_err(Fault::Connection),
            CONTINUATION => continuation(head, payload).map_err(Fault::Connection),
            _ => Ok(Self::Unknown),
        }
    }
}

impl<'a> Data<'a> {
    /// Reads the payload of a DATA frame.
    #[inline]
    pub fn read(head: Head, payload: &'a [u8]) -> Result<Self, Breach> {
        on_stream(head, "DATA")?;
        Ok(Self {
            stream: head.stream,
            ends: head.has(END_STREAM),
            bytes: unpadded(head, payload)?,
            cost: head.length(),
        })
    }
}

impl<'a> Fragment<'a> {
    /// Reads the payload of a HEADERS frame.
    #[inline]
    pub fn read(head: Head, payload: &'a [u8]) -> Result<Self, Breach> {
        on_stream(head, "HEADERS")?;
        let mut bytes = unpadded(head, payload)?;
        if head.has(HAS_PRIORITY) {
            let priority;
            (priority, bytes) = bytes
                .split_first_chunk::<5>()
                .ok_or(wrong_length("HEADERS", payload))?;
            depends_on_other(head, *priority)?;
        }
        Ok(Self {
            stream: head.stream,
            ends: head.has(END_STREAM),
            complete: head.has(END_HEADERS),
            bytes,
        })
    }
}

/// A PRIORITY of the wrong length ends its stream only (§6.3).
fn priority(head: Head, payload: &[u8]) -> Result<Frame<'_>, Fault> {
    on_stream(head, "PRIORITY")?;
    let Ok(priority) = <[u8; 5]>::try_from(payload) else {
        let breach = wrong_length("PRIORITY", payload);
        return Err(Fault::Stream(head.stream, breach));
    };
    depends_on_other(head, priority)?;
    Ok(Frame::Priority)
}

/// Checks the only thing about priorities that can be wrong.
fn depends_on_other(head: Head, [s0, s1, s2, s3, _weight]: [u8; 5]) -> Result<(), Breach> {
    let stream = u32::from_be_bytes([s0, s1, s2, s3]) & MAX_STREAM;
    if stream == head.stream {
        return Err(Breach::SelfDependency { stream });
    }
    Ok(())
}

fn reset(head: Head, payload: &[u8]) -> Result<Frame<'_>, Breach> {
    on_stream(head, "RST_STREAM")?;
    let code = four(payload).ok_or(wrong_length("RST_STREAM", payload))?;
    Ok(Frame::Reset {
        stream: head.stream,
        reason: Reason::of(code),
    })
}

fn settings(head: Head, payload: &[u8]) -> Result<Frame<'_>, Breach> {
    on_connection(head, "SETTINGS")?;
    let entries = Entries::of(payload).ok_or(wrong_length("SETTINGS", payload))?;
    match (head.has(ACK), payload.is_empty()) {
        (false, _) => Ok(Frame::Settings(entries)),
        (true, true) => Ok(Frame::SettingsAck),
        (true, false) => Err(wrong_length("SETTINGS", payload)),
    }
}

fn ping(head: Head, payload: &[u8]) -> Result<Frame<'_>, Breach> {
    on_connection(head, "PING")?;
    let payload = <[u8; 8]>::try_from(payload).map_err(|_len| wrong_length("PING", payload))?;
    Ok(if head.has(ACK) {
        Frame::Pong(payload)
    } else {
        Frame::Ping(payload)
    })
}

fn go_away(head: Head, payload: &[u8]) -> Result<Frame<'_>, Breach> {
    on_connection(head, "GOAWAY")?;
    let short = wrong_length("GOAWAY", payload);
    let (&last, rest) = payload.split_first_chunk::<4>().ok_or(short)?;
    let (&code, _debug) = rest.split_first_chunk::<4>().ok_or(short)?;
    Ok(Frame::GoAway {
        last: u32::from_be_bytes(last) & MAX_STREAM,
        reason: Reason::of(u32::from_be_bytes(code)),
    })
}

fn window(head: Head, payload: &[u8]) -> Result<Frame<'_>, Breach> {
    let increment = four(payload).ok_or(wrong_length("WINDOW_UPDATE", payload))?;
    Ok(Frame::Window {
        stream: head.stream,
        increment: increment & MAX_STREAM,
    })
}

fn continuation(head: Head, payload: &[u8]) -> Result<Frame<'_>, Breach> {
    on_stream(head, "CONTINUATION")?;
    Ok(Frame::Continuation(Fragment {
        stream: head.stream,
        ends: false,
        complete: head.has(END_HEADERS),
        bytes: payload,
    }))
}

fn unpadded(head: Head, payload: &[u8]) -> Result<&[u8], Breach> {
    if !head.has(PADDED) {
        return Ok(payload);
    }
    let (&n_padding, rest) = payload.split_first().ok_or(Breach::Padding)?;
    let len = rest
        .len()
        .checked_sub(usize::from(n_padding))
        .ok_or(Breach::Padding)?;
    rest.get(..len).ok_or(Breach::Padding)
}

fn four(payload: &[u8]) -> Option<u32> {
    payload.try_into().ok().map(u32::from_be_bytes)
}

fn on_stream(head: Head, kind: &'static str) -> Result<(), Breach> {
    match head.stream {
        0 => Err(Breach::WrongStream { kind, stream: 0 }),
        _ => Ok(()),
    }
}

fn on_connection(head: Head, kind: &'static str) -> Result<(), Breach> {
    match head.stream {
        0 => Ok(()),
        stream => Err(Breach::WrongStream { kind, stream }),
    }
}

fn wrong_length(kind: &'static str, payload: &[u8]) -> Breach {
    Breach::FrameLength {
        kind,
        found: payload.len(),
    }
}
