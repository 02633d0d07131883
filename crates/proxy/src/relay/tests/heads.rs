//! The heads of calls are there as long as the calls are, and not much longer.

use super::{
    World,
    calls::readdressed,
    peer::{Ends, REQUEST, Said},
};
use crate::{h2::reason::Reason, limits};

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
