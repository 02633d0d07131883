//! The relay between peers of paper: every frame is written and read here, and time is a number.

mod calls;
mod clauses;
mod flow;
mod interleaving;
mod peer;
mod silence;

use std::time::{Duration, Instant};

use super::{CallerId, ConnectionId, Event, Relay, ServerId, Terms};
use crate::h2::settings::id;
use peer::{Peer, Said};

/// A relay, one server in use, and as many callers as a test likes.
struct World {
    relay: Relay,
    now: Instant,
    server: Peer,
}

impl World {
    /// A server that says these settings.
    fn new(settings: &[(u16, u32)]) -> Self {
        let terms = Terms {
            authority: "temporal.test:7233".to_owned(),
            drain_timeout: Duration::from_mins(1),
        };
        let now = tokio::time::Instant::now().into_std();
        let mut relay = Relay::new(terms, now);
        let server = serve(&mut relay, now, settings);
        Self { relay, now, server }
    }

    fn caller(&mut self) -> Peer {
        self.caller_with(&[])
    }

    /// A caller that says these settings.
    fn caller_with(&mut self, settings: &[(u16, u32)]) -> Peer {
        let id = self.relay.accept(self.now);
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

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.relay.next_event()).collect()
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

    /// Puts another server to use, in place of the one before.
    fn replace_server(&mut self) -> Peer {
        let next = serve(&mut self.relay, self.now, &[]);
        let before = self.server_id();
        self.relay.retire(before, self.now);
        std::mem::replace(&mut self.server, next)
    }
}

/// Dials a server, lets it settle, and puts it to use.
fn serve(relay: &mut Relay, now: Instant, settings: &[(u16, u32)]) -> Peer {
    let server = relay.dial(now);
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
    relay.put_to_use(server, now);
    peer
}

impl World {
    /// Returns the number of calls that are held anywhere.
    fn n_calls(&self) -> usize {
        self.relay.calls.len()
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
