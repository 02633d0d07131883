//! The measuring server: it does what each request orders, and costs so little that the proxy is what is measured. It
//! speaks mTLS as Temporal does, or plaintext behind a real frontend; and it can misbehave in the ways real servers do.

mod server;

use std::{cell::Cell, io, net::SocketAddr, path::PathBuf, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::{LocalSet, spawn_local},
    time::{Instant, sleep, sleep_until},
};
use tokio_rustls::TlsAcceptor;

pub use self::server::ProtocolError;
use self::server::Server;
use crate::tls::{self, TlsError};

/// Read at once from a socket.
const READ_BYTES: usize = 64 * 1024;

/// How long the last bytes may take to reach a caller that was told to go.
const LINGER: Duration = Duration::from_millis(50);

/// What the server is.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where it listens.
    #[arg(long)]
    pub listen: SocketAddr,
    /// The certificates of the run; plaintext if not given.
    #[arg(long)]
    pub pki: Option<PathBuf>,
    /// How it misbehaves.
    #[command(flatten)]
    pub vices: Vices,
}

/// Ways of misbehaving; none unless asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Vices {
    /// Say a single-phase GOAWAY after so many requests of a connection, and ignore what is in flight.
    #[arg(long)]
    pub goaway_after: Option<u32>,
    /// Refuse every so manieth stream.
    #[arg(long)]
    pub refuse_each: Option<u32>,
    /// Cut the connection after so many requests.
    #[arg(long)]
    pub cut_after: Option<u32>,
    /// Stop reading and writing, and keep the connection open, after so many requests of the first connection.
    #[arg(long)]
    pub freeze_after: Option<u32>,
    /// Accept every second connection's TLS handshake and never speak on it.
    #[arg(long)]
    pub mute_each_second: bool,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The files are of no use.
    #[error("cannot speak TLS")]
    Tls(#[from] TlsError),
    /// The port is not to be had.
    #[error("could not accept connections")]
    Accept(#[from] io::Error),
}

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
}

/// Serves until it is killed.
pub async fn run(options: Options) -> Result<(), UpstreamError> {
    LocalSet::new().run_until(accept(options)).await
}

async fn accept(options: Options) -> Result<(), UpstreamError> {
    let acceptor = match &options.pki {
        Some(pki) => Some(TlsAcceptor::from(Arc::new(tls::server(pki)?))),
        None => None,
    };
    let listener = TcpListener::bind(options.listen).await?;
    let frozen = Rc::new(Cell::new(false));
    for number in 0_u64.. {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let mute = options.vices.mute_each_second && number % 2 == 1;
        let acceptor = acceptor.clone();
        let (vices, frozen) = (options.vices, Rc::clone(&frozen));
        spawn_local(async move {
            // How a conversation ends is the caller's to judge; the server only goes on.
            drop(converse(socket, acceptor, mute, (vices, frozen)).await);
        });
    }
    Ok(())
}

async fn converse(
    socket: TcpStream,
    acceptor: Option<TlsAcceptor>,
    mute: bool,
    (vices, frozen): (Vices, Rc<Cell<bool>>),
) -> Result<(), ServeError> {
    let Some(acceptor) = acceptor else {
        return serve(socket, vices, &frozen).await;
    };
    let socket = BufReader::with_capacity(READ_BYTES, socket);
    let stream = acceptor.accept(socket).await?;
    if mute {
        std::future::pending::<()>().await;
    }
    serve(stream, vices, &frozen).await
}

async fn serve(
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    vices: Vices,
    frozen: &Cell<bool>,
) -> Result<(), ServeError> {
    let mut server = Server::new(vices);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        while !server.output().is_empty() {
            io.write_all(server.output()).await?;
            io.flush().await?;
            server.output().clear();
            server.resume();
        }
        if server.is_cut() {
            return Ok(());
        }
        if server.is_frozen() && !frozen.replace(true) {
            std::future::pending::<()>().await;
        }
        if server.is_done() {
            sleep(LINGER).await;
            return Ok(io.shutdown().await?);
        }
        let due = server.due();
        tokio::select! {
            read = io.read(&mut buffer) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                let bytes = buffer.get(..length).unwrap_or_default();
                server.receive(bytes, Instant::now())?;
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
        if due.is_some() {
            server.answer_due(Instant::now());
        }
    }
}
