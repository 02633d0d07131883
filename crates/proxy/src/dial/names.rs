//! What a name stood for last, and until when that holds.
//!
//! An answer is used until its TTL is over, and then asked for anew. When nobody answers, or says that there is nothing, the last
//! addresses serve on: a resolver that is down must not take the server with it.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    dns::{Found, LookupError, Resolver},
    failure, limits,
};

/// A name with its port, and what is known of it.
pub(crate) struct Names {
    place: String,
    host: String,
    port: u16,
    resolver: Resolver,
    known: Mutex<Known>,
}

/// What is known of a name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    four: Vec<IpAddr>,
    six: Vec<IpAddr>,
    /// What the name is an alias of.
    pub(crate) canonical: String,
    /// How many answers there were.
    pub(crate) n_answers: u64,
    /// When the last question was answered, or was not.
    asked: Option<Instant>,
    /// Before this nobody needs to ask.
    until: Option<Instant>,
    /// Why the last question was not answered.
    trouble: Option<String>,
}

/// What is told of a name.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) addresses: Vec<SocketAddr>,
    /// How long from now until it is asked for again.
    pub(crate) due: Duration,
    pub(crate) trouble: Option<String>,
}

impl Names {
    /// What `place`, which is `host:port`, stands for.
    pub(crate) fn new(place: String, resolver: Resolver) -> Self {
        let (host, port) = place.rsplit_once(':').unwrap_or((place.as_str(), ""));
        Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            // Whoever names a place has said a port; the options see to it.
            port: port.parse().unwrap_or(0),
            place,
            resolver,
            known: Mutex::default(),
        }
    }

    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// Returns whether the place is an address already, and will never be another.
    pub(super) fn is_fixed(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// Returns how long what is known holds.
    pub(super) fn due(&self) -> Duration {
        let until = self.locked().until;
        until.map_or(limits::LOOKUP_PAUSE, |until| {
            until.saturating_duration_since(Instant::now())
        })
    }

    /// Notes that connections to what is known lead nowhere: who asks next asks anew, if there is any hope of another answer.
    pub(super) fn doubt(&self) {
        let mut known = self.locked();
        let now = Instant::now();
        if known
            .asked
            .is_some_and(|asked| now >= asked + limits::TTL_MIN)
        {
            known.until = Some(now);
        }
    }

    /// Returns what the name stands for, as far as is known: asked for anew if the last answer holds no more.
    pub(super) async fn current(&self) -> Result<Known, LookupError> {
        if let Ok(address) = self.host.parse() {
            return Ok(Known::fixed(address));
        }
        let fresh = {
            let known = self.locked();
            known
                .until
                .is_some_and(|until| Instant::now() < until)
                .then(|| known.clone())
        };
        if let Some(known) = fresh {
            return Ok(known);
        }
        let answer = self.resolver.look_up(&self.host).await;
        let mut known = self.locked();
        match answer {
            Ok(found) => {
                if known.trouble.is_some() {
                    tracing::info!(name = self.host, "names are answered for again");
                }
                known.learn(found, Instant::now());
            }
            Err(error) => {
                if known.n_answers == 0 {
                    return Err(error);
                }
                let why = failure::sentence(&error);
                if known.trouble.is_none() {
                    tracing::warn!(
                        why,
                        "could not look up the server; its last addresses serve on"
                    );
                }
                known.miss(why, Instant::now());
            }
        }
        Ok(known.clone())
    }

    /// Returns what is to be told; nothing of an address.
    pub(crate) fn told(&self) -> Option<Told> {
        if self.is_fixed() {
            return None;
        }
        let known = self.locked().clone();
        Some(Told {
            addresses: known.addresses(self.port),
            due: self.due(),
            trouble: known.trouble,
        })
    }

    /// Returns addresses with the port, in the order in which they are to be tried.
    pub(super) fn sockets(&self, known: &Known) -> Vec<SocketAddr> {
        known.addresses(self.port)
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        // It is changed by one method at a time, none of which can panic halfway.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn fixed(address: IpAddr) -> Self {
        let (four, six) = [address].into_iter().partition(IpAddr::is_ipv4);
        Self {
            four,
            six,
            ..Self::default()
        }
    }

    /// Takes an answer. A family of which nothing was said keeps its addresses, unless the name stands for something else now.
    fn learn(&mut self, found: Found, now: Instant) {
        if self.canonical != found.canonical {
            self.four.clear();
            self.six.clear();
        }
        if let Some(four) = found.four {
            self.four = four;
        }
        if let Some(six) = found.six {
            self.six = six;
        }
        self.canonical = found.canonical;
        self.n_answers += 1;
        self.asked = Some(now);
        self.until = Some(now + found.holds);
        self.trouble = None;
    }

    /// Notes that there was no answer: for a while nobody asks again, so that dials need not wait for what does not come.
    fn miss(&mut self, why: String, now: Instant) {
        self.asked = Some(now);
        self.until = Some(now + limits::LOOKUP_PAUSE);
        self.trouble = Some(why);
    }

    /// Lets families of addresses take turns, IPv6 first, but for loopback, where Temporal's own servers listen on IPv4:
    /// where one family leads nowhere, the second attempt arrives (RFC 8305 §4).
    fn addresses(&self, port: u16) -> Vec<SocketAddr> {
        let is_local = self.four.iter().any(IpAddr::is_loopback);
        let (first, second) = if is_local {
            (&self.four, &self.six)
        } else {
            (&self.six, &self.four)
        };
        let n_turns = first.len().max(second.len());
        let turns = (0..n_turns).flat_map(|turn| [first.get(turn), second.get(turn)]);
        let sockets = turns
            .flatten()
            .map(|address| SocketAddr::new(*address, port));
        sockets.take(limits::ADDRESSES).collect()
    }
}

#[cfg(test)]
mod tests;
