//! What breaks costs no more than it must: malformed halves, resets, refusals, goodbyes, and connections that are lost.

use super::{
    ConnectionId, Event, World,
    calls::{failed, owned, readdressed},
    peer::{Ends, Peer, REQUEST, RESPONSE, Said, TRAILERS},
};
use crate::{
    h2::{frame::MAX_STREAM, reason::Reason, settings::id},
    limits,
    relay::Loss,
};

/// What is refused was not encoded: else the tables of the other side would be out of step, and the next call be lost.
#[test]
fn a_malformed_reply_costs_one_call_and_not_its_neighbours() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    for stream in [1, 3] {
        caller.say_request(stream);
    }
    world.pass(&mut caller);
    world.hear_server();
    let trailers = &[("grpc-status", "0"), ("new-to-the-table", "x")];
    world.server.say_headers(1, Ends::Yes, trailers);
    world.server.say_response(3, b"fine");
    world.pass_server();
    let heard = world.hear(&mut caller);
    assert!(heard.contains(&Said::Headers(3, Ends::No, owned(RESPONSE))));
    assert!(heard.contains(&Said::Headers(3, Ends::Yes, owned(TRAILERS))));
    assert_eq!(world.n_calls(), 0);
}

#[test]
fn a_malformed_request_costs_one_call_and_not_its_neighbours() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let mut fields = REQUEST.to_vec();
    // Bytes that are said to come, and do not.
    fields.extend([("content-length", "5"), ("new-to-the-table", "x")]);
    caller.say_headers(1, Ends::Yes, &fields);
    caller.say_request(3);
    world.pass(&mut caller);
    let heard = world.hear_server();
    assert_eq!(heard, [Said::Headers(1, Ends::Yes, readdressed())]);
    let refused = Said::Reset(1, Reason::PROTOCOL_ERROR);
    assert_eq!(world.hear(&mut caller), [refused]);
}

#[test]
fn a_reset_of_the_server_is_passed_on() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_request(1);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_reset(1, Reason::of(77));
    world.pass_server();
    assert_eq!(world.hear(&mut caller), [Said::Reset(1, Reason::of(77))]);
    assert_eq!((world.n_calls(), world.events().len()), (0, 0));
}

/// RFC 9113 §8.1: a server that has answered may say that it does not need the rest of the request.
#[test]
fn a_reset_behind_an_answer_does_not_cost_the_answer() {
    let mut world = World::new(&[]);
    let mut caller = world.caller_with(&[(id::INITIAL_WINDOW_SIZE, 3)]);
    caller.say_headers(1, Ends::No, REQUEST);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_response(1, b"no need");
    world.server.say_reset(1, Reason::NO_ERROR);
    world.pass_server();
    let data = |bytes: &[u8]| Said::Data(1, Ends::No, bytes.to_vec());
    let response = Said::Headers(1, Ends::No, owned(RESPONSE));
    assert_eq!(world.hear(&mut caller), [response, data(b"no ")]);
    caller.say_data(1, Ends::No, b"more that nobody needs");
    caller.say_window(1, 100);
    world.pass(&mut caller);
    let trailers = Said::Headers(1, Ends::Yes, owned(TRAILERS));
    let reset = Said::Reset(1, Reason::NO_ERROR);
    assert_eq!(world.hear(&mut caller), [data(b"need"), trailers, reset]);
    assert_eq!(world.n_calls(), 0);
}

/// What is here whole is not lost because the server went on to say something else.
#[test]
fn a_whole_answer_is_passed_on_whatever_the_reset_says() {
    let mut world = World::new(&[]);
    let mut caller = world.caller_with(&[(id::INITIAL_WINDOW_SIZE, 0)]);
    caller.say_headers(1, Ends::No, REQUEST);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_response(1, b"whole");
    world.server.say_reset(1, Reason::CANCEL);
    world.pass_server();
    assert_eq!(world.hear(&mut caller).len(), 1, "the headers");
    caller.say_window(1, 100);
    world.pass(&mut caller);
    let trailers = Said::Headers(1, Ends::Yes, owned(TRAILERS));
    let data = Said::Data(1, Ends::No, b"whole".to_vec());
    let reset = Said::Reset(1, Reason::CANCEL);
    assert_eq!(world.hear(&mut caller), [data, trailers, reset]);
    assert_eq!((world.n_calls(), world.relay.tally().reset), (0, 0));
}

#[test]
fn a_refused_stream_is_sent_again_after_a_pause() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::No, b"one ");
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_reset(1, Reason::REFUSED_STREAM);
    world.pass_server();
    caller.say_data(1, Ends::Yes, b"two");
    world.pass(&mut caller);
    assert_eq!(world.hear_server(), []);
    assert_eq!(world.events(), [Event::Replayed]);
    world.wait(limits::REPLAY_PAUSE);
    let expected = [
        Said::Headers(3, Ends::No, readdressed()),
        Said::Data(3, Ends::Yes, b"one two".to_vec()),
    ];
    assert_eq!(world.hear_server(), expected);
    world.server.say_response(3, b"at last");
    world.pass_server();
    assert_eq!(world.hear(&mut caller).len(), 3);
    assert_eq!((world.n_calls(), world.relay.keep.len()), (0, 0));
}

