//! What was taken has left, or may have; what was not taken has not.

use std::{sync::Arc, task::Waker};

use newleaf_identity::tls;
use newleaf_x509::TrustBundle;
use rustls::{ClientConnection, ServerConfig, ServerConnection, sign::SingleCertAndKey};

use super::*;
use crate::testing::Ca;

/// A socket that breaks once it has taken so many bytes, or has no room until it is given more.
struct Fragile {
    n_left: usize,
    breaks: bool,
}

impl AsyncRead for Fragile {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.n_left == 0 {
            let broken = Err(io::ErrorKind::BrokenPipe.into());
            return if self.breaks {
                Poll::Ready(broken)
            } else {
                Poll::Pending
            };
        }
        let n_bytes = bytes.len().min(self.n_left);
        self.n_left -= n_bytes;
        Poll::Ready(Ok(n_bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A client's session whose handshake is over, behind a socket that will take so many bytes.
fn transport(n_left: usize) -> Tls<Fragile, ClientConnection> {
    let ca = Ca::new();
    let identity = ca.server("temporal.test");
    let server = ServerConfig::builder_with_provider(Arc::new(tls::provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(identity.certified_key())));
    let roots = tls::bundle_roots(&TrustBundle::new([ca.certificate])).unwrap();
    let client = tls::client_config(roots, identity.resolver()).unwrap();
    let name = tls::server_name("temporal.test").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || client.wants_write() || server.wants_write() {
        let mut flight = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut flight).unwrap();
        }
        server.read_tls(&mut &flight[..]).unwrap();
        server.process_new_packets().unwrap();
        flight.clear();
        while server.wants_write() {
            server.write_tls(&mut flight).unwrap();
        }
        client.read_tls(&mut &flight[..]).unwrap();
        client.process_new_packets().unwrap();
    }
    let breaks = true;
    Tls::new(Fragile { n_left, breaks }, client)
}

/// Returns what became of these bytes, and then of a flush.
fn write(n_left: usize, bytes: &[u8]) -> (Option<usize>, bool) {
    let mut transport = transport(n_left);
    let cx = &mut Context::from_waker(Waker::noop());
    let taken = match transport.poll_write(cx, bytes) {
        Poll::Ready(taken) => taken.ok(),
        Poll::Pending => panic!("a socket that breaks does not block"),
    };
    let flushed = matches!(transport.poll_flush(cx), Poll::Ready(Ok(())));
    (taken, flushed)
}

#[test]
fn bytes_of_which_some_have_left_count_as_written() {
    let bytes = vec![7; 2 << 20];
    assert_eq!(write(usize::MAX, &bytes), (Some(bytes.len()), true));
    assert_eq!(write(20_000, &bytes), (Some(bytes.len()), false));
    assert_eq!(write(0, &bytes), (None, false));
}

/// By which the relay knows a slow way from a dead one.
#[test]
fn a_socket_that_takes_more_after_it_had_no_room_has_moved() {
    let mut transport = transport(20_000);
    transport.socket.breaks = false;
    let cx = &mut Context::from_waker(Waker::noop());
    let bytes = vec![7; 100_000];
    let taken = transport.poll_write(cx, &bytes);
    assert!(matches!(taken, Poll::Ready(Ok(n_bytes)) if n_bytes == bytes.len()));
    assert!(!transport.has_moved(), "it had room until now");
    assert!(transport.poll_flush(cx).is_pending());
    assert!(!transport.has_moved());
    for n_bytes in [20_000, 1_000_000] {
        transport.socket.n_left = n_bytes;
        let _how_far = transport.poll_flush(cx);
        assert!(transport.has_moved());
        assert!(!transport.has_moved(), "it is told once");
    }
    // All is written, and there is room.
    let _taken = transport.poll_write(cx, b"one more");
    assert!(!transport.has_moved());
}
