//! Listens: on an address that may be listened on, or on a Unix socket that nobody else has.

use std::{io, net::SocketAddr, path::Path, sync::Arc};

use tokio::{
    net::{TcpListener, UnixListener, UnixStream},
    runtime::Handle,
};

use super::StartError;
use crate::{
    limits,
    listen::{
        Door, Listener, Unlink,
        gate::{self, Gate, Gatekeeper},
    },
    options::{Exposure, Listen, ListenerOptions, Options},
    relay::Route,
    status::ledger::Ledger,
    tcp,
};

/// What accepts callers.
pub(super) struct Bound {
    pub(super) doors: Vec<Door>,
    pub(super) addresses: Vec<Option<SocketAddr>>,
    pub(super) gatekeepers: Vec<Gatekeeper>,
}

/// Listens for callers, wherever they may come from. Sockets will be on `plane`.
pub(super) async fn all(
    options: &Options,
    routes: Vec<Arc<Route>>,
    plane: &Handle,
    ledger: &Ledger,
) -> Result<Bound, StartError> {
    let exposure = options.exposure;
    let mut bound = Bound {
        doors: Vec::new(),
        addresses: Vec::new(),
        gatekeepers: Vec::new(),
    };
    for (options, route) in options.listeners.iter().zip(routes) {
        let (gate, gatekeeper) = open(options)?.unzip();
        let listener = listener(&options.listen, exposure).await?;
        let listener = listener
            .moved_to(plane)
            .map_err(|source| StartError::Bind {
                place: options.listen.to_string(),
                source,
            })?;
        if let Some(gatekeeper) = gatekeeper {
            ledger.bound(listener.to_string(), gatekeeper.account());
            bound.gatekeepers.push(gatekeeper);
        }
        bound.addresses.push(listener.address());
        bound.doors.push(Door {
            listener,
            gate,
            route,
        });
    }
    Ok(bound)
}

/// Checks what is listened on, without listening: addresses, and the files of TLS towards callers.
pub(crate) fn admissible(options: &Options) -> Result<(), StartError> {
    let listens = options.listeners.iter().map(|listener| &listener.listen);
    for listen in listens.chain(&options.admin) {
        match listen {
            Listen::Tcp(address) => admit(*address, options.exposure)?,
            Listen::Unix(_) => {}
        }
    }
    for listener in &options.listeners {
        open(listener)?;
    }
    Ok(())
}

/// Opens the listener's gate, if it has one.
fn open(options: &ListenerOptions) -> Result<Option<(Gate, Gatekeeper)>, StartError> {
    let opened = options.tls.as_ref().map(gate::open).transpose();
    opened.map_err(|source| StartError::Gate {
        place: options.listen.to_string(),
        source,
    })
}

fn admit(address: SocketAddr, exposure: Exposure) -> Result<(), StartError> {
    match exposure {
        Exposure::Loopback if !address.ip().is_loopback() => {
            Err(StartError::NotLoopback { address })
        }
        Exposure::Loopback | Exposure::Network => Ok(()),
    }
}

/// Listens there.
pub(super) async fn listener(listen: &Listen, exposure: Exposure) -> Result<Listener, StartError> {
    let bound = match listen {
        Listen::Tcp(address) => {
            admit(*address, exposure)?;
            tcp(*address).map(Listener::Tcp)
        }
        Listen::Unix(path) => {
            remove_stale(path).await;
            // Its queue is as long as the kernel lets it be.
            UnixListener::bind(path).map(|listener| Listener::Unix(Unlink::of(path), listener))
        }
    };
    bound.map_err(|source| StartError::Bind {
        place: listen.to_string(),
        source,
    })
}

/// As `TcpListener::bind` does, with a queue of our own length.
fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = tcp::socket(address)?;
    // The connections of the process before us may linger on this port.
    socket.set_reuseaddr(true)?;
    tcp::ask_the_silent(&socket);
    socket.bind(address)?;
    socket.listen(limits::ACCEPT_QUEUE)
}

/// A socket's file outlives a process that was killed. It is removed only if nobody listens there (where somebody does and is
/// busy, connecting fails too, in another way), and only if it is a socket.
async fn remove_stale(path: &Path) {
    use std::os::unix::fs::FileTypeExt as _;
    let is_socket = fs_err::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    let is_refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    if !is_socket || !UnixStream::connect(path).await.is_err_and(is_refused) {
        return;
    }
    if let Err(error) = fs_err::remove_file(path) {
        tracing::warn!(%error, "could not remove a stale socket");
    }
}
