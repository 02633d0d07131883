//! Puts the parts together: bind, serve, drain.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use http::uri::Authority;
use newleaf_identity::{
    Watcher, publish,
    tls::{self, TlsError},
    watch::Recheck,
};
use tokio::net::{TcpListener, UnixListener, UnixStream};

use crate::{
    admin, clock,
    dial::{Dialer, Experience, Way},
    listen::{self, Listener, Unlink},
    options::{Exposure, Listen, Options, ServerTrust},
    relay::Terms,
    status::{Ledger, Status},
    switchboard::Switchboard,
    upstream::keeper::{Keeper, Parts},
};

/// A proxy that has bound its addresses and is ready to serve.
pub struct Proxy {
    listener: Listener,
    address: Option<SocketAddr>,
    admin: Option<TcpListener>,
    admin_address: Option<SocketAddr>,
    board: Arc<Switchboard>,
    keeper: Keeper,
    recheck: Recheck,
    drain_timeout: Duration,
}

/// Why a proxy did not start. Nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that other machines can reach, though this was not asked for.
    #[error(
        "expected a loopback address, found `{address}`: whoever reaches it acts under the proxy's identity; `--allow-non-loopback` permits it"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The server's address cannot be read.
    #[error("expected the server as `host:port`, found `{found}`")]
    Upstream {
        /// The text.
        found: String,
    },
    /// The server cannot be judged.
    #[error("cannot judge the server's certificate")]
    Tls(#[from] TlsError),
    /// An address could not be bound.
    #[error("could not listen on `{place}`")]
    Bind {
        /// The address or path.
        place: String,
        /// Why.
        source: io::Error,
    },
}

impl StartError {
    /// Returns whether the options are at fault: then trying again cannot help.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NotLoopback { .. } | Self::Upstream { .. } => true,
            Self::Tls(error) => match error {
                TlsError::PlatformRoots { .. } => false,
                TlsError::TrustAnchor { .. }
                | TlsError::NoTrustAnchor
                | TlsError::ServerName { .. }
                | TlsError::Protocol(_) => true,
            },
            Self::Bind { .. } => false,
        }
    }
}

/// Runs a proxy until `shutdown`, and then until its calls have ended or the drain timeout is over.
pub async fn run(options: Options, shutdown: impl Future<Output = ()>) -> Result<(), StartError> {
    Proxy::bind(options).await?.serve(shutdown).await;
    Ok(())
}

impl Proxy {
    /// Checks the options and binds the addresses, on the runtime it is called in.
    pub async fn bind(options: Options) -> Result<Self, StartError> {
        let (server_name, authority) = server(&options)?;
        let roots = match &options.server_trust {
            ServerTrust::Platform => tls::platform_roots()?,
            ServerTrust::Bundle(bundle) => tls::bundle_roots(bundle)?,
        };
        let listener = listener(&options.listen, options.exposure).await?;
        let address = match &listener {
            Listener::Tcp(tcp) => tcp.local_addr().ok(),
            Listener::Unix(..) => None,
        };
        let admin = match options.admin {
            Some(address) => Some(bind(address, options.exposure).await?),
            None => None,
        };
        let admin_address = admin.as_ref().and_then(|admin| admin.local_addr().ok());
        let (publisher, subscriber) = publish::channel();
        let terms = Terms {
            authority: authority.to_string(),
            drain_timeout: options.drain_timeout,
        };
        let board = Switchboard::new(terms, Arc::new(Ledger::new(subscriber)));
        let watcher = Watcher::new(options.identity, clock::now);
        let recheck = watcher.recheck();
        let keeper = Keeper::new(Parts {
            board: Arc::clone(&board),
            dialer: Dialer {
                way: Way::new(options.upstream, options.connect_proxy, options.resolver),
                server_name,
                board: Arc::clone(&board),
                roots,
                namespace: options.namespace,
                experience: Experience::default(),
            },
            watcher,
            publisher,
            connection_age: options.connection_age,
        });
        Ok(Self {
            listener,
            address,
            admin,
            admin_address,
            board,
            keeper,
            recheck,
            drain_timeout: options.drain_timeout,
        })
    }

