//! What peers must not do, clause by clause, and what it costs them: the guilty side, and nobody else.

mod bounds;
mod messages;

use super::{
    World,
    peer::{Ends, Peer, REQUEST, Said},
};
use crate::{
    h2::{frame::MAX_STREAM, reason::Reason, settings::id},
    limits,
    relay::Event,
};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const PING: u8 = 6;
const CONTINUATION: u8 = 9;

const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;

/// What a breach costs.
#[derive(Debug)]
enum Cost {
    Connection(Reason),
    Stream(u32, Reason),
    Nothing,
}

/// Lets a caller with an open call on stream 1 and a finished one on stream 3 say something, and a second caller see
/// that it is none of its business.
fn caller(clause: &str, say: impl FnOnce(&mut Peer), cost: &Cost) {
    let mut world = World::new(&[]);
    let mut guilty = world.caller();
    let mut other = world.caller();
    guilty.say_headers(1, Ends::No, REQUEST);
    guilty.say_request(3);
    world.pass(&mut guilty);
    other.say_request(1);
    world.pass(&mut other);
    world.hear_server();
    world.server.say_response(3, b"");
    world.pass_server();
    world.hear(&mut guilty);

    say(&mut guilty);
    world.pass(&mut guilty);
    let heard = world.hear(&mut guilty);
    judge(clause, &heard, world.relay.has_ended(guilty.id), cost);
    world.server.say_response(5, b"for the other");
    world.pass_server();
    assert_eq!(world.hear(&mut other).len(), 3, "{clause}");
}

/// Lets a server with an open call on stream 1 and a closed one on stream 3 say something.
fn server(clause: &str, say: impl FnOnce(&mut Peer), cost: &Cost) {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_request(1);
    caller.say_request(3);
    world.pass(&mut caller);
    world.hear_server();
    world.server.say_response(3, b"");
    world.pass_server();
    world.hear(&mut caller);
    say(&mut world.server);
    world.pass_server();
    let heard = world.hear_server();
    judge(clause, &heard, world.relay.has_ended(world.server.id), cost);
    let heard = world.hear(&mut caller);
    match cost {
        Cost::Nothing => {}
        Cost::Connection(_) | Cost::Stream(..) => {
            assert_eq!(heard.len(), 1, "{clause}: the call is failed, once");
            let is_failed = |event: &Event| matches!(event, Event::Failed { .. });
            assert!(world.events().iter().any(is_failed), "{clause}");
        }
    }
    assert!(
        !world.relay.has_ended(caller.id),
        "{clause}: the caller is innocent"
    );
}

fn judge(clause: &str, heard: &[Said], has_ended: bool, cost: &Cost) {
    match cost {
        Cost::Connection(expected) => {
            let told = heard.iter().find_map(|said| {
                let Said::GoAway(_, reason) = said else {
                    return None;
                };
                Some(*reason)
            });
            assert_eq!(told, Some(*expected), "{clause}: {heard:?}");
            assert!(has_ended, "{clause}");
        }
        Cost::Stream(stream, expected) => {
            let told = Said::Reset(*stream, *expected);
            assert!(heard.contains(&told), "{clause}: {heard:?}");
            assert!(!has_ended, "{clause}");
        }
        Cost::Nothing => {
            let is_harsh = |said: &Said| matches!(said, Said::Reset(..) | Said::GoAway(..));
            assert!(!heard.iter().any(is_harsh), "{clause}: {heard:?}");
            assert!(!has_ended, "{clause}");
        }
    }
}

