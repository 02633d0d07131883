//! Whatever the order in which bytes of two callers and a server come and go, and wherever they are cut: every call gets its
//! own bytes, all of them, in order. And whatever a peer says, the relay lives, and what it holds is bounded.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::{
    World,
    peer::{Ends, Peer, REQUEST, RESPONSE, Said, TRAILERS},
};
use crate::{
    h2::{frame::MAX_STREAM, reason::Reason, settings::id},
    limits,
    relay::{Ask, ConnectionId},
};

/// One step: at which connection, how many bytes the peer's words move, how many of the relay's.
type Step = (usize, usize, usize);

/// What a caller has heard.
#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    has_response: bool,
    has_ended: bool,
}

fn body(caller: usize, call: usize, len: usize) -> Vec<u8> {
    let seed = caller * 31 + call * 7;
    (0..len)
        .map(|n| u8::try_from((n + seed) % 251).unwrap())
        .collect()
}

fn stream(call: usize) -> u32 {
    u32::try_from(call * 2 + 1).unwrap()
}

/// A server that sends back what it is sent, as it comes.
fn echo(server: &mut Peer, heard: Vec<Said>) {
    for said in heard {
        match said {
            Said::Headers(stream, _, _) => server.say_headers(stream, Ends::No, RESPONSE),
            Said::Data(stream, ends, bytes) => {
                let n_bytes = u32::try_from(bytes.len()).unwrap();
                if n_bytes > 0 {
                    server.say_data(stream, Ends::No, &bytes);
                    server.say_window(0, n_bytes);
                }
                match ends {
                    Ends::Yes => server.say_headers(stream, Ends::Yes, TRAILERS),
                    Ends::No if n_bytes > 0 => server.say_window(stream, n_bytes),
                    Ends::No => {}
                }
            }
            Said::Window(..) | Said::SettingsAck => {}
            Said::Settings(_) | Said::Reset(..) | Said::GoAway(..) | Said::Ping | Said::Pong(_) => {
                panic!("expected no such frame at the server: {said:?}")
            }
        }
    }
}

/// A caller that takes what comes.
fn take(caller: &mut Peer, heard: Vec<Said>, calls: &mut BTreeMap<u32, Heard>) {
    for said in heard {
        match said {
            Said::Headers(stream, Ends::No, _) => {
                calls.get_mut(&stream).unwrap().has_response = true;
            }
            Said::Headers(stream, Ends::Yes, _) => {
                calls.get_mut(&stream).unwrap().has_ended = true;
            }
            Said::Data(stream, Ends::No, bytes) => {
                let call = calls.get_mut(&stream).unwrap();
                assert!(call.has_response && !call.has_ended);
                let n_bytes = u32::try_from(bytes.len()).unwrap();
                caller.say_window(0, n_bytes);
                caller.say_window(stream, n_bytes);
                call.bytes.extend(bytes);
            }
            Said::Window(..) | Said::SettingsAck => {}
            Said::Settings(_)
            | Said::Data(_, Ends::Yes, _)
            | Said::Reset(..)
            | Said::GoAway(..)
            | Said::Ping
            | Said::Pong(_) => panic!("expected no such frame at a caller: {said:?}"),
        }
    }
}

fn every_call_gets_its_own(lens: [&[usize]; 2], windows: [u32; 3], steps: &[Step]) {
    let setting = |window| [(id::INITIAL_WINDOW_SIZE, window)];
    let mut world = World::new(&setting(windows[0]));
    let mut callers = [1, 2].map(|n: usize| world.caller_with(&setting(windows[n])));
    let mut calls = [0, 1].map(|_| BTreeMap::new());
    for (number, caller) in callers.iter_mut().enumerate() {
        for (call, len) in lens[number].iter().enumerate() {
            caller.say_headers(stream(call), Ends::No, REQUEST);
            caller.say_data(stream(call), Ends::Yes, &body(number, call, *len));
            calls[number].insert(stream(call), Heard::default());
        }
    }
    let is_done = |calls: &[BTreeMap<u32, Heard>; 2]| {
        let mut calls = calls.iter().flat_map(BTreeMap::values);
        calls.all(|call| call.has_ended)
    };
    let mut n_steps = 0;
    for (connection, n_passed, n_heard) in steps.iter().cycle() {
        if is_done(&calls) {
            break;
        }
        n_steps += 1;
        assert!(n_steps < 200_000, "nothing moves any more");
        let now = world.now;
        if let Some(caller) = callers.get_mut(*connection) {
            caller.pass_some(&mut world.relay, now, *n_passed);
            let heard = caller.hear_some(&mut world.relay, now, *n_heard);
            take(caller, heard, &mut calls[*connection]);
        } else {
            world.server.pass_some(&mut world.relay, now, *n_passed);
            let heard = world.server.hear_some(&mut world.relay, now, *n_heard);
            echo(&mut world.server, heard);
        }
    }
    for (number, calls) in calls.iter().enumerate() {
        for (call, len) in lens[number].iter().enumerate() {
            let heard = &calls[&stream(call)];
            assert!(
                heard.bytes == body(number, call, *len),
                "caller {number}, call {call}"
            );
        }
    }
    assert_eq!((world.n_calls(), world.relay.keep.len()), (0, 0));
}

