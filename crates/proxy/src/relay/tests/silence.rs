//! Connections that break or fall silent, and which calls survive that.

use super::{
    Event, World,
    peer::{Ends, Peer, REQUEST, Said},
};
use crate::{h2::reason::Reason, limits, relay::Loss};

/// A question for a sign of life.
fn question() -> Said {
    Said::Settings(Vec::new())
}

/// The paths of the requests that were heard.
fn paths(said: &[Said]) -> Vec<&str> {
    let mut paths = Vec::new();
    for said in said {
        if let Said::Headers(_, _, fields) = said {
            let path = fields.iter().find(|(name, _)| name == ":path");
            paths.extend(path.map(|(_, path)| path.as_str()));
        }
    }
    paths
}

fn say_method(caller: &mut Peer, stream: u32, path: &str) {
    let mut fields = REQUEST.to_vec();
    fields[2] = (":path", path);
    caller.say_headers(stream, Ends::Yes, &fields);
}

/// A world whose server, after a silence, is asked whether it lives, and its caller, who waits for answers on these streams.
fn asked(streams: &[u32]) -> (World, Peer) {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    for &stream in streams {
        say_method(&mut caller, stream, RESPOND);
    }
    world.pass(&mut caller);
    world.hear_server();
    world.wait(limits::QUIET);
    assert_eq!(world.hear_server(), [question()]);
    (world, caller)
}

const RESPOND: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/RespondWorkflowTaskCompleted";
const DESCRIBE: &str = "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace";

#[test]
fn calls_are_held_back_while_a_question_is_open() {
    let (mut world, mut caller) = asked(&[1]);
    say_method(&mut caller, 3, RESPOND);
    world.pass(&mut caller);
    assert_eq!(world.hear_server(), []);
    assert!(
        !world.relay.is_crowded(world.upstream),
        "no further connection is wanted"
    );
    world.server.say_settings_ack();
    world.pass_server();
    assert_eq!(paths(&world.hear_server()), [RESPOND]);
    assert!(!world.events().iter().any(|e| matches!(e, Event::Lost(..))));
}

/// The socket takes what it has room for, whether anybody lives behind it or not.
#[test]
fn what_is_said_to_a_silent_server_is_no_sign_of_life() {
    let (mut world, mut caller) = asked(&[1, 3, 5, 7, 9]);
    for stream in [3, 5] {
        caller.say_reset(stream, Reason::CANCEL);
        world.pass(&mut caller);
        assert_eq!(world.hear_server().len(), 1);
        world.wait(limits::DOUBT / 2);
    }
    assert!(world.relay.is_doubted(world.server_id()));
    let before = world.replace_server();
    for stream in [7, 9] {
        caller.say_reset(stream, Reason::CANCEL);
        world.pass(&mut caller);
        let n_bytes = world.relay.output(before.id).len();
        assert!(n_bytes > 0);
        world.relay.written(before.id, n_bytes, world.now);
        world.wait(limits::SILENCE / 2);
    }
    assert!(world.relay.has_ended(before.id));
}

/// However long it takes, what moves is not given up.
#[test]
fn a_large_request_on_a_slow_way_is_not_silence() {
    let (mut world, mut caller) = asked(&[1]);
    let slow = world.server.id;
    world.wait(limits::DOUBT);
    let mut before = world.replace_server();
    for _ in 0..10 {
        world.wait(limits::SILENCE / 2);
        world.relay.moved(slow, world.now);
    }
    assert!(!world.relay.has_ended(slow));
    before.say_response(1, b"at last");
    world.pass(&mut before);
    assert_eq!(world.hear(&mut caller).len(), 3);
}

#[test]
fn a_successor_takes_the_calls_of_a_connection_in_doubt() {
    let (mut world, mut caller) = asked(&[1]);
    say_method(&mut caller, 3, RESPOND);
    world.pass(&mut caller);
    world.wait(limits::DOUBT);
    let doubted = world.server_id();
    let told = world.events();
    assert!(told.iter().any(|event| matches!(event, Event::Doubted(_))));
    assert!(world.relay.is_doubted(doubted));
    let mut before = world.replace_server();
    assert_eq!(
        paths(&world.hear_server()),
        [RESPOND],
        "the one that was held back"
    );
    // It comes back: what it carries is answered there.
    before.say_response(1, b"late, not lost");
    world.pass(&mut before);
    let heard = world.hear(&mut caller);
    assert!(heard.contains(&Said::Data(1, Ends::No, b"late, not lost".to_vec())));
}

#[test]
fn what_only_asks_is_asked_again_and_nothing_else() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    say_method(&mut caller, 1, RESPOND);
    say_method(&mut caller, 3, DESCRIBE);
    caller.say_request(5);
    world.pass(&mut caller);
    assert_eq!(world.hear_server().len(), 3);
    world.relay.close(world.server.id, "cut", world.now);
    let [Said::Headers(1, Ends::Yes, failure)] = &world.hear(&mut caller)[..] else {
        panic!("expected the one call to fail that may have been processed");
    };
    assert!(failure.contains(&("grpc-status".to_owned(), "14".to_owned())));
    world.events();
    world.serve_anew();
    let heard = world.hear_server();
    assert_eq!(paths(&heard), [DESCRIBE, REQUEST[2].1]);
}