/// A clause of RFC 9113; type, flags and stream of a frame; its payload; what it costs its sender. Each holds for both sides:
/// on both, stream 1 is open, stream 3 closed and stream 99 idle.
const CLAUSES: &str = "\
4.1 unknown types are ignored          | ee ff 1 | 010203           | nothing
4.2 no frame is too long               | 0 0 1   | 00*16385         | connection FRAME_SIZE_ERROR
4.3 a block that cannot be decoded     | 1 4 1   | 80               | connection COMPRESSION_ERROR
5.1 DATA on an idle stream             | 0 0 99  |                  | connection PROTOCOL_ERROR
5.1 WINDOW_UPDATE on an idle stream    | 8 0 99  | 00000001         | connection PROTOCOL_ERROR
5.1 the same, by nothing               | 8 0 99  | 00000000         | connection PROTOCOL_ERROR
5.1 RST_STREAM on an idle stream       | 3 0 99  | 00000000         | connection PROTOCOL_ERROR
5.1 RST_STREAM on a closed stream      | 3 0 3   | 00000000         | nothing
5.1 WINDOW_UPDATE on a closed stream   | 8 0 3   | 00000001         | nothing
6.1 DATA without a stream              | 0 0 0   |                  | connection PROTOCOL_ERROR
6.1 padding longer than its frame      | 0 8 1   | 0200             | connection PROTOCOL_ERROR
6.2 HEADERS without a stream           | 1 4 0   |                  | connection PROTOCOL_ERROR
6.3 PRIORITY is ignored                | 2 0 1   | 0000000909       | nothing
5.3 a stream that depends on itself    | 2 0 1  | 0000000109       | connection PROTOCOL_ERROR
6.3 PRIORITY without a stream          | 2 0 0   | 0000000000       | connection PROTOCOL_ERROR
6.3 a short PRIORITY                   | 2 0 1   | 00000000         | stream FRAME_SIZE_ERROR
6.4 RST_STREAM without a stream        | 3 0 0   | 00000000         | connection PROTOCOL_ERROR
6.4 a short RST_STREAM                 | 3 0 1   | 000000           | connection FRAME_SIZE_ERROR
6.5 SETTINGS on a stream               | 4 0 1   |                  | connection PROTOCOL_ERROR
6.5 SETTINGS that are no sixes         | 4 0 0   | 00000000000000   | connection FRAME_SIZE_ERROR
6.5 an acknowledgement with a payload  | 4 1 0   | 000000000000     | connection FRAME_SIZE_ERROR
6.5.2 ENABLE_PUSH other than 0 and 1   | 4 0 0   | 000200000002     | connection PROTOCOL_ERROR
6.5.2 a window above 2^31-1            | 4 0 0   | 000480000000     | connection FLOW_CONTROL_ERROR
6.5.2 a frame length below 2^14        | 4 0 0   | 000500003fff     | connection PROTOCOL_ERROR
6.5.2 a frame length above 2^24-1      | 4 0 0   | 000501000000     | connection PROTOCOL_ERROR
6.5.2 unknown settings are ignored     | 4 0 0   | 090900000000     | nothing
6.6 no side allows a push              | 5 4 1   | 00000002         | connection PROTOCOL_ERROR
6.7 PING on a stream                   | 6 0 1   | 0000000000000000 | connection PROTOCOL_ERROR
6.7 a short PING                       | 6 0 0   | 00000000000000   | connection FRAME_SIZE_ERROR
6.8 GOAWAY on a stream                 | 7 0 1   | 0000000000000000 | connection PROTOCOL_ERROR
6.8 a short GOAWAY                     | 7 0 0   | 00000000000000   | connection FRAME_SIZE_ERROR
6.9 a window moved by nothing          | 8 0 0   | 00000000         | connection PROTOCOL_ERROR
6.9 a stream's window moved by nothing | 8 0 1   | 00000000         | stream PROTOCOL_ERROR
6.9 a short WINDOW_UPDATE              | 8 0 0   | 000000           | connection FRAME_SIZE_ERROR
6.9.1 a window above 2^31-1            | 8 0 0   | 7fffffff         | connection FLOW_CONTROL_ERROR
6.9.1 a stream's window above 2^31-1   | 8 0 1   | 7fffffff         | stream FLOW_CONTROL_ERROR
6.10 CONTINUATION of nothing           | 9 4 1   |                  | connection PROTOCOL_ERROR";

#[test]
fn frames_and_connections() {
    for line in CLAUSES.lines() {
        let columns: Vec<_> = line.split('|').map(str::trim).collect();
        let &[clause, head, payload, cost] = &columns[..] else {
            panic!("expected four columns, found `{line}`");
        };
        let head: Vec<_> = head.split(' ').collect();
        let byte = |text: &str| u8::from_str_radix(text, 16).unwrap();
        let (kind, flags, stream) = (byte(head[0]), byte(head[1]), head[2].parse().unwrap());
        let payload = payload_of(payload);
        let cost = cost_of(cost);
        caller(
            clause,
            |peer| peer.say_raw(kind, flags, stream, &payload),
            &cost,
        );
        server(
            clause,
            |peer| peer.say_raw(kind, flags, stream, &payload),
            &cost,
        );
    }
}

/// Reads octets, or one octet and how often it comes.
fn payload_of(text: &str) -> Vec<u8> {
    let (octets, n_times) = match text.split_once('*') {
        Some((octets, n_times)) => (octets, n_times.parse().unwrap()),
        None => (text, 1),
    };
    let (pairs, _) = octets.as_bytes().as_chunks::<2>();
    let octet = |pair: &[u8; 2]| {
        let digits = std::str::from_utf8(pair).unwrap();
        u8::from_str_radix(digits, 16).unwrap()
    };
    let octets: Vec<_> = pairs.iter().map(octet).collect();
    octets.repeat(n_times)
}

fn cost_of(text: &str) -> Cost {
    let Some((what, name)) = text.split_once(' ') else {
        return Cost::Nothing;
    };
    let reason = (0..14)
        .map(Reason::of)
        .find(|reason| reason.to_string() == name);
    match what {
        "connection" => Cost::Connection(reason.unwrap()),
        "stream" => Cost::Stream(1, reason.unwrap()),
        _ => panic!("expected a cost, found `{text}`"),
    }
}