/// A frame that may or may not make sense.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let stream = prop_oneof![Just(0), 1u32..12, Just(MAX_STREAM)];
    let payload = prop_oneof![
        vec(any::<u8>(), 0..20),
        Just(b"\x83\x86\x44\x01/\x41\x01a".to_vec()),
        Just(vec![0x88]),
        Just(vec![0, 0, 0, 1]),
        Just(vec![0; 4]),
        Just(vec![0, 4, 0, 0, 0, 9]),
    ];
    let flags = prop_oneof![Just(0u8), Just(4), Just(5), Just(1), any::<u8>()];
    (0u8..11, flags, stream, payload).prop_map(|(kind, flags, stream, payload)| {
        let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![a, b, c, kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(&payload);
        frame
    })
}

/// What happens in a world without rules.
#[derive(Clone, Debug)]
enum Deed {
    Caller(usize, Vec<u8>),
    Server(Vec<u8>),
    Close(usize),
    Replace,
    Wait(u64),
    Drain,
    Reset(u32),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => (0usize..2, frame()).prop_map(|(caller, bytes)| Deed::Caller(caller, bytes)),
        8 => frame().prop_map(Deed::Server),
        1 => (0usize..2).prop_map(Deed::Close),
        1 => Just(Deed::Replace),
        1 => (0u64..100_000).prop_map(Deed::Wait),
        2 => Just(Deed::Drain),
        1 => (0u32..5).prop_map(|n| Deed::Reset(2 * n + 1)),
    ]
}

fn the_relay_lives(deeds: &[Deed]) {
    let mut world = World::new(&[]);
    let mut callers = [world.caller(), world.caller()];
    for (number, deed) in deeds.iter().enumerate() {
        match deed {
            Deed::Caller(caller, bytes) => {
                if number % 3 == 0 {
                    callers[*caller].say_headers(stream(number), Ends::No, REQUEST);
                }
                callers[*caller].speech.extend_from_slice(bytes);
                world.pass(&mut callers[*caller]);
            }
            Deed::Server(bytes) => {
                world.server.speech.extend_from_slice(bytes);
                world.pass_server();
            }
            Deed::Close(caller) => {
                let gone = std::mem::replace(&mut callers[*caller], world.caller());
                world.relay.close(gone.id, "gone", world.now);
            }
            Deed::Replace => {
                let gone = world.replace_server();
                if number % 2 == 0 {
                    world.relay.close(gone.id, "gone", world.now);
                }
            }
            Deed::Wait(millis) => world.wait(std::time::Duration::from_millis(*millis)),
            Deed::Drain => {
                for caller in &mut callers {
                    world.hear(caller);
                }
                world.hear_server();
            }
            Deed::Reset(stream) => {
                world.server.say_reset(*stream, Reason::REFUSED_STREAM);
                world.pass_server();
            }
        }
        while world.relay.next_event().is_some() {}
        while world.relay.next_touched().is_some() {}
    }
    for caller in callers {
        assert!(world.relay.output(caller.id).len() < limits::OUTBOX_BYTES_MAX);
        world.relay.close(caller.id, "end", world.now);
    }
    world.relay.close(world.server.id, "end", world.now);
    world.wait(std::time::Duration::from_hours(2));
    assert_eq!(
        (world.n_calls(), world.relay.keep.len()),
        (0, 0),
        "nothing leaks"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_keep_their_bytes(
        lens in [vec(0usize..60_000, 1..5), vec(0usize..60_000, 1..5)],
        windows in [1000u32..100_000, 1000u32..100_000, 1000u32..100_000],
        steps in vec((0usize..3, 1usize..20_000, 1usize..20_000), 3..40),
    ) {
        let everybody = (0..3).map(|connection| (connection, 3000, 3000));
        let steps: Vec<Step> = steps.into_iter().chain(everybody).collect();
        every_call_gets_its_own([&lens[0], &lens[1]], windows, &steps);
    }

    #[test]
    fn nonsense_is_survived(deeds in vec(deed(), 1..200)) {
        the_relay_lives(&deeds);
    }
}

#[test]
fn byte_by_byte() {
    let everybody: Vec<Step> = (0..3).map(|connection| (connection, 1, 1)).collect();
    every_call_gets_its_own([&[0, 1, 700], &[300]], [100, 1, 70_000], &everybody);
}

#[test]
fn an_id_of_what_is_gone_does_nothing() {
    let mut world = World::new(&[]);
    let caller = world.caller();
    world.relay.close(caller.id, "gone", world.now);
    world.relay.receive(caller.id, b"ghost", world.now);
    world.relay.written(caller.id, 7, world.now);
    world.relay.close(caller.id, "again", world.now);
    assert!(world.relay.has_ended(caller.id));
    assert_eq!(world.relay.output(caller.id), b"");
    let id = world.server_id();
    world
        .relay
        .close(ConnectionId::Server(id), "gone", world.now);
    assert!(!world.relay.put_to_use(id, world.now));
    let ask = Ask {
        path: "/a",
        namespace: None,
        message: b"",
    };
    world.relay.ask(id, ask, world.now);
    world.relay.retire(id, world.now);
    assert!(!world.relay.is_ready(world.upstream));
    assert_eq!(world.relay.n_calls(id), 0);
}
