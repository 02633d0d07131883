//! The little of gRPC that a proxy must speak itself: deadlines, and a status when it has no answer to pass on.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header};

/// The content type of every gRPC message.
pub(crate) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/grpc");

const STATUS: &str = "grpc-status";
const MESSAGE: &str = "grpc-message";
const TIMEOUT: &str = "grpc-timeout";

/// gRPC status codes that the proxy gives or asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    Ok,
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
            Self::PermissionDenied => 7,
            Self::Unimplemented => 12,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
            Self::Other(number) => number,
        }
    }

    fn of(number: u32) -> Self {
        [
            Self::Ok,
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
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(TIMEOUT)?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count.checked_mul(3600)?)),
        "M" => Some(Duration::from_secs(count.checked_mul(60)?)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

/// Reads the status of a response's headers or trailers, and what the server said about it.
pub(crate) fn status(headers: &HeaderMap) -> Option<(Code, String)> {
    let number = headers.get(STATUS)?.to_str().ok()?.parse().ok()?;
    let message = headers
        .get(MESSAGE)
        .and_then(|text| text.to_str().ok())
        .unwrap_or_default();
    Some((Code::of(number), message.to_owned()))
}

/// Makes an answer that consists of a status alone ("Trailers-Only").
pub(crate) fn answer(code: Code, message: &str) -> Response<()> {
    let mut response = Response::new(());
    *response.headers_mut() = trailers(code, message);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, CONTENT_TYPE);
    response
}

/// Makes the trailers that end a response with a status.
pub(crate) fn trailers(code: Code, message: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(STATUS, HeaderValue::from(code.number()));
    if let Ok(message) = HeaderValue::from_str(&percent_encoded(message)) {
        headers.insert(MESSAGE, message);
    }
    headers
}

/// Frames one message: not compressed, its length, its bytes.
pub(crate) fn frame(message: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
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
