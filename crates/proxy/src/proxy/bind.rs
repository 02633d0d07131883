//! Listens: on an address that may be listened on, or on a Unix socket that nobody else has.

use std::{io, net::SocketAddr, path::Path};

use tokio::net::{TcpListener, UnixListener, UnixStream};

use super::{StartError, admit};
use crate::{
    limits,
    listen::{Listener, Unlink},
    options::{Exposure, Listen},
    tcp,
};

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
            UnixListener::bind(path).map(|listener| Listener::Unix(listener, Unlink(path.clone())))
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
