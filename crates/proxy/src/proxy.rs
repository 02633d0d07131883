//! Puts the parts together: bind, serve, drain.

mod assemble;
mod bind;

use std::{io, net::SocketAddr, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use newleaf_identity::tls::TlsError;
use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot},
    task::{JoinError, JoinSet},
};

use self::bind::Bound;
pub(crate) use self::{
    assemble::{Assembled, assemble},
    bind::admissible,
};
use crate::{
    admin,
    alarm::{self, Side},
    clock,
    errand::errand,
    listen::{
        self, Door, Listener,
        gate::{GateError, Gatekeeper},
    },
    options::Options,
    plane::Timekeeper,
    routes::RouteError,
    status::{Readiness, Status},
    switchboard::Switchboard,
    trust::{TrustError, TrustKeeper},
    upstream::{candidates::Look, keeper::Keeper},
};

/// A proxy that has bound its addresses and is ready to serve.
pub struct Proxy {
    doors: Vec<Door>,
    addresses: Vec<Option<SocketAddr>>,
    gatekeepers: Vec<Gatekeeper>,
    trust: Vec<TrustKeeper>,
    admin: Option<Listener>,
    admin_address: Option<SocketAddr>,
    board: Arc<Switchboard>,
    keepers: Vec<Keeper>,
    recheck: Recheck,
    drain_timeout: Duration,
}

/// Makes a proxy look at the files of its credentials and of its servers' CAs now, and prove what it finds even if that is what
/// it found last.
#[derive(Clone, Debug)]
pub struct Recheck {
    credentials: Vec<Look>,
    trust: Vec<Arc<Notify>>,
}

/// Comes back when everything turns.
pub(crate) type Pulse = Pin<Box<dyn Future<Output = ()> + Send>>;

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
    /// The file by which the server is to be judged cannot be used.
    #[error("cannot use `{}` (`--server-ca`)", path.display())]
    ServerTrust {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TrustError,
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
    /// Returns whether the options are at fault: then trying again cannot help. What a later look at the same files may cure is
    /// not their fault.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::NotLoopback { .. } | Self::Route(_) | Self::Upstream { .. } => true,
            Self::ServerTrust { source, .. } => !source.may_pass(),
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
        Self::bind_on(options, &Handle::current()).await
    }

    /// Checks the options and binds the addresses. Sockets will be read and written on `plane`, all else is done on the runtime
    /// that this is called in.
    pub async fn bind_on(options: Options, plane: &Handle) -> Result<Self, StartError> {
        let Assembled {
            board,
            mut parts,
            routes,
        } = assemble(&options, plane)?;
        let Bound {
            doors,
            addresses,
            gatekeepers,
        } = bind::all(&options, routes, plane, board.ledger()).await?;
        let admin = match &options.admin {
            Some(admin) => Some(bind::listener(admin, options.exposure).await?),
            None => None,
        };
        let admin_address = admin.as_ref().and_then(Listener::address);
        let recheck = Recheck {
            credentials: parts.iter().map(|parts| parts.candidates.look()).collect(),
            trust: parts
                .iter()
                .filter_map(|parts| Some(parts.trust.as_ref()?.recheck()))
                .collect(),
        };
        let trust = parts.iter_mut().filter_map(|parts| parts.trust.take());
        let trust = trust.collect();
        Ok(Self {
            doors,
            addresses,
            gatekeepers,
            trust,
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

    /// Returns where the admin endpoint answers, if there is one and it is not a Unix socket.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin_address
    }

    /// Returns the handle that makes the proxy look at the files of its credentials and of its servers' CAs now.
    pub fn recheck(&self) -> Recheck {
        self.recheck.clone()
    }

    /// Returns a function that tells the status at any time, also while the proxy serves.
    pub fn status(&self) -> impl Fn() -> Status + Send + Sync + 'static {
        // The ledger alone: whoever keeps this function must not keep connections open.
        let ledger = Arc::clone(self.board.ledger());
        move || ledger.status(clock::now())
    }

    /// Returns whether a call that came now would be carried, to whichever upstream, for whoever waits for it.
    pub fn readiness(&self) -> Readiness {
        self.board.ledger().readiness()
    }

    /// Returns what comes back when the relay does, and the thread of its sockets: a watchdog sees by it that nothing hangs.
    pub(crate) fn pulse(&self) -> impl Fn() -> Pulse + Send + Sync + 'static {
        let board = Arc::downgrade(&self.board);
        move || {
            let turned = board.upgrade().map(|board| {
                let plane = board.plane().clone();
                plane.spawn(async move { board.with(|_relay| ()) })
            });
            Box::pin(async move {
                if let Some(turned) = turned {
                    // It fails only on shutdown, when nobody watches any more.
                    drop(turned.await);
                }
            })
        }
    }

    fn tell_addresses(&self) {
        for address in self.doors.iter().map(|door| &door.listener) {
            tracing::info!(%address, "accepting callers");
        }
        if let Some(address) = &self.admin {
            tracing::info!(%address, "answering on the admin endpoint");
        }
    }

    /// Serves until `shutdown`, and then until the calls have ended or the drain timeout is over.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) {
        self.tell_addresses();
        let board = Arc::clone(&self.board);
        // They end with this function. The keepers go on during the drain: calls still wait for connections, and servers
        // still say goodbye.
        let mut endless = JoinSet::new();
        for keeper in self.keepers {
            endless.spawn(errand(keeper.run()));
        }
        for trust in self.trust {
            endless.spawn(errand(trust.run()));
        }
        for gatekeeper in self.gatekeepers {
            endless.spawn(errand(gatekeeper.run()));
        }
        for (upstream, identity) in board.ledger().identities() {
            endless.spawn(errand(alarm::watch(
                Side::Upstream(upstream),
                identity,
                clock::now,
            )));
        }
        for (listener, identity) in board.ledger().shown_identities() {
            endless.spawn(errand(alarm::watch(
                Side::Listener(listener),
                identity,
                clock::now,
            )));
        }
        if let Some(admin) = self.admin {
            endless.spawn(errand(admin::serve(admin, Arc::clone(&board))));
        }
        let (goodbye, said) = oneshot::channel::<()>();
        let said = async move { drop(said.await) };
        let callers = listen::serve(
            self.doors,
            self.board,
            said,
            self.drain_timeout,
            Timekeeper::current(),
        );
        // A set of one: it is aborted with this function.
        let mut carrying = JoinSet::new();
        carrying.spawn_on(callers, board.plane());
        let leaving = async {
            shutdown.await;
            drop(goodbye);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            ended = carrying.join_next() => raise(ended),
            () = leaving => {}
            () = board.keep_time() => {}
            () = outlive(&mut endless) => {}
        }
        // Waited for, so that the admin endpoint's socket is gone when this comes back.
        endless.shutdown().await;
    }
}

/// Waits for tasks that end only by a panic, which goes on here: a proxy whose connections nobody keeps must not look alive.
async fn outlive(endless: &mut JoinSet<()>) {
    while let ended @ Some(_) = endless.join_next().await {
        raise(ended);
    }
    std::future::pending::<()>().await;
}

/// Lets the panic of a task go on here.
fn raise(ended: Option<Result<(), JoinError>>) {
    if let Some(Err(Ok(panic))) = ended.map(|ended| ended.map_err(JoinError::try_into_panic)) {
        std::panic::resume_unwind(panic);
    }
}

impl Recheck {
    /// Asks for a look now.
    pub fn request(&self) {
        for look in &self.credentials {
            look.request();
        }
        for look in &self.trust {
            look.notify_one();
        }
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
