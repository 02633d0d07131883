//! One unary gRPC call on an HTTP/2 connection of ours: five bytes before the message, and a status after it.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use h2::{RecvStream, client::SendRequest};
use http::{HeaderMap, Request};
use prost::Message;
use tokio::time::timeout;

/// The service that workers call.
const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// How long a call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// [`CALL_TIMEOUT`] as the server is told it.
const GRPC_TIMEOUT: &str = "10S";

/// The largest answer that is read. A task queue with thousands of pollers stays below.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The flag that the message is not compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// gRPC's codes, as far as they are told apart here.
pub(crate) mod code {
    pub(crate) const OK: u16 = 0;
    pub(crate) const PERMISSION_DENIED: u16 = 7;
    pub(crate) const UNIMPLEMENTED: u16 = 12;
    pub(crate) const UNAUTHENTICATED: u16 = 16;
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The server answered with a status.
    #[error("the server answered with gRPC code {code}: {message}")]
    Status {
        /// The code.
        code: u16,
        /// Its words, cut short.
        message: String,
    },
    /// The stream or connection broke.
    #[error("could not finish the call")]
    Http2(#[from] h2::Error),
    /// The deadline passed.
    #[error("expected an answer within {CALL_TIMEOUT:?}, waited in vain")]
    Timeout,
    /// The server is no gRPC server, or answers too much.
    #[error("expected {expected}, found {found}")]
    Answer {
        /// What a gRPC server answers.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// The answer is not the message that was expected.
    #[error("cannot read the answer")]
    Decode(#[from] prost::DecodeError),
    /// The request cannot be written: a fault of newleaf.
    #[error("cannot write the request to `{path}`")]
    Request {
        /// The method's path.
        path: String,
    },
}

/// Calls a method of [`SERVICE`], for example `GetSystemInfo`.
pub(crate) async fn call<Answer: Message + Default>(
    requests: SendRequest<Bytes>,
    authority: &str,
    method: &str,
    message: impl Message,
) -> Result<Answer, CallError> {
    let path = format!("/{SERVICE}/{method}");
    let request = Request::post(format!("https://{authority}{path}"))
        .header("te", "trailers")
        .header("content-type", "application/grpc")
        .header("grpc-timeout", GRPC_TIMEOUT)
        .body(())
        .map_err(|_error| CallError::Request { path })?;
    let exchange = exchange(requests, request, frame(&message));
    let answer = timeout(CALL_TIMEOUT, exchange)
        .await
        .map_err(|_elapsed| CallError::Timeout)??;
    Ok(Answer::decode(answer)?)
}

async fn exchange(
    requests: SendRequest<Bytes>,
    request: Request<()>,
    body: Bytes,
) -> Result<Bytes, CallError> {
    let (response, mut stream) = requests.ready().await?.send_request(request, false)?;
    stream.send_data(body, true)?;
    let response = response.await?;
    if response.status() != http::StatusCode::OK {
        let found = response.status().to_string();
        return Err(CallError::Answer {
            expected: "HTTP status 200",
            found,
        });
    }
    // An answer without a message carries its status in the headers ("trailers-only").
    let in_headers = status(response.headers());
    let mut stream = response.into_body();
    let body = read(&mut stream).await?;
    let trailers = stream.trailers().await?;
    match trailers.as_ref().and_then(status).or(in_headers) {
        Some((code::OK, _)) => unframe(body),
        Some((code, message)) => Err(CallError::Status { code, message }),
        None => Err(CallError::Answer {
            expected: "a gRPC status",
            found: "none".to_owned(),
        }),
    }
}

async fn read(stream: &mut RecvStream) -> Result<BytesMut, CallError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = stream.data().await {
        let chunk = chunk?;
        stream.flow_control().release_capacity(chunk.len())?;
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            let found = format!("more than {MAX_ANSWER_BYTES} bytes");
            return Err(CallError::Answer {
                expected: "a short answer",
                found,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    // Our requests are a few hundred bytes.
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.put_slice(&message.encode_to_vec());
    bytes.freeze()
}

fn unframe(mut body: BytesMut) -> Result<Bytes, CallError> {
    let wrong = |found: String| CallError::Answer {
        expected: "one uncompressed message",
        found,
    };
    if body.len() < PREFIX_BYTES {
        return Err(wrong(format!("{} bytes", body.len())));
    }
    let (compressed, length) = (body.get_u8(), body.get_u32());
    if compressed != 0 || usize::try_from(length).ok() != Some(body.len()) {
        return Err(wrong(format!(
            "a message of {length} bytes in {}",
            body.len()
        )));
    }
    Ok(body.freeze())
}

/// Returns code and words of the status, if the headers carry one.
fn status(headers: &HeaderMap) -> Option<(u16, String)> {
    let code = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
    let words = headers
        .get("grpc-message")
        .map(|value| unescape(value.as_bytes()));
    // What a server says is quoted to people: no more of it than fits a line or two.
    let words = words.unwrap_or_default();
    Some((code, words.chars().take(300).collect()))
}

/// Undoes the percent-encoding of a status message; what is no escape stays as it is, as gRPC asks of readers.
fn unescape(mut bytes: &[u8]) -> String {
    let mut words = Vec::with_capacity(bytes.len());
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        let escaped = match rest {
            [high, low, after @ ..] if *first == b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let byte = digit(high)
                    .zip(digit(low))
                    .map(|(high, low)| high * 16 + low);
                byte.and_then(|byte| u8::try_from(byte).ok())
                    .map(|byte| (byte, after))
            }
            _ => None,
        };
        match escaped {
            Some((byte, after)) => {
                words.push(byte);
                bytes = after;
            }
            None => words.push(*first),
        }
    }
    String::from_utf8_lossy(&words).into_owned()
}

#[cfg(test)]
mod tests;
