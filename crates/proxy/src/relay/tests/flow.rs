//! Flow control from end to end: nobody is sent more than it has room for, and what waits here is bounded.

use super::{
    World,
    peer::{Ends, Peer, REQUEST, RESPONSE, Said},
};
use crate::{
    h2::{frame::MAX_STREAM, reason::Reason, settings::id},
    limits,
    relay::{Event, FailureCause},
};

/// The window that the relay gives each stream.
const WINDOW: usize = 1024 * 1024;

fn n_bytes(heard: &[Said], stream: u32) -> usize {
    let bytes = heard.iter().filter_map(|said| {
        let Said::Data(on, _, bytes) = said else {
            return None;
        };
        (*on == stream).then_some(bytes.len())
    });
    bytes.sum()
}

fn windows(heard: &[Said], stream: u32) -> u32 {
    let increments = heard.iter().filter_map(|said| {
        let Said::Window(on, increment) = said else {
            return None;
        };
        (*on == stream).then_some(*increment)
    });
    increments.sum()
}

/// A caller with a call whose response has begun.
fn answered(world: &mut World, settings: &[(u16, u32)]) -> Peer {
    let mut caller = world.caller_with(settings);
    caller.say_request(1);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_headers(1, Ends::No, RESPONSE);
    world.pass_server();
    caller
}

#[test]
fn a_writer_is_as_fast_as_its_reader() {
    let mut world = World::new(&[]);
    let mut caller = answered(&mut world, &[(id::INITIAL_WINDOW_SIZE, 1000)]);
    world.server.say_data(1, Ends::No, &vec![1; WINDOW]);
    world.pass_server();
    assert_eq!(
        windows(&world.hear_server(), 1),
        0,
        "nobody has read enough"
    );
    let heard = world.hear(&mut caller);
    assert_eq!(n_bytes(&heard, 1), 1000);
    // One byte more than the window is the server's fault, and costs it the stream.
    caller.say_window(0, 10_000_000);
    caller.say_window(1, 600_000);
    world.pass(&mut caller);
    let mut passed = 1000;
    loop {
        let heard = world.hear(&mut caller);
        if heard.is_empty() {
            break;
        }
        passed += n_bytes(&heard, 1);
    }
    assert_eq!(passed, 601_000);
    let given = windows(&world.hear_server(), 1);
    assert!((500_000..=601_000).contains(&given), "{given}");
    let too_much = vec![1; usize::try_from(given).unwrap() + 1];
    world.server.say_data(1, Ends::No, &too_much);
    world.pass_server();
    let heard = world.hear_server();
    assert!(
        heard.contains(&Said::Reset(1, Reason::FLOW_CONTROL_ERROR)),
        "{heard:?}"
    );
}

#[test]
fn a_stopped_caller_does_not_stop_the_others() {
    let mut world = World::new(&[]);
    let mut stopped = answered(&mut world, &[(id::INITIAL_WINDOW_SIZE, 0)]);
    world.server.say_data(1, Ends::No, &vec![1; WINDOW]);
    world.pass_server();
    let mut other = world.caller();
    other.say_window(0, MAX_STREAM / 2);
    for round in 0..100 {
        let (down, up) = (1 + 2 * round, 3 + 2 * round);
        other.say_request(down);
        world.pass(&mut other);
        world.hear_server();
        world.server.say_response(up, &vec![2; 60_000]);
        world.pass_server();
        let heard = world.hear(&mut other);
        assert_eq!(n_bytes(&heard, down), 60_000, "round {round}");
    }
    assert_eq!(n_bytes(&world.hear(&mut stopped), 1), 0);
}

/// A caller that has read nothing of as many answers as use its server's window up, and how many these are.
fn owed_a_window(world: &mut World) -> (Peer, u32) {
    let mut caller = world.caller_with(&[(id::INITIAL_WINDOW_SIZE, 0)]);
    let n_calls = limits::UPSTREAM_WINDOW_BYTES / limits::STREAM_WINDOW_BYTES;
    for nth in 0..n_calls {
        let stream = 1 + 2 * nth;
        caller.say_request(stream);
        world.pass(&mut caller);
        world.hear_server();
        world.server.say_headers(stream, Ends::No, RESPONSE);
        world.server.say_data(stream, Ends::No, &vec![1; WINDOW]);
        world.pass_server();
    }
    (caller, n_calls)
}

