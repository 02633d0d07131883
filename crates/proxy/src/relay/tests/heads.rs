//! The heads of calls are there as long as the calls are, and not much longer.

use std::collections::BTreeMap;

use super::{
    Route, World,
    calls::readdressed,
    peer::{Ends, Peer, REQUEST, Said},
    serve,
};
use crate::{
    h2::{reason::Reason, settings::id},
    limits,
};

/// Callers that trace their calls say something else in each of them.
#[test]
fn what_nobody_calls_any_more_is_forgotten_and_what_waits_is_not() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let poll = [REQUEST, &[("traceparent", "00-of-the-poll")]].concat();
    caller.say_headers(1, Ends::Yes, &poll);
    caller.say_window(0, 1_000_000);
    world.pass(&mut caller);
    let first = world.hear_server();
    let mut most = 0;
    let mut n_bytes = 0;
    for stream in (3..10_000).step_by(2) {
        let trace = format!("00-{stream:01300}");
        let fields = [REQUEST, &[("traceparent", &trace)]].concat();
        n_bytes += trace.len();
        caller.say_headers(stream, Ends::Yes, &fields);
        world.pass(&mut caller);
        assert_eq!(world.hear_server().len(), 1);
        world.server.say_response(stream, b"done");
        world.pass_server();
        world.hear(&mut caller);
        most = most.max(world.relay.heads.n_bytes());
    }
    assert_eq!(world.n_calls(), 1);
    assert!(n_bytes > 6_000_000, "{n_bytes}");
    // What the memo remembers of them, and as much again.
    assert!(most < 2_000_000, "{most}");

    world.server.say_reset(1, Reason::REFUSED_STREAM);
    world.pass_server();
    world.wait(limits::REPLAY_PAUSE);
    let mut expected = readdressed();
    let trace = ("traceparent".to_owned(), "00-of-the-poll".to_owned());
    expected.insert(expected.len() - 1, trace);
    assert_eq!(first, [Said::Headers(1, Ends::Yes, expected.clone())]);
    let [Said::Headers(_, Ends::Yes, again)] = &world.hear_server()[..] else {
        panic!("expected the poll again");
    };
    assert_eq!(*again, expected);
}

fn status(heard: &[Said], stream: u32) -> Option<&str> {
    let trailers = heard.iter().find_map(|said| {
        let Said::Headers(on, Ends::Yes, fields) = said else {
            return None;
        };
        (*on == stream).then_some(fields)
    });
    let status = trailers?.iter().find(|(name, _)| name == "grpc-status");
    status.map(|(_, status)| status.as_str())
}

/// A server that is told more than it takes may end the connection, on which everybody's calls are.
#[test]
fn what_a_server_does_not_take_it_is_not_told() {
    let mut world = World::new(&[(id::MAX_HEADER_LIST_SIZE, 8192)]);
    let mut caller = world.caller();
    let long = "x".repeat(8192);
    let too_long = [REQUEST, &[("a", &long)]].concat();
    caller.say_headers(1, Ends::Yes, &too_long);
    world.pass(&mut caller);
    assert_eq!(status(&world.hear(&mut caller), 1), Some("8"));
    assert_eq!(world.hear_server(), []);
    caller.say_request(3);
    world.pass(&mut caller);
    let expected = Said::Headers(1, Ends::Yes, readdressed());
    assert_eq!(world.hear_server(), [expected], "the tables are in step");

    // The same of one that had to wait for a server.
    caller.say_reset(3, Reason::CANCEL);
    world.pass(&mut caller);
    world.relay.close(world.server.id, "gone", world.now);
    world.events();
    caller.say_headers(5, Ends::Yes, &too_long);
    world.pass(&mut caller);
    assert_eq!(world.n_waiting(), 1);
    let next = world.relay.dial(world.upstream, None, world.now);
    let settings = [(id::MAX_HEADER_LIST_SIZE, 8192)];
    world.server = serve(&mut world.relay, next, &settings, world.now);
    assert_eq!(status(&world.hear(&mut caller), 5), Some("8"));
    assert_eq!(world.hear_server(), []);
}

/// Says a request in a short block, whose list is long and like no other: one field of 900 bytes so many times.
fn say_much(caller: &mut Peer, stream: u32, n_fields: usize) {
    let (long, trace) = ("x".repeat(900), stream.to_string());
    let many: Vec<_> = std::iter::repeat_n(("a", long.as_str()), n_fields).collect();
    let fields = [REQUEST, &[("b", trace.as_str())], &many].concat();
    caller.say_headers(stream, Ends::Yes, &fields);
}

/// A field that is in the caller's table costs a byte to say again, and as much memory here as the first time.
#[test]
fn the_headers_of_calls_that_are_open_have_a_bound() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let mut n_refused = 0;
    for nth in 0..3000 {
        let stream = 2 * nth + 1;
        say_much(&mut caller, stream, 60);
        world.pass(&mut caller);
        world.hear_server();
        n_refused += usize::from(status(&world.hear(&mut caller), stream) == Some("8"));
        assert!(world.relay.heads.n_bytes() <= limits::HEADS_BYTES);
    }
    assert!(n_refused > 1000, "{n_refused}");
    // They leave, and others come in, once it is worth looking for room.
    for nth in 0..1000 {
        caller.say_reset(2 * nth + 1, Reason::CANCEL);
    }
    world.pass(&mut caller);
    world.now += limits::SWEEP_INTERVAL;
    say_much(&mut caller, 6001, 60);
    world.pass(&mut caller);
    assert_eq!(status(&world.hear(&mut caller), 6001), None);
}

/// Where a call's namespace says where it goes, blocks are remembered that are short and say much.
#[test]
fn what_is_only_remembered_gives_way_to_calls() {
    let mut world = World::new(&[]);
    let route = Route::ByNamespace {
        namespaces: BTreeMap::new(),
        otherwise: None,
        unnamed: Some(world.upstream),
    };
    let mut caller = world.caller_at(route, &[]);
    caller.say_window(0, 1_000_000);
    let mut most = 0;
    for nth in 0..3000 {
        let stream = 2 * nth + 1;
        say_much(&mut caller, stream, 65);
        world.pass(&mut caller);
        most = most.max(world.relay.heads.n_bytes());
        assert_eq!(world.n_calls(), 1, "the call {nth} was refused");
        caller.say_reset(stream, Reason::CANCEL);
        world.pass(&mut caller);
        world.hear(&mut caller);
        let n_bytes = world.relay.output(world.server.id).len();
        world.relay.written(world.server.id, n_bytes, world.now);
    }
    assert!(most <= limits::HEADS_BYTES, "{most}");
    assert!(most > limits::HEADS_BYTES / 2, "{most}");
}
