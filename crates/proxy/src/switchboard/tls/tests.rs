//! What was taken has left, or may have; what was not taken has not.

use std::{sync::Arc, task::Waker};

use newleaf_identity::tls;
use newleaf_x509::TrustBundle;
use rustls::{ClientConnection, ServerConfig, ServerConnection, sign::SingleCertAndKey};

use super::*;
use crate::testing::Ca;

/// A socket that breaks once it has taken so many bytes.
struct Fragile {
    n_left: usize,
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
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
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
    Tls::new(Fragile { n_left }, client)
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
