//! What peers must not do, clause by clause, and what it costs them: the guilty side, and nobody else.

use super::{
    World,
    peer::{Ends, Peer, REQUEST, RESPONSE, Said},
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
fn requests_that_no_intermediary_may_pass_on() {
    let well = |extra: &[(&'static str, &'static str)]| [&REQUEST[..6], extra].concat();
    let without = |name: &str| -> Vec<_> {
        let others = REQUEST.iter().filter(|(other, _)| *other != name);
        others.copied().collect()
    };
    let malformed = [
        ("§8.2 upper case", well(&[("Upper", "x")])),
        ("§8.2.1 a name with a space", well(&[("a b", "x")])),
        ("§8.2.1 an empty name", well(&[("", "x")])),
        ("§8.2.1 a value with a line break", well(&[("a", "x\r\ny")])),
        (
            "§8.2.1 a value with a blank at its end",
            well(&[("a", "x ")]),
        ),
        ("§8.2.2 connection", well(&[("connection", "close")])),
        ("§8.2.2 keep-alive", well(&[("keep-alive", "1")])),
        (
            "§8.2.2 proxy-connection",
            well(&[("proxy-connection", "x")]),
        ),
        (
            "§8.2.2 transfer-encoding",
            well(&[("transfer-encoding", "chunked")]),
        ),
        ("§8.2.2 upgrade", well(&[("upgrade", "h2c")])),
        ("§8.2.2 te", well(&[("te", "gzip")])),
        (
            "§8.3 an unknown pseudo-field",
            [&[(":unknown", "x")], REQUEST].concat(),
        ),
        (
            "§8.3 a response's pseudo-field",
            [&[(":status", "200")], REQUEST].concat(),
        ),
        ("§8.3 a pseudo-field at the end", well(&[(":path", "/")])),
        (
            "§8.3.1 a pseudo-field twice",
            [&[(":path", "/")], REQUEST].concat(),
        ),
        ("§8.3.1 no method", without(":method")),
        ("§8.3.1 no scheme", without(":scheme")),
        ("§8.3.1 no path", without(":path")),
        (
            "§8.3.1 an empty path",
            [&[(":path", "")], &without(":path")[..]].concat(),
        ),
        (
            "§8.1.1 a length that is none",
            well(&[("content-length", "x")]),
        ),
        (
            "§8.1.1 two lengths",
            well(&[("content-length", "0"), ("content-length", "1")]),
        ),
        ("§8.1.1 too short", well(&[("content-length", "1")])),
    ];
    let cost = Cost::Stream(5, Reason::PROTOCOL_ERROR);
    for (clause, fields) in &malformed {
        caller(clause, |peer| peer.say_headers(5, Ends::Yes, fields), &cost);
    }
}

#[test]
fn bodies_that_no_intermediary_may_pass_on() {
    let cost = Cost::Stream(5, Reason::PROTOCOL_ERROR);
    let short = [&REQUEST[..6], &[("content-length", "3")]].concat();
    let too_long = |peer: &mut Peer| {
        peer.say_headers(5, Ends::No, &short);
        peer.say_data(5, Ends::No, b"four");
    };
    caller("§8.1.1 too long", too_long, &cost);
    let trailers = |peer: &mut Peer| peer.say_headers(1, Ends::No, &[("a", "b")]);
    let cost = Cost::Stream(1, Reason::PROTOCOL_ERROR);
    caller("§8.1 trailers that do not end", trailers, &cost);
    let pseudo = |peer: &mut Peer| peer.say_headers(1, Ends::Yes, &[(":path", "/")]);
    caller("§8.1 a pseudo-field in trailers", pseudo, &cost);
}

#[test]
fn responses_that_no_intermediary_may_pass_on() {
    let cost = Cost::Stream(1, Reason::PROTOCOL_ERROR);
    let malformed: [(&str, &[(&str, &str)]); 6] = [
        ("§8.3.2 no status", &[("content-type", "application/grpc")]),
        ("§8.3.2 a status that is none", &[(":status", "2xx")]),
        (
            "§8.3.2 a status twice",
            &[(":status", "200"), (":status", "200")],
        ),
        (
            "§8.3 a request's pseudo-field",
            &[(":status", "200"), (":path", "/")],
        ),
        (
            "§8.2.2 connection",
            &[(":status", "200"), ("connection", "close")],
        ),
        ("§8.2 upper case", &[(":status", "200"), ("Upper", "x")]),
    ];
    for (clause, fields) in malformed {
        server(clause, |peer| peer.say_headers(1, Ends::No, fields), &cost);
    }
    let early = |peer: &mut Peer| peer.say_data(1, Ends::No, b"x");
    server("§8.1 bytes before a response", early, &cost);
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
    let long = "x".repeat(limits::HEADER_LIST_SIZE);
    let request = [REQUEST, &[("a", &long)]].concat();
    let cost = Cost::Stream(5, Reason::ENHANCE_YOUR_CALM);
    caller(
        "§6.5.2",
        |peer| peer.say_headers(5, Ends::Yes, &request),
        &cost,
    );
    let response = [RESPONSE, &[("a", &long)]].concat();
    let cost = Cost::Stream(1, Reason::ENHANCE_YOUR_CALM);
    server(
        "§6.5.2",
        |peer| peer.say_headers(1, Ends::Yes, &response),
        &cost,
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
