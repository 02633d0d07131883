//! A caller's way to the server: always one connection to make new calls on, and a new one when that is asked to go.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::client::SendRequest;
use newleaf_x509::Fingerprint;
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Notify, watch},
    task::JoinHandle,
};
use tokio_rustls::TlsConnector;

/// How long a caller rests after a failed dial; its calls wait meanwhile, and their deadline runs.
const REDIAL: Duration = Duration::from_millis(20);

/// How long one dial may take.
const DIAL_LIMIT: Duration = Duration::from_secs(5);

/// How a caller reaches the server.
#[derive(Clone, Debug)]
pub(crate) enum Route {
    /// Plaintext, to a proxy that knows about certificates.
    Plain(SocketAddr),
    /// mTLS, with the files read at each dial.
    Reread(Endpoint, PathBuf),
    /// mTLS, with what the files held at the start.
    Held(Endpoint, Presented),
}

/// A server that wants mTLS.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// The name that its certificate bears.
    pub(crate) name: ServerName<'static>,
    /// Who may have certified it.
    pub(crate) roots: Arc<RootCertStore>,
}

/// What a caller presents: an identity in the form that rustls wants.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    config: Arc<ClientConfig>,
    leaf: Fingerprint,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// The identity's files do not fit, or could not be read.
    #[error("could not read the identity")]
    Identity(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// TCP or TLS failed.
    #[error("could not connect")]
    Connect(#[source] io::Error),
    /// HTTP/2 failed.
    #[error("could not begin HTTP/2")]
    Http2(#[source] h2::Error),
    /// It took too long.
    #[error("no connection within the limit")]
    Late,
}

/// A connection on which calls are made.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    number: u64,
    send: SendRequest<Bytes>,
    leaf: Option<Fingerprint>,
}

/// The callers' end of a way: it hands out connections.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    current: watch::Receiver<Option<Connection>>,
    stale: Arc<Notify>,
    _dialer: Arc<AbortOnDrop>,
}

#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Presented {
    /// Reads an identity as a third party's client does: two files, one after the other, no help from newleaf.
    pub(crate) fn read(
        endpoint: &Endpoint,
        directory: &std::path::Path,
    ) -> Result<Self, DialError> {
        let boxed = |error: io::Error| DialError::Identity(error.into());
        let chain = fs_err::read(directory.join("tls.crt")).map_err(boxed)?;
        let key = fs_err::read(directory.join("tls.key")).map_err(boxed)?;
        Self::of(endpoint, &chain, &key)
    }

    /// Takes an identity from its two PEM texts.
    pub(crate) fn of(endpoint: &Endpoint, chain: &[u8], key: &[u8]) -> Result<Self, DialError> {
        let pem = |error: rustls::pki_types::pem::Error| DialError::Identity(error.into());
        let tls = |error: rustls::Error| DialError::Identity(error.into());
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(pem)?;
        let leaf = chain
            .first()
            .map_or(Fingerprint::of(&[]), |leaf| Fingerprint::of(leaf));
        let key = PrivateKeyDer::from_pem_slice(key).map_err(pem)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls)?
            .with_root_certificates(Arc::clone(&endpoint.roots))
            .with_client_auth_cert(chain, key)
            .map_err(tls)?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // As Go's client, which keeps no sessions unless it is told to.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            leaf,
        })
    }
}

impl Presented {
    /// Returns the TLS configuration that presents it.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }

    /// Returns the leaf.
    pub(crate) fn leaf(&self) -> Fingerprint {
        self.leaf
    }
}

impl Connection {
    /// Returns the leaf that this connection presents, if the caller knows.
    pub(crate) fn leaf(&self) -> Option<Fingerprint> {
        self.leaf
    }

    /// Waits until a call can be made on it; none if it has been asked to go.
    pub(crate) async fn ready(&self) -> Option<SendRequest<Bytes>> {
        self.send.clone().ready().await.ok()
    }
}

/// Dials once.
pub(crate) async fn dial(route: &Route, number: u64) -> Result<Connection, DialError> {
    tokio::time::timeout(DIAL_LIMIT, async {
        let (endpoint, presented) = match route {
            Route::Plain(address) => {
                let tcp = connect(*address).await?;
                return begin(tcp, number, None).await;
            }
            Route::Reread(endpoint, directory) => (endpoint, Presented::read(endpoint, directory)?),
            Route::Held(endpoint, presented) => (endpoint, presented.clone()),
        };
        let tcp = connect(endpoint.address).await?;
        let tls = TlsConnector::from(presented.config)
            .connect(endpoint.name.clone(), tcp)
            .await
            .map_err(DialError::Connect)?;
        begin(tls, number, Some(presented.leaf)).await
    })
    .await
    .unwrap_or(Err(DialError::Late))
}

async fn connect(address: SocketAddr) -> Result<TcpStream, DialError> {
    let tcp = TcpStream::connect(address)
        .await
        .map_err(DialError::Connect)?;
    tcp.set_nodelay(true).map_err(DialError::Connect)?;
    Ok(tcp)
}

async fn begin(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    number: u64,
    leaf: Option<Fingerprint>,
) -> Result<Connection, DialError> {
    let (send, connection) = h2::client::handshake(io).await.map_err(DialError::Http2)?;
    tokio::spawn(async move {
        // Its end is told to every call on it, and there it counts.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a caller's connection ended");
        }
    });
    Ok(Connection { number, send, leaf })
}

impl Channel {
    /// Opens the way. It dials at once, and again whenever the server asks a connection to go.
    pub(crate) fn open(route: Route) -> Self {
        let (publish, current) = watch::channel(None);
        let stale = Arc::new(Notify::new());
        let dialer = tokio::spawn(keep_dialled(route, publish, Arc::clone(&stale)));
        Self {
            current,
            stale,
            _dialer: Arc::new(AbortOnDrop(dialer)),
        }
    }

    /// Waits for a connection on which a call can be made.
    ///
    /// A connection that was asked to go is passed over before anything is sent on it; that is what every gRPC
    /// client does, and no second try of a call.
    pub(crate) async fn ready(&mut self) -> (SendRequest<Bytes>, Option<Fingerprint>) {
        let mut passed_over = 0;
        loop {
            let next = self.current.wait_for(|now| {
                now.as_ref()
                    .is_some_and(|connection| connection.number > passed_over)
            });
            let connection = next.await.ok().and_then(|now| now.clone());
            let Some(connection) = connection else {
                // The dialer lives as long as this channel: without it there is nothing left to wait for.
                std::future::pending::<()>().await;
                continue;
            };
            if let Some(send) = connection.ready().await {
                return (send, connection.leaf());
            }
            passed_over = connection.number;
            self.stale.notify_one();
        }
    }
}

async fn keep_dialled(
    route: Route,
    publish: watch::Sender<Option<Connection>>,
    stale: Arc<Notify>,
) {
    for number in 1.. {
        let connection = dial_until_it_works(&route, number).await;
        publish.send_replace(Some(connection.clone()));
        while connection.ready().await.is_some() {
            stale.notified().await;
        }
    }
}

async fn dial_until_it_works(route: &Route, number: u64) -> Connection {
    loop {
        match dial(route, number).await {
            Ok(connection) => return connection,
            Err(error) => {
                tracing::debug!(error = crate::demo::causes(&error), "could not dial");
                tokio::time::sleep(REDIAL).await;
            }
        }
    }
}
