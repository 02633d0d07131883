//! Proves by cheap calls that an identity is allowed what a worker needs.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Method, Request, Uri, header, uri::Authority};
use tokio::time::timeout;

use crate::{
    dial::DialError,
    grpc::{self, Code},
    limits,
};

const GET_SYSTEM_INFO: &str = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo";
const DESCRIBE_NAMESPACE: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace";

/// Calls `GetSystemInfo` and, where a namespace is known, `DescribeNamespace`: the first works with any leaf of an
/// accepted CA, the second shows that the certificate filters of this namespace admit it.
pub(crate) async fn calls(
    send: &mut SendRequest<Bytes>,
    authority: &Authority,
    namespace: Option<&str>,
) -> Result<(), DialError> {
    call(send, authority, GET_SYSTEM_INFO, grpc::frame(&[])).await?;
    if let Some(namespace) = namespace {
        let message = grpc::frame(&describe_namespace(namespace));
        call(send, authority, DESCRIBE_NAMESPACE, message).await?;
    }
    Ok(())
}

async fn call(
    send: &mut SendRequest<Bytes>,
    authority: &Authority,
    method: &'static str,
    message: Bytes,
) -> Result<(), DialError> {
    let bound = limits::PROOF;
    let (code, message) = timeout(bound, exchange(send, authority, method, message))
        .await
        .map_err(|_elapsed| DialError::Elapsed {
            stage: "prove the identity by a call",
            bound,
        })??;
    match code {
        // A server that does not know the method has let us ask; the SDKs' clients take it the same way.
        Code::Ok | Code::Unimplemented => Ok(()),
        Code::PermissionDenied | Code::Unavailable | Code::Unauthenticated | Code::Other(_) => {
            Err(DialError::Denied {
                method,
                code,
                message,
            })
        }
    }
}

async fn exchange(
    send: &mut SendRequest<Bytes>,
    authority: &Authority,
    method: &'static str,
    message: Bytes,
) -> Result<(Code, String), DialError> {
    let failed = |source| DialError::Call { method, source };
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(http::uri::Scheme::HTTPS);
    uri.authority = Some(authority.clone());
    uri.path_and_query = Some(http::uri::PathAndQuery::from_static(method));
    *request.uri_mut() = Uri::from_parts(uri).unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, grpc::CONTENT_TYPE);
    headers.insert(header::TE, header::HeaderValue::from_static("trailers"));

    std::future::poll_fn(|cx| send.poll_ready(cx))
        .await
        .map_err(failed)?;
    let (response, mut body) = send.send_request(request, false).map_err(failed)?;
    body.send_data(message, true).map_err(failed)?;
    let response = response.await.map_err(failed)?;
    let status = response.status();
    if let Some(found) = grpc::status(response.headers()) {
        return Ok(found);
    }
    let trailers = trailers(response.into_body()).await.map_err(failed)?;
    grpc::status(&trailers).ok_or(DialError::NotGrpc { method, status })
}

async fn trailers(mut body: h2::RecvStream) -> Result<HeaderMap, h2::Error> {
    let mut received = 0;
    while let Some(data) = body.data().await {
        let data = data?;
        received += data.len();
        if received > limits::PROOF_ANSWER_BYTES {
            return Err(h2::Reason::ENHANCE_YOUR_CALM.into());
        }
        body.flow_control().release_capacity(data.len())?;
    }
    Ok(body.trailers().await?.unwrap_or_default())
}

/// `DescribeNamespaceRequest`: its field 1 is the namespace's name.
fn describe_namespace(namespace: &str) -> Vec<u8> {
    let mut message = vec![0x0a];
    let mut rest = namespace.len();
    // A length is a varint: seven bits a byte, the lowest first, the top bit set but on the last.
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            message.push(low);
            break;
        }
        message.push(low | 0x80);
    }
    message.extend_from_slice(namespace.as_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::describe_namespace;

    #[test]
    fn the_namespace_is_field_one() {
        assert_eq!(describe_namespace("ab"), [0x0a, 2, b'a', b'b']);
        let long = "n".repeat(300);
        assert_eq!(
            describe_namespace(&long).get(..3).unwrap(),
            [0x0a, 0xac, 0x02]
        );
    }
}
