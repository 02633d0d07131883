//! The life of a call: there, back, again. What breaks on the way is in [`super::losses`].

use std::time::Duration;

use super::{
    Event, World,
    peer::{Ends, REQUEST, RESPONSE, Said, TRAILERS},
    serve,
};
use crate::{
    h2::{frame::MAX_STREAM, reason::Reason, settings::id},
    limits,
    relay::{Answer, Ask, ConnectionId},
};

pub(super) fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    fields.iter().map(owned).collect()
}

/// What the server is to hear of [`REQUEST`].
pub(super) fn readdressed() -> Vec<(String, String)> {
    let mut fields = owned(&[
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", "temporal.test:7233"),
    ]);
    fields.extend(owned(&REQUEST[2..3]));
    fields.extend(owned(&REQUEST[4..6]));
    // The deadline comes last.
    fields.extend(owned(&REQUEST[7..]));
    fields.extend(owned(&REQUEST[6..7]));
    fields
}

/// The answer of the proxy itself to a call that it could not carry.
pub(super) fn failed(why: &str) -> Vec<(String, String)> {
    owned(&[
        (":status", "200"),
        ("content-type", "application/grpc"),
        ("grpc-status", "14"),
        ("grpc-message", &format!("newleaf-proxy: {why}")),
    ])
}

#[test]
fn there_and_back_again_and_again() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    // From the memo from the second on; streams are numbered on each side by itself.
    for round in 0..5 {
        let (down, up) = (7 + 4 * round, 1 + 2 * round);
        caller.say_headers(down, Ends::No, REQUEST);
        caller.say_data(down, Ends::Yes, b"hello");
        world.pass(&mut caller);
        let expected = [
            Said::Headers(up, Ends::No, readdressed()),
            Said::Data(up, Ends::Yes, b"hello".to_vec()),
        ];
        assert_eq!(world.hear_server(), expected);
        world.server.say_response(up, b"olleh");
        world.pass_server();
        let expected = [
            Said::Headers(down, Ends::No, owned(RESPONSE)),
            Said::Data(down, Ends::No, b"olleh".to_vec()),
            Said::Headers(down, Ends::Yes, owned(TRAILERS)),
        ];
        assert_eq!(world.hear(&mut caller), expected);
        assert_eq!((world.n_calls(), world.caller_streams(&caller)), (0, 0));
    }
    // However often it answers, that it does is told once.
    assert_eq!(world.events(), [Event::Served(world.server_id())]);
}

#[test]
fn many_callers_share_a_connection() {
    let mut world = World::new(&[]);
    let mut callers: Vec<_> = (0..20).map(|_| world.caller()).collect();
    for caller in &mut callers {
        caller.say_request(1);
        world.pass(caller);
    }
    let heard = world.hear_server();
    let opened: Vec<_> = (0..20).map(|n| 1 + 2 * n).collect();
    let streams: Vec<_> = heard
        .iter()
        .map(|said| {
            let Said::Headers(stream, Ends::Yes, _) = said else {
                panic!("expected a request, found {said:?}");
            };
            *stream
        })
        .collect();
    assert_eq!(streams, opened);
    for (caller, stream) in callers.iter_mut().zip(streams).rev() {
        world.server.say_response(stream, &stream.to_be_bytes());
        world.pass_server();
        let heard = world.hear(caller);
        assert!(heard.contains(&Said::Data(1, Ends::No, stream.to_be_bytes().to_vec())));
    }
}

#[test]
fn a_call_that_is_taken_back() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_reset(1, Reason::CANCEL);
    world.pass(&mut caller);
    assert_eq!(world.hear_server()[1..], [Said::Reset(1, Reason::CANCEL)]);
    // An answer that was on its way goes nowhere, and harms nothing.
    world.server.say_response(1, b"late");
    world.pass_server();
    assert_eq!(world.hear(&mut caller), []);
    assert_eq!(world.hear_server(), []);
    assert_eq!(world.n_calls(), 0);
}

#[test]
fn a_caller_that_goes_takes_its_calls_back() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let mut other = world.caller();
    caller.say_request(1);
    caller.say_request(3);
    world.pass(&mut caller);
    other.say_request(1);
    world.pass(&mut other);
    world.hear_server();
    world.relay.close(caller.id, "gone", world.now);
    let cancelled = [1, 3].map(|stream| Said::Reset(stream, Reason::CANCEL));
    assert_eq!(world.hear_server(), cancelled);
    assert_eq!(world.n_calls(), 1);
}

