//! Dials the server under credentials, and proves that the server accepts them.
//!
//! With TLS 1.3 a client's handshake ends before the server has judged the client's leaf (RFC 8446 §2), and the server's
//! SETTINGS may be sent before it has. So the handshake proves nothing. That it acknowledges *our* SETTINGS does: they come
//! behind the client's last flight. And since Temporal Cloud applies certificate filters
//! to calls, not to handshakes, a new identity must also be allowed a call.

use std::{io, sync::Arc, time::Duration};

use newleaf_identity::tls::{self, TlsError};
use rustls::{RootCertStore, pki_types::ServerName};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use crate::{
    clock,
    connection::{Dialled, Gone, Link, Peer},
    credentials::Credentials,
    grpc::Code,
    limits, prove,
    relay::UpstreamId,
    switchboard::Switchboard,
};

/// Where to dial, and what the server must be.
pub(crate) struct Dialer {
    pub(crate) id: UpstreamId,
    pub(crate) upstream: String,
    pub(crate) server_name: ServerName<'static>,
    pub(crate) board: Arc<Switchboard>,
    pub(crate) roots: Arc<RootCertStore>,
    pub(crate) namespace: Option<String>,
}

/// How much a dialled connection must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// That the server took the leaf: enough for credentials that proved themselves before.
    Handshake,
    /// That calls are allowed too: for new credentials. Of an API key a handshake says nothing.
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
    Preface { upstream: String, source: Gone },
    #[error("could not {stage} within {} s", bound.as_secs())]
    Elapsed {
        stage: &'static str,
        bound: Duration,
    },
    #[error("could not prove the credentials by calling `{method}`")]
    Call { method: &'static str, source: Gone },
    #[error("expected `{method}` to answer OK, found {code}: {message}")]
    Denied {
        method: &'static str,
        code: Code,
        message: String,
    },
    #[error("expected `{method}` to answer a gRPC status, found HTTP status {status}")]
    NotGrpc {
        method: &'static str,
        status: String,
    },
    #[error("cannot present the identity")]
    Tls(#[from] TlsError),
}

impl DialError {
    /// Returns whether the server judged the credentials, and did not like them. A server that cannot be reached has not.
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
        credentials: &Credentials,
        proof: Proof,
    ) -> Result<Dialled, DialError> {
        let bound = limits::HANDSHAKE;
        let mut dialled = timeout(bound, self.shake_hands(credentials))
            .await
            .map_err(|_elapsed| DialError::Elapsed {
                stage: "connect and shake hands",
                bound,
            })??;
        match proof {
            Proof::Handshake => {}
            Proof::Calls => prove::calls(&mut dialled.link, self.namespace.as_deref()).await?,
        }
        Ok(dialled)
    }

    async fn shake_hands(&self, credentials: &Credentials) -> Result<Dialled, DialError> {
        let upstream = || self.upstream.clone();
        let socket = connect(&self.upstream)
            .await
            .map_err(|source| DialError::Connect {
                upstream: upstream(),
                source,
            })?;
        let config = tls::client_config(Arc::clone(&self.roots), credentials.resolver())?;
        let tls = TlsConnector::from(Arc::new(config))
            .connect(self.server_name.clone(), socket)
            .await
            .map_err(|source| DialError::Handshake {
                upstream: upstream(),
                source,
            })?;
        let (socket, session) = tls.into_inner();
        let peer = Peer {
            address: socket.peer_addr().ok(),
            certificate: session.peer_certificates().and_then(<[_]>::first).cloned(),
        };
        let api_key = credentials.api_key.clone();
        let connected = self.board.connect((socket, session), self.id, api_key);
        let mut link = Link::new(Arc::clone(&self.board), connected);
        link.settled().await.map_err(|source| DialError::Preface {
            upstream: upstream(),
            source,
        })?;
        Ok(Dialled {
            credentials: credentials.clone(),
            link,
            peer,
            opened_at: clock::now(),
            opened: Instant::now(),
        })
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
