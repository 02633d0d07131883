//! A Temporal-like server: strict mutual TLS, HTTP/2, and a memory for who presented what.

mod answers;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use http::{HeaderMap, HeaderValue, Request, Response};
use newleaf_identity::tls;
use newleaf_x509::{Certificate, Fingerprint};
use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    pki_types::CertificateDer,
    server::{ProducesTickets, WebPkiClientVerifier},
    sign::SingleCertAndKey,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::answers::send;
use self::answers::{answer, chat, collect, head, received, spread};
use crate::pki::{Ca, Leaf};

/// A poll of a worker; it waits as `/hold` does.
pub(crate) const POLL: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue";

/// What the whole server is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Two-phase GOAWAY on every connection.
    Goodbye,
    /// Every TCP connection is cut.
    Cut,
}

/// What the server does, and may be changed at any time.
pub(crate) struct Rules {
    /// The CAs that clients may be certified by. If there are none, clients need no certificate.
    pub(crate) accepted: Vec<Certificate>,
    /// The API keys of which every call must say one, if there are any.
    pub(crate) api_keys: Vec<String>,
    /// The gRPC status that `GetSystemInfo` answers.
    pub(crate) system_info: u16,
    /// The next streams to `/echo` that are refused.
    pub(crate) n_refused: usize,
    /// `SETTINGS_MAX_CONCURRENT_STREAMS` of new connections.
    pub(crate) max_streams: u32,
    /// The windows of new connections and of their streams, in bytes.
    pub(crate) window: u32,
    /// The versions of TLS that it speaks.
    pub(crate) versions: &'static [&'static SupportedProtocolVersion],
}

/// What the server saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// For each stream but the proving ones: its path, and the leaf of its connection.
    pub(crate) calls: Vec<(String, Fingerprint)>,
    /// For each connection: its leaf.
    pub(crate) connections: Vec<Fingerprint>,
    /// Connections that are open.
    pub(crate) n_open: usize,
    /// Handshakes that failed.
    pub(crate) n_refused_handshakes: usize,
    /// Streams that are waiting in `/hold`.
    pub(crate) n_holding: usize,
    /// Resets that clients sent to `/hold`.
    pub(crate) cancels: Vec<Reason>,
    /// Bytes that `/flood` could send.
    pub(crate) n_flooded: usize,
    /// The authorities that requests named.
    pub(crate) authorities: Vec<String>,
    /// The namespaces that they named, and what they said in `authorization`, where they did.
    pub(crate) namespaces: Vec<String>,
    pub(crate) authorizations: Vec<String>,
    /// Calls that said no good API key.
    pub(crate) n_unauthenticated: usize,
}

/// What stands for the leaf of a client that presents none.
pub(crate) fn nobody() -> Fingerprint {
    Fingerprint::of(&[])
}

/// The server. It ends with the runtime of its test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) ca: Ca,
    shared: Arc<Shared>,
}

struct Shared {
    leaf: Leaf,
    ticketer: Arc<dyn ProducesTickets>,
    rules: Mutex<Rules>,
    seen: Mutex<Seen>,
    commands: broadcast::Sender<Command>,
}

impl Server {
    /// Starts a server that accepts the leaves of `accepted`.
    pub(crate) async fn start(accepted: &[&Ca]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), accepted).await
    }

    pub(crate) async fn start_at(address: SocketAddr, accepted: &[&Ca]) -> Self {
        let ca = Ca::new("server CA");
        Self::start_with(address, ca, accepted).await
    }

    pub(crate) async fn start_with(address: SocketAddr, ca: Ca, accepted: &[&Ca]) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (commands, _) = broadcast::channel(16);
        let rules = Rules {
            accepted: accepted.iter().map(|ca| ca.certificate.clone()).collect(),
            api_keys: Vec::new(),
            system_info: 0,
            n_refused: 0,
            max_streams: 1000,
            window: 256 * 1024,
            versions: rustls::ALL_VERSIONS,
        };
        let shared = Arc::new(Shared {
            leaf: ca.server_leaf(),
            ticketer: rustls::crypto::aws_lc_rs::Ticketer::new().unwrap(),
            rules: Mutex::new(rules),
            seen: Mutex::default(),
            commands,
        });
        let accepting = Arc::clone(&shared);
        tokio::spawn(async move {
            loop {
                let (socket, _peer) = listener.accept().await.unwrap();
                tokio::spawn(Arc::clone(&accepting).connection(socket));
            }
        });
        Self {
            address,
            ca,
            shared,
        }
    }

    /// Changes the rules; they hold for connections and calls from now on.
    pub(crate) fn rule(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.shared.rules.lock().unwrap());
    }

    /// Looks at what was seen.
    pub(crate) fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().unwrap())
    }

    /// Tells every connection what to do.
    pub(crate) fn command(&self, command: Command) {
        let _nobody_connected = self.shared.commands.send(command);
    }
}

impl Shared {
    /// The configuration is made for each connection, as Temporal's `GetConfigForClient` does, with tickets that outlive
    /// it: a client that resumed would present its old leaf.
    fn config(&self) -> ServerConfig {
        let provider = Arc::new(tls::provider());
        let mut roots = RootCertStore::empty();
        for ca in &self.rules.lock().unwrap().accepted {
            roots.add(CertificateDer::from(ca.der())).unwrap();
        }
        let verifier = if roots.is_empty() {
            WebPkiClientVerifier::no_client_auth()
        } else {
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build()
                .unwrap()
        };
        let certified = self.leaf.identity().certified_key();
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(self.rules.lock().unwrap().versions)
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.ticketer = Arc::clone(&self.ticketer);
        config.send_tls13_tickets = 2;
        config
    }

