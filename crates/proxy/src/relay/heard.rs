//! What frames mean.

use crate::h2::{block::Block, reason::Reason};

/// What a frame means to the calls.
#[derive(Debug)]
pub(super) enum Heard<'a> {
    /// Nothing.
    Nothing,
    /// A header block that came in pieces is complete.
    Block(Block<'a>),
    Reset {
        stream: u32,
        reason: Reason,
    },
    /// There is more room on a stream.
    Window {
        stream: u32,
        increment: u32,
    },
    /// There is more room on the whole connection.
    Room,
    /// Every stream has so much more room, or less.
    Windows(i64),
    SettingsAck,
    Pong,
    GoAway {
        last: u32,
        reason: Reason,
    },
}
