//! Where calls go: a plaintext port, or the server itself over mTLS when nothing stands between.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, BufReader, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::Credentials;
use crate::tls::{self, TlsError};

/// Read at once from a socket that speaks TLS: rustls alone reads 4 KiB a time.
const READ_BYTES: usize = 64 * 1024;

/// Where the calls go.
#[derive(Clone, Debug, clap::Args)]
pub struct Route {
    /// The port.
    #[arg(long)]
    pub to: SocketAddr,
    /// Whether TLS is spoken by the caller.
    #[command(flatten)]
    pub credentials: Credentials,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The files are of no use.
    #[error("cannot speak TLS")]
    Tls(#[from] TlsError),
    /// The port does not answer.
    #[error("could not connect to {to}")]
    Connect {
        /// The port.
        to: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A connection to a route's end.
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<BufReader<TcpStream>>>),
}

impl Route {
    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<Socket, ConnectError> {
        let failed = |source| ConnectError::Connect {
            to: self.to,
            source,
        };
        let socket = TcpStream::connect(self.to).await.map_err(failed)?;
        socket.set_nodelay(true).map_err(failed)?;
        let Some(directory) = &self.credentials.tls else {
            return Ok(Socket::Plain(socket));
        };
        // Read for each connection, as an SDK does whose certificate is a callback: the next one has the new identity.
        let connector = TlsConnector::from(Arc::new(tls::client(directory)?));
        let socket = BufReader::with_capacity(READ_BYTES, socket);
        let name = tls::server_name();
        let stream = connector.connect(name, socket).await.map_err(failed)?;
        Ok(Socket::Tls(Box::new(stream)))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_read(cx, buffer),
            Self::Tls(socket) => Pin::new(socket).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_write(cx, bytes),
            Self::Tls(socket) => Pin::new(socket).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_flush(cx),
            Self::Tls(socket) => Pin::new(socket).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(socket) => Pin::new(socket).poll_shutdown(cx),
            Self::Tls(socket) => Pin::new(socket).poll_shutdown(cx),
        }
    }
}