#[test]
fn a_request_that_brings_servers_down_does_not_bring_them_all_down() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    say_method(&mut caller, 1, DESCRIBE);
    world.pass(&mut caller);
    let mut n_sent = 0;
    while world.n_calls() > 0 {
        n_sent += paths(&world.hear_server()).len();
        world.relay.close(world.server.id, "crashed", world.now);
        world.events();
        world.serve_anew();
    }
    assert_eq!(n_sent, usize::try_from(limits::REPEATS).unwrap() + 1);
    assert_eq!(world.hear(&mut caller).len(), 1);
}

/// A server that finds fault with what it is told finds it again in what it is told again.
#[test]
fn a_request_over_which_servers_say_goodbye_is_repeated_once() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    say_method(&mut caller, 1, DESCRIBE);
    world.pass(&mut caller);
    for _ in 0..2 {
        assert_eq!(paths(&world.hear_server()), [DESCRIBE]);
        world.server.say_go_away_over(1, Reason::PROTOCOL_ERROR);
        world.pass_server();
        let goodbye = Event::Goodbye(world.server_id(), Reason::PROTOCOL_ERROR);
        assert!(world.events().contains(&goodbye));
        world.relay.close(world.server.id, "closed", world.now);
        world.events();
        world.serve_anew();
    }
    assert_eq!(world.hear_server(), []);
    let [Said::Headers(1, Ends::Yes, failure)] = &world.hear(&mut caller)[..] else {
        panic!("expected the call to fail");
    };
    let (_, why) = failure
        .iter()
        .find(|(name, _)| name == "grpc-message")
        .unwrap();
    assert!(
        why.ends_with("closed, after GOAWAY with PROTOCOL_ERROR"),
        "{why}"
    );
}

/// What did not leave us whole cannot have been processed, whatever the method does.
#[test]
fn what_was_not_written_is_sent_elsewhere() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    for stream in [1, 3, 5] {
        say_method(&mut caller, stream, RESPOND);
    }
    world.pass(&mut caller);
    // The second headers leave but for their last byte.
    let id = world.server.id;
    let whole = world.relay.output(id).len();
    let mut second = 0;
    for _ in 0..2 {
        let rest = &world.relay.output(id)[second..];
        let (head, _) = crate::h2::frame::Head::read(rest).unwrap();
        second += crate::h2::frame::HEAD_LEN + usize::try_from(head.length()).unwrap();
    }
    assert!(second < whole);
    world.relay.written(id, second - 1, world.now);
    world.relay.close(id, "cut", world.now);
    let heard = world.hear(&mut caller);
    assert!(
        matches!(heard[..], [Said::Headers(1, Ends::Yes, _)]),
        "{heard:?}"
    );
    world.events();
    world.serve_anew();
    assert_eq!(paths(&world.hear_server()), [RESPOND, RESPOND]);
}

#[test]
fn a_call_that_waited_tells_what_is_left_of_its_deadline() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    world.relay.close(world.server.id, "cut", world.now);
    caller.say_request(1);
    world.pass(&mut caller);
    world.wait(limits::WAIT_FOR_CONNECTION);
    world.events();
    world.serve_anew();
    let heard = world.hear_server();
    let [Said::Headers(1, Ends::Yes, fields)] = &heard[..] else {
        panic!("expected the call, found {heard:?}");
    };
    let left = ("grpc-timeout".to_owned(), "60000m".to_owned());
    assert!(fields.contains(&left), "{fields:?}");
    assert_eq!(fields.len(), REQUEST.len());
}

#[test]
fn a_call_that_waits_in_vain_is_told_why() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    world.relay.close(world.server.id, "cut", world.now);
    caller.say_headers(1, Ends::Yes, &REQUEST[..6]);
    world.pass(&mut caller);
    world.relay.note_trouble(world.upstream, "nobody at home");
    world.wait(limits::WAIT_FOR_CONNECTION);
    let heard = world.hear(&mut caller);
    let [Said::Headers(1, Ends::Yes, fields)] = &heard[..] else {
        panic!("expected a failure, found {heard:?}");
    };
    let why = "newleaf-proxy: no connection to the server within 10000 ms: nobody at home";
    assert!(
        fields.contains(&("grpc-message".to_owned(), why.to_owned())),
        "{fields:?}"
    );
}

#[test]
fn a_silent_server_is_given_up() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    world.wait(limits::KEEPALIVE_INTERVAL);
    assert_eq!(world.hear_server(), [Said::Ping]);
    world.server.say_pong();
    world.pass_server();
    world.wait(limits::KEEPALIVE_INTERVAL);
    assert_eq!(world.hear_server(), [Said::Ping]);
    world.server.say_pong();
    world.pass_server();
    say_method(&mut caller, 1, RESPOND);
    world.pass(&mut caller);
    world.wait(limits::QUIET);
    assert_eq!(world.hear_server().len(), 2, "the call and a question");
    world.wait(limits::KEEPALIVE_TIMEOUT);
    let id = world.server_id();
    let events = world.events();
    assert!(
        events.contains(&Event::Lost(id, Loss::Silence)),
        "{events:?}"
    );
    assert!(world.relay.has_ended(world.server.id));
    assert_eq!(world.hear(&mut caller).len(), 1, "the call is failed");
}
