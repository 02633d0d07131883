//! The relay between peers of paper: every frame is written and read here, and time is a number.

mod calls;
mod clauses;
mod deadlines;
mod flow;
mod heads;
mod interleaving;
mod losses;
mod peer;
mod routes;
mod silence;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{CallerId, ConnectionId, Event, Relay, Route, ServerId, Terms, UpstreamId};
use crate::h2::{frame::MAX_STREAM, settings::id};
use peer::{Peer, Said};

/// A relay, one upstream with one server in use, and as many callers as a test likes.
struct World {
    relay: Relay,
    upstream: UpstreamId,
    now: Instant,
    server: Peer,
}

impl World {
    /// A server that says these settings.
    fn new(settings: &[(u16, u32)]) -> Self {
        let terms = Terms {
            drain_timeout: Duration::from_mins(1),
        };
        let now = tokio::time::Instant::now().into_std();
        let mut relay = Relay::new(terms, now);
        let upstream = relay.add_upstream("temporal.test:7233");
        let server = relay.dial(upstream, None, now);
        let server = serve(&mut relay, server, settings, now);
        Self {
            relay,
            upstream,
            now,
            server,
        }
    }

    /// A server that takes all that it is ever sent.
    fn with_open_windows() -> Self {
        let mut world = Self::new(&[(id::INITIAL_WINDOW_SIZE, MAX_STREAM)]);
        world.server.say_window(0, MAX_STREAM - 65_535);
        world.pass_server();
        world
    }

    fn caller(&mut self) -> Peer {
        self.caller_with(&[])
    }

    /// A caller that says these settings.
    fn caller_with(&mut self, settings: &[(u16, u32)]) -> Peer {
        self.caller_at(Route::To(self.upstream), settings)
    }

    /// A caller whose calls go where `route` says.
    fn caller_at(&mut self, route: Route, settings: &[(u16, u32)]) -> Peer {
        let id = self.relay.accept(Arc::new(route), self.now);
        let mut caller = Peer::new(ConnectionId::Caller(id));
        caller.say_preface();
        caller.say_settings(settings);
        self.pass(&mut caller);
        let said = self.hear(&mut caller);
        assert!(matches!(said.first(), Some(Said::Settings(_))), "{said:?}");
        caller
    }

    /// Gives the relay what a peer has said.
    fn pass(&mut self, peer: &mut Peer) {
        peer.pass(&mut self.relay, self.now);
    }

    /// Gives the relay what the server has said.
    fn pass_server(&mut self) {
        self.server.pass(&mut self.relay, self.now);
    }

    /// Returns what the relay says to a peer.
    fn hear(&mut self, peer: &mut Peer) -> Vec<Said> {
        peer.hear(&mut self.relay, self.now)
    }

    fn hear_server(&mut self) -> Vec<Said> {
        self.server.hear(&mut self.relay, self.now)
    }

    /// Returns what the server hears of bodies until it hears nothing any more; all of it must be on this stream.
    fn hear_body(&mut self, stream: u32) -> Vec<u8> {
        let heard = std::iter::from_fn(|| Some(self.hear_server()).filter(|said| !said.is_empty()));
        let mut body = Vec::new();
        for said in heard.flatten() {
            if let Said::Data(on, _, bytes) = said {
                assert_eq!(on, stream);
                body.extend(bytes);
            }
        }
        body
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.relay.next_event()).collect()
    }

    /// A caller that has not said anything.
    fn accept(&mut self) -> CallerId {
        let route = Arc::new(Route::To(self.upstream));
        self.relay.accept(route, self.now)
    }

    fn wait(&mut self, span: Duration) {
        self.now += span;
        self.relay.handle_timeout(self.now);
    }

    fn server_id(&self) -> ServerId {
        match self.server.id {
            ConnectionId::Server(id) => id,
            ConnectionId::Caller(_) => unreachable!("the server is a server"),
        }
    }

    /// Puts another server to use, after the one before broke.
    fn serve_anew(&mut self) {
        let next = self.relay.dial(self.upstream, None, self.now);
        self.server = serve(&mut self.relay, next, &[], self.now);
    }

    /// Puts another server to use, in place of the one before.
    fn replace_server(&mut self) -> Peer {
        let next = self.relay.dial(self.upstream, None, self.now);
        let next = serve(&mut self.relay, next, &[], self.now);
        let before = self.server_id();
        self.relay.retire(before, self.now);
        std::mem::replace(&mut self.server, next)
    }
}

/// Lets a server settle, and puts it to use.
fn serve(relay: &mut Relay, server: ServerId, settings: &[(u16, u32)], now: Instant) -> Peer {
    let mut peer = Peer::new(ConnectionId::Server(server));
    peer.expect_preface(relay, now);
    let said = peer.hear(relay, now);
    let Some(Said::Settings(announced)) = said.first() else {
        panic!("expected SETTINGS, found {said:?}");
    };
    assert!(announced.contains(&(id::ENABLE_PUSH, 0)), "{announced:?}");
    peer.say_settings(settings);
    peer.say_settings_ack();
    peer.pass(relay, now);
    let event = std::iter::from_fn(|| relay.next_event()).last();
    assert_eq!(event, Some(Event::Settled(server)));
    assert!(peer.hear(relay, now).contains(&Said::SettingsAck));
    assert!(relay.put_to_use(server, now));
    peer
}

impl World {
    /// Returns the number of calls that are held anywhere.
    fn n_calls(&self) -> usize {
        self.relay.calls.len()
    }

    fn n_waiting(&self) -> usize {
        let upstreams = self.relay.upstreams.iter();
        upstreams.map(|upstream| upstream.waiting.len()).sum()
    }

    fn caller_streams(&self, caller: &Peer) -> usize {
        match caller.id {
            ConnectionId::Caller(CallerId(key)) => {
                self.relay.callers.get(key).unwrap().wire.streams.len()
            }
            ConnectionId::Server(_) => unreachable!("a caller is a caller"),
        }
    }
}
