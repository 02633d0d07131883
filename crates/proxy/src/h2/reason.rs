//! Error codes: why a stream or a connection ends (RFC 9113 §7).

use std::fmt;

/// An error code. Unknown ones are passed on as they came.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason(u32);

impl Reason {
    /// Nothing went wrong.
    pub const NO_ERROR: Self = Self(0);
    /// A rule was broken that has no code of its own.
    pub const PROTOCOL_ERROR: Self = Self(1);
    /// A fault of whoever says so.
    pub const INTERNAL_ERROR: Self = Self(2);
    /// More was sent than a window allowed.
    pub const FLOW_CONTROL_ERROR: Self = Self(3);
    /// SETTINGS were not acknowledged in time.
    pub const SETTINGS_TIMEOUT: Self = Self(4);
    /// A frame on a stream whose sender had ended it.
    pub const STREAM_CLOSED: Self = Self(5);
    /// A frame of a size that it cannot have.
    pub const FRAME_SIZE_ERROR: Self = Self(6);
    /// The request was not processed, and may be sent again.
    pub const REFUSED_STREAM: Self = Self(7);
    /// The answer is not wanted any more.
    pub const CANCEL: Self = Self(8);
    /// The header compression is out of step.
    pub const COMPRESSION_ERROR: Self = Self(9);
    /// The connection behind a CONNECT broke.
    pub const CONNECT_ERROR: Self = Self(10);
    /// The peer makes more work than it has use for.
    pub const ENHANCE_YOUR_CALM: Self = Self(11);
    /// The transport is not secure enough.
    pub const INADEQUATE_SECURITY: Self = Self(12);
    /// HTTP/1.1 is wanted.
    pub const HTTP_1_1_REQUIRED: Self = Self(13);

    /// Returns the reason of a code on the wire.
    pub const fn of(code: u32) -> Self {
        Self(code)
    }

    /// Returns the code on the wire.
    pub const fn code(self) -> u32 {
        self.0
    }

    fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NO_ERROR => "NO_ERROR",
            Self::PROTOCOL_ERROR => "PROTOCOL_ERROR",
            Self::INTERNAL_ERROR => "INTERNAL_ERROR",
            Self::FLOW_CONTROL_ERROR => "FLOW_CONTROL_ERROR",
            Self::SETTINGS_TIMEOUT => "SETTINGS_TIMEOUT",
            Self::STREAM_CLOSED => "STREAM_CLOSED",
            Self::FRAME_SIZE_ERROR => "FRAME_SIZE_ERROR",
            Self::REFUSED_STREAM => "REFUSED_STREAM",
            Self::CANCEL => "CANCEL",
            Self::COMPRESSION_ERROR => "COMPRESSION_ERROR",
            Self::CONNECT_ERROR => "CONNECT_ERROR",
            Self::ENHANCE_YOUR_CALM => "ENHANCE_YOUR_CALM",
            Self::INADEQUATE_SECURITY => "INADEQUATE_SECURITY",
            Self::HTTP_1_1_REQUIRED => "HTTP_1_1_REQUIRED",
            Self(_) => return None,
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "code {}", self.0),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
