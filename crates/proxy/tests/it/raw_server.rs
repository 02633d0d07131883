//! A server that speaks HTTP/2 frame by frame, because h2 is too polite to say goodbye in one step.
//!
//! On each connection it answers ten calls. At the eleventh it sends GOAWAY with the tenth as last stream id, ignores
//! what comes after, and closes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use newleaf_identity::tls;
use rustls::{
    RootCertStore, ServerConfig, pki_types::CertificateDer, server::WebPkiClientVerifier,
    sign::SingleCertAndKey,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::pki::Ca;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:status: 200`, indexed; `grpc-status: 0`, literal and not indexed (RFC 7541 §6.1, §6.2.2).
const TRAILERS_ONLY_OK: &[u8] = b"\x88\x00\x0bgrpc-status\x010";

const CALLS_PER_CONNECTION: usize = 10;

pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    n_connections: Arc<AtomicUsize>,
}

impl RawServer {
    pub(crate) fn n_connections(&self) -> usize {
        self.n_connections.load(Relaxed)
    }
}

pub(crate) async fn start(ca: &Ca, accepted: &Ca) -> RawServer {
    let provider = Arc::new(tls::provider());
    let mut roots = RootCertStore::empty();
    let anchor = CertificateDer::from(accepted.certificate.der());
    roots.add(anchor).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let certified = ca.server_leaf().identity().certified_key();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let n_connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_connections);
    tokio::spawn(async move {
        loop {
            let (socket, _peer) = listener.accept().await.unwrap();
            counter.fetch_add(1, Relaxed);
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // It ends when the proxy closes it.
                let _closed = converse(acceptor.accept(socket).await?).await;
                std::io::Result::Ok(())
            });
        }
    });
    RawServer {
        address,
        n_connections,
    }
}

async fn converse(mut stream: TlsStream<TcpStream>) -> std::io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    write(&mut stream, SETTINGS, 0, 0, &[]).await?;
    let mut n_calls = 0;
    let mut last = u32::MAX;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await?;
        match kind {
            SETTINGS if flags & ACK == 0 => write(&mut stream, SETTINGS, ACK, 0, &[]).await?,
            PING if flags & ACK == 0 => write(&mut stream, PING, ACK, 0, &payload).await?,
            HEADERS => {
                n_calls += 1;
                if n_calls == CALLS_PER_CONNECTION + 1 {
                    last = id - 2;
                    let mut goodbye = last.to_be_bytes().to_vec();
                    goodbye.extend_from_slice(&0u32.to_be_bytes());
                    write(&mut stream, GOAWAY, 0, 0, &goodbye).await?;
                }
            }
            DATA if flags & END_STREAM != 0 && id <= last => {
                let flags = END_STREAM | END_HEADERS;
                write(&mut stream, HEADERS, flags, id, TRAILERS_ONLY_OK).await?;
            }
            _ => {}
        }
    }
}

async fn write(
    stream: &mut TlsStream<TcpStream>,
    kind: u8,
    flags: u8,
    id: u32,
    payload: &[u8],
) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(payload);
    stream.write_all(&frame).await?;
    stream.flush().await
}
