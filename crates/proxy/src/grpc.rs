//! The little of gRPC that a proxy must speak itself: deadlines, and a status when it has no answer to pass on.

use std::time::Duration;

use crate::h2::hpack::{Field, HeaderList};

/// gRPC status codes that the proxy gives or asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Ok,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unimplemented,
    Unavailable,
    Unauthenticated,
    Other(u32),
}

impl Code {
    fn number(self) -> u32 {
        match self {
            Self::Ok => 0,
            Self::InvalidArgument => 3,
            Self::NotFound => 5,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::Unimplemented => 12,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
            Self::Other(number) => number,
        }
    }

    /// Returns the code that a server gave as a number.
    pub(crate) fn of(number: u32) -> Self {
        [
            Self::Ok,
            Self::InvalidArgument,
            Self::NotFound,
            Self::PermissionDenied,
            Self::ResourceExhausted,
            Self::Unimplemented,
            Self::Unavailable,
            Self::Unauthenticated,
        ]
        .into_iter()
        .find(|code| code.number() == number)
        .unwrap_or(Self::Other(number))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self {
            Self::Ok => "OK",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::NotFound => "NOT_FOUND",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Other(number) => return write!(f, "code {number}"),
        };
        f.write_str(name)
    }
}

/// The header that says how long a caller will wait for its answer.
pub(crate) const TIMEOUT: &[u8] = b"grpc-timeout";

/// How many bytes the message has, prefix included, that begins like this (gRPC over HTTP/2, "Length-Prefixed-Message"); none
/// if too few are here to tell.
pub(crate) fn message_bytes(beginning: &[u8]) -> Option<usize> {
    let (&[_compressed, length @ ..], _) = beginning.split_first_chunk::<PREFIX_BYTES>()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    length.checked_add(PREFIX_BYTES)
}

/// Whether a message is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// How long a call may take, as its caller says it: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timeout {
    /// Every call has one, so it is no larger than it must be: what it means is read when it is asked for.
    text: [u8; Self::LENGTH],
    n_bytes: u8,
}

impl Timeout {
    /// The longest text.
    const LENGTH: usize = 9;

    /// Reads a timeout.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let mut whole = [0; Self::LENGTH];
        whole.get_mut(..text.len())?.copy_from_slice(text);
        Self::meaning(text)?;
        let n_bytes = u8::try_from(text.len()).ok()?;
        Some(Self {
            text: whole,
            n_bytes,
        })
    }

    /// Returns it as it is written.
    pub(crate) fn text(&self) -> &[u8] {
        self.text
            .get(..usize::from(self.n_bytes))
            .unwrap_or_default()
    }

    pub(crate) fn duration(&self) -> Duration {
        // Nothing was taken that has no meaning.
        Self::meaning(self.text()).unwrap_or_default()
    }

    /// Returns what a text that is not longer than any means.
    fn meaning(text: &[u8]) -> Option<Duration> {
        let (unit, digits) = text.split_last()?;
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let count = digits.iter().fold(0, |count, digit| {
            count * 10 + u64::from(digit.wrapping_sub(b'0'))
        });
        Some(match unit {
            b'H' => Duration::from_secs(count * 3600),
            b'M' => Duration::from_secs(count * 60),
            b'S' => Duration::from_secs(count),
            b'm' => Duration::from_millis(count),
            b'u' => Duration::from_micros(count),
            b'n' => Duration::from_nanos(count),
            _ => return None,
        })
    }

    /// Returns what is left of it, in milliseconds and at least one; all of it, if that is more than eight digits can say.
    pub(crate) fn after(self, spent: Duration) -> Self {
        let n_millis = self.duration().saturating_sub(spent).as_millis().max(1);
        Self::read(format!("{n_millis}m").as_bytes()).unwrap_or(self)
    }
}

/// Returns whether a method of Temporal only asks, so that asking again does no harm whatever became of the first time.
///
/// The names are a convention that Temporal's services keep throughout: what reads begins with one of these words. A poll
/// is among them although the server may have given it a task that is now lost: sending it again or failing it
/// makes no difference to that task, which the server gives to somebody else after its timeout, and every worker polls
/// again at once. Services of others are not judged by Temporal's convention.
pub(crate) fn only_asks(path: &[u8]) -> bool {
    const ASK: [&[u8]; 8] = [
        b"Check",
        b"Count",
        b"Describe",
        b"Get",
        b"List",
        b"Poll",
        b"Query",
        b"Scan",
    ];
    let Some(rest) = path.strip_prefix(b"/temporal.api.") else {
        return path == b"/grpc.health.v1.Health/Check";
    };
    let mut parts = rest.splitn(2, |byte| *byte == b'/');
    let (Some(_service), Some(method)) = (parts.next(), parts.next()) else {
        return false;
    };
    ASK.iter().any(|word| method.starts_with(word))
}

/// Makes the trailers that end a response with a status.
pub(crate) fn status_fields(code: Code, message: &str) -> HeaderList {
    let mut fields = HeaderList::new();
    fields.push(Field::new(
        b"grpc-status",
        code.number().to_string().as_bytes(),
    ));
    fields.push(Field::new(
        b"grpc-message",
        percent_encoded(message).as_bytes(),
    ));
    fields
}

/// Makes an answer that consists of a status alone ("Trailers-Only") of its status.
pub(crate) fn answer_fields(status: &HeaderList) -> HeaderList {
    let head = [
        Field::new(b":status", b"200"),
        Field::new(b"content-type", b"application/grpc"),
    ];
    head.into_iter().chain(status).collect()
}

/// Frames one message: not compressed, its length, its bytes.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = vec![0];
    framed.extend_from_slice(&len.to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

/// `grpc-message` allows printable ASCII but for `%`; the rest is percent-encoded.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _infallible = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