#[test]
fn header_blocks_are_not_interrupted() {
    let protocol = Cost::Connection(Reason::PROTOCOL_ERROR);
    let ways: [(u8, u8, u32, &[u8]); 4] = [
        (PING, 0, 0, &[0; 8]),
        (HEADERS, END_HEADERS, 9, &[]),
        (CONTINUATION, END_HEADERS, 9, &[]),
        (0xee, 0, 0, &[]),
    ];
    for (kind, flags, stream, payload) in ways {
        let say = |peer: &mut Peer| {
            peer.say_raw(HEADERS, 0, 7, &[]);
            peer.say_raw(kind, flags, stream, payload);
        };
        caller("§6.10", say, &protocol);
    }
    // Each CONTINUATION is within the rules; all together they are an attack.
    let endless = |peer: &mut Peer| {
        peer.say_raw(HEADERS, 0, 7, &[]);
        for _ in 0..1000 {
            peer.say_raw(CONTINUATION, 0, 7, &[]);
        }
    };
    caller(
        "§10.5.1",
        endless,
        &Cost::Connection(Reason::ENHANCE_YOUR_CALM),
    );
}

#[test]
fn streams_have_an_order() {
    let protocol = Cost::Connection(Reason::PROTOCOL_ERROR);
    caller("§5.1.1 even", |peer| peer.say_request(4), &protocol);
    let backwards = |peer: &mut Peer| {
        peer.say_request(9);
        peer.say_request(7);
    };
    caller("§5.1.1 backwards", backwards, &protocol);
    let closed = Cost::Connection(Reason::STREAM_CLOSED);
    caller(
        "§5.1 HEADERS on a closed stream",
        |peer| peer.say_request(3),
        &closed,
    );
    let closed = Cost::Stream(3, Reason::STREAM_CLOSED);
    caller(
        "§5.1 DATA on a closed stream",
        |peer| peer.say_data(3, Ends::No, b"x"),
        &closed,
    );
    let after_end = |peer: &mut Peer| {
        peer.say_data(1, Ends::Yes, b"");
        peer.say_data(1, Ends::No, b"x");
    };
    let closed = Cost::Stream(1, Reason::STREAM_CLOSED);
    caller("§5.1 DATA behind the end", after_end, &closed);
    let after_reset = |peer: &mut Peer| {
        peer.say_headers(5, Ends::Yes, &[(":method", "POST")]);
        peer.say_data(5, Ends::No, b"x");
        peer.say_request(7);
    };
    let once = Cost::Stream(5, Reason::PROTOCOL_ERROR);
    caller("§5.1 frames that crossed our reset", after_reset, &once);
}

#[test]
fn the_first_words() {
    let mut world = World::new(&[]);
    let mut check = |speech: &[u8], expected: &[u8]| {
        let id = crate::relay::ConnectionId::Caller(world.accept());
        for byte in speech {
            world.relay.receive(id, &[*byte], world.now);
        }
        assert!(world.relay.has_ended(id));
        let output = world.relay.output(id);
        assert!(output.starts_with(expected), "{output:?}");
        assert_eq!(output.is_empty(), expected.is_empty());
        world.relay.close(id, "", world.now);
    };
    check(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"HTTP/1.1 505 ");
    check(b"POST / HTTP/1.1\r\n\r\n", b"HTTP/1.1 505 ");
    check(b"PRI * HTTP/1.1\r\n\r\n", b"HTTP/1.1 505 ");
    check(b"INVALID", b"");
    // TLS, which nobody here speaks to callers.
    check(&[0x16, 3, 1, 2, 0], b"");

    let late = world.accept();
    world.wait(limits::DOWNSTREAM_HANDSHAKE);
    assert!(
        world
            .relay
            .has_ended(crate::relay::ConnectionId::Caller(late))
    );

    let id = crate::relay::ConnectionId::Caller(world.accept());
    let mut hasty = Peer::new(id);
    hasty.say_preface();
    hasty.say_ping([0; 8]);
    world.pass(&mut hasty);
    let heard = world.hear(&mut hasty);
    judge(
        "§3.4",
        &heard,
        world.relay.has_ended(id),
        &Cost::Connection(Reason::PROTOCOL_ERROR),
    );
}

#[test]
fn a_pong_is_what_was_asked() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_ping(*b"12345678");
    world.pass(&mut caller);
    assert_eq!(world.hear(&mut caller), [Said::Pong(*b"12345678")]);
}

#[test]
fn padding_is_left_behind() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_headers(1, Ends::No, REQUEST);
    caller.say_raw(DATA, PADDED | 1, 1, b"\x03hello\0\0\0");
    world.pass(&mut caller);
    let data = Said::Data(1, Ends::Yes, b"hello".to_vec());
    assert_eq!(world.hear_server()[1..], [data]);
}

/// The sender's own bound and the last stream that HTTP/2 knows.
#[test]
fn window_sizes_of_both_ends() {
    for window in [0, 1, MAX_STREAM] {
        let mut world = World::new(&[(id::INITIAL_WINDOW_SIZE, window)]);
        let mut caller = world.caller_with(&[(id::INITIAL_WINDOW_SIZE, window)]);
        caller.say_headers(1, Ends::No, REQUEST);
        caller.say_data(1, Ends::Yes, b"abc");
        world.pass(&mut caller);
        let n_frames = world.hear_server().len();
        assert_eq!(n_frames, if window == 0 { 1 } else { 2 });
    }
}
