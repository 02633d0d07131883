//! What is allowed once and not without an end.

use super::{Cost, PRIORITY, caller, server};
use crate::{
    h2::reason::Reason,
    limits,
    relay::tests::{
        World,
        peer::{Ends, Peer, REQUEST, RESPONSE},
    },
};

#[test]
fn floods_end() {
    let calm = Cost::Connection(Reason::ENHANCE_YOUR_CALM);
    let flood = |what: &str, say: &dyn Fn(&mut Peer, u32)| {
        let say = |peer: &mut Peer| (0..20_000).for_each(|n| say(peer, 5 + 2 * n));
        caller(what, say, &calm);
    };
    flood("PING", &|peer, _| peer.say_ping([0; 8]));
    flood("SETTINGS", &|peer, _| peer.say_settings(&[]));
    flood("empty DATA", &|peer, _| peer.say_data(1, Ends::No, b""));
    flood("PRIORITY", &|peer, _| peer.say_raw(PRIORITY, 0, 1, &[0; 5]));
    flood("rapid reset", &|peer, stream| {
        peer.say_request(stream);
        peer.say_reset(stream, Reason::CANCEL);
    });
    flood("resets that are provoked", &|peer, stream| {
        peer.say_headers(stream, Ends::No, REQUEST);
        peer.say_window(stream, 0);
    });
    flood("streams that are refused", &|peer, stream| {
        peer.say_request(stream);
    });
    flood("malformed requests", &|peer, stream| {
        peer.say_headers(stream, Ends::Yes, &[(":method", "x")]);
    });
}

/// A caller that asks and asks and reads nothing is given up, with what it did not read.
#[test]
fn answers_that_are_not_read_have_a_bound() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let long = "x".repeat(60_000);
    let trailers = [(":status", "200"), ("grpc-status", "0"), ("a", &long)];
    for call in 0..400 {
        let stream = 1 + 2 * call;
        caller.say_request(stream);
        world.pass(&mut caller);
        world.hear_server();
        world.server.say_headers(stream, Ends::Yes, &trailers);
        world.pass_server();
        if world.relay.has_ended(caller.id) {
            break;
        }
    }
    assert!(world.relay.is_given_up(caller.id));
    assert!(!world.relay.has_ended(world.server.id));
    world.relay.close(caller.id, "given up", world.now);
    assert_eq!(world.n_calls(), 0);
}

#[test]
fn headers_have_a_bound() {
    let long = |most: u32| "x".repeat(usize::try_from(most).unwrap());
    let too_long = long(limits::REQUEST_HEADER_BYTES);
    let request = [REQUEST, &[("a", &too_long)]].concat();
    let cost = Cost::Stream(5, Reason::ENHANCE_YOUR_CALM);
    caller(
        "§6.5.2",
        |peer| peer.say_headers(5, Ends::Yes, &request),
        &cost,
    );
    let too_long = long(limits::RESPONSE_HEADER_BYTES);
    let response = [RESPONSE, &[("a", &too_long)]].concat();
    let cost = Cost::Stream(1, Reason::ENHANCE_YOUR_CALM);
    server(
        "§6.5.2",
        |peer| peer.say_headers(1, Ends::Yes, &response),
        &cost,
    );
}
