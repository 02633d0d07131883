//! Which upstream a call goes to, by what, and what it says there; and that no call is ever answered by a guess.

mod keys;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use proptest::{collection::vec, prelude::*};

use super::{
    Event, Route, UpstreamId, World,
    peer::{Ends, Peer, REQUEST, Said},
    serve,
};
use crate::{api_key::ApiKey, h2::reason::Reason, relay::ConnectionId};

/// A world with a second upstream, and a server of it.
struct Two {
    world: World,
    second: UpstreamId,
    other: Peer,
}

impl Two {
    fn new() -> Self {
        let mut world = World::new(&[]);
        let second = world.relay.add_upstream("second.test:7233");
        let other = dial(&mut world, second, None);
        Self {
            world,
            second,
            other,
        }
    }

    /// A route by which `payments` is the first upstream's, and `orders` the second's.
    fn by_namespace(&self, otherwise: Option<UpstreamId>, unnamed: Option<UpstreamId>) -> Route {
        let named = |name: &str, id| (name.as_bytes().to_vec(), id);
        let first = named("payments", self.world.upstream);
        Route::ByNamespace {
            namespaces: BTreeMap::from([first, named("orders", self.second)]),
            otherwise,
            unnamed,
        }
    }

    fn caller(&mut self, route: Route) -> Peer {
        self.world.caller_at(route, &[])
    }

    /// Makes a call that names these namespaces; returns what both servers heard of it.
    fn call(&mut self, caller: &mut Peer, stream: u32, names: &[&str]) -> [Vec<Said>; 2] {
        caller.say_headers(stream, Ends::Yes, &naming(names));
        self.world.pass(caller);
        self.heard()
    }

    fn heard(&mut self) -> [Vec<Said>; 2] {
        let first = self.world.hear_server();
        [first, self.world.hear(&mut self.other)]
    }
}

/// Makes a connection to an upstream, and puts it to use.
fn dial(world: &mut World, upstream: UpstreamId, api_key: Option<&str>) -> Peer {
    let api_key = api_key.map(|text| Arc::new(ApiKey::parse(text).ok().unwrap()));
    let server = world.relay.dial(upstream, api_key, world.now);
    serve(&mut world.relay, server, &[], world.now)
}

/// The same for the upstream that every world has.
fn dial_first(world: &mut World, api_key: &str) -> Peer {
    dial(world, world.upstream, Some(api_key))
}

/// The headers of a call that names these namespaces.
fn naming<'a>(names: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let named = names.iter().map(|name| ("temporal-namespace", *name));
    REQUEST.iter().copied().chain(named).collect()
}

/// Returns the values of a field in the only request among what was said.
#[track_caller]
fn values(said: &[Said], name: &str) -> Vec<String> {
    let [Said::Headers(_, _, fields), ..] = said else {
        panic!("expected a request, found {said:?}");
    };
    let named = fields.iter().filter(|(found, _)| found == name);
    named.map(|(_, value)| value.clone()).collect()
}

#[test]
fn each_namespace_goes_to_its_upstream_and_is_remembered_so() {
    let mut two = Two::new();
    let mut caller = two.caller(two.by_namespace(None, None));
    let mut remembered = Vec::new();
    for round in 0..6 {
        let (payments, orders) = (1 + 4 * round, 3 + 4 * round);
        let [first, second] = two.call(&mut caller, payments, &["payments"]);
        assert_eq!(values(&first, ":authority"), ["temporal.test:7233"]);
        assert_eq!(second, []);
        let [first, second] = two.call(&mut caller, orders, &["orders"]);
        assert_eq!(first, []);
        assert_eq!(values(&second, ":authority"), ["second.test:7233"]);
        assert_eq!(values(&second, "temporal-namespace"), ["orders"]);
        remembered.push(format!("{:?}", two.world.relay.requests));
    }
    // The tables settle within two rounds; from then on nothing is read, so nothing more is remembered either.
    assert!(remembered[0] != remembered[2], "{remembered:?}");
    assert!(
        remembered[2..].iter().all(|now| *now == remembered[2]),
        "{remembered:?}"
    );
    assert_eq!(two.world.events(), []);
}