#[test]
fn without_a_server_a_call_waits_as_long_as_it_says() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    world.relay.retire(world.server_id(), world.now);
    let patient = [&REQUEST[..6], &[("grpc-timeout", "3S")]].concat();
    caller.say_headers(1, Ends::Yes, &patient);
    caller.say_headers(3, Ends::Yes, &REQUEST[..6]);
    world.pass(&mut caller);
    world.wait(Duration::from_millis(2999));
    assert_eq!(world.hear(&mut caller), []);
    world.wait(Duration::from_millis(1));
    let answer = failed("no connection to the server within 3000 ms");
    assert_eq!(
        world.hear(&mut caller),
        [Said::Headers(1, Ends::Yes, answer)]
    );
    world.wait(Duration::from_secs(7));
    let answer = failed("no connection to the server within 10000 ms");
    assert_eq!(
        world.hear(&mut caller),
        [Said::Headers(3, Ends::Yes, answer)]
    );
    assert_eq!(world.n_calls(), 0);
}

/// Calls that come and go while there is no server leave nothing behind.
#[test]
fn the_queue_does_not_grow_by_calls_that_are_gone() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    world.relay.retire(world.server_id(), world.now);
    for call in 0..5000 {
        let stream = 1 + 2 * call;
        caller.say_request(stream);
        caller.say_reset(stream, Reason::CANCEL);
        world.pass(&mut caller);
    }
    assert!(world.n_waiting() < 10, "{}", world.n_waiting());
    assert_eq!(world.n_calls(), 0);
}

#[test]
fn the_servers_limit_of_streams_is_kept() {
    let mut world = World::new(&[(id::MAX_CONCURRENT_STREAMS, 2)]);
    let mut caller = world.caller();
    for stream in [1, 3, 5, 7] {
        caller.say_request(stream);
    }
    world.pass(&mut caller);
    assert_eq!(world.hear_server().len(), 2);
    assert!(world.events().contains(&Event::Crowded(world.upstream)));
    assert!(world.relay.is_crowded(world.upstream));
    for stream in [1, 3, 5, 7] {
        world.server.say_response(stream, b"");
        world.pass_server();
        let n_opened = world.hear_server().len();
        assert_eq!(
            n_opened,
            usize::from(stream < 5),
            "first come, first served"
        );
    }
    assert_eq!(world.n_calls(), 0);
}

/// What many calls asked for is not needed by few.
#[test]
fn a_connection_is_to_spare_where_none_has_been_busy() {
    let mut world = World::new(&[(id::MAX_CONCURRENT_STREAMS, 4)]);
    let mut caller = world.caller();
    assert!(
        !world.relay.has_one_to_spare(world.upstream),
        "the only one"
    );
    for stream in [1, 3, 5, 7] {
        caller.say_request(stream);
    }
    world.pass(&mut caller);
    let first = world.server_id();
    let second = world.relay.dial(world.upstream, None, world.now);
    let settings = [(id::MAX_CONCURRENT_STREAMS, 4)];
    serve(&mut world.relay, second, &settings, world.now);
    assert!(!world.relay.has_one_to_spare(world.upstream), "four calls");
    for stream in [1, 3, 5, 7] {
        world.server.say_response(stream, b"");
    }
    world.pass_server();
    assert!(!world.relay.has_one_to_spare(world.upstream), "four before");
    world.relay.retire(first, world.now);
    let third = world.relay.dial(world.upstream, None, world.now);
    serve(&mut world.relay, third, &settings, world.now);
    caller.say_request(9);
    world.pass(&mut caller);
    assert!(world.relay.has_one_to_spare(world.upstream), "one on each");
    for stream in [11, 13, 15] {
        caller.say_request(stream);
    }
    world.pass(&mut caller);
    assert!(!world.relay.has_one_to_spare(world.upstream), "two on each");
}

#[test]
fn questions_of_our_own_are_answered() {
    let mut world = World::new(&[]);
    let id = world.server_id();
    let ask = Ask {
        path: "/a/Method",
        namespace: None,
        message: b"what",
    };
    world.relay.ask(id, ask, world.now);
    let heard = world.hear_server();
    let [
        Said::Headers(1, Ends::No, fields),
        Said::Data(1, Ends::Yes, asked),
    ] = &heard[..]
    else {
        panic!("expected a question, found {heard:?}");
    };
    assert!(fields.contains(&(":path".to_owned(), "/a/Method".to_owned())));
    assert_eq!(asked, b"what");
    world.server.say_headers(1, Ends::No, RESPONSE);
    world.server.say_data(1, Ends::No, b"that");
    let trailers = [("grpc-status", "7"), ("grpc-message", "not you")];
    world.server.say_headers(1, Ends::Yes, &trailers);
    world.pass_server();
    let answer = Answer {
        code: Some(7),
        message: "not you".to_owned(),
        http_status: Some("200".to_owned()),
    };
    assert_eq!(world.events(), [Event::Answered(id, answer)]);
}

