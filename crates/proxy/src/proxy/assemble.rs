//! What can be made of options without listening anywhere.

use std::sync::Arc;

use http::uri::Authority;
use newleaf_identity::{
    publish::{self, Publisher},
    tls::{self, TlsError},
};
use rustls::pki_types::ServerName;
use tokio::runtime::Handle;

use super::StartError;
use crate::{
    clock,
    dial::{Dialer, Experience, Way},
    options::{Options, ServerTrust, UpstreamOptions},
    relay::{Route, Terms, UpstreamId},
    routes,
    status::ledger::{Account, Ledger},
    switchboard::Switchboard,
    trust::{self, Roots, TrustKeeper},
    upstream::{candidates::Candidates, keeper::Parts, objection},
};

/// What can be made of options without listening anywhere.
pub(crate) struct Assembled {
    pub(crate) board: Arc<Switchboard>,
    /// For each upstream, in the order of the options.
    pub(crate) parts: Vec<Parts>,
    /// For each listener, likewise.
    pub(super) routes: Vec<Arc<Route>>,
}

/// Checks options as far as that is possible without listening anywhere, on the runtime it is called in. Sockets will be on
/// `plane`.
pub(crate) fn assemble(options: &Options, plane: &Handle) -> Result<Assembled, StartError> {
    let servers = options.upstreams.iter().cloned().map(Server::of);
    let servers: Vec<_> = servers.collect::<Result<_, _>>()?;
    let accounts = servers.iter().map(|server| Arc::clone(&server.account));
    let ledger = Arc::new(Ledger::new(accounts.collect(), clock::now()));
    let authorities: Vec<_> = servers.iter().map(|s| s.authority.to_string()).collect();
    let terms = Terms {
        drain_timeout: options.drain_timeout,
    };
    let board = Switchboard::new(terms, &authorities, ledger, plane.clone());
    let named: Vec<_> = servers
        .iter()
        .map(Server::name)
        .zip(board.upstreams())
        .collect();
    let routes = routes::resolve(&options.listeners, &named)?;
    let parts = servers.into_iter().zip(board.upstreams());
    let parts = parts.map(|(server, id)| server.parts(id, &board)).collect();
    Ok(Assembled {
        board,
        parts,
        routes,
    })
}

/// An upstream that can be dialled, and judged when it answers.
struct Server {
    options: UpstreamOptions,
    /// The name that its certificate must bear.
    name: ServerName<'static>,
    /// What requests to it name. With a name of its own, that name: it is what a client that dialled it directly would say.
    authority: Authority,
    roots: Roots,
    trust: Option<TrustKeeper>,
    way: Way,
    publisher: Publisher,
    account: Arc<Account>,
}

impl Server {
    fn of(options: UpstreamOptions) -> Result<Self, StartError> {
        let (roots, trust) = match &options.server_trust {
            ServerTrust::Platform => (trust::fixed(tls::platform_roots()?), None),
            ServerTrust::Bundle(bundle) => (trust::fixed(tls::bundle_roots(bundle)?), None),
            ServerTrust::File(path) => {
                let watched = trust::watched(path, &options.name);
                let (roots, keeper) = watched.map_err(|source| StartError::ServerTrust {
                    path: path.clone(),
                    source,
                })?;
                (roots, Some(keeper))
            }
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
        let way = Way::new(&options);
        Ok(Self {
            name: tls::server_name(&name)?,
            authority,
            roots,
            trust,
            publisher,
            account: Account::new(options.name.clone(), subscriber, way.names()),
            way,
            options,
        })
    }

    /// Returns the name by which routes speak of it.
    fn name(&self) -> &str {
        &self.options.name
    }

    /// Returns what keeps connections to it, once the board knows it as `id`.
    fn parts(self, id: UpstreamId, board: &Arc<Switchboard>) -> Parts {
        let profile = objection::profile(&self.name.to_str());
        Parts {
            board: Arc::clone(board),
            dialer: Dialer {
                id,
                way: self.way,
                server_name: self.name,
                board: Arc::clone(board),
                roots: self.roots,
                namespace: self.options.namespace,
                experience: Experience::default(),
            },
            trust: self.trust,
            candidates: Candidates::new(&self.options.credentials, profile),
            publisher: self.publisher,
            account: self.account,
            connection_age: self.options.connection_age,
        }
    }
}