/// Two callers whose tables are in the same state say the same bytes, and mean different upstreams by where they came.
#[test]
fn the_listener_decides_and_nothing_that_a_request_says() {
    let mut two = Two::new();
    let mut callers =
        [two.world.upstream, two.second].map(|upstream| two.caller(Route::To(upstream)));
    for round in 0..4 {
        for (nth, caller) in callers.iter_mut().enumerate() {
            let heard = two.call(caller, 1 + 2 * round, &["orders", "payments", ""]);
            let authority = ["temporal.test:7233", "second.test:7233"][nth];
            assert_eq!(values(&heard[nth], ":authority"), [authority]);
            assert_eq!(heard[1 - nth], []);
        }
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    let mut two = Two::new();
    let long = "n".repeat(10_000);
    let refused: [(&[&str], &str, &str); 6] = [
        (&["payments", "orders"], "3", "found several"),
        (&["payments", "payments"], "3", "found several"),
        (&["", "payments"], "3", "found several"),
        (&[""], "3", "found nothing"),
        (&["unheard-of"], "7", "namespace `unheard-of`; add it to"),
        (&[&long], "7", "nnn...`; add it to"),
    ];
    let mut caller = two.caller(two.by_namespace(None, None));
    for (stream, (names, code, words)) in (1..).step_by(4).zip(refused) {
        let [first, second] = two.call(&mut caller, stream, names);
        assert_eq!((first, second), (vec![], vec![]), "{names:?}");
        let said = two.world.hear(&mut caller);
        let [Said::Headers(answered, Ends::Yes, _)] = said[..] else {
            panic!("expected a status alone, found {said:?}");
        };
        assert_eq!(answered, stream);
        assert_eq!(values(&said, ":status"), ["200"]);
        assert_eq!(values(&said, "grpc-status"), [code], "{names:?}");
        let message = values(&said, "grpc-message").concat();
        assert!(message.contains(words), "{message}");
        let events = two.world.events();
        assert!(matches!(&events[..], [Event::Failed { .. }]), "{events:?}");
        // Whoever is refused is not sent away.
        let [first, _] = two.call(&mut caller, stream + 2, &["payments"]);
        assert_eq!(values(&first, "temporal-namespace"), ["payments"]);
        assert_eq!(two.world.n_calls(), 1);
        two.world.server.say_response(1 + (stream - 1) / 2, b"");
        two.world.pass_server();
        two.world.hear(&mut caller);
        two.world.events();
        two.heard();
    }
}

#[test]
fn the_rest_of_a_refused_request_is_not_wanted() {
    let mut two = Two::new();
    let mut caller = two.caller(two.by_namespace(None, None));
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::No, b"a message");
    two.world.pass(&mut caller);
    let said = two.world.hear(&mut caller);
    assert_eq!(values(&said, "grpc-status"), ["7"]);
    assert!(
        values(&said, "grpc-message")
            .concat()
            .contains("names no namespace")
    );
    assert_eq!(said[1..], [Said::Reset(1, Reason::NO_ERROR)]);
    caller.say_data(1, Ends::Yes, b"that was on its way");
    two.world.pass(&mut caller);
    assert_eq!(two.world.hear(&mut caller), []);
    assert_eq!(two.heard(), [vec![], vec![]]);
    let [first, _] = two.call(&mut caller, 3, &["payments"]);
    assert_eq!(first.len(), 1);
}

#[test]
fn the_unknown_and_the_unnamed_have_places_of_their_own() {
    let mut two = Two::new();
    let (first, second) = (two.world.upstream, two.second);
    let mut caller = two.caller(two.by_namespace(Some(second), Some(first)));
    for (stream, names, nth) in [
        (1, &["unheard-of"][..], 1),
        (3, &[], 0),
        (5, &["Orders"], 1),
    ] {
        let heard = two.call(&mut caller, stream, names);
        assert_eq!(values(&heard[nth], "temporal-namespace"), names);
        assert_eq!(heard[1 - nth], []);
    }
}

#[test]
fn an_upstream_that_is_away_holds_up_nobody_else() {
    let mut two = Two::new();
    let mut caller = two.caller(two.by_namespace(None, None));
    let ConnectionId::Server(gone) = two.other.id else {
        unreachable!("a server is a server");
    };
    two.world.relay.retire(gone, two.world.now);
    two.heard();
    assert_eq!(two.call(&mut caller, 1, &["orders"]), [vec![], vec![]]);
    assert_eq!(two.world.n_waiting(), 1);
    let (first, second) = (two.world.upstream, two.second);
    assert!(two.world.relay.is_ready(first) && !two.world.relay.is_ready(second));
    let [heard, _] = two.call(&mut caller, 3, &["payments"]);
    assert_eq!(values(&heard, "temporal-namespace"), ["payments"]);
    two.other = dial(&mut two.world, second, None);
    let [heard, theirs] = two.heard();
    assert_eq!(heard, []);
    assert_eq!(values(&theirs, "temporal-namespace"), ["orders"]);
    assert_eq!(two.world.n_waiting(), 0);
}

