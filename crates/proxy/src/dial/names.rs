//! What a name stood for last, and until when that holds.
//!
//! An answer is used until its TTL is over, and then asked for anew. When nobody answers, or says that there is nothing, the last
//! addresses serve on: a resolver that is down must not take the server with it, nor hold up a dial. So a look-up runs by itself,
//! one at a time, and whoever asks waits for it as long as he likes.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use crate::{
    dns::{Found, LookupError, Resolver},
    errand::errand,
    failure, limits,
};

/// A name with its port, and what is known of it.
pub(crate) struct Names {
    place: String,
    host: String,
    port: u16,
    resolver: Resolver,
    known: Mutex<Known>,
    /// The look-up that began last.
    under_way: Mutex<Option<LookUp>>,
}

/// A look-up, for whoever waits for it.
#[derive(Clone)]
struct LookUp {
    began: Instant,
    /// None until it ends.
    outcome: watch::Receiver<Option<Result<(), LookupError>>>,
}

/// What is known of a name: all that was answered, which [`limits::ADDRESSES_KNOWN`] bounds. Whoever left some of it out would
/// take a connection to one of these for one to nowhere.
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
            under_way: Mutex::default(),
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
        self.locked().doubt(Instant::now());
    }

    /// Returns what the name stands for, as far as is known: asked for anew if the last answer holds no more. Safe to drop
    /// halfway: whoever asks next hears the same answer.
    pub(super) async fn current(self: &Arc<Self>) -> Result<Known, LookupError> {
        if let Some(known) = self.at_hand() {
            return Ok(known);
        }
        let look_up = self.look_up();
        self.outcome(look_up).await
    }

    /// Returns what a dial is to go by: the same, but where addresses are known, a new answer is not waited for long.
    pub(super) async fn for_dial(self: &Arc<Self>) -> Result<Known, LookupError> {
        if let Some(known) = self.at_hand() {
            return Ok(known);
        }
        let (last, look_up) = (self.locked().clone(), self.look_up());
        let until = look_up.began + limits::LOOKUP_OF_DIAL;
        let outcome = self.outcome(look_up);
        if last.n_answers == 0 {
            outcome.await
        } else {
            timeout_at(until, outcome).await.unwrap_or(Ok(last))
        }
    }

    /// Returns what is known, if nobody needs to ask.
    fn at_hand(&self) -> Option<Known> {
        if let Ok(address) = self.host.parse() {
            return Some(Known::fixed(address));
        }
        let known = self.locked();
        let holds = known.until.is_some_and(|until| Instant::now() < until);
        holds.then(|| known.clone())
    }

    /// Returns the look-up that is under way; if there is none, one begins. It ends whether anybody waits for it or not.
    fn look_up(self: &Arc<Self>) -> LookUp {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let running = under_way.as_ref().filter(|look_up| look_up.is_running());
        if let Some(look_up) = running {
            return look_up.clone();
        }
        let (sender, outcome) = watch::channel(None);
        let look_up = LookUp {
            began: Instant::now(),
            outcome,
        };
        let names = Arc::clone(self);
        tokio::spawn(errand(async move {
            let answer = names.resolver.look_up(&names.host).await;
            sender.send_replace(Some(names.note(answer)));
        }));
        *under_way = Some(look_up.clone());
        look_up
    }

    /// Waits for a look-up. Without an outcome the process is about to end.
    async fn outcome(&self, mut look_up: LookUp) -> Result<Known, LookupError> {
        let outcome = look_up.outcome.wait_for(Option::is_some).await;
        match outcome.ok().and_then(|outcome| outcome.clone()) {
            Some(Err(error)) => Err(error),
            Some(Ok(())) | None => Ok(self.locked().clone()),
        }
    }

    /// Takes an answer, or that there was none; that is an error only if there never was any.
    fn note(&self, answer: Result<Found, LookupError>) -> Result<(), LookupError> {
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
        Ok(())
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

impl LookUp {
    fn is_running(&self) -> bool {
        self.outcome.borrow().is_none() && self.outcome.has_changed().is_ok()
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

    /// Ends what holds, so that it is asked for again; not what was answered only now, and not the pause after no answer.
    fn doubt(&mut self, now: Instant) {
        let is_old = self
            .asked
            .is_some_and(|asked| now >= asked + limits::TTL_MIN);
        if is_old && self.trouble.is_none() {
            self.until = Some(now);
        }
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
        sockets.collect()
    }
}

#[cfg(test)]
mod tests;