#[test]
fn a_server_that_keeps_refusing_is_believed() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let impatient = [REQUEST, &[("grpc-timeout", "1H")]].concat();
    caller.say_headers(1, Ends::Yes, &impatient);
    world.pass(&mut caller);
    let mut n_sent = 0;
    while let Some(Said::Headers(stream, ..)) = world.hear_server().pop() {
        n_sent += 1;
        world.server.say_reset(stream, Reason::REFUSED_STREAM);
        world.pass_server();
        world.wait(limits::REPLAY_PAUSE_MAX);
    }
    assert_eq!(n_sent, limits::REPLAYS + 1);
    let answer = failed("the server kept refusing the stream");
    assert_eq!(
        world.hear(&mut caller),
        [Said::Headers(1, Ends::Yes, answer)]
    );
}

#[test]
fn a_request_too_large_to_be_kept_is_not_sent_again() {
    let mut world = World::with_open_windows();
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    let half = vec![7; limits::REPLAY_BYTES / 2 + 1];
    for _ in 0..2 {
        caller.say_data(1, Ends::No, &half);
        world.pass(&mut caller);
        while !world.hear_server().is_empty() {}
    }
    assert_eq!(world.relay.keep.len(), 0);
    world.server.say_reset(1, Reason::REFUSED_STREAM);
    world.pass_server();
    let answer = failed("the request is too large to be sent again");
    let heard = world.hear(&mut caller);
    assert!(
        heard.contains(&Said::Headers(1, Ends::Yes, answer)),
        "{heard:?}"
    );
}

/// What is sent again is what this call sent, also in memory that another call has used; and that memory counts as full.
#[test]
fn a_large_request_is_sent_again_whole() {
    let mut world = World::with_open_windows();
    let mut caller = world.caller();
    let n_bytes = limits::REPLAY_BYTES;
    let message = |filling: u8, len: usize| {
        let mut message = vec![filling; len];
        let says = u32::try_from(len - 5).unwrap().to_be_bytes();
        message.splice(..5, [&[0][..], &says].concat());
        message
    };
    for (stream, filling, len) in [(1, 1, n_bytes), (3, 2, n_bytes), (5, 3, n_bytes / 4)] {
        caller.say_headers(stream, Ends::No, REQUEST);
        let (up, again) = (2 * stream - 1, 2 * stream + 1);
        caller.say_data(stream, Ends::Yes, &message(filling, len));
        world.pass(&mut caller);
        assert_eq!(world.hear_body(up), message(filling, len));
        assert_eq!(world.relay.keep.len(), n_bytes);
        world.server.say_reset(up, Reason::REFUSED_STREAM);
        world.pass_server();
        world.wait(limits::REPLAY_PAUSE_MAX);
        assert_eq!(world.hear_body(again), message(filling, len));
        world.server.say_response(again, b"at last");
        world.pass_server();
        world.hear(&mut caller);
        assert_eq!((world.n_calls(), world.relay.keep.len()), (0, 0));
    }
}

/// The room that a message asks for counts before it is filled, is never more than may be kept, and is given back.
#[test]
fn room_that_a_message_asks_for_is_counted() {
    let mut world = World::new(&[(id::INITIAL_WINDOW_SIZE, MAX_STREAM)]);
    let mut caller = world.caller();
    let mut beginning = vec![0, 0x7f, 0xff, 0xff, 0xff];
    beginning.resize(5_000, 7);
    let n_kept = limits::REPLAY_TOTAL_BYTES / limits::REPLAY_BYTES;
    let streams: Vec<u32> = (0..=n_kept)
        .map(|n| 2 * u32::try_from(n).unwrap() + 1)
        .collect();
    for stream in &streams {
        caller.say_headers(*stream, Ends::No, REQUEST);
        caller.say_data(*stream, Ends::No, &beginning);
        world.pass(&mut caller);
        world.hear_server();
    }
    assert_eq!(world.relay.keep.len(), limits::REPLAY_TOTAL_BYTES);
    for stream in streams {
        caller.say_reset(stream, Reason::CANCEL);
    }
    world.pass(&mut caller);
    assert_eq!((world.n_calls(), world.relay.keep.len()), (0, 0));
}

/// GOAWAY in two phases and in one: what is above the last stream is sent again elsewhere, the rest finishes.
#[test]
fn a_goodbye_costs_no_call() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    for stream in [1, 3, 5] {
        caller.say_request(stream);
    }
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_go_away(MAX_STREAM);
    world.pass_server();
    assert_eq!(
        world.events(),
        [Event::Goodbye(world.server_id(), Reason::NO_ERROR)]
    );
    assert!(!world.relay.is_ready(world.upstream));
    // A call that comes now waits for the successor.
    caller.say_request(7);
    world.pass(&mut caller);
    assert_eq!(world.hear_server(), []);
    world.server.say_go_away(1);
    world.pass_server();
    let mut before = world.replace_server();
    let heard = world.hear_server();
    let opened: Vec<_> = heard
        .iter()
        .filter(|s| matches!(s, Said::Headers(..)))
        .collect();
    assert_eq!(opened.len(), 3, "{heard:?}");
    before.say_response(1, b"the first");
    world.pass(&mut before);
    let heard = world.hear(&mut caller);
    assert!(heard.contains(&Said::Data(1, Ends::No, b"the first".to_vec())));
    assert!(
        world.relay.has_ended(before.id),
        "it carries nothing any more"
    );
    let said = world.hear(&mut before);
    assert_eq!(said, [Said::GoAway(0, Reason::NO_ERROR)]);
}