#[test]
fn a_call_that_is_sent_again_stays_with_its_upstream() {
    let mut two = Two::new();
    let mut caller = two.caller(two.by_namespace(None, None));
    two.call(&mut caller, 1, &["orders"]);
    // Refused, and the first upstream has all the room in the world.
    two.other.say_reset(1, Reason::REFUSED_STREAM);
    two.other.pass(&mut two.world.relay, two.world.now);
    two.world.wait(Duration::from_secs(1));
    let [first, second] = two.heard();
    assert_eq!(first, []);
    assert_eq!(values(&second, "temporal-namespace"), ["orders"]);
    two.other.say_go_away(1);
    two.other.pass(&mut two.world.relay, two.world.now);
    let [first, _] = two.heard();
    assert_eq!(first, []);
    two.other = dial(&mut two.world, two.second, None);
    let [first, second] = two.heard();
    assert_eq!(first, []);
    assert_eq!(values(&second, "temporal-namespace"), ["orders"]);
}

/// A connection to one of two upstreams, and the key that it was dialled with.
struct Line {
    side: usize,
    key: String,
    peer: Peer,
    opened: Vec<u32>,
}

/// Two upstreams whose connections come and go while calls to both are made, refused and sent again.
struct Traffic {
    world: World,
    sides: [UpstreamId; 2],
    lines: Vec<Line>,
    caller: Peer,
    next: u32,
    n_keys: usize,
}

const SIDES: [&str; 2] = ["payments", "orders"];

impl Traffic {
    fn new() -> Self {
        let mut world = World::new(&[]);
        let first = world.server_id();
        world.relay.retire(first, world.now);
        let sides = [world.upstream, world.relay.add_upstream("second.test:7233")];
        let named = SIDES.map(|name| name.as_bytes().to_vec());
        let route = Route::ByNamespace {
            namespaces: named.into_iter().zip(sides).collect(),
            otherwise: None,
            unnamed: None,
        };
        let caller = world.caller_at(route, &[]);
        Self {
            world,
            sides,
            lines: Vec::new(),
            caller,
            next: 1,
            n_keys: 0,
        }
    }

    fn act(&mut self, deed: u8, side: usize) {
        let line = self.lines.iter_mut().rev().find(|line| line.side == side);
        match (deed % 6, line) {
            (0, _) => {
                let key = format!("key-{}-{}", SIDES[side], self.n_keys);
                self.n_keys += 1;
                let peer = dial(&mut self.world, self.sides[side], Some(&key));
                self.lines.push(Line {
                    side,
                    key,
                    peer,
                    opened: Vec::new(),
                });
            }
            (1, Some(line)) => {
                let last = line.opened.first().map_or(0, |first| first - 1);
                line.peer.say_go_away(last);
            }
            (2, Some(line)) => {
                for stream in std::mem::take(&mut line.opened) {
                    line.peer.say_reset(stream, Reason::REFUSED_STREAM);
                }
            }
            (3, Some(line)) => {
                for stream in std::mem::take(&mut line.opened) {
                    line.peer.say_response(stream, SIDES[side].as_bytes());
                }
            }
            _ => {
                let own = ("authorization", "Bearer callers-own");
                let fields = [&naming(&[SIDES[side]])[..], &[own]].concat();
                self.caller.say_headers(self.next, Ends::Yes, &fields);
                self.next += 2;
            }
        }
        for line in &mut self.lines {
            line.peer.pass(&mut self.world.relay, self.world.now);
        }
        self.world.pass(&mut self.caller);
        self.world.wait(Duration::from_millis(300));
    }

    /// Whatever a connection hears is about its own namespace and says its own key, and nobody hears anything else.
    fn judge(&mut self) -> Result<usize, TestCaseError> {
        let mut n_heard = 0;
        for line in &mut self.lines {
            for said in self.world.hear(&mut line.peer) {
                if said == Said::Settings(Vec::new()) {
                    // It is asked whether it lives, and does.
                    line.peer.say_settings_ack();
                }
                if let Said::Headers(stream, ..) = said {
                    line.opened.push(stream);
                    n_heard += 1;
                    let said = [said];
                    prop_assert_eq!(values(&said, "temporal-namespace"), [SIDES[line.side]]);
                    let key = format!("Bearer {}", line.key);
                    prop_assert_eq!(values(&said, "authorization"), [key]);
                }
            }
        }
        self.world.hear(&mut self.caller);
        Ok(n_heard)
    }
}

proptest! {
    #[test]
    fn no_call_and_no_key_ever_reaches_the_other_side(script in vec((any::<u8>(), 0..2_usize), 1..60)) {
        let mut traffic = Traffic::new();
        let mut n_heard = 0;
        for (deed, side) in script {
            traffic.act(deed, side);
            n_heard += traffic.judge()?;
        }
        // Whoever still waits is served by a new connection of its own side.
        let n_waiting = traffic.world.n_waiting();
        for side in [0, 1] {
            traffic.act(0, side);
            n_heard += traffic.judge()?;
        }
        prop_assert_eq!(traffic.world.n_waiting(), 0);
        prop_assert!(n_heard >= n_waiting);
    }
}
