//! TCP sockets, of either side.

use std::{io, net::SocketAddr};

use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_congestion, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl,
};
use tokio::net::{TcpSocket, TcpStream};

use crate::limits;

/// The congestion control that every Linux has and lets everybody choose, and that sets no pace of its own.
const UNPACED: &str = "reno";

/// Makes a socket that will listen on an address, or connect to it.
///
/// Between two ends on one machine there is no network to be kept free. Where the machine's congestion control is one that
/// paces what is sent, such as BBR, a timer of the kernel's would stand before most writes all the same: so a socket on
/// loopback is given one that does not (docs/decisions/0039). Accepted connections have what their listener has.
pub(crate) fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if address.ip().to_canonical().is_loopback()
        && let Err(error) = set_tcp_congestion(&socket, UNPACED)
    {
        // A sandbox may not let us. Then bytes flow as they do for everybody else.
        tracing::debug!(%error, "could not choose the congestion control of a socket on loopback");
    }
    Ok(socket)
}

/// Has the kernel ask callers that say nothing whether they are still there. Accepted connections have what their listener has.
pub(crate) fn ask_the_silent(listener: &TcpSocket) {
    let asked = set_tcp_keepidle(listener, limits::CALLER_SILENCE)
        .and_then(|()| set_tcp_keepintvl(listener, limits::CALLER_QUESTION))
        .and_then(|()| set_tcp_keepcnt(listener, limits::CALLER_QUESTIONS))
        .and_then(|()| set_socket_keepalive(listener, true));
    if let Err(error) = asked {
        tracing::debug!(%error, "callers that vanish without a word will not be noticed");
    }
}

/// Connects to an address. What is written goes out at once.
pub(crate) async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = socket(address)?.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use rustix::net::sockopt::{
        socket_keepalive, tcp_congestion, tcp_keepcnt, tcp_keepidle, tcp_keepintvl,
    };

    use super::*;

    #[tokio::test]
    async fn what_stays_on_the_machine_is_not_paced() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let address = address.parse().unwrap();
            let listening = socket(address).unwrap();
            listening.bind(address).unwrap();
            let listener = listening.listen(1).unwrap();
            let connected = connect(listener.local_addr().unwrap()).await.unwrap();
            let (accepted, _peer) = listener.accept().await.unwrap();
            assert_eq!(tcp_congestion(&connected).unwrap(), UNPACED);
            assert_eq!(tcp_congestion(&accepted).unwrap(), UNPACED);
            assert!(connected.nodelay().unwrap());
        }
        let mapped = socket("[::ffff:127.0.0.1]:0".parse().unwrap()).unwrap();
        assert_eq!(tcp_congestion(&mapped).unwrap(), UNPACED);
    }

    #[tokio::test]
    async fn accepted_callers_are_asked_when_they_are_silent() {
        let address = "127.0.0.1:0".parse().unwrap();
        let listening = socket(address).unwrap();
        ask_the_silent(&listening);
        listening.bind(address).unwrap();
        let listener = listening.listen(1).unwrap();
        let _caller = connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _peer) = listener.accept().await.unwrap();
        assert!(socket_keepalive(&accepted).unwrap());
        assert_eq!(tcp_keepidle(&accepted).unwrap(), limits::CALLER_SILENCE);
        assert_eq!(tcp_keepintvl(&accepted).unwrap(), limits::CALLER_QUESTION);
        assert_eq!(tcp_keepcnt(&accepted).unwrap(), limits::CALLER_QUESTIONS);
    }

    #[tokio::test]
    async fn what_leaves_the_machine_is_sent_as_the_machine_wants() {
        let machines = tcp_congestion(TcpSocket::new_v4().unwrap()).unwrap();
        for address in ["192.0.2.1:7233", "[2001:db8::1]:7233", "0.0.0.0:7233"] {
            let socket = socket(address.parse().unwrap()).unwrap();
            assert_eq!(tcp_congestion(&socket).unwrap(), machines);
        }
    }
}
