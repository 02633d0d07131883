//! The way to the server: its addresses, of which one may not answer, and perhaps a proxy in between.

use std::{collections::BTreeSet, io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    names::Names,
    tunnel::{ConnectProxy, TunnelError},
};
use crate::{
    dns::{LookupError, Resolver},
    limits,
    options::UpstreamOptions,
    tcp,
};

/// How to reach the server.
pub(crate) struct Way {
    upstream: String,
    /// Of the server, or of the proxy in between.
    names: Arc<Names>,
    proxy: Option<ConnectProxy>,
}

/// What a name stood for when somebody looked.
#[derive(Debug)]
pub(crate) struct Look {
    /// Grows with each answer; the same number is the same answer.
    pub(crate) number: u64,
    pub(crate) addresses: BTreeSet<SocketAddr>,
    /// What the name is an alias of.
    pub(crate) canonical: String,
}

/// Why there is no way.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WayError {
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error("could not connect to `{place}`")]
    Connect { place: String, source: io::Error },
    #[error("could not get through the proxy at `{place}`")]
    Tunnel { place: String, source: TunnelError },
}

impl Way {
    /// The way to an upstream.
    pub(crate) fn new(options: &UpstreamOptions) -> Self {
        let (upstream, proxy) = (options.address.clone(), options.connect_proxy.clone());
        Self::to(upstream, proxy, options.resolver.clone())
    }

    /// The way to `upstream`, which is `host:port`.
    fn to(upstream: String, proxy: Option<ConnectProxy>, resolver: Resolver) -> Self {
        let place = match &proxy {
            Some(proxy) => proxy.address().to_owned(),
            None => upstream.clone(),
        };
        Self {
            upstream,
            names: Arc::new(Names::new(place, resolver)),
            proxy,
        }
    }

    /// Returns the server as it was named.
    pub(crate) fn upstream(&self) -> &str {
        &self.upstream
    }

    /// Returns whether all connections go to one address for ever.
    pub(crate) fn is_fixed(&self) -> bool {
        self.names.is_fixed()
    }

    /// Returns what is known of where connections go, for whoever tells of it.
    pub(crate) fn names(&self) -> Arc<Names> {
        Arc::clone(&self.names)
    }

    /// Returns how long it is known where connections go.
    pub(crate) fn due(&self) -> Duration {
        self.names.due()
    }

    /// Notes that connections lead nowhere.
    pub(crate) fn doubt(&self) {
        self.names.doubt();
    }

    /// Returns where connections would go now.
    pub(crate) async fn look(&self) -> Result<Look, LookupError> {
        let known = self.names.current().await?;
        Ok(Look {
            number: known.n_answers,
            addresses: self.names.sockets(&known).into_iter().collect(),
            canonical: known.canonical,
        })
    }

    /// Connects. `n_turned` says with which of the addresses to begin, so that one that accepts connections and is of
    /// no use does not stand in the way of the others.
    pub(crate) async fn connect(&self, n_turned: usize) -> Result<TcpStream, WayError> {
        let place = || self.names.place().to_owned();
        let known = self.names.for_dial().await?;
        let mut addresses = self.names.sockets(&known);
        let n_turned = n_turned.checked_rem(addresses.len()).unwrap_or(0);
        addresses.rotate_left(n_turned);
        addresses.truncate(limits::ADDRESSES);
        let connected = connect_to_any(addresses).await;
        let socket = connected.map_err(|source| WayError::Connect {
            place: place(),
            source,
        })?;
        match &self.proxy {
            None => Ok(socket),
            Some(proxy) => {
                let passed = proxy.pass(socket, &self.upstream).await;
                passed.map_err(|source| WayError::Tunnel {
                    place: place(),
                    source,
                })
            }
        }
    }
}

/// Connects to whichever address answers first. Each has a head start on the next (RFC 8305 §5).
async fn connect_to_any(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    let mut rest = addresses.into_iter();
    let mut attempts = JoinSet::new();
    loop {
        if let Some(address) = rest.next() {
            attempts.spawn(timeout(limits::CONNECT, tcp::connect(address)));
        } else if attempts.is_empty() {
            return Err(last);
        }
        tokio::select! {
            Some(attempt) = attempts.join_next() => {
                let connected = attempt.map_err(io::Error::other).map(|done| done.map_err(io::Error::from));
                match connected.flatten().flatten() {
                    Ok(socket) => return Ok(socket),
                    Err(error) => last = error,
                }
            }
            () = sleep(limits::HEAD_START), if rest.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests;
