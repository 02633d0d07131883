//! What a peer did that HTTP/2 does not allow.

use super::reason::Reason;

/// A rule that a peer broke, with what was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// RFC 9113 §3.4: a client begins with the preface.
    #[error("expected the preface of HTTP/2")]
    Preface,
    /// RFC 9113 §3.4: SETTINGS follow the preface.
    #[error("expected SETTINGS as the first frame")]
    NoSettings,
    /// RFC 9113 §4.2: no frame is longer than what was announced.
    #[error("expected a frame of at most {limit} bytes, found {found}")]
    FrameTooLong {
        /// What was announced.
        limit: u32,
        /// The length in the frame's head.
        found: u32,
    },
    /// RFC 9113 §4.2: a frame's length does not fit its type.
    #[error("cannot read a {kind} frame of {found} bytes")]
    FrameLength {
        /// The frame's type.
        kind: &'static str,
        /// The length of its payload.
        found: usize,
    },
    /// RFC 9113 §6: a frame that belongs to a stream came without one, or the other way round.
    #[error("cannot take a {kind} frame on stream {stream}")]
    WrongStream {
        /// The frame's type.
        kind: &'static str,
        /// The stream in its head.
        stream: u32,
    },
    /// RFC 9113 §6.1: padding is shorter than the frame.
    #[error("expected padding that fits its frame")]
    Padding,
    /// RFC 7540 §5.3.1: a stream does not depend on itself. RFC 9113 has dropped priorities; whoever still sends them
    /// keeps to their rules.
    #[error("expected stream {stream} not to depend on itself")]
    SelfDependency {
        /// The stream.
        stream: u32,
    },
    /// RFC 9113 §6.2, §6.10: a header block is not interrupted, and nothing else is continued.
    #[error("expected CONTINUATION where a header block is open, and nowhere else")]
    Continuation,
    /// RFC 9113 §10.5.1: a header block may be spread over many frames, but not over that many.
    #[error("expected a header block of at most {limit} bytes and few frames")]
    EndlessBlock {
        /// The bound of compressed bytes.
        limit: usize,
    },
    /// RFC 9113 §4.3: a header block that cannot be decoded leaves the compression out of step.
    #[error("cannot decode a header block")]
    Compression,
    /// RFC 9113 §6.5.2: a setting has a value that it cannot have.
    #[error("cannot set {name} to {found}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: u32,
    },
    /// RFC 9113 §6.5.2: the initial window may not exceed 2^31-1.
    #[error("expected an initial window of at most 2147483647 bytes, found {found}")]
    InitialWindow {
        /// Its value.
        found: u32,
    },
    /// RFC 9113 §6.6, §8.4: this side never allows a push.
    #[error("expected no pushes")]
    Push,
    /// RFC 9113 §6.9: a window is moved by at least one byte.
    #[error("expected to move a window by at least one byte")]
    EmptyWindowUpdate,
    /// RFC 9113 §6.9.1: a window never exceeds 2^31-1.
    #[error("expected a window of at most 2147483647 bytes")]
    WindowOverflow,
    /// RFC 9113 §6.9.1: more was sent than the window allowed.
    #[error("expected no more bytes than the window has room for")]
    WindowExceeded,
    /// RFC 9113 §5.1: a frame on a stream that was never opened.
    #[error("cannot take a {kind} frame on stream {stream}, which was not opened")]
    IdleStream {
        /// The frame's type.
        kind: &'static str,
        /// The stream.
        stream: u32,
    },
    /// RFC 9113 §5.1: a frame on a stream that its sender has ended.
    #[error("cannot take a {kind} frame on stream {stream}, which is closed")]
    ClosedStream {
        /// The frame's type.
        kind: &'static str,
        /// The stream.
        stream: u32,
    },
    /// RFC 9113 §5.1.1: clients open odd streams, each higher than the one before.
    #[error("expected a stream higher than {highest} and odd, found {found}")]
    StreamOrder {
        /// The highest that was opened.
        highest: u32,
        /// The stream.
        found: u32,
    },
    /// RFC 9113 §8.1.1: a request or response that is malformed.
    #[error("cannot forward a malformed message: {rule}")]
    Malformed {
        /// The rule it breaks.
        rule: &'static str,
    },
    /// RFC 9113 §10.5: work without use.
    #[error("expected less {what}")]
    Flood {
        /// What there was too much of.
        what: &'static str,
    },
    /// RFC 9113 §6.5.2: more header bytes than were announced as acceptable.
    #[error("expected at most {limit} bytes of headers")]
    Oversized {
        /// What was announced.
        limit: usize,
    },
    /// RFC 9113 §5.1.2: more streams at once than were announced as acceptable.
    #[error("expected at most {limit} streams at once")]
    TooManyStreams {
        /// What was announced.
        limit: u32,
    },
}

/// Who must bear a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends (RFC 9113 §5.4.1).
    Connection(Breach),
    /// One stream ends, and the connection goes on (RFC 9113 §5.4.2).
    Stream(u32, Breach),
}

impl Breach {
    /// Returns the error code that tells the peer.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Preface
            | Self::NoSettings
            | Self::WrongStream { .. }
            | Self::Padding
            | Self::SelfDependency { .. }
            | Self::Continuation
            | Self::Setting { .. }
            | Self::Push
            | Self::EmptyWindowUpdate
            | Self::IdleStream { .. }
            | Self::StreamOrder { .. }
            | Self::Malformed { .. } => Reason::PROTOCOL_ERROR,
            Self::FrameTooLong { .. } | Self::FrameLength { .. } => Reason::FRAME_SIZE_ERROR,
            Self::InitialWindow { .. } | Self::WindowOverflow | Self::WindowExceeded => {
                Reason::FLOW_CONTROL_ERROR
            }
            Self::Compression => Reason::COMPRESSION_ERROR,
            Self::ClosedStream { .. } => Reason::STREAM_CLOSED,
            Self::EndlessBlock { .. } | Self::Flood { .. } | Self::Oversized { .. } => {
                Reason::ENHANCE_YOUR_CALM
            }
            Self::TooManyStreams { .. } => Reason::REFUSED_STREAM,
        }
    }
}

impl From<Breach> for Fault {
    /// A rule without a stream is a rule of the connection.
    fn from(breach: Breach) -> Self {
        Self::Connection(breach)
    }
}
