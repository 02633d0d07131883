//! The data path: calls of many callers on few connections to the server, frame by frame.
//!
//! A [`Relay`] is all HTTP/2 state of one thread, and nothing else: bytes and instants go in, bytes and events come out. It
//! has no socket, no clock and no task. Whoever drives it
//!
//! 1. tells it of connections ([`Relay::accept`], [`Relay::dial`]) and of what they said ([`Relay::receive`], or
//!    [`Relay::receive_some`] to hear of those who had better be told before the rest is taken);
//! 2. looks at every connection that was touched by that ([`Relay::next_touched`]): writes its [`Relay::output`], tells if that
//!    [moves on](Relay::moved) after it had to wait, and closes it once it [has ended](Relay::has_ended) and all is written, or
//!    it [is given up](Relay::is_given_up);
//! 3. heeds the events ([`Relay::next_event`]) and comes back in time ([`Relay::next_timeout`]).
//!
//! What happens to a call, in the order in which it happens: `request.rs` takes it from its caller, `place.rs` finds it a
//! stream of a server, `reply.rs` carries the answer back, and `ending.rs` deals with whatever goes wrong. `half.rs` is one
//! direction of a call with its flow control. Header blocks are decoded and encoded once, and their translation is
//! remembered (`translate.rs`); DATA passes through.

mod announced;
mod call;
mod caller;
mod ending;
mod event;
mod half;
mod head;
mod heads;
mod heard;
mod kept;
mod outbox;
mod place;
mod pulse;
mod reply;
mod request;
mod route;
mod server;
mod slots;
mod streams;
mod tally;
mod timers;
mod touched;
mod translate;
mod turn;
mod unread;
mod upstream;
mod wire;

use std::{
    collections::VecDeque,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    api_key::ApiKey,
    h2::{
        breach::Breach,
        hpack::{Field, HeaderList, Memo},
    },
};
use call::Call;
use caller::Caller;
pub use event::{Answer, Ask, Event, Loss};
use head::Reply;
use heads::Heads;
use kept::Keep;
pub use route::Route;
use server::{Authorization, Phase, Server};
use slots::{Key, Slots};
pub use tally::{FailureCause, Tally};
use timers::{Timer, Timers};
use translate::Known;
use upstream::Upstream;
use wire::{Ended, Wire};

/// A connection from a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerId(Key);

/// A connection to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerId(Key);

/// One of the servers that calls may go to, with all connections to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpstreamId(usize);

/// A connection on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionId {
    /// From a caller.
    Caller(CallerId),
    /// To the server.
    Server(ServerId),
}

/// What a relay needs to know.
#[derive(Clone, Debug)]
pub struct Terms {
    /// How long calls may stay on a connection to the server that takes no new ones.
    pub drain_timeout: Duration,
}

/// All HTTP/2 state of one thread.
pub struct Relay {
    terms: Terms,
    callers: Slots<Caller>,
    servers: Slots<Server>,
    calls: Slots<Call>,
    heads: Heads,
    upstreams: Vec<Upstream>,
    timers: Timers,
    requests: Memo<Known>,
    replies: Memo<Reply>,
    events: VecDeque<Event>,
    touched: Vec<ConnectionId>,
    /// Whether the answers for another caller began while somebody is due.
    is_somebody_due: bool,
    /// What is kept of requests so that they can be sent again.
    keep: Keep,
    tally: Tally,
    /// How many connections there were; they are numbered by it.
    n_connections: u64,
    is_shutting_down: bool,
    is_sweeping: bool,
    /// The instant of this turn.
    now: Instant,
    /// Used again and again, so that no call costs an allocation for it.
    list: HeaderList,
    likeness: Vec<u8>,
    block: Vec<u8>,
}

