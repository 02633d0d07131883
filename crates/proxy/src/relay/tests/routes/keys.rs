//! To whom an upstream's API key is said, and to whom never.

use std::time::Duration;

use super::{Two, dial, dial_first, naming, values};
use crate::{
    h2::{
        frame::{Frame, HEAD_LEN, Head},
        hpack::{Decoder, HeaderList, Indexing, Limits},
        reason::Reason,
    },
    relay::{
        Ask, ConnectionId, Event,
        tests::{
            World,
            peer::{Ends, RESPONSE, Said},
        },
    },
};

#[test]
fn a_key_goes_to_its_own_upstream_and_to_no_other() {
    let mut two = Two::new();
    let keyed = dial(&mut two.world, two.second, Some("key-of-second"));
    let ConnectionId::Server(without) = two.other.id else {
        unreachable!("a server is a server");
    };
    two.world.relay.retire(without, two.world.now);
    two.heard();
    two.other = keyed;
    let mut caller = two.caller(two.by_namespace(None, None));
    for round in 0..4 {
        let mine = ("authorization", "Bearer callers-own");
        for (offset, name) in [(0, "payments"), (2, "orders")] {
            let fields = [&naming(&[name])[..], &[mine]].concat();
            caller.say_headers(1 + 4 * round + offset, Ends::Yes, &fields);
        }
        two.world.pass(&mut caller);
        let [first, second] = two.heard();
        // Where we have no key, what the caller says is the caller's business.
        assert_eq!(values(&first, "authorization"), ["Bearer callers-own"]);
        assert_eq!(values(&second, "authorization"), ["Bearer key-of-second"]);
    }
}

/// A key that changes is another connection: what was opened goes on, what is sent again or comes after says the new one.
#[test]
fn a_new_key_is_said_by_what_comes_after() {
    let mut world = World::new(&[]);
    let old = dial_first(&mut world, "old");
    let before = world.server_id();
    world.relay.retire(before, world.now);
    world.server = old;
    let mut caller = world.caller();
    for stream in [1, 3, 5] {
        caller.say_request(stream);
    }
    world.pass(&mut caller);
    let said = world.hear_server();
    assert_eq!(said.len(), 3);
    assert_eq!(values(&said, "authorization"), ["Bearer old"]);

    let new = dial_first(&mut world, "new");
    let before = world.server_id();
    world.relay.retire(before, world.now);
    let mut old = std::mem::replace(&mut world.server, new);
    old.say_response(1, b"");
    old.say_reset(3, Reason::REFUSED_STREAM);
    old.pass(&mut world.relay, world.now);
    world.wait(Duration::from_secs(1));
    caller.say_request(7);
    world.pass(&mut caller);
    let said = world.hear_server();
    assert_eq!(said.len(), 2, "{said:?}");
    for one in &said {
        let authorization = values(std::slice::from_ref(one), "authorization");
        assert_eq!(authorization, ["Bearer new"]);
    }
    let of_old = world.hear(&mut old);
    assert!(!of_old.iter().any(|said| matches!(said, Said::Headers(..))));
}

#[test]
fn a_key_is_never_indexed_and_is_forgotten_with_its_connection() {
    let mut world = World::new(&[]);
    let before = world.server_id();
    world.relay.retire(before, world.now);
    world.server = dial_first(&mut world, "open-sesame");
    let mut caller = world.caller();
    let without = format!("{:?}", world.relay.requests);
    // Once its own copy is heard by a decoder that knows indexing, and from then on from the memo.
    let mut decoder = Decoder::new(4096);
    for stream in [1, 3, 5, 7] {
        caller.say_request(stream);
        world.pass(&mut caller);
        let output = world.relay.output(world.server.id).to_vec();
        world
            .relay
            .written(world.server.id, output.len(), world.now);
        let (head, _) = Head::read(&output).unwrap();
        let Frame::Headers(fragment) = Frame::read(head, &output[HEAD_LEN..]).unwrap() else {
            panic!("expected a request, found {head:?}");
        };
        let limits = Limits {
            size: 1 << 20,
            fields: 100,
        };
        let mut list = HeaderList::new();
        decoder.decode(fragment.bytes, limits, &mut list).unwrap();
        let field = list.iter().find(|field| field.name == b"authorization");
        let field = field.unwrap();
        assert_eq!(field.value, b"Bearer open-sesame");
        assert_eq!(field.indexing, Indexing::Never, "RFC 7541 §7.1.3");
    }
    assert_ne!(format!("{:?}", world.relay.requests), without);
    world.relay.close(world.server.id, "gone", world.now);
    assert_eq!(format!("{:?}", world.relay.requests), without);
}

#[test]
fn a_question_says_the_key_and_the_namespace() {
    let mut world = World::new(&[]);
    let mut keyed = dial_first(&mut world, "open-sesame");
    let ConnectionId::Server(id) = keyed.id else {
        unreachable!("a server is a server");
    };
    let ask = Ask {
        path: "/a/Method",
        namespace: Some("payments"),
        message: b"what",
    };
    world.relay.ask(id, ask, world.now);
    let said = world.hear(&mut keyed);
    assert_eq!(values(&said, "authorization"), ["Bearer open-sesame"]);
    assert_eq!(values(&said, "temporal-namespace"), ["payments"]);
    assert_eq!(values(&said, ":authority"), ["temporal.test:7233"]);
    keyed.say_headers(1, Ends::Yes, &[RESPONSE, &[("grpc-status", "16")]].concat());
    keyed.pass(&mut world.relay, world.now);
    let events = world.events();
    let [Event::Answered(_, answer)] = &events[..] else {
        panic!("expected an answer, found {events:?}");
    };
    assert_eq!(answer.code, Some(16));
}
