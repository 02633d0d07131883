//! One connection to a Temporal server under one identity, up to the proof that the server has judged the leaf.
//!
//! In TLS 1.3 a client is finished before the server has looked at its leaf, so a handshake that succeeds
//! proves nothing. What proves it is an answer: this module sends a PING and waits for the reply.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use h2::client::SendRequest;
use newleaf_identity::{
    Identity,
    tls::{self, TlsError},
};
use rustls::{AlertDescription, SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    task::JoinHandle,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::domain::Endpoint;

/// How long each step (name, TCP, TLS, PING) may take: a round trip around the world is a third of a second, and a
/// loaded server may take its time.
const STEP_TIMEOUT: Duration = Duration::from_secs(5);

/// How long to wait for the connection to say why it ended, once a call on it has failed.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Why a server did not take the leaf, or could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The address has no port, or the name is no name.
    #[error("expected `host:port`, found `{address}`")]
    Address {
        /// The address.
        address: String,
    },
    /// The name could not be resolved.
    #[error("could not resolve `{address}`")]
    Resolve {
        /// The address.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// No TLS configuration could be made.
    #[error("cannot configure TLS")]
    Tls(#[from] TlsError),
    /// No connection.
    #[error("could not connect")]
    Connect(#[source] io::Error),
    /// A step took longer than [`STEP_TIMEOUT`].
    #[error("expected {step} within {STEP_TIMEOUT:?}, waited in vain")]
    Timeout {
        /// The step.
        step: &'static str,
    },
    /// The handshake failed for a reason that says nothing about our leaf: the server's certificate is not trusted, or
    /// no common protocol version.
    #[error("could not finish the TLS handshake")]
    Handshake(#[source] io::Error),
    /// The server asked for no client certificate, so it judges none.
    #[error("expected the server to ask for a client certificate, found that it does not")]
    NotAsked,
    /// The server refused the leaf.
    #[error("{reason}")]
    Refused {
        /// What it said.
        reason: String,
    },
    /// HTTP/2 failed for a reason that says nothing about our leaf.
    #[error("could not speak HTTP/2")]
    Http2(#[source] h2::Error),
}

/// Resolves an endpoint to every address behind its name.
pub(crate) async fn resolve(endpoint: &Endpoint) -> Result<Vec<SocketAddr>, DialError> {
    let address = || endpoint.address.clone();
    let lookup = tokio::net::lookup_host(&endpoint.address);
    let found = timeout(STEP_TIMEOUT, lookup)
        .await
        .map_err(|_elapsed| DialError::Timeout {
            step: "the name to be resolved",
        })?
        .map_err(|source| DialError::Resolve {
            address: address(),
            source,
        })?;
    let mut addresses: Vec<SocketAddr> = found.collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

/// A connection on which the server has answered, and so has taken the leaf. Dropped, it closes.
pub(crate) struct Session {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<Result<(), h2::Error>>,
}

impl Session {
    /// Connects to one address of an endpoint.
    pub(crate) async fn open(
        endpoint: &Endpoint,
        address: SocketAddr,
        identity: &Identity,
    ) -> Result<Self, DialError> {
        let heard = Arc::<OnceLock<String>>::default();
        let stream = handshake(endpoint, address, identity).await?;
        let stream = Overheard {
            stream,
            heard: Arc::clone(&heard),
        };
        let judge = |error| judge_preface(error, heard.get().cloned());
        let (requests, mut connection) = h2::client::handshake(stream).await.map_err(judge)?;
        let ping = connection.ping_pong();
        let session = Self {
            requests,
            driver: tokio::spawn(connection),
        };
        // `ping_pong` is there exactly once, and nobody has taken it.
        let Some(mut ping) = ping else {
            return Ok(session);
        };
        match within("an answer to PING", ping.ping(h2::Ping::opaque())).await? {
            Ok(_pong) => Ok(session),
            Err(error) => Err(judge(session.last_words().await.unwrap_or(error))),
        }
    }

    /// Returns what sends requests on this connection.
    pub(crate) fn requests(&self) -> SendRequest<Bytes> {
        self.requests.clone()
    }

    /// Returns what ended the connection: it knows of a TLS alert, where a call on it knows only that it ended.
    async fn last_words(mut self) -> Option<h2::Error> {
        let ended = timeout(LAST_WORDS, &mut self.driver).await;
        ended.ok()?.ok()?.err()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// Connects, and finishes the client's part of a TLS handshake in which the server asked for our leaf.
async fn handshake(
    endpoint: &Endpoint,
    address: SocketAddr,
    identity: &Identity,
) -> Result<TlsStream<TcpStream>, DialError> {
    let asked = Arc::new(Asked {
        identity: identity.certified_key(),
        was_asked: AtomicBool::new(false),
    });
    let roots = match &endpoint.server_ca {
        Some(bundle) => tls::bundle_roots(bundle)?,
        None => tls::platform_roots()?,
    };
    let resolver: Arc<dyn ResolvesClientCert> = Arc::<Asked>::clone(&asked);
    let config = tls::client_config(roots, resolver)?;
    let name = tls::server_name(server_name(endpoint)?)?;
    let tcp = within("a connection", TcpStream::connect(address)).await?;
    let tcp = tcp.map_err(DialError::Connect)?;
    // A canary sends a handful of small frames, each of which is waited for.
    tcp.set_nodelay(true).map_err(DialError::Connect)?;
    let connector = TlsConnector::from(Arc::new(config));
    let stream = within("the TLS handshake", connector.connect(name, tcp)).await?;
    let stream = stream.map_err(judge_handshake)?;
    if asked.was_asked.load(Ordering::Acquire) {
        Ok(stream)
    } else {
        Err(DialError::NotAsked)
    }
}

/// Presents one identity, and remembers whether anybody wanted to see it.
struct Asked {
    identity: Arc<CertifiedKey>,
    was_asked: AtomicBool,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asked")
            .field("was_asked", &self.was_asked)
            .finish_non_exhaustive()
    }
}

impl ResolvesClientCert for Asked {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.was_asked.store(true, Ordering::Release);
        Some(Arc::clone(&self.identity))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A stream that remembers a refusal: `h2` keeps only the text of an error of the stream below it.
struct Overheard<S> {
    stream: S,
    heard: Arc<OnceLock<String>>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Err(error)) = &read
            && let Some(reason) = refusal(error)
        {
            // Whatever follows the first refusal is only its echo.
            let _first_or_echo = self.heard.set(reason);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

async fn within<T>(step: &'static str, work: impl Future<Output = T>) -> Result<T, DialError> {
    timeout(STEP_TIMEOUT, work)
        .await
        .map_err(|_elapsed| DialError::Timeout { step })
}

/// Returns the name that the server's certificate must bear.
fn server_name(endpoint: &Endpoint) -> Result<&str, DialError> {
    if let Some(name) = &endpoint.server_name {
        return Ok(name);
    }
    let host = endpoint.address.rsplit_once(':').map(|(host, _port)| host);
    host.map(|host| host.trim_start_matches('[').trim_end_matches(']'))
        .ok_or_else(|| DialError::Address {
            address: endpoint.address.clone(),
        })
}

/// A failure before the handshake is finished. With TLS 1.3 the leaf was not even sent by then; with TLS 1.2 the
/// server may have seen it, and says what it thinks by an alert. A close without a word says nothing.
fn judge_handshake(error: io::Error) -> DialError {
    match refusal(&error) {
        Some(reason) => DialError::Refused { reason },
        None => DialError::Handshake(error),
    }
}

/// A failure after the handshake and before the server's first frame: this is how a TLS 1.3 server refuses
/// a leaf. Some send an alert; Temporal Cloud is seen to just close ("connection closed before server preface
/// received"), and where unread bytes are left, closing is a reset.
fn judge_preface(error: h2::Error, heard: Option<String>) -> DialError {
    if let Some(reason) = heard {
        return DialError::Refused { reason };
    }
    let Some(io) = error.get_io() else {
        return DialError::Http2(error);
    };
    let closed = matches!(
        io.kind(),
        io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
    );
    if closed {
        let reason = "the connection was closed before the server's preface".to_owned();
        return DialError::Refused { reason };
    }
    DialError::Http2(error)
}

/// Returns what an alert *received from the server* says about our leaf. Our own verdict on the server's certificate is
/// another matter, and so are alerts about versions and ciphers.
fn refusal(error: &io::Error) -> Option<String> {
    let rustls::Error::AlertReceived(alert) = error.get_ref()?.downcast_ref()? else {
        return None;
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the list of alerts is IANA's and grows"
    )]
    match alert {
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied
        | AlertDescription::CertificateRequired
        | AlertDescription::DecryptError => Some(format!("the server sent the alert {alert:?}")),
        _ => None,
    }
}