impl Relay {
    /// Makes a relay without connections.
    pub fn new(terms: Terms, now: Instant) -> Self {
        Self {
            terms,
            callers: Slots::new(),
            servers: Slots::new(),
            calls: Slots::new(),
            heads: Heads::new(),
            upstreams: Vec::new(),
            timers: Timers::default(),
            requests: Memo::new(),
            replies: Memo::new(),
            events: VecDeque::new(),
            touched: Vec::new(),
            is_somebody_due: false,
            keep: Keep::default(),
            tally: Tally::default(),
            n_connections: 0,
            is_shutting_down: false,
            is_sweeping: false,
            now,
            list: HeaderList::new(),
            likeness: Vec::new(),
            block: Vec::new(),
        }
    }

    /// Takes an upstream in, to which every request says this `:authority`.
    pub fn add_upstream(&mut self, authority: &str) -> UpstreamId {
        let id = UpstreamId(self.upstreams.len());
        self.upstreams.push(Upstream::new(authority.to_owned()));
        id
    }

    /// Takes a caller in, whose calls go where `route` says.
    pub fn accept(&mut self, route: Arc<Route>, now: Instant) -> CallerId {
        self.now = now;
        self.n_connections += 1;
        let caller = Caller::new(self.n_connections, route, now);
        let by = caller.preface_by;
        let key = self.callers.insert(caller);
        self.timers.set(by, Timer::Preface(key));
        if self.is_shutting_down {
            self.caller_shut_down(key);
        }
        CallerId(key)
    }

    /// Begins to talk to a server of an upstream. It takes no calls before it is [put to use](Self::put_to_use).
    ///
    /// If there is an API key, every request on this connection says it, in place of what its caller says. A connection never
    /// changes its key.
    pub fn dial(
        &mut self,
        upstream: UpstreamId,
        api_key: Option<Arc<ApiKey>>,
        now: Instant,
    ) -> ServerId {
        self.now = now;
        self.n_connections += 1;
        let authorization = Authorization(api_key);
        let server = Server::new(self.n_connections, (upstream, authorization), now);
        let pulse_at = server.pulse.due;
        let key = self.servers.insert(server);
        self.timers.set(pulse_at, Timer::Pulse(key));
        self.touch_server(key);
        ServerId(key)
    }

    /// Lets a connection take calls. Returns whether it does: it may have ended, or been said goodbye to, since it was proved.
    #[must_use]
    pub fn put_to_use(&mut self, ServerId(key): ServerId, now: Instant) -> bool {
        self.now = now;
        let Some(server) = self.servers.not_ended(key) else {
            return false;
        };
        if server.phase != Phase::Trial {
            return false;
        }
        server.phase = Phase::InUse;
        let id = server.upstream;
        if let Some(upstream) = self.upstreams.get_mut(id.0) {
            upstream.live.push(key);
            upstream.trouble = None;
        }
        self.supersede_doubted(id);
        self.serve_waiting();
        let waits = |upstream: &Upstream| !upstream.waiting.is_empty();
        if self.upstreams.get(id.0).is_some_and(waits) {
            self.events.push_back(Event::Crowded(id));
        }
        true
    }

    /// Lets a connection take no more calls; those on it finish, within the drain timeout.
    pub fn retire(&mut self, ServerId(key): ServerId, now: Instant) {
        self.now = now;
        self.drain(key);
    }

    /// Makes a call of our own, which is answered by [`Event::Answered`], or by the end of the connection.
    pub fn ask(&mut self, ServerId(key): ServerId, ask: Ask<'_>, now: Instant) {
        self.now = now;
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        let stream = server.open();
        server.own_calls.insert(stream, server::OwnCall::default());
        let upstream = self.upstreams.get(server.upstream.0);
        let authority = upstream.map_or("", |upstream| &upstream.authority);
        let mut fields: HeaderList = [
            Field::new(b":method", b"POST"),
            Field::new(b":scheme", b"https"),
            Field::new(b":authority", authority.as_bytes()),
            Field::new(b":path", ask.path.as_bytes()),
            Field::new(b"content-type", b"application/grpc"),
            Field::new(b"te", b"trailers"),
        ]
        .into_iter()
        .collect();
        let namespace = ask.namespace.map(str::as_bytes);
        fields.extend(namespace.map(|namespace| Field::new(route::NAMESPACE, namespace)));
        server.encode_request(&fields, &mut self.block);
        server.wire.write_block(stream, false, &self.block);
        // What it says is far shorter than the smallest window that a server of any use begins with.
        server.wire.write_data(stream, true, (ask.message, &[]));
        self.touch_server(key);
    }