/// A server that sends faster than a caller reads uses its window up at any time; the caller is slow, and does not stand still.
#[test]
fn a_slow_caller_loses_nothing() {
    let mut world = World::new(&[]);
    let (mut slow, n_calls) = owed_a_window(&mut world);
    world.hear(&mut slow);
    for nth in 0..5 {
        world.wait(limits::SWEEP_INTERVAL);
        let stream = 1 + 2 * nth;
        slow.say_window(0, 2 * 1024 * 1024);
        slow.say_window(stream, 2 * 1024 * 1024);
        world.pass(&mut slow);
        while !world.hear(&mut slow).is_empty() {}
        let heard = world.hear_server();
        let given = windows(&heard, 0);
        assert!(given > 0, "{nth}: {heard:?}");
        // What there is room for comes at once.
        let more = usize::try_from(given).unwrap();
        world.server.say_data(stream, Ends::No, &vec![1; more]);
        world.pass_server();
    }
    assert_eq!(world.n_calls(), usize::try_from(n_calls).unwrap());
}

/// However many of its calls are answered.
#[test]
fn a_stopped_caller_does_not_stop_the_others_for_long() {
    let mut world = World::new(&[]);
    let (mut stopped, n_calls) = owed_a_window(&mut world);
    let mut other = world.caller();
    other.say_request(1);
    world.pass(&mut other);
    world.wait(limits::SWEEP_INTERVAL);
    let heard = world.hear_server();
    assert_eq!(windows(&heard, 0), 0, "it may read yet: {heard:?}");
    world.wait(limits::SWEEP_INTERVAL);
    let heard = world.hear_server();
    assert_eq!(windows(&heard, 0), limits::UPSTREAM_WINDOW_BYTES);
    let is_reset = |said: &&Said| matches!(said, Said::Reset(_, Reason::CANCEL));
    let n_calls = usize::try_from(n_calls).unwrap();
    assert_eq!(heard.iter().filter(is_reset).count(), n_calls);
    world
        .server
        .say_response(1 + 2 * u32::try_from(n_calls).unwrap(), &[2; 1000]);
    world.pass_server();
    assert_eq!(n_bytes(&world.hear(&mut other), 1), 1000);
    assert_eq!(world.n_calls(), 0);
    let told = world.events();
    let is_unread = |event: &&Event| {
        let Event::Failed { cause, .. } = event else {
            return false;
        };
        *cause == FailureCause::Unread
    };
    assert_eq!(told.iter().filter(is_unread).count(), n_calls);
    let heard = world.hear(&mut stopped);
    assert!(heard.contains(&Said::Reset(1, Reason::ENHANCE_YOUR_CALM)));
}

/// A caller that grants a huge window and does not read its socket: what waits for it is bounded all the same.
#[test]
fn what_is_not_read_is_not_written() {
    let mut world = World::new(&[]);
    let mut caller = answered(&mut world, &[(id::INITIAL_WINDOW_SIZE, MAX_STREAM)]);
    caller.say_window(0, MAX_STREAM - 65_535);
    world.pass(&mut caller);
    world.server.say_data(1, Ends::No, &vec![1; WINDOW]);
    world.pass_server();
    let waiting = world.relay.output(caller.id).len();
    assert!(waiting < limits::OUTBOX_BYTES + 20_000, "{waiting}");
    let mut n_read = 0;
    while n_read < WINDOW {
        let heard = world.hear(&mut caller);
        assert!(!heard.is_empty(), "stuck at {n_read}");
        n_read += n_bytes(&heard, 1);
    }
}

