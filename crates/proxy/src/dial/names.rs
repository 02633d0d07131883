//! What a name stands for now.
//!
//! Names are asked of the system, as everything else on the machine asks it: `/etc/hosts`, search domains and the local cache
//! count. The system does not tell how long its answer holds, so none is kept: every dial asks anew, and
//! [whoever watches](crate::upstream::whereabouts) asks again and again; caches in between honour the TTL. Only when the system
//! has no answer do the last addresses serve again: a resolver that is down must not take the server with it.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{net::lookup_host, time::timeout};

use crate::limits;

/// An answer that is on its way.
pub type Answer = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Who knows what names stand for.
#[derive(Clone)]
pub struct Resolver {
    lookup: Arc<dyn Fn(String) -> Answer + Send + Sync>,
    interval: Duration,
}

/// A name with its port, and what it stood for last.
pub(super) struct Names {
    place: String,
    resolver: Resolver,
    last: Mutex<Vec<SocketAddr>>,
}

impl Resolver {
    /// The system, asked every [`limits::LOOK_INTERVAL`] while all is well.
    pub fn system() -> Self {
        let look = |place| -> Answer {
            Box::pin(async move { Ok(lookup_host::<String>(place).await?.collect()) })
        };
        Self::new(look, limits::LOOK_INTERVAL)
    }

    /// Somebody else: given `host:port`, `lookup` answers with addresses, the best first. It is asked at every dial, and
    /// at this interval while all is well.
    pub fn new(
        lookup: impl Fn(String) -> Answer + Send + Sync + 'static,
        interval: Duration,
    ) -> Self {
        Self {
            lookup: Arc::new(lookup),
            interval,
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl Names {
    /// What `place`, which is `host:port`, stands for.
    pub(super) fn new(place: String, resolver: Resolver) -> Self {
        Self {
            place,
            resolver,
            last: Mutex::default(),
        }
    }

    /// Returns how often to look while all is well.
    pub(super) fn interval(&self) -> Duration {
        self.resolver.interval
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns whether the place is an address already, and will never be another.
    pub(super) fn is_fixed(&self) -> bool {
        self.place.parse::<SocketAddr>().is_ok()
    }

    /// Returns what the name stands for now, in the order in which it is to be tried.
    pub(super) async fn look(&self) -> io::Result<Vec<SocketAddr>> {
        let answer = timeout(limits::LOOKUP, (self.resolver.lookup)(self.place.clone())).await;
        let mut addresses = answer.map_err(io::Error::from).flatten()?;
        if addresses.is_empty() {
            let why = "the name has no address";
            return Err(io::Error::new(io::ErrorKind::NotFound, why));
        }
        addresses = in_turns(&addresses);
        addresses.truncate(limits::ADDRESSES);
        self.locked().clone_from(&addresses);
        Ok(addresses)
    }

    /// Returns what the name stands for now, or stood for last.
    pub(super) async fn look_or_recall(&self) -> io::Result<Vec<SocketAddr>> {
        let error = match self.look().await {
            Ok(addresses) => return Ok(addresses),
            Err(error) => error,
        };
        let last = self.locked().clone();
        if last.is_empty() {
            Err(error)
        } else {
            Ok(last)
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Vec<SocketAddr>> {
        // The list is replaced whole; a panic elsewhere cannot leave half of one.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets families of addresses take turns, beginning with the one the system prefers (RFC 8305 §4): where one family leads
/// nowhere, the second attempt arrives.
fn in_turns(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_first = |address: &&SocketAddr| {
        addresses
            .first()
            .is_some_and(|first| first.is_ipv4() == address.is_ipv4())
    };
    let (first, mut second): (Vec<&SocketAddr>, Vec<&SocketAddr>) =
        addresses.iter().partition(is_first);
    let mut others = second.drain(..);
    let mut turns = Vec::with_capacity(addresses.len());
    for address in first {
        turns.push(*address);
        turns.extend(others.next());
    }
    turns.extend(others);
    turns
}

#[cfg(test)]
mod tests;