/// A call that had not left when its server broke a rule is told to another; the first must never hear of it.
#[test]
fn what_had_not_left_never_leaves() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_request(1);
    world.pass(&mut caller);
    let half = 20;
    let (id, now) = (world.server.id, world.now);
    let n_bytes = world.relay.output(id).len();
    assert_eq!(world.server.hear_some(&mut world.relay, now, half), []);
    // A push, which we do not allow.
    world.server.say_raw(5, 4, 1, &[0, 0, 0, 2]);
    world.pass_server();
    assert!(n_bytes > half && world.relay.has_ended(id));
    assert!(
        world.relay.output(id).is_empty(),
        "nor the half that is left"
    );
    assert!(world.events().contains(&Event::Replayed));
    world.serve_anew();
    let again = Said::Headers(1, Ends::Yes, readdressed());
    assert_eq!(world.hear_server(), [again]);
}

/// It waits from when it is taken from its server, not from when it came.
#[test]
fn a_poll_without_a_deadline_is_sent_again_however_old_it_is() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let patient: Vec<_> = REQUEST
        .iter()
        .filter(|field| field.0 != "grpc-timeout")
        .copied()
        .collect();
    caller.say_headers(1, Ends::Yes, &patient);
    world.pass(&mut caller);
    world.hear_server();
    world.now += 6 * limits::WAIT_FOR_CONNECTION;
    world.relay.close(world.server.id, "gone", world.now);
    world.wait(limits::WAIT_FOR_CONNECTION / 2);
    assert_eq!(world.hear(&mut caller), []);
    let before = world.server.id;
    world.serve_anew();
    assert_eq!(world.hear_server().len(), 1);
    assert_ne!(world.server.id, before);
    world.relay.close(world.server.id, "gone", world.now);
    world.wait(limits::WAIT_FOR_CONNECTION);
    let answer = failed("no connection to the server within 10000 ms");
    let answer = Said::Headers(1, Ends::Yes, answer);
    assert_eq!(world.hear(&mut caller), [answer]);
}

/// RFC 9113 §5.1: the server has said its last word and heard the caller's; a reset would be one too many.
#[test]
fn a_stream_that_is_closed_is_not_reset() {
    let mut world = World::new(&[]);
    let mut caller = world.caller_with(&[(id::INITIAL_WINDOW_SIZE, 0)]);
    caller.say_request(1);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_response(1, b"unread");
    world.pass_server();
    caller.say_reset(1, Reason::CANCEL);
    world.pass(&mut caller);
    assert_eq!(world.hear_server(), []);
    assert_eq!(world.n_calls(), 0);
}

/// Proved, and gone before it could be used: whoever wanted to put it in another's place hears of it.
#[test]
fn a_server_that_says_goodbye_is_not_put_to_use() {
    let mut world = World::new(&[]);
    let next = world.relay.dial(world.upstream, None, world.now);
    let mut peer = Peer::new(ConnectionId::Server(next));
    peer.say_settings(&[]);
    peer.say_settings_ack();
    peer.say_go_away(0);
    world.pass(&mut peer);
    assert!(!world.relay.put_to_use(next, world.now));
    assert!(world.relay.is_ready(world.upstream), "the one before is");
}

#[test]
fn a_lost_connection_costs_its_calls_a_status_that_says_why() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    let path = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution";
    let mut fields = REQUEST.to_vec();
    fields[2] = (":path", path);
    caller.say_headers(1, Ends::Yes, &fields);
    caller.say_headers(3, Ends::Yes, &fields);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_headers(3, Ends::No, RESPONSE);
    world.server.say_data(3, Ends::No, b"half");
    world.pass_server();
    world.hear(&mut caller);
    let id = world.server_id();
    world
        .relay
        .close(world.server.id, "connection reset by peer", world.now);
    let whole = failed("the connection broke before the server answered: connection reset by peer");
    let rest = failed("the connection broke within the answer: connection reset by peer");
    let expected = [
        Said::Headers(1, Ends::Yes, whole),
        Said::Headers(3, Ends::Yes, rest[2..].to_vec()),
    ];
    assert_eq!(world.hear(&mut caller), expected);
    let events = world.events();
    let loss = Loss::Transport("connection reset by peer".to_owned());
    assert!(events.contains(&Event::Lost(id, loss)), "{events:?}");
    assert_eq!(events.len(), 3);
    assert!(
        !world.relay.has_ended(caller.id),
        "the caller keeps its connection"
    );
}
