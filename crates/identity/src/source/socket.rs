//! A process that hands over an identity on a Unix socket: it writes one text and closes.

use std::{io, os::unix::net::UnixStream, path::Path, time::Duration};

use rustix::{net::sockopt::socket_peercred, process::getuid};
use zeroize::Zeroizing;

use super::{LoadError, bounded};

/// How long the peer may be silent: it has the identity in memory.
const SILENCE: Duration = Duration::from_secs(5);

/// Connects and listens. The peer is known by the kernel's word, not by the path: whoever may write to the directory could
/// have put another socket there.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, LoadError> {
    let failed = |source| LoadError::Socket {
        path: path.to_owned(),
        source,
    };
    let stream = UnixStream::connect(path).map_err(failed)?;
    let (ours, found) = (getuid(), peer(&stream).map_err(failed)?);
    if found != ours.as_raw() && found != 0 {
        return Err(LoadError::Stranger {
            path: path.to_owned(),
            ours: ours.as_raw(),
            found,
        });
    }
    stream.set_read_timeout(Some(SILENCE)).map_err(failed)?;
    bounded(stream).map_err(|error| {
        use io::ErrorKind::{TimedOut, WouldBlock};
        // What a socket says whose patience is over.
        if matches!(error.kind(), WouldBlock | TimedOut) {
            let place = format!("the socket `{}`", path.display());
            let bound = SILENCE;
            return LoadError::Silent { place, bound };
        }
        failed(error)
    })
}

fn peer(stream: &UnixStream) -> io::Result<u32> {
    Ok(socket_peercred(stream)?.uid.as_raw())
}
