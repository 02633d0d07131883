//! Puts the parts together: bind, serve, drain.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use http::uri::Authority;
use newleaf_identity::{
    publish::{self, Publisher},
    tls::{self, TlsError},
};
use rustls::{RootCertStore, pki_types::ServerName};
use tokio::{
    net::{TcpListener, UnixListener, UnixStream},
    task::{JoinError, JoinSet},
};

use crate::{
    admin,
    dial::{Dialer, Experience, Way},
    listen::{
        self, Door, Listener, Unlink,
        gate::{self, GateError, Gatekeeper},
    },
    options::{Exposure, Listen, ListenerOptions, Options, ServerTrust, UpstreamOptions},
    relay::{Route, Terms, UpstreamId},
    routes::{self, RouteError},
    status::{Account, Ledger, Status},
    switchboard::Switchboard,
    upstream::{
        candidates::{Candidates, Look},
        keeper::{Keeper, Parts},
    },
};

/// A proxy that has bound its addresses and is ready to serve.
pub struct Proxy {
    doors: Vec<Door>,
    addresses: Vec<Option<SocketAddr>>,
    gatekeepers: Vec<Gatekeeper>,
    admin: Option<TcpListener>,
    admin_address: Option<SocketAddr>,
    board: Arc<Switchboard>,
    keepers: Vec<Keeper>,
    recheck: Recheck,
    drain_timeout: Duration,
}

/// Makes a proxy look at the files of its credentials now, and prove what it finds even if that is what it found last.
#[derive(Clone, Debug)]
pub struct Recheck(Vec<Look>);

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
    /// Listeners and upstreams that do not fit together.
    #[error("cannot route calls")]
    Route(#[from] RouteError),
    /// A listener's TLS cannot be had.
    #[error("cannot accept callers on `{place}` under TLS")]
    Gate {
        /// The address or path.
        place: String,
        /// Why.
        source: GateError,
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
            Self::NotLoopback { .. } | Self::Route(_) | Self::Upstream { .. } => true,
            Self::Gate { source, .. } => !source.may_pass(),
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
        let servers = options.upstreams.into_iter().map(Server::of);
        let servers: Vec<_> = servers.collect::<Result<_, _>>()?;
        let accounts = servers.iter().map(|server| Arc::clone(&server.account));
        let ledger = Arc::new(Ledger::new(accounts.collect()));
        let authorities: Vec<_> = servers.iter().map(|s| s.authority.to_string()).collect();
        let terms = Terms {
            drain_timeout: options.drain_timeout,
        };
        let board = Switchboard::new(terms, &authorities, ledger);
        let named: Vec<_> = servers
            .iter()
            .map(Server::name)
            .zip(board.upstreams())
            .collect();
        let routes = routes::resolve(&options.listeners, &named)?;
        let Bound {
            doors,
            addresses,
            gatekeepers,
        } = bind_all(&options.listeners, routes, options.exposure).await?;
        let admin = match options.admin {
            Some(address) => Some(bind(address, options.exposure).await?),
            None => None,
        };
        let admin_address = admin.as_ref().and_then(|admin| admin.local_addr().ok());
        let parts = servers.into_iter().zip(board.upstreams());
        let parts: Vec<_> = parts.map(|(server, id)| server.parts(id, &board)).collect();
        let recheck = Recheck(parts.iter().map(|parts| parts.candidates.look()).collect());
        Ok(Self {
            doors,
            addresses,
            gatekeepers,
            admin,
            admin_address,
            board,
            keepers: parts.into_iter().map(Keeper::new).collect(),
            recheck,
            drain_timeout: options.drain_timeout,
        })
    }

    /// Returns where the first listener accepts callers, unless that is a Unix socket. With port 0, the system has chosen.
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses.first().copied().flatten()
    }

    /// Returns where each listener accepts callers, in the order of the options.
    pub fn addresses(&self) -> &[Option<SocketAddr>] {
        &self.addresses
    }

    /// Returns where the admin endpoint answers, if there is one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Returns the handle that makes the proxy look at the files of its credentials now.
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
        for address in self.addresses.iter().flatten() {
            tracing::info!(%address, "accepting callers");
        }
        if let Some(address) = self.admin_address {
            tracing::info!(%address, "answering on the admin endpoint");
        }
        let board = Arc::clone(&self.board);
        // They end with this function. The keepers go on during the drain: calls still wait for connections, and servers
        // still say goodbye.
        let mut endless = JoinSet::new();
        for keeper in self.keepers {
            endless.spawn(keeper.run());
        }
        for gatekeeper in self.gatekeepers {
            endless.spawn(gatekeeper.run());
        }
        if let Some(admin) = self.admin {
            endless.spawn(admin::serve(admin, Arc::clone(&board)));
        }
        let callers = listen::serve(self.doors, self.board, shutdown, self.drain_timeout);
        tokio::select! {
            () = callers => {}
            () = board.keep_time() => {}
            () = outlive(&mut endless) => {}
        }
    }
}