    async fn connection(self: Arc<Self>, socket: TcpStream) {
        let mut commands = self.commands.subscribe();
        socket.set_nodelay(true).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(self.config()));
        let Ok(stream) = acceptor.accept(socket).await else {
            self.seen.lock().unwrap().n_refused_handshakes += 1;
            return;
        };
        let presented = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let leaf = presented
            .first()
            .map_or_else(nobody, |leaf| Fingerprint::of(leaf));
        let (max_streams, window) = {
            let rules = self.rules.lock().unwrap();
            (rules.max_streams, rules.window)
        };
        let handshake = h2::server::Builder::new()
            .max_concurrent_streams(max_streams)
            .initial_window_size(window)
            .initial_connection_window_size(window)
            .handshake(stream)
            .await;
        let Ok(mut connection) = handshake else {
            return;
        };
        {
            let mut seen = self.seen.lock().unwrap();
            seen.connections.push(leaf);
            seen.n_open += 1;
        }
        loop {
            let accepted = tokio::select! {
                accepted = connection.accept() => accepted,
                command = commands.recv() => match command.unwrap() {
                    Command::Goodbye => {
                        connection.graceful_shutdown();
                        continue;
                    }
                    Command::Cut => break,
                },
            };
            let Some(Ok((request, respond))) = accepted else {
                break;
            };
            tokio::spawn(Arc::clone(&self).call(request, respond, leaf));
        }
        self.seen.lock().unwrap().n_open -= 1;
    }

    async fn call(
        self: Arc<Self>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        leaf: Fingerprint,
    ) {
        let path = request.uri().path().to_owned();
        if !self.is_authenticated(&request) {
            self.seen.lock().unwrap().n_unauthenticated += 1;
            let mut response = Response::new(());
            *response.headers_mut() = grpc_status(16);
            respond.send_response(response, true).unwrap();
            return;
        }
        if path.ends_with("/GetSystemInfo") || path.ends_with("/DescribeNamespace") {
            let status = self.rules.lock().unwrap().system_info;
            let mut response = Response::new(());
            *response.headers_mut() = grpc_status(status);
            respond.send_response(response, true).unwrap();
            return;
        }
        {
            let mut seen = self.seen.lock().unwrap();
            seen.calls.push((path.clone(), leaf));
            let authority = request.uri().authority().unwrap().to_string();
            seen.authorities.push(authority);
            let said = |name| request.headers().get_all(name).iter();
            let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
            seen.namespaces.extend(said("temporal-namespace").map(text));
            seen.authorizations.extend(said("authorization").map(text));
        }
        // What fails here failed because the client went away, which some tests want.
        let _gone = match path.as_str() {
            "/echo" | "/load.Mirror/Echo" => self.echo(request, respond).await,
            "/hold" | POLL => self.hold(request, respond).await,
            "/chat" | "/load.Mirror/Chat" => chat(request, respond).await,
            "/answer" => answer(request, respond).await,
            "/load.Mirror/Collect" => collect(request, respond).await,
            "/load.Mirror/Spread" => spread(request, respond).await,
            "/flood" => self.flood(respond).await,
            "/reset" => {
                respond.send_reset(Reason::ENHANCE_YOUR_CALM);
                Ok(())
            }
            _ => panic!("no such path: {path}"),
        };
    }

    fn is_authenticated(&self, request: &Request<RecvStream>) -> bool {
        let keys = &self.rules.lock().unwrap().api_keys;
        let said = request.headers().get("authorization");
        let is_said = |key: &String| said.is_some_and(|said| *said == format!("Bearer {key}"));
        keys.is_empty() || keys.iter().any(is_said)
    }

    /// Answers what it was sent, all at once, as a unary method does.
    async fn echo(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        {
            let mut rules = self.rules.lock().unwrap();
            if rules.n_refused > 0 {
                rules.n_refused -= 1;
                respond.send_reset(Reason::REFUSED_STREAM);
                return Ok(());
            }
        }
        let received = received(request).await?;
        let mut sink = respond.send_response(head(), false)?;
        send(&mut sink, received).await?;
        sink.send_trailers(grpc_status(0))
    }

    /// Waits for as long as it was asked to, as a long poll does.
    async fn hold(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) -> Result<(), h2::Error> {
        self.seen.lock().unwrap().n_holding += 1;
        let text = request.headers().get("hold-ms").unwrap().to_str().unwrap();
        let hold = Duration::from_millis(text.parse().unwrap());
        let reset = std::future::poll_fn(|cx| respond.poll_reset(cx));
        let reset = tokio::time::timeout(hold, reset).await;
        let mut seen = self.seen.lock().unwrap();
        seen.n_holding -= 1;
        if let Ok(reset) = reset {
            seen.cancels.push(reset?);
            return Ok(());
        }
        drop(seen);
        let mut sink = respond.send_response(head(), false)?;
        sink.send_data(Bytes::from_static(b"held"), false)?;
        sink.send_trailers(grpc_status(0))
    }

    /// Sends 64 MiB, as fast as it is read.
    async fn flood(&self, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
        let mut sink = respond.send_response(head(), false)?;
        let chunk = Bytes::from(vec![7; 64 * 1024]);
        for _ in 0..1024 {
            send(&mut sink, chunk.clone()).await?;
            self.seen.lock().unwrap().n_flooded += chunk.len();
        }
        sink.send_trailers(grpc_status(0))
    }
}

fn grpc_status(status: u16) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", HeaderValue::from(status));
    headers
}
