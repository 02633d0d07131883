//! Accepts callers, in plaintext or under TLS, and hands their calls on.
//!
//! Nothing that happens on the server's side closes a caller's connection or sends it GOAWAY: a caller notices
//! neither a change of identity nor the ageing of connections. Only our own shutdown says goodbye to callers.

pub(crate) mod gate;
mod room;

use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use rustls::ServerConnection;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    runtime::Handle,
    sync::Notify,
    task::JoinSet,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;

use crate::{limits, plane::Timekeeper, relay::Route, switchboard::Switchboard};
use gate::Gate;
use room::{Room, Ticket};

/// The pause after a failed accept: it fails for want of file descriptors, which comes and goes.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A place where callers come in.
pub(crate) struct Door {
    pub(crate) listener: Listener,
    /// Under which TLS they are spoken to, if any.
    pub(crate) gate: Option<Gate>,
    /// Where their calls go.
    pub(crate) route: Arc<Route>,
}

/// Says that accepting fails, but not each time: it fails for as long as the process is out of file descriptors.
#[derive(Default)]
pub(crate) struct Complaint(Option<Instant>);

impl Complaint {
    pub(crate) fn say(&mut self, error: &io::Error, whom: &'static str) {
        let now = Instant::now();
        let was_said = |at: Instant| now.duration_since(at) < limits::ACCEPT_COMPLAINT;
        if !self.0.is_some_and(was_said) {
            tracing::warn!(%error, "could not accept {whom}; trying on");
            self.0 = Some(now);
        }
    }
}

/// A bound listener.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    /// The file goes before the socket does: for so long, no other file has its number.
    Unix(Unlink, UnixListener),
}

/// Removes the socket's file when the listener goes, if it still is that file and not what another process has put in its place.
#[derive(Debug)]
pub(crate) struct Unlink {
    path: PathBuf,
    /// Which file it was when it was bound.
    bound: io::Result<FileNumber>,
}

/// By what a file is known, whatever its path: its device, and its number there.
type FileNumber = (u64, u64);

impl Unlink {
    /// Remembers the file of a socket that was bound there just now.
    pub(crate) fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            bound: file_number(path),
        }
    }
}

impl Drop for Unlink {
    fn drop(&mut self) {
        let is_ours = match (&self.bound, file_number(&self.path)) {
            (Ok(bound), Ok(found)) => *bound == found,
            (Err(_), _) | (_, Err(_)) => false,
        };
        if !is_ours {
            let path = self.path.display();
            return tracing::debug!(%path, "the socket's file is gone already");
        }
        if let Err(error) = fs_err::remove_file(&self.path) {
            tracing::warn!(%error, "could not remove the socket's file");
        }
    }
}

fn file_number(path: &Path) -> io::Result<FileNumber> {
    let metadata = fs_err::symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
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
            Self::Unix(unlink, listener) => {
                Self::Unix(unlink, UnixListener::from_std(listener.into_std()?)?)
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
            Self::Unix(_unlink, listener) => {
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
            Self::Unix(unlink, _listener) => unlink.path.display().fmt(f),
        }
    }
}

