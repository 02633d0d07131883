//! The bar: plaintext in, TLS out, one connection to the server for each of the caller's, and no idea of what the bytes
//! mean. Nothing that speaks HTTP/2 can do less for each byte; only fewer connections and fewer records can beat it.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{
    io::{BufReader, copy_bidirectional_with_sizes},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsConnector;

use crate::tls::{self, TlsError};

/// Copied at once: measured, more gains nothing.
const COPY_BYTES: usize = 32 * 1024;

/// Read at once from the server's socket: rustls alone reads 4 KiB a time, which costs 10 to 16 % on large messages.
const READ_BYTES: usize = 64 * 1024;

/// Where the tunnel begins and ends.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where callers are accepted.
    #[arg(long)]
    pub listen: SocketAddr,
    /// The server.
    #[arg(long)]
    pub upstream: SocketAddr,
    /// The certificates of the run.
    #[arg(long)]
    pub pki: PathBuf,
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The files are of no use.
    #[error("cannot speak TLS")]
    Tls(#[from] TlsError),
    /// The port is not to be had.
    #[error("could not accept callers")]
    Accept(#[from] io::Error),
}

/// Carries bytes until it is killed.
pub async fn run(options: Options) -> Result<(), TunnelError> {
    let connector = TlsConnector::from(Arc::new(tls::client(&options.pki)?));
    let listener = TcpListener::bind(options.listen).await?;
    loop {
        let (caller, _) = listener.accept().await?;
        let carried = carry(caller, options.upstream, connector.clone());
        tokio::spawn(async move {
            // A connection that broke is seen by both ends; the tunnel has nothing to add.
            drop(carried.await);
        });
    }
}

async fn carry(
    mut caller: TcpStream,
    upstream: SocketAddr,
    connector: TlsConnector,
) -> io::Result<()> {
    caller.set_nodelay(true)?;
    let socket = TcpStream::connect(upstream).await?;
    socket.set_nodelay(true)?;
    let socket = BufReader::with_capacity(READ_BYTES, socket);
    let mut server = connector.connect(tls::server_name(), socket).await?;
    copy_bidirectional_with_sizes(&mut caller, &mut server, COPY_BYTES, COPY_BYTES)
        .await
        .map(drop)
}