/// What waits to be written soon is; another connection would be dialled for nothing, and stay.
#[test]
fn a_server_that_is_behind_with_reading_is_not_full() {
    let mut world = World::with_open_windows();
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::No, &vec![1; limits::OUTBOX_BYTES]);
    caller.say_request(3);
    world.pass(&mut caller);
    assert_eq!(world.n_waiting(), 1, "the call behind it");
    assert!(!world.relay.is_crowded(world.upstream));
    assert!(!world.events().contains(&Event::Crowded(world.upstream)));
    let opened = |heard: &[Said]| {
        let is_head = |said: &&Said| matches!(said, Said::Headers(..));
        heard.iter().filter(is_head).count()
    };
    assert_eq!(opened(&world.hear_server()), 1);
    assert_eq!(world.n_waiting(), 0, "as soon as the rest is written");
    assert_eq!(opened(&world.hear_server()), 1);
}

/// RFC 9113 §6.9.2: a window may fall below zero, and what is given then must first fill that gap.
#[test]
fn an_initial_window_that_shrinks() {
    let mut world = World::new(&[(id::INITIAL_WINDOW_SIZE, 100)]);
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::No, &[7; 150]);
    world.pass(&mut caller);
    assert_eq!(n_bytes(&world.hear_server(), 1), 100);
    world.server.say_settings(&[(id::INITIAL_WINDOW_SIZE, 20)]);
    world.server.say_window(1, 70);
    world.pass_server();
    assert_eq!(n_bytes(&world.hear_server(), 1), 0, "the window is at -10");
    world.server.say_window(1, 30);
    world.pass_server();
    assert_eq!(n_bytes(&world.hear_server(), 1), 20);
    world
        .server
        .say_settings(&[(id::INITIAL_WINDOW_SIZE, 1000)]);
    world.pass_server();
    assert_eq!(n_bytes(&world.hear_server(), 1), 30);
}

#[test]
fn frames_are_as_long_as_the_receiver_likes() {
    let mut world = World::new(&[(id::MAX_FRAME_SIZE, 50_000), (id::INITIAL_WINDOW_SIZE, 0)]);
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::Yes, &vec![7; 60_000]);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_window(1, 60_000);
    world.pass_server();
    let lengths: Vec<_> = world
        .server
        .hear_lengths(&mut world.relay, world.now)
        .collect();
    assert_eq!(lengths, [50_000, 10_000]);
}

/// A call that waited for room on a connection is sent again over another, where there is room.
#[test]
fn a_replay_does_not_wait_for_the_connection_before() {
    let mut world = World::new(&[(id::INITIAL_WINDOW_SIZE, MAX_STREAM)]);
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::Yes, &vec![7; 80_000]);
    world.pass(&mut caller);
    assert_eq!(n_bytes(&world.hear_server(), 1), 65_535);
    world.server.say_go_away(0);
    world.pass_server();
    world.replace_server();
    world.server.say_window(1, 100_000);
    world.pass_server();
    assert_eq!(n_bytes(&world.hear_server(), 1), 65_535);
    world.server.say_window(0, 100_000);
    world.pass_server();
    assert_eq!(n_bytes(&world.hear_server(), 1), 80_000 - 65_535);
}

/// A caller is given room for what it sent once, however often that is sent: two more times would be worth a `WINDOW_UPDATE`.
#[test]
fn replayed_bytes_are_not_paid_for_twice() {
    let mut world = World::with_open_windows();
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_data(1, Ends::No, &vec![7; limits::REPLAY_BYTES]);
    world.pass(&mut caller);
    for stream in [1, 3, 5] {
        assert_eq!(world.hear_body(stream).len(), limits::REPLAY_BYTES);
        assert_eq!(windows(&world.hear(&mut caller), 1), 0);
        world.server.say_reset(stream, Reason::REFUSED_STREAM);
        world.pass_server();
        world.wait(limits::REPLAY_PAUSE_MAX);
    }
    // What it sends now it has sent once, and is given room for both.
    while !world.hear_server().is_empty() {}
    caller.say_data(1, Ends::No, &vec![7; WINDOW / 2 - limits::REPLAY_BYTES]);
    world.pass(&mut caller);
    while !world.hear_server().is_empty() {}
    let given = windows(&world.hear(&mut caller), 1);
    assert_eq!(usize::try_from(given).unwrap(), WINDOW / 2);
}