/// RFC 9113 §6.8: announced first, so that no call is lost that was on its way.
#[test]
fn a_shutdown_lets_calls_finish() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_request(1);
    world.pass(&mut caller);
    world.hear_server();
    world.relay.shut_down(world.now);
    let announced = [Said::GoAway(MAX_STREAM, Reason::NO_ERROR), Said::Ping];
    assert_eq!(world.hear(&mut caller), announced);
    caller.say_request(3);
    caller.say_pong();
    world.pass(&mut caller);
    assert_eq!(world.hear_server().len(), 1, "it was on its way");
    assert_eq!(world.hear(&mut caller), [Said::GoAway(3, Reason::NO_ERROR)]);
    // This was too, but comes too late, with all that belongs to it. Its room on the connection is given back.
    caller.say_headers(5, Ends::No, REQUEST);
    for _ in 0..3 {
        caller.say_data(5, Ends::No, &vec![7; 1 << 20]);
    }
    caller.say_window(5, 1);
    caller.say_reset(5, Reason::CANCEL);
    world.pass(&mut caller);
    let given = limits::DOWNSTREAM_WINDOW_BYTES / 2;
    assert_eq!(
        world.hear(&mut caller),
        [
            Said::Reset(5, Reason::REFUSED_STREAM),
            Said::Window(0, given)
        ]
    );
    for stream in [1, 3] {
        assert!(!world.relay.has_ended(caller.id));
        world.server.say_response(stream, b"");
        world.pass_server();
    }
    assert!(world.relay.has_ended(caller.id));
}

/// What several callers say leaves together, unless it is so much that the kernel had better have it.
#[test]
fn a_server_is_not_told_before_all_callers_are_read() {
    let mut world = World::with_open_windows();
    let mut caller = world.caller();
    world.hear_server();
    while world.relay.next_touched().is_some() {}
    let server = world.server.id;
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::No, &[7; 2 * limits::WORTH_A_WRITE_BYTES]);
    world.pass(&mut caller);
    assert_eq!(due(&mut world), []);
    assert_eq!(world.relay.next_to_tell(), None);
    assert_eq!(world.relay.next_touched(), Some(server), "in its own turn");
    caller.say_data(1, Ends::No, &vec![7; limits::MUCH_BYTES]);
    world.pass(&mut caller);
    assert_eq!(world.relay.next_to_tell(), Some(server));
    assert_eq!(world.relay.next_to_tell(), None, "it was told of");
    assert!(world.relay.output(server).len() > limits::MUCH_BYTES);
    assert_eq!(world.relay.next_touched(), None, "and has been looked at");
}

/// The answers for one caller are passed on before those for the next are relayed, if they are worth a write and callers are
/// few.
#[test]
fn a_caller_is_told_before_the_next_ones_answers_are_heard() {
    const ENOUGH: usize = limits::WORTH_A_WRITE_BYTES;
    let few = limits::FEW_CALLERS - 2;
    for (n_bytes, n_others, is_worth_it) in [
        (ENOUGH, 0, true),
        (ENOUGH, few, true),
        (ENOUGH, few + 1, false),
        (100, 0, false),
    ] {
        let mut world = World::new(&[]);
        let (mut first, mut second) = (world.caller(), world.caller());
        let _others: Vec<_> = (0..n_others).map(|_| world.caller()).collect();
        for caller in [&mut first, &mut second] {
            caller.say_request(1);
            world.pass(caller);
        }
        world.hear_server();
        while world.relay.next_touched().is_some() {}
        world.server.say_response(1, &vec![1; n_bytes]);
        world.server.say_response(3, b"second");
        let speech = std::mem::take(&mut world.server.speech);
        let server = world.server.id;
        let rest = world.relay.receive_some(server, &speech, world.now);
        assert_eq!(!rest.is_empty(), is_worth_it);
        let expected = if is_worth_it { vec![first.id] } else { vec![] };
        assert_eq!(due(&mut world), expected);
        world.relay.receive(server, rest, world.now);
        let bodies = [vec![1; n_bytes], b"second".to_vec()];
        for (caller, body) in [&mut first, &mut second].into_iter().zip(bodies) {
            let expected = [
                Said::Headers(1, Ends::No, owned(RESPONSE)),
                Said::Data(1, Ends::No, body),
                Said::Headers(1, Ends::Yes, owned(TRAILERS)),
            ];
            assert_eq!(world.hear(caller), expected);
        }
    }
}

/// Everybody who is to be told at once.
fn due(world: &mut World) -> Vec<ConnectionId> {
    std::iter::from_fn(|| world.relay.next_due()).collect()
}
