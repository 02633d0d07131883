//! What a `newleaf-proxy` tells of its connections: `GET /status` on its admin endpoint.

use std::{collections::BTreeSet, io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use newleaf_rotation::sight::Calls;
use newleaf_x509::Fingerprint;
use serde::Deserialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// How the place of a Unix socket begins, as with `newleaf-proxy --admin`.
const UNIX: &str = "unix:";

/// How long a proxy on this machine may take to answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The largest answer that is read: a proxy with a thousand connections says less.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// A connection, of either kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Why a proxy could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProxyError {
    /// No connection.
    #[error("could not connect to the proxy's admin endpoint `{admin}`")]
    Connect {
        /// The endpoint.
        admin: String,
        /// Why.
        source: io::Error,
    },
    /// HTTP failed.
    #[error("could not ask the proxy at `{admin}`")]
    Http {
        /// The endpoint.
        admin: String,
        /// Why.
        source: hyper::Error,
    },
    /// The address cannot be asked.
    #[error("expected `host:port` or `unix:PATH` as the proxy's admin endpoint, found `{admin}`")]
    Address {
        /// The endpoint.
        admin: String,
    },
    /// The answer is not the status of a proxy.
    #[error("expected the status of a proxy at `{admin}`, found {found}")]
    Answer {
        /// The endpoint.
        admin: String,
        /// What came.
        found: String,
    },
    /// The deadline passed.
    #[error("expected an answer of the proxy at `{admin}` within {TIMEOUT:?}, waited in vain")]
    Timeout {
        /// The endpoint.
        admin: String,
    },
}

/// The part of a proxy's status that is evidence; the rest of it is for people.
#[derive(Debug, Deserialize)]
struct Status {
    connections: Vec<Connection>,
    /// Calls that ended with a status that the proxy gave.
    failed: Option<u64>,
    /// Both counts at one instant, where the proxy tells them.
    calls: Option<CallCounts>,
}

#[derive(Debug, Deserialize)]
struct Connection {
    /// None where the proxy only says an API key.
    leaf: Option<Fingerprint>,
}

#[derive(Debug, Deserialize)]
struct CallCounts {
    answered: u64,
    failed: u64,
}

/// Returns the leaves that a proxy presents on its live connections, those that it drains included: until they are closed,
/// their leaf is in use.
pub(crate) async fn leaves(admin: &str) -> Result<BTreeSet<Fingerprint>, ProxyError> {
    let status = status(admin).await?;
    Ok(status
        .connections
        .into_iter()
        .filter_map(|connection| connection.leaf)
        .collect())
}

/// Returns how many calls a proxy has counted since it started.
pub(crate) async fn calls(admin: &str) -> Result<Calls, ProxyError> {
    let status = status(admin).await?;
    match (status.calls, status.failed) {
        (Some(calls), _) => Ok(Calls {
            answered: Some(calls.answered),
            failed: calls.failed,
        }),
        (None, Some(failed)) => Ok(Calls {
            answered: None,
            failed,
        }),
        (None, None) => Err(ProxyError::Answer {
            admin: admin.to_owned(),
            found: "no count of calls".to_owned(),
        }),
    }
}

async fn status(admin: &str) -> Result<Status, ProxyError> {
    let status = timeout(TIMEOUT, ask(admin))
        .await
        .map_err(|_elapsed| ProxyError::Timeout {
            admin: admin.to_owned(),
        })??;
    serde_json::from_slice(&status).map_err(|error| ProxyError::Answer {
        admin: admin.to_owned(),
        found: error.to_string(),
    })
}

async fn connect(admin: &str) -> io::Result<Box<dyn Stream>> {
    Ok(match admin.strip_prefix(UNIX) {
        Some(path) => Box::new(UnixStream::connect(path).await?),
        None => Box::new(TcpStream::connect(admin).await?),
    })
}

async fn ask(admin: &str) -> Result<Bytes, ProxyError> {
    let name = || admin.to_owned();
    let http = |source| ProxyError::Http {
        admin: name(),
        source,
    };
    let host = if admin.starts_with(UNIX) {
        "localhost"
    } else {
        admin
    };
    let request = http::Request::get("/status")
        .header("host", host)
        .body(Empty::<Bytes>::new())
        .map_err(|_bad_host| ProxyError::Address { admin: name() })?;
    let stream = connect(admin).await.map_err(|source| ProxyError::Connect {
        admin: name(),
        source,
    })?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
    let exchange = async {
        let response = requests.send_request(request).await.map_err(http)?;
        if response.status() != http::StatusCode::OK {
            return Err(ProxyError::Answer {
                admin: name(),
                found: response.status().to_string(),
            });
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|error| ProxyError::Answer {
            admin: name(),
            found: error.to_string(),
        })?;
        Ok(body.to_bytes())
    };
    // The connection only moves while it is polled; it ends by itself when `requests` is dropped.
    tokio::pin!(exchange);
    tokio::select! {
        answer = &mut exchange => answer,
        ended = connection => {
            ended.map_err(http)?;
            exchange.await
        }
    }
}
