//! Dials the server under an identity, and proves that the server accepts it.
//!
//! With TLS 1.3 a client's handshake ends before the server has judged the client's leaf (RFC 8446 §2), and the server's
//! SETTINGS may be sent before it has. So the handshake proves nothing. The answer to a PING does: a server
//! answers it only after it has taken the client's last flight. And since Temporal Cloud applies certificate filters
//! to calls, not to handshakes, a new identity must also be allowed a call.

use std::{io, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::Ping;
use http::uri::Authority;
use newleaf_identity::{
    Identity,
    tls::{self, TlsError},
};
use rustls::{RootCertStore, pki_types::ServerName};
use tokio::{
    io::BufReader,
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{clock, connection::Dialled, grpc::Code, limits, prove};

/// HTTP/2 over TLS over TCP.
pub(crate) type Wire = h2::client::Connection<TlsStream<BufReader<TcpStream>>, Bytes>;

/// Where to dial, and what the server must be.
pub(crate) struct Dialer {
    pub(crate) upstream: String,
    pub(crate) server_name: ServerName<'static>,
    pub(crate) authority: Authority,
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) namespace: Option<String>,
}

/// How much a dialled connection must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// That the server took the leaf: enough for an identity that proved itself before.
    Handshake,
    /// That calls are allowed too: for a new identity.
    Calls,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error("could not connect to `{upstream}`")]
    Connect { upstream: String, source: io::Error },
    #[error("could not finish the TLS handshake with `{upstream}`")]
    Handshake { upstream: String, source: io::Error },
    #[error("expected `{upstream}` to answer over HTTP/2, found that it closed the connection")]
    Preface { upstream: String, source: h2::Error },
    #[error("could not {stage} within {} s", bound.as_secs())]
    Elapsed {
        stage: &'static str,
        bound: Duration,
    },
    #[error("could not prove the identity by calling `{method}`")]
    Call {
        method: &'static str,
        source: h2::Error,
    },
    #[error("expected `{method}` to answer OK, found {code}: {message}")]
    Denied {
        method: &'static str,
        code: Code,
        message: String,
    },
    #[error("expected `{method}` to answer a gRPC status, found HTTP status {status}")]
    NotGrpc {
        method: &'static str,
        status: http::StatusCode,
    },
    #[error("cannot present the identity")]
    Tls(#[from] TlsError),
}

impl DialError {
    /// Returns whether the server judged the identity, and did not like it. A server that cannot be reached has not.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            Self::Handshake { .. } | Self::Preface { .. } | Self::Denied { .. } => true,
            Self::Connect { .. }
            | Self::Elapsed { .. }
            | Self::Call { .. }
            | Self::NotGrpc { .. }
            | Self::Tls(_) => false,
        }
    }
}

impl Dialer {
    /// Dials, and returns a connection over which the server has answered.
    pub(crate) async fn dial(
        &self,
        identity: &Arc<Identity>,
        proof: Proof,
    ) -> Result<Dialled, DialError> {
        let bound = limits::HANDSHAKE;
        let mut dialled =
            timeout(bound, self.shake_hands(identity))
                .await
                .map_err(|_elapsed| DialError::Elapsed {
                    stage: "connect and shake hands",
                    bound,
                })??;
        match proof {
            Proof::Handshake => {}
            Proof::Calls => {
                let mut send = dialled.send.clone();
                let calls = prove::calls(&mut send, &self.authority, self.namespace.as_deref());
                tokio::select! {
                    proved = calls => proved?,
                    ended = &mut dialled.wire => return Err(self.closed(ended)),
                }
            }
        }
        Ok(dialled)
    }

    async fn shake_hands(&self, identity: &Arc<Identity>) -> Result<Dialled, DialError> {
        let upstream = || self.upstream.clone();
        let socket = connect(&self.upstream)
            .await
            .map_err(|source| DialError::Connect {
                upstream: upstream(),
                source,
            })?;
        let config = tls::client_config(Arc::clone(&self.roots), identity.resolver())?;
        let socket = BufReader::with_capacity(limits::READ_BUFFER_BYTES, socket);
        let tls = TlsConnector::from(Arc::new(config))
            .connect(self.server_name.clone(), socket)
            .await
            .map_err(|source| DialError::Handshake {
                upstream: upstream(),
                source,
            })?;
        let (send, mut wire) = h2::client::Builder::new()
            .enable_push(false)
            .initial_window_size(limits::STREAM_WINDOW_BYTES)
            .initial_connection_window_size(limits::UPSTREAM_WINDOW_BYTES)
            .max_header_list_size(limits::HEADER_LIST_BYTES)
            .max_send_buffer_size(limits::SEND_BUFFER_BYTES)
            .handshake(tls)
            .await
            .map_err(|source| DialError::Preface {
                upstream: upstream(),
                source,
            })?;
        let Some(mut ping) = wire.ping_pong() else {
            return Err(self.closed(Ok(())));
        };
        tokio::select! {
            pong = ping.ping(Ping::opaque()) => pong.map_err(|source| DialError::Preface {
                upstream: upstream(),
                source,
            })?,
            ended = &mut wire => return Err(self.closed(ended)),
        };
        Ok(Dialled {
            identity: Arc::clone(identity),
            send,
            wire,
            ping,
            opened_at: clock::now(),
            opened: Instant::now(),
        })
    }

    fn closed(&self, ended: Result<(), h2::Error>) -> DialError {
        DialError::Preface {
            upstream: self.upstream.clone(),
            source: ended.err().unwrap_or_else(|| h2::Reason::NO_ERROR.into()),
        }
    }
}

/// Connects to the first of the server's addresses that answers. The name is resolved each time: behind it, addresses change.
async fn connect(upstream: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host(upstream).await? {
        match timeout(limits::CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Ok(Err(error)) => last = error,
            Err(elapsed) => last = elapsed.into(),
        }
    }
    Err(last)
}
