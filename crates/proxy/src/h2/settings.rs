//! SETTINGS: what each side tells the other about itself (RFC 9113 §6.5).

use super::{breach::Breach, frame::MAX_STREAM};

/// The identifiers on the wire (RFC 9113 §6.5.2).
pub mod id {
    /// How large the encoder of the peer may make its dynamic table.
    pub const HEADER_TABLE_SIZE: u16 = 1;
    /// Whether pushes are allowed.
    pub const ENABLE_PUSH: u16 = 2;
    /// How many streams the peer may have open at once.
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    /// The window with which streams begin.
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    /// The longest frame that the peer may send.
    pub const MAX_FRAME_SIZE: u16 = 5;
    /// The largest list of headers that is accepted.
    pub const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// The settings of one frame, in the order in which they take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries<'a>(&'a [[u8; 6]]);

/// One setting that concerns us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// The largest dynamic table that the peer's decoder keeps.
    HeaderTableSize(u32),
    /// How many streams the peer lets us have open.
    MaxConcurrentStreams(u32),
    /// The window with which our direction of each stream begins.
    InitialWindow(u32),
    /// The longest frame that the peer takes.
    MaxFrame(u32),
    /// The largest list of headers that the peer takes.
    MaxHeaderList(u32),
    /// One that changes nothing here.
    Other,
}

impl<'a> Entries<'a> {
    /// Reads a payload, whose length must be a multiple of six.
    pub fn of(payload: &'a [u8]) -> Option<Self> {
        let (entries, rest) = payload.as_chunks::<6>();
        rest.is_empty().then_some(Self(entries))
    }

    /// Returns the settings, each checked.
    pub fn iter(self) -> impl Iterator<Item = Result<Setting, Breach>> + 'a {
        self.0.iter().map(|&[i0, i1, v0, v1, v2, v3]| {
            let value = u32::from_be_bytes([v0, v1, v2, v3]);
            setting(u16::from_be_bytes([i0, i1]), value)
        })
    }
}

fn setting(identifier: u16, value: u32) -> Result<Setting, Breach> {
    let wrong = |name| Breach::Setting { name, found: value };
    Ok(match identifier {
        id::HEADER_TABLE_SIZE => Setting::HeaderTableSize(value),
        id::ENABLE_PUSH if value > 1 => return Err(wrong("ENABLE_PUSH")),
        id::MAX_CONCURRENT_STREAMS => Setting::MaxConcurrentStreams(value),
        id::INITIAL_WINDOW_SIZE if value > MAX_STREAM => {
            return Err(Breach::InitialWindow { found: value });
        }
        id::INITIAL_WINDOW_SIZE => Setting::InitialWindow(value),
        id::MAX_FRAME_SIZE if !(16_384..=16_777_215).contains(&value) => {
            return Err(wrong("MAX_FRAME_SIZE"));
        }
        id::MAX_FRAME_SIZE => Setting::MaxFrame(value),
        id::MAX_HEADER_LIST_SIZE => Setting::MaxHeaderList(value),
        _ => Setting::Other,
    })
}
