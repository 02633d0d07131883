//! A process that hands over an identity on a Unix socket: it writes one text and closes.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use rustix::{
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with,
        sockopt::{Timeout, set_socket_timeout, socket_peercred},
    },
    process::getuid,
};
use zeroize::Zeroizing;

use super::{LoadError, bounded, deadline::Deadline};

/// How long the peer may take for all of it: it has the identity in memory.
pub(super) const SILENCE: Duration = Duration::from_secs(5);

/// Connects and listens. The peer is known by the kernel's word, not by the path: whoever may write to the directory could
/// have put another socket there.
pub(super) fn read(path: &Path, bound: Duration) -> Result<Zeroizing<String>, LoadError> {
    let failed = |error: io::Error| {
        use io::ErrorKind::{TimedOut, WouldBlock};
        // What a socket says whose patience is over.
        if matches!(error.kind(), WouldBlock | TimedOut) {
            let place = format!("the socket `{}`", path.display());
            return LoadError::Silent { place, bound };
        }
        LoadError::Socket {
            path: path.to_owned(),
            source: error,
        }
    };
    let deadline = Deadline::after(bound);
    let stream = dial(path, deadline).map_err(failed)?;
    let (ours, found) = (getuid(), peer(&stream).map_err(failed)?);
    if found != ours.as_raw() && found != 0 {
        return Err(LoadError::Stranger {
            path: path.to_owned(),
            ours: ours.as_raw(),
            found,
        });
    }
    bounded(Listening { stream, deadline }).map_err(failed)
}

/// Connects; a peer that takes no connections is waited for until the deadline, and not longer.
fn dial(path: &Path, deadline: Deadline) -> io::Result<UnixStream> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    // Linux bounds by it how long a connection waits for a place in the peer's queue, too.
    set_socket_timeout(&socket, Timeout::Send, Some(deadline.left()?))?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

fn peer(stream: &UnixStream) -> io::Result<u32> {
    Ok(socket_peercred(stream)?.uid.as_raw())
}

/// Listens until the deadline, however often something is said before.
struct Listening {
    stream: UnixStream,
    deadline: Deadline,
}

impl Read for Listening {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(into)
    }
}