/// Waits for tasks that end only by a panic, which goes on here: a proxy whose connections nobody keeps must not look alive.
async fn outlive(endless: &mut JoinSet<()>) {
    while let Some(ended) = endless.join_next().await {
        if let Err(panic) = ended.map_err(JoinError::try_into_panic)
            && let Ok(panic) = panic
        {
            std::panic::resume_unwind(panic);
        }
    }
    std::future::pending::<()>().await;
}

impl Recheck {
    /// Asks for a look now.
    pub fn request(&self) {
        for look in &self.0 {
            look.request();
        }
    }
}

/// An upstream that can be dialled, and judged when it answers.
struct Server {
    options: UpstreamOptions,
    /// The name that its certificate must bear.
    name: ServerName<'static>,
    /// What requests to it name. With a name of its own, that name: it is what a client that dialled it directly would say.
    authority: Authority,
    roots: Arc<RootCertStore>,
    publisher: Publisher,
    account: Arc<Account>,
}

impl Server {
    fn of(options: UpstreamOptions) -> Result<Self, StartError> {
        let roots = match &options.server_trust {
            ServerTrust::Platform => tls::platform_roots()?,
            ServerTrust::Bundle(bundle) => tls::bundle_roots(bundle)?,
        };
        let malformed = || StartError::Upstream {
            found: options.address.clone(),
        };
        let dialled: Authority = options.address.parse().map_err(|_error| malformed())?;
        if dialled.port_u16().is_none() || dialled.as_str().contains('@') {
            return Err(malformed());
        }
        let (name, authority) = match &options.server_name {
            None => (dialled.host().trim_matches(['[', ']']).to_owned(), dialled),
            Some(name) => {
                let authority = name.parse().map_err(|_error| TlsError::ServerName {
                    found: name.clone(),
                })?;
                (name.clone(), authority)
            }
        };
        let (publisher, subscriber) = publish::channel();
        Ok(Self {
            name: tls::server_name(&name)?,
            authority,
            roots,
            publisher,
            account: Account::new(options.name.clone(), subscriber),
            options,
        })
    }

    /// Returns the name by which routes speak of it.
    fn name(&self) -> &str {
        &self.options.name
    }

    /// Returns what keeps connections to it, once the board knows it as `id`.
    fn parts(self, id: UpstreamId, board: &Arc<Switchboard>) -> Parts {
        Parts {
            board: Arc::clone(board),
            dialer: Dialer {
                id,
                way: Way::new(&self.options),
                server_name: self.name,
                board: Arc::clone(board),
                roots: self.roots,
                namespace: self.options.namespace,
                experience: Experience::default(),
            },
            candidates: Candidates::new(&self.options.credentials),
            publisher: self.publisher,
            account: self.account,
            connection_age: self.options.connection_age,
        }
    }
}

/// What accepts callers.
struct Bound {
    doors: Vec<Door>,
    addresses: Vec<Option<SocketAddr>>,
    gatekeepers: Vec<Gatekeeper>,
}

async fn bind_all(
    listeners: &[ListenerOptions],
    routes: Vec<Arc<Route>>,
    exposure: Exposure,
) -> Result<Bound, StartError> {
    let mut bound = Bound {
        doors: Vec::new(),
        addresses: Vec::new(),
        gatekeepers: Vec::new(),
    };
    for (options, route) in listeners.iter().zip(routes) {
        let opened = options.tls.as_ref().map(gate::open).transpose();
        let opened = opened.map_err(|source| StartError::Gate {
            place: options.listen.to_string(),
            source,
        })?;
        let (gate, gatekeeper) = opened.unzip();
        bound.gatekeepers.extend(gatekeeper);
        let listener = listener(&options.listen, exposure).await?;
        bound.addresses.push(match &listener {
            Listener::Tcp(tcp) => tcp.local_addr().ok(),
            Listener::Unix(..) => None,
        });
        bound.doors.push(Door {
            listener,
            gate,
            route,
        });
    }
    Ok(bound)
}

async fn listener(listen: &Listen, exposure: Exposure) -> Result<Listener, StartError> {
    match listen {
        Listen::Tcp(address) => bind(*address, exposure).await.map(Listener::Tcp),
        Listen::Unix(path) => {
            remove_stale(path).await;
            let unix = UnixListener::bind(path).map_err(|source| StartError::Bind {
                place: listen.to_string(),
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
            .field("addresses", &self.addresses)
            .field("admin_address", &self.admin_address)
            .finish_non_exhaustive()
    }
}
