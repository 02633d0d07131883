//! A channel under one identity: TLS by our own rules, HTTP/2 by tonic.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};
use tower_service::Service;

use crate::{
    identity::Identity,
    tls::{self, ALPN_H2, TlsError},
};

/// How long a connection may take, handshake included.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an idle connection is asked whether it is there still, as Temporal's own SDKs ask.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long the answer may take.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// A server that is spoken to under identities of ours.
#[derive(Clone, Debug)]
pub struct Target {
    address: String,
    server_name: ServerName<'static>,
    authority: String,
    roots: Arc<RootCertStore>,
}

/// Why there is no channel. The one before is not touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The address is no address.
    #[error("expected the server as `host:port`, found `{found}`")]
    Address {
        /// The text.
        found: String,
    },
    /// TLS cannot be configured.
    #[error("cannot configure TLS")]
    Tls(#[from] TlsError),
    /// No connection, or no handshake.
    #[error("could not connect to `{address}`")]
    Connect {
        /// Host and port.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The server did not agree to speak HTTP/2. Something that ends TLS before it may know only of HTTP/1.
    #[error("expected `{address}` to choose HTTP/2 (`h2`) by ALPN, found {found}")]
    NotHttp2 {
        /// Host and port.
        address: String,
        /// What it chose, or none.
        found: String,
    },
}

/// Why one connection was not made.
#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("could not reach the server")]
    Tcp(#[source] io::Error),
    #[error("could not make a TLS handshake")]
    Tls(#[source] io::Error),
    #[error("expected HTTP/2 (`h2`) by ALPN, found {found}")]
    NotHttp2 { found: String },
}

impl Target {
    /// Names a server by `host:port`; `roots` judge its certificate, which must bear `server_name`, or else the host.
    ///
    /// # Errors
    ///
    /// The address or the name is none.
    pub fn new(
        address: &str,
        server_name: Option<&str>,
        roots: Arc<RootCertStore>,
    ) -> Result<Self, ConnectError> {
        let malformed = || ConnectError::Address {
            found: address.to_owned(),
        };
        let (host, port) = address.rsplit_once(':').ok_or_else(malformed)?;
        let port: u16 = port.parse().map_err(|_error| malformed())?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let authority = match server_name {
            Some(name) => format!("{name}:{port}"),
            None => address.to_owned(),
        };
        Ok(Self {
            address: address.to_owned(),
            server_name: tls::server_name(server_name.unwrap_or(host))?,
            authority,
            roots,
        })
    }

    /// Connects under an identity. The channel connects anew by itself when the server ends a connection, always under this
    /// identity and never with a resumed session.
    ///
    /// # Errors
    ///
    /// There is no connection. That there is one does not prove the identity: with TLS 1.3 a server judges a leaf after the
    /// client's handshake has ended, so make a call before you rely on it.
    pub async fn connect(&self, identity: &Identity) -> Result<Channel, ConnectError> {
        let config = tls::client_config(Arc::clone(&self.roots), identity.resolver())?;
        let malformed = || ConnectError::Address {
            found: self.address.clone(),
        };
        let failed = |source| ConnectError::Connect {
            address: self.address.clone(),
            source,
        };
        // To tonic the address is plain: TLS is made below it. Requests say what they are.
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address));
        let origin: Uri = format!("https://{}", self.authority)
            .parse()
            .map_err(|_error| malformed())?;
        let endpoint = endpoint
            .map_err(failed)?
            .origin(origin)
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let connector = Connector::new(self, config);
        endpoint
            .connect_with_connector(connector)
            .await
            .map_err(|error| match protocol(&error) {
                Some(found) => ConnectError::NotHttp2 {
                    address: self.address.clone(),
                    found,
                },
                None => failed(error),
            })
    }
}

/// Returns what the server chose by ALPN, if that is why there is no connection.
fn protocol(error: &tonic::transport::Error) -> Option<String> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(DialError::NotHttp2 { found }) = error.downcast_ref() {
            return Some(found.clone());
        }
        cause = error.source();
    }
    None
}

/// Makes connections under one identity.
#[derive(Clone)]
struct Connector {
    address: String,
    server_name: ServerName<'static>,
    tls: TlsConnector,
}

impl Connector {
    fn new(target: &Target, config: ClientConfig) -> Self {
        Self {
            address: target.address.clone(),
            server_name: target.server_name.clone(),
            tls: TlsConnector::from(Arc::new(config)),
        }
    }

    async fn connect(self) -> Result<Connection, DialError> {
        let tcp = TcpStream::connect(&self.address)
            .await
            .map_err(DialError::Tcp)?;
        tcp.set_nodelay(true).map_err(DialError::Tcp)?;
        let connection = self.tls.connect(self.server_name, tcp).await;
        let connection = connection.map_err(DialError::Tls)?;
        match connection.get_ref().1.alpn_protocol() {
            Some(ALPN_H2) => Ok(TokioIo::new(connection)),
            other => Err(DialError::NotHttp2 {
                found: other.map_or_else(
                    || "none".to_owned(),
                    |other| format!("`{}`", other.escape_ascii()),
                ),
            }),
        }
    }
}

type Connection = TokioIo<TlsStream<TcpStream>>;

impl Service<Uri> for Connector {
    type Response = Connection;
    type Error = DialError;
    type Future = Pin<Box<dyn Future<Output = Result<Connection, DialError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), DialError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _address: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
