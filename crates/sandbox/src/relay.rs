//! Carries admitted calls to a real Temporal frontend (plaintext HTTP/2), bodies and trailers both ways, unbuffered.

use std::{net::SocketAddr, time::Duration};

use http::{Request, Response, Uri, uri};
use hyper::{
    body::Incoming,
    client::conn::http2::{self, SendRequest},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::Mutex, task::JoinSet, time::timeout};
use tonic::{Status, body::Body};

/// The longest a dial may take.
const DIAL: Duration = Duration::from_secs(5);

/// How often a call that was provably not sent is tried again on a new connection.
const DIALS: usize = 2;

/// The upstream side of one client connection. Dropping it ends the upstream connection too.
pub(crate) struct Relay {
    upstream: SocketAddr,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    sender: Option<SendRequest<Incoming>>,
    connections: JoinSet<()>,
}

/// Why a call did not reach the upstream.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error("could not reach the upstream")]
    Dial(#[from] std::io::Error),
    #[error("could not reach the upstream in time")]
    DialTimeout(#[from] tokio::time::error::Elapsed),
    #[error("could not speak HTTP/2 with the upstream")]
    Http(#[from] hyper::Error),
    #[error("cannot address the upstream")]
    Address(#[from] http::Error),
    #[error("could not send the call to the upstream")]
    NotSent,
}

impl Relay {
    pub(crate) fn new(upstream: SocketAddr) -> Self {
        Self {
            upstream,
            link: Mutex::default(),
        }
    }

    /// Relays one call. Its response comes back as it is, or as `UNAVAILABLE` if there is none.
    pub(crate) async fn forward(&self, request: Request<Incoming>) -> Response<Body> {
        match self.send(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => {
                tracing::warn!(%error, upstream = %self.upstream, "could not relay a call");
                Status::unavailable(error.to_string()).into_http()
            }
        }
    }

    async fn send(&self, mut request: Request<Incoming>) -> Result<Response<Incoming>, RelayError> {
        *request.uri_mut() = self.upstream_uri(request.uri())?;
        for _ in 0..DIALS {
            let mut sender = self.sender().await?;
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(response),
                // The connection ended before the call went out: the call comes back, and a new connection takes it.
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
        Err(RelayError::NotSent)
    }

    fn upstream_uri(&self, downstream: &Uri) -> Result<Uri, http::Error> {
        let path = downstream
            .path_and_query()
            .cloned()
            .unwrap_or_else(|| uri::PathAndQuery::from_static("/"));
        Uri::builder()
            .scheme(uri::Scheme::HTTP)
            .authority(self.upstream.to_string())
            .path_and_query(path)
            .build()
    }

    async fn sender(&self) -> Result<SendRequest<Incoming>, RelayError> {
        let mut link = self.link.lock().await;
        if let Some(sender) = link.sender.as_ref().filter(|sender| sender.is_ready()) {
            return Ok(sender.clone());
        }
        let stream = timeout(DIAL, TcpStream::connect(self.upstream)).await??;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        while link.connections.try_join_next().is_some() {}
        link.connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an upstream connection ended");
            }
        });
        link.sender = Some(sender.clone());
        Ok(sender)
    }
}
