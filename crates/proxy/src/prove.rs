//! Proves by cheap calls that credentials are allowed what a worker needs.

use tokio::time::timeout;

use crate::{
    connection::Link,
    dial::DialError,
    grpc::{self, Code},
    limits,
    relay::Ask,
};

const GET_SYSTEM_INFO: &str = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo";
const DESCRIBE_NAMESPACE: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace";

/// Calls `GetSystemInfo` and, where a namespace is known, `DescribeNamespace`: the first works with any leaf of an
/// accepted CA, the second shows that the certificate filters of this namespace admit it.
pub(crate) async fn calls(link: &mut Link, namespace: Option<&str>) -> Result<(), DialError> {
    call(link, GET_SYSTEM_INFO, (namespace, &[])).await?;
    if let Some(namespace) = namespace {
        let message = describe_namespace(namespace);
        call(link, DESCRIBE_NAMESPACE, (Some(namespace), &message)).await?;
    }
    Ok(())
}

async fn call(
    link: &mut Link,
    method: &'static str,
    (namespace, message): (Option<&str>, &[u8]),
) -> Result<(), DialError> {
    let bound = limits::PROOF;
    let message = grpc::frame(message);
    let ask = Ask {
        path: method,
        namespace,
        message: &message,
    };
    let answer = timeout(bound, link.ask(ask))
        .await
        .map_err(|_elapsed| DialError::Elapsed {
            stage: "prove the credentials by a call",
            bound,
        })?
        .map_err(|source| DialError::Call { method, source })?;
    let Some(number) = answer.code else {
        let status = answer.http_status.unwrap_or_else(|| "none".to_owned());
        return Err(DialError::NotGrpc { method, status });
    };
    match Code::of(number) {
        // A server that does not know the method has let us ask; the SDKs' clients take it the same way.
        Code::Ok | Code::Unimplemented => Ok(()),
        code @ (Code::InvalidArgument
        | Code::NotFound
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Unavailable
        | Code::Unauthenticated
        | Code::Other(_)) => Err(DialError::Denied {
            method,
            code,
            message: answer.message,
        }),
    }
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
