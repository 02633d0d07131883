//! Accepts callers, in plaintext or under TLS, and hands their calls on.
//!
//! Nothing that happens on the server's side closes a caller's connection or sends it GOAWAY: a caller notices
//! neither a change of identity nor the ageing of connections. Only our own shutdown says goodbye to callers.

pub(crate) mod gate;

use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    runtime::Handle,
    sync::Semaphore,
    task::JoinSet,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use crate::{limits, plane::Timekeeper, relay::Route, switchboard::Switchboard};
use gate::Gate;

/// The pause after a failed accept: it fails for want of file descriptors, which comes and goes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A place where callers come in.
pub(crate) struct Door {
    pub(crate) listener: Listener,
    /// Under which TLS they are spoken to, if any.
    pub(crate) gate: Option<Gate>,
    /// Where their calls go.
    pub(crate) route: Arc<Route>,
}

/// A bound listener.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, Unlink),
}

/// Removes the socket's file when the listener goes.
#[derive(Debug)]
pub(crate) struct Unlink(pub(crate) PathBuf);

impl Drop for Unlink {
    fn drop(&mut self) {
        if let Err(error) = fs_err::remove_file(&self.0) {
            tracing::debug!(%error, "the socket's file is gone already");
        }
    }
}

/// What is accepted: a reader and writer, whichever the listener.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

impl Listener {
    /// Gives it to the runtime on which it will be waited for.
    pub(crate) fn moved_to(self, plane: &Handle) -> io::Result<Self> {
        let _here = plane.enter();
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener.into_std()?)?),
            Self::Unix(listener, unlink) => {
                Self::Unix(UnixListener::from_std(listener.into_std()?)?, unlink)
            }
        })
    }

    /// Returns the address, unless it is a Unix socket. With port 0, the system has chosen.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(tcp) => tcp.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// Returns who waits.
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Transport>> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Box<dyn Transport>>> {
        Poll::Ready(match self {
            Self::Tcp(listener) => {
                let (socket, _peer) = ready!(listener.poll_accept(cx))?;
                socket.set_nodelay(true)?;
                Ok(Box::new(socket))
            }
            Self::Unix(listener, _unlink) => {
                let (socket, _peer) = ready!(listener.poll_accept(cx))?;
                Ok(Box::new(socket))
            }
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => address.fmt(f),
                Err(_unknown) => f.write_str("?"),
            },
            Self::Unix(_listener, Unlink(path)) => path.display().fmt(f),
        }
    }
}

/// Accepts until `shutdown`, then lets the calls that are open finish within `drain_timeout`.
pub(crate) async fn serve(
    mut doors: Vec<Door>,
    board: Arc<Switchboard>,
    shutdown: impl Future<Output = ()>,
    drain_timeout: Duration,
    timekeeper: Timekeeper,
) {
    let room = Arc::new(Semaphore::new(limits::DOWNSTREAM_CONNECTIONS));
    let mut callers = JoinSet::new();
    let accepting = async {
        let mut was_full = false;
        loop {
            // Finished callers are forgotten as they go.
            while callers.try_join_next().is_some() {}
            let is_full = room.available_permits() == 0;
            if is_full && !was_full {
                tell_full();
            }
            was_full = is_full;
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            match poll_fn(|cx| poll_doors(&mut doors, cx)).await {
                Ok((socket, gate, route)) => {
                    let (board, timekeeper) = (Arc::clone(&board), timekeeper.clone());
                    callers.spawn(async move {
                        match gate {
                            None => board.carry(socket, route).await,
                            Some(gate) => meet(socket, &gate, (board, route), &timekeeper).await,
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a caller");
                    timekeeper.sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shutdown => {}
    }
    drop(doors);
    board.with(|relay| relay.shut_down(Instant::now().into_std()));
    tracing::info!(
        callers = callers.len(),
        "not accepting any more; letting open calls finish"
    );
    let finished = timekeeper.timeout(drain_timeout, async {
        while callers.join_next().await.is_some() {}
    });
    if finished.await.is_err() {
        tracing::warn!(
            callers = callers.len(),
            "calls outlasted the drain timeout and were cut"
        );
    }
}

/// A caller who waits sees nothing but silence, so somebody should say why.
fn tell_full() {
    tracing::warn!(
        callers = limits::DOWNSTREAM_CONNECTIONS,
        "as many callers are connected as may be; others wait until one of them leaves"
    );
}

/// Who has come, and what is known of them by where they came.
type Arrival = (Box<dyn Transport>, Option<Gate>, Arc<Route>);

/// Takes a caller from the first door where one waits. That door comes last the next time.
fn poll_doors(doors: &mut [Door], cx: &mut Context<'_>) -> Poll<io::Result<Arrival>> {
    for nth in 0..doors.len() {
        let Some(door) = doors.get(nth) else {
            continue;
        };
        if let Poll::Ready(accepted) = door.listener.poll_accept(cx) {
            let (gate, route) = (door.gate.clone(), Arc::clone(&door.route));
            doors.rotate_left(nth + 1);
            return Poll::Ready(accepted.map(|socket| (socket, gate, route)));
        }
    }
    Poll::Pending
}

/// Shakes hands with a caller and carries its calls.
async fn meet(
    socket: Box<dyn Transport>,
    gate: &Gate,
    (board, route): (Arc<Switchboard>, Arc<Route>),
    timekeeper: &Timekeeper,
) {
    let accepting = TlsAcceptor::from(gate.config()).accept(socket);
    match timekeeper
        .timeout(limits::DOWNSTREAM_HANDSHAKE, accepting)
        .await
    {
        Ok(Ok(stream)) => {
            let (socket, session) = stream.into_inner();
            board.carry_tls(socket, session, route).await;
        }
        Ok(Err(error)) => tracing::info!(%error, "refused a caller at the TLS handshake"),
        Err(_elapsed) => tracing::info!("a caller did not finish its TLS handshake"),
    }
}