    /// Returns where callers are accepted, unless that is a Unix socket. With port 0, the system has chosen.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Returns where the admin endpoint answers, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Returns the handle that makes the proxy look at the identity's files now.
    pub fn recheck(&self) -> Recheck {
        self.recheck.clone()
    }

    /// Returns a function that tells the status at any time, also while the proxy serves.
    pub fn status(&self) -> impl Fn() -> Status + Send + Sync + 'static {
        // The ledger alone: whoever keeps this function must not keep connections open.
        let ledger = Arc::clone(self.board.ledger());
        move || ledger.status()
    }

    /// Serves until `shutdown`, and then until the calls have ended or the drain timeout is over.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        if let Some(address) = self.address {
            tracing::info!(%address, "accepting callers");
        }
        if let Some(address) = self.admin_address {
            tracing::info!(%address, "answering on the admin endpoint");
        }
        // The keeper goes on during the drain: calls still wait for connections, and servers still say goodbye.
        let board = Arc::clone(&self.board);
        let endless = async {
            match self.admin {
                Some(admin) => {
                    let answering = admin::serve(admin, Arc::clone(&board));
                    tokio::join!(self.keeper.run(), board.keep_time(), answering);
                }
                None => {
                    tokio::join!(self.keeper.run(), board.keep_time());
                }
            }
        };
        let callers = listen::serve(self.listener, self.board, shutdown, self.drain_timeout);
        tokio::select! {
            () = callers => {}
            () = endless => {}
        }
    }
}

/// Returns the name that the server must bear, and the authority that requests name.
///
/// With a name of its own, that name is the authority too: it is what a client that dialled it directly would say.
fn server(
    options: &Options,
) -> Result<(rustls::pki_types::ServerName<'static>, Authority), StartError> {
    let malformed = || StartError::Upstream {
        found: options.upstream.clone(),
    };
    let dialled: Authority = options.upstream.parse().map_err(|_error| malformed())?;
    if dialled.port_u16().is_none() || dialled.as_str().contains('@') {
        return Err(malformed());
    }
    let Some(name) = &options.server_name else {
        let host = dialled.host().trim_matches(['[', ']']);
        return Ok((tls::server_name(host)?, dialled));
    };
    let authority = name.parse().map_err(|_error| TlsError::ServerName {
        found: name.clone(),
    })?;
    Ok((tls::server_name(name)?, authority))
}

async fn listener(listen: &Listen, exposure: Exposure) -> Result<Listener, StartError> {
    match listen {
        Listen::Tcp(address) => bind(*address, exposure).await.map(Listener::Tcp),
        Listen::Unix(path) => {
            remove_stale(path).await;
            let unix = UnixListener::bind(path).map_err(|source| StartError::Bind {
                place: path.display().to_string(),
                source,
            })?;
            Ok(Listener::Unix(unix, Unlink(path.clone())))
        }
    }
}

async fn bind(address: SocketAddr, exposure: Exposure) -> Result<TcpListener, StartError> {
    match exposure {
        Exposure::Loopback if !address.ip().is_loopback() => {
            return Err(StartError::NotLoopback { address });
        }
        Exposure::Loopback | Exposure::Network => {}
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Bind {
            place: address.to_string(),
            source,
        })
}

/// A socket's file outlives a process that was killed. It is removed only if nobody answers there, and only if it
/// is a socket.
async fn remove_stale(path: &Path) {
    use std::os::unix::fs::FileTypeExt as _;
    let is_socket = fs_err::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if !is_socket || UnixStream::connect(path).await.is_ok() {
        return;
    }
    if let Err(error) = fs_err::remove_file(path) {
        tracing::warn!(%error, "could not remove a stale socket");
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("address", &self.address)
            .field("admin_address", &self.admin_address)
            .finish_non_exhaustive()
    }
}
