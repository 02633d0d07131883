//! What each side of a connection says about itself in SETTINGS.

use crate::{
    h2::{frame, settings::id, window::DEFAULT_WINDOW},
    limits,
};

/// What a peer said about itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) max_streams: u32,
    pub(super) initial_window: u32,
    pub(super) max_frame: usize,
    /// How large a list of headers may be, by the count of RFC 9113 §6.5.2.
    pub(super) max_header_list: usize,
}

/// What a peer is allowed from the beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    /// What it may send on the connection before some of it has been passed on.
    pub(super) window: u32,
    /// How large its lists of headers may be, likewise.
    pub(super) header_list: u32,
}

/// One that has not said anything (RFC 9113 §6.5.2).
impl Default for Peer {
    fn default() -> Self {
        Self {
            max_streams: u32::MAX,
            initial_window: DEFAULT_WINDOW,
            max_frame: usize::try_from(frame::MAX_FRAME_LEN).unwrap_or(usize::MAX),
            max_header_list: usize::MAX,
        }
    }
}

impl Allowance {
    /// Returns the settings that say so, behind one that is for a side only.
    pub(super) fn settings(self, of_this_side: (u16, u32)) -> [(u16, u32); 3] {
        [
            of_this_side,
            (id::INITIAL_WINDOW_SIZE, limits::STREAM_WINDOW_BYTES),
            (id::MAX_HEADER_LIST_SIZE, self.header_list),
        ]
    }

    /// Returns by how much the connection's window is more than what every connection begins with (RFC 9113 §6.9.2).
    pub(super) fn more_window(self) -> u32 {
        self.window.saturating_sub(DEFAULT_WINDOW)
    }
}
