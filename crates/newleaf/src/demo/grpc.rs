//! One gRPC call over HTTP/2, as bare as it can be: no retry, no balancing, no hidden second try.
//!
//! What a real client would hide is exactly what the demo counts, so nothing here is forgiving.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use h2::{RecvStream, client::SendRequest};
use http::{HeaderMap, Method, Request, StatusCode, header};
use prost::Message;

/// gRPC's prefix of a message: one byte for compression, four for the length.
const PREFIX_BYTES: usize = 5;

/// The status `OK` as it stands in trailers.
const OK: &str = "0";

/// Why a call did not end with the status `OK`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The transport gave up before an answer was complete.
    #[error("the call was cut off")]
    Cut(#[source] h2::Error),
    /// The server answered without gRPC.
    #[error("expected HTTP status 200, found {found}")]
    Http {
        /// Its HTTP status.
        found: StatusCode,
    },
    /// The server answered with another status than `OK`.
    #[error("expected gRPC status 0, found {code}: {message}")]
    Status {
        /// The gRPC status.
        code: String,
        /// What the server said.
        message: String,
    },
    /// The answer ended without a status.
    #[error("expected a gRPC status, found none")]
    NoStatus,
    /// No answer came in time.
    #[error("no answer within the deadline")]
    Late,
}

/// A call: where, what, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    method: &'static str,
    body: Bytes,
    deadline: Duration,
}

impl Call {
    /// Prepares a call of a method of Temporal's `WorkflowService`.
    pub(crate) fn new(method: &'static str, message: &impl Message, deadline: Duration) -> Self {
        let length = message.encoded_len();
        let mut body = BytesMut::with_capacity(PREFIX_BYTES + length);
        body.put_u8(0);
        // A message of 4 GiB cannot be: these are requests of a few names.
        body.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
        body.put_slice(&message.encode_to_vec());
        Self {
            method,
            body: body.freeze(),
            deadline,
        }
    }

    fn request(&self) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = format!(
            "http://localhost/temporal.api.workflowservice.v1.WorkflowService/{}",
            self.method
        )
        .parse()
        .unwrap_or_default();
        let headers = request.headers_mut();
        for (name, value) in [
            (header::TE.as_str(), "trailers"),
            (header::CONTENT_TYPE.as_str(), "application/grpc"),
            ("client-name", "newleaf-demo"),
            ("client-version", env!("CARGO_PKG_VERSION")),
        ] {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        let timeout = http::HeaderValue::from_str(&format!("{}m", self.deadline.as_millis()));
        if let Ok(timeout) = timeout {
            headers.insert("grpc-timeout", timeout);
        }
        request
    }
}

/// Makes the call on a connection that is ready, and waits for its status.
pub(crate) async fn call(mut ready: SendRequest<Bytes>, call: &Call) -> Result<(), CallError> {
    let (response, mut body) = ready
        .send_request(call.request(), false)
        .map_err(CallError::Cut)?;
    body.send_data(call.body.clone(), true)
        .map_err(CallError::Cut)?;
    let (head, body) = response.await.map_err(CallError::Cut)?.into_parts();
    if head.status != StatusCode::OK {
        return Err(CallError::Http { found: head.status });
    }
    // An answer without a message carries its status in the headers.
    match status(&head.headers) {
        Some(status) => status,
        None => finish(body).await,
    }
}

async fn finish(mut body: RecvStream) -> Result<(), CallError> {
    while let Some(data) = body.data().await {
        let data = data.map_err(CallError::Cut)?;
        body.flow_control()
            .release_capacity(data.len())
            .map_err(CallError::Cut)?;
    }
    let trailers = body.trailers().await.map_err(CallError::Cut)?;
    trailers
        .as_ref()
        .and_then(status)
        .unwrap_or(Err(CallError::NoStatus))
}

fn status(headers: &HeaderMap) -> Option<Result<(), CallError>> {
    let text = |name| {
        headers
            .get(name)
            .map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned())
    };
    let code = text("grpc-status")?;
    if code == OK {
        return Some(Ok(()));
    }
    let message = text("grpc-message").unwrap_or_default();
    Some(Err(CallError::Status { code, message }))
}
