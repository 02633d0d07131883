//! From a request's path to the service that answers it, with grpc-go's words where there is none.
//!
//! The words matter: Temporal's SDKs look into them to tell a server without a probe from a broken one.

use std::convert::Infallible;

use http::{Request, Response};
use hyper::body::Incoming;
use tonic::{
    Code, Status,
    body::Body,
    codegen::{BoxFuture, Service},
    server::NamedService,
};

/// Answers a call of a service that a path names.
pub(crate) async fn call<S>(mut service: S, request: Request<Incoming>) -> Response<Body>
where
    S: NamedService
        + Service<
            Request<Incoming>,
            Response = Response<Body>,
            Error = Infallible,
            Future = BoxFuture<Response<Body>, Infallible>,
        >,
{
    let method = request.uri().path().rsplit('/').next().unwrap_or_default();
    let unknown = format!("unknown method {method} for service {}", S::NAME);
    let Ok(response) = service.call(request).await;
    // The generated dispatch says nothing about a method that it does not have.
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() == Code::Unimplemented && status.message().is_empty() => {
            Status::unimplemented(unknown).into_http()
        }
        Some(_) | None => response,
    }
}

/// Returns the service that a path names, as in `/package.Service/Method`.
pub(crate) fn service_name(path: &str) -> &str {
    path.trim_start_matches('/')
        .split_once('/')
        .map_or("", |(service, _method)| service)
}

/// The answer to a service that is not there.
pub(crate) fn unknown_service(path: &str) -> Response<Body> {
    Status::unimplemented(format!("unknown service {}", service_name(path))).into_http()
}
