//! A server that speaks HTTP/2 frame by frame, because h2 is too polite to say goodbye in one step.
//!
//! On each connection it answers as many calls as its manners say. Then it sends GOAWAY with the last of them as last stream
//! id, and ignores what comes after.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
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

/// When it says goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manners {
    /// When an eleventh call comes.
    AfterTenCalls,
    /// With the answer to the first call.
    WithTheFirstAnswer,
    /// As soon as it has acknowledged SETTINGS.
    AtOnce,
    /// Before it acknowledges SETTINGS.
    First,
    /// In HTTP/1.1, and at once; and it knows no ALPN.
    InAnotherProtocol,
}

const CALLS_PER_CONNECTION: usize = 10;

pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    manners: Arc<Mutex<Manners>>,
    n_connections: Arc<AtomicUsize>,
}

impl RawServer {
    pub(crate) fn n_connections(&self) -> usize {
        self.n_connections.load(Relaxed)
    }

    /// Changes how connections are treated that come from now on.
    pub(crate) fn behave(&self, manners: Manners) {
        *self.manners.lock().unwrap() = manners;
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
    let mut ignorant = config.clone();
    ignorant.alpn_protocols.clear();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptors = [config, ignorant].map(|config| TlsAcceptor::from(Arc::new(config)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let n_connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&n_connections);
    let manners = Arc::new(Mutex::new(Manners::AfterTenCalls));
    let current = Arc::clone(&manners);
    tokio::spawn(async move {
        loop {
            let (socket, _peer) = listener.accept().await.unwrap();
            counter.fetch_add(1, Relaxed);
            let manners = *current.lock().unwrap();
            let [polite, ignorant] = acceptors.clone();
            let acceptor = if manners == Manners::InAnotherProtocol {
                ignorant
            } else {
                polite
            };
            tokio::spawn(async move {
                // It ends when the proxy closes it.
                let _closed = converse(acceptor.accept(socket).await?, manners).await;
                std::io::Result::Ok(())
            });
        }
    });
    RawServer {
        address,
        manners,
        n_connections,
    }
}

async fn converse(mut stream: TlsStream<TcpStream>, manners: Manners) -> std::io::Result<()> {
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await?;
    assert_eq!(&preface, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    if manners == Manners::InAnotherProtocol {
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await?;
        return stream.shutdown().await;
    }
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
    let mut talk = Talk {
        manners,
        n_calls: 0,
        last: u32::MAX,
    };
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        stream.read_exact(&mut payload).await?;
        // What it says at once leaves at once.
        let answer = talk.answer((head[3], head[4], id), &payload);
        stream.write_all(&answer).await?;
        stream.flush().await?;
    }
}

/// What was said on one connection.
struct Talk {
    manners: Manners,
    n_calls: usize,
    last: u32,
}

impl Talk {
    fn answer(&mut self, (kind, flags, id): (u8, u8, u32), payload: &[u8]) -> Vec<u8> {
        match kind {
            SETTINGS if flags & ACK == 0 => {
                let ack = frame(SETTINGS, ACK, 0, &[]);
                match self.manners {
                    Manners::First => [goodbye(0), ack].concat(),
                    Manners::AtOnce => [ack, goodbye(0)].concat(),
                    Manners::AfterTenCalls
                    | Manners::WithTheFirstAnswer
                    | Manners::InAnotherProtocol => ack,
                }
            }
            PING if flags & ACK == 0 => frame(PING, ACK, 0, payload),
            HEADERS => {
                self.n_calls += 1;
                if self.n_calls != CALLS_PER_CONNECTION + 1 {
                    return Vec::new();
                }
                self.last = id - 2;
                goodbye(self.last)
            }
            DATA if flags & END_STREAM != 0 && id <= self.last => {
                let answer = frame(HEADERS, END_STREAM | END_HEADERS, id, TRAILERS_ONLY_OK);
                match self.manners {
                    Manners::WithTheFirstAnswer => [answer, goodbye(id)].concat(),
                    Manners::AfterTenCalls
                    | Manners::AtOnce
                    | Manners::First
                    | Manners::InAnotherProtocol => answer,
                }
            }
            _ => Vec::new(),
        }
    }
}

fn goodbye(last: u32) -> Vec<u8> {
    let no_error = 0u32;
    let payload = [last.to_be_bytes(), no_error.to_be_bytes()];
    frame(GOAWAY, 0, 0, payload.as_flattened())
}

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}
