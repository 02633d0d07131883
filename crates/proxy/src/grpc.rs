//! The little of gRPC that a proxy must speak itself: deadlines, and a status when it has no answer to pass on.

use std::time::Duration;

use crate::h2::hpack::{Field, HeaderList};

/// gRPC status codes that the proxy gives or asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Ok,
    InvalidArgument,
    PermissionDenied,
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
            Self::PermissionDenied => 7,
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
            Self::PermissionDenied,
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
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Other(number) => return write!(f, "code {number}"),
        };
        f.write_str(name)
    }
}

/// Reads a call's own deadline: one to eight digits and a unit (gRPC over HTTP/2, "Timeout").
pub(crate) fn timeout(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(count.checked_mul(3600)?)),
        b'M' => Some(Duration::from_secs(count.checked_mul(60)?)),
        b'S' => Some(Duration::from_secs(count)),
        b'm' => Some(Duration::from_millis(count)),
        b'u' => Some(Duration::from_micros(count)),
        b'n' => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Writes a deadline in milliseconds; `None` if it is longer than eight digits can say.
pub(crate) fn timeout_text(left: Duration) -> Option<String> {
    let n_millis = left.as_millis().max(1);
    (n_millis <= 99_999_999).then(|| format!("{n_millis}m"))
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