/// Accepts until `shutdown`, then lets the calls that are open finish within `drain_timeout`.
pub(crate) async fn serve(
    doors: Vec<Door>,
    board: Arc<Switchboard>,
    shutdown: impl Future<Output = ()>,
    drain_timeout: Duration,
    timekeeper: Timekeeper,
) {
    let mut callers = JoinSet::new();
    let mut house = House::new(doors);
    let accepting = async {
        let mut complaint = Complaint::default();
        let mut was_full = false;
        loop {
            // Finished callers are forgotten as they go.
            while callers.try_join_next().is_some() {}
            let is_full = house.room.is_full();
            if is_full && !was_full {
                tell_full();
            }
            was_full = is_full;
            match house.next().await {
                Some(Ok(caller)) => {
                    let (board, timekeeper) = (Arc::clone(&board), timekeeper.clone());
                    callers.spawn(receive(caller, house.room.clone(), board, timekeeper));
                }
                Some(Err(error)) => {
                    complaint.say(&error, "a caller");
                    timekeeper.sleep(ACCEPT_PAUSE).await;
                }
                None => {}
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shutdown => {}
    }
    drop(house);
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

/// The doors, and how many may be in.
struct House {
    doors: Vec<(Door, Room)>,
    /// For callers whose calls are carried.
    room: Room,
}

/// Who has come, and what is known of them by where they came.
struct Arrival {
    socket: Box<dyn Transport>,
    gate: Option<Gate>,
    route: Arc<Route>,
    ticket: Ticket,
}

impl House {
    /// Whoever comes in plaintext needs a place in the room itself; who must shake hands first, one at the door.
    fn new(doors: Vec<Door>) -> Self {
        let freed = Arc::new(Notify::new());
        let room = Room::of(limits::DOWNSTREAM_CONNECTIONS, &freed);
        let with_entrance = |door: Door| {
            let entrance = match door.gate {
                None => room.clone(),
                Some(_) => Room::of(limits::DOWNSTREAM_HANDSHAKES, &freed),
            };
            (door, entrance)
        };
        let doors = doors.into_iter().map(with_entrance).collect();
        Self { doors, room }
    }

    /// Returns who came, or nobody when a place has become free.
    async fn next(&mut self) -> Option<io::Result<Arrival>> {
        let room = self.room.clone();
        tokio::select! {
            arrival = poll_fn(|cx| self.poll_doors(cx)) => Some(arrival),
            () = room.freed() => None,
        }
    }

    /// Takes a caller from the first door where one waits and may come in. That door comes last the next time.
    fn poll_doors(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Arrival>> {
        for nth in 0..self.doors.len() {
            let Some((door, entrance)) = self.doors.get(nth) else {
                continue;
            };
            // Who finds no place is not accepted; the news that there is one has the doors looked at again.
            let Some(ticket) = entrance.try_enter() else {
                continue;
            };
            match door.listener.poll_accept(cx) {
                Poll::Ready(accepted) => {
                    let (gate, route) = (door.gate.clone(), Arc::clone(&door.route));
                    self.doors.rotate_left(nth + 1);
                    return Poll::Ready(accepted.map(|socket| Arrival {
                        socket,
                        gate,
                        route,
                        ticket,
                    }));
                }
                Poll::Pending => ticket.leave_unsaid(),
            }
        }
        Poll::Pending
    }
}

/// Carries the calls of a caller, once there is a place for it.
async fn receive(
    Arrival {
        socket,
        gate,
        route,
        ticket,
    }: Arrival,
    room: Room,
    board: Arc<Switchboard>,
    timekeeper: Timekeeper,
) {
    let Some(gate) = gate else {
        board.carry(socket, route).await;
        return drop(ticket);
    };
    let Some((socket, session)) = meet(socket, &gate, &timekeeper).await else {
        return;
    };
    let inside = room.enter().await;
    drop(ticket);
    board.carry_tls(socket, session, route).await;
    drop(inside);
}

/// Shakes hands with a caller.
async fn meet(
    socket: Box<dyn Transport>,
    gate: &Gate,
    timekeeper: &Timekeeper,
) -> Option<(Box<dyn Transport>, ServerConnection)> {
    let accepting = TlsAcceptor::from(gate.config()).accept(socket);
    let met = timekeeper.timeout(limits::DOWNSTREAM_HANDSHAKE, accepting);
    match met.await {
        Ok(Ok(stream)) => return Some(stream.into_inner()),
        Ok(Err(error)) => tracing::info!(%error, "refused a caller at the TLS handshake"),
        Err(_elapsed) => tracing::info!("a caller did not finish its TLS handshake"),
    }
    None
}