    /// Takes what a connection said.
    pub fn receive(&mut self, id: ConnectionId, bytes: &[u8], now: Instant) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.receive_some(id, rest, now);
        }
    }

    /// Takes what a connection said up to where somebody [is due](Self::next_due), and returns the rest of it.
    #[must_use]
    pub fn receive_some<'a>(
        &mut self,
        id: ConnectionId,
        bytes: &'a [u8],
        now: Instant,
    ) -> &'a [u8] {
        self.now = now;
        let rest = match id {
            ConnectionId::Caller(CallerId(key)) => {
                self.hear_from_caller(key, bytes);
                &[]
            }
            ConnectionId::Server(ServerId(key)) => self.hear_from_server(key, bytes),
        };
        self.tally.received(id, bytes.len() - rest.len());
        self.serve_waiting();
        self.keep_sweeping();
        rest
    }

    /// Returns whether a connection is to be closed once its output is written.
    pub fn has_ended(&self, id: ConnectionId) -> bool {
        // What is not known any more has ended too.
        self.wire(id).is_none_or(|wire| wire.ended.is_some())
    }

    /// Returns whether a connection has ended and nobody waits until what is still to be said is written: a caller that broke a
    /// rule may not read it, and a server is told nothing that matters. What the socket takes at once is written all the same.
    pub fn is_given_up(&self, id: ConnectionId) -> bool {
        let is_callers_due = match id {
            ConnectionId::Caller(_) => self.breach(id).is_none(),
            ConnectionId::Server(_) => false,
        };
        self.has_ended(id) && !is_callers_due
    }

    /// Returns the rule that a connection's peer broke.
    pub fn breach(&self, id: ConnectionId) -> Option<Breach> {
        match self.wire(id)?.ended? {
            Ended::Breach(breach) => Some(breach),
            Ended::Done => None,
        }
    }

    /// Takes note that a connection is closed, and why.
    pub fn close(&mut self, id: ConnectionId, why: &str, now: Instant) {
        self.now = now;
        match id {
            ConnectionId::Caller(CallerId(key)) => {
                self.take_back_calls(key);
                if let Some(caller) = self.callers.remove(key) {
                    self.timers.cancel(caller.preface_by, Timer::Preface(key));
                }
            }
            ConnectionId::Server(ServerId(key)) => {
                self.lose(key, Loss::Transport(why.to_owned()));
                self.forget_server(key);
            }
        }
        self.serve_waiting();
    }

    /// Says goodbye to all callers. Each connection ends when its calls have.
    pub fn shut_down(&mut self, now: Instant) {
        self.now = now;
        self.is_shutting_down = true;
        for key in self.callers.keys() {
            self.caller_shut_down(key);
        }
    }

    /// Returns what was carried since this relay was made.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Returns what happened, oldest first.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns when [`Self::handle_timeout`] is to be called.
    pub fn next_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    fn wire(&self, id: ConnectionId) -> Option<&Wire> {
        match id {
            ConnectionId::Caller(CallerId(key)) => Some(&self.callers.get(key)?.wire),
            ConnectionId::Server(ServerId(key)) => Some(&self.servers.get(key)?.wire),
        }
    }

    fn wire_mut(&mut self, id: ConnectionId) -> Option<&mut Wire> {
        match id {
            ConnectionId::Caller(CallerId(key)) => Some(&mut self.callers.get_mut(key)?.wire),
            ConnectionId::Server(ServerId(key)) => Some(&mut self.servers.get_mut(key)?.wire),
        }
    }
}

/// Shows how much there is, and nothing of what it is: bytes and headers may be secrets.
impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relay")
            .field("callers", &self.callers.len())
            .field("servers", &self.servers.len())
            .field("calls", &self.calls.len())
            .field("upstreams", &self.upstreams.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
