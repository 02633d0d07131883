//! Requests and responses that are malformed (RFC 9113 §8), which no intermediary may pass on.

use super::{Cost, caller, server};
use crate::{
    h2::reason::Reason,
    relay::tests::{
        World,
        peer::{Ends, Peer, REQUEST, RESPONSE, Said},
    },
};

type Fields = Vec<(&'static str, &'static str)>;

/// A request with these fields besides.
fn well(extra: &[(&'static str, &'static str)]) -> Fields {
    [&REQUEST[..6], extra].concat()
}

fn without(name: &str) -> Fields {
    let others = REQUEST.iter().filter(|(other, _)| *other != name);
    others.copied().collect()
}

/// Each of these requests costs its stream, and nothing else.
fn refused(malformed: &[(&str, Fields)]) {
    let cost = Cost::Stream(5, Reason::PROTOCOL_ERROR);
    for (clause, fields) in malformed {
        caller(clause, |peer| peer.say_headers(5, Ends::Yes, fields), &cost);
    }
}

#[test]
fn requests_that_no_intermediary_may_pass_on() {
    let malformed = [
        ("§8.2 upper case", well(&[("Upper", "x")])),
        ("§8.2.1 a name with a space", well(&[("a b", "x")])),
        ("§8.2.1 an empty name", well(&[("", "x")])),
        ("§8.2.1 a value with a line break", well(&[("a", "x\r\ny")])),
        (
            "§8.2.1 a value with a blank at its end",
            well(&[("a", "x ")]),
        ),
        ("a name that is no token", well(&[("a(b", "x")])),
        ("a value with a control character", well(&[("a", "x\x01y")])),
        ("a value with DEL", well(&[("a", "\x7f")])),
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
            "§8.1.1 a length twice",
            well(&[("content-length", "0"), ("content-length", "0")]),
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
    refused(&malformed);
}

#[test]
fn requests_without_a_sensible_target() {
    let path = |path| [&[(":path", path)], &without(":path")[..]].concat();
    let method = |method| [&[(":method", method)], &without(":method")[..]].concat();
    let malformed = [
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
        ("§8.3.1 an empty path", path("")),
        ("§8.3.1 a path without a slash", path("a")),
        ("§8.3.1 a path with a blank", path("/a b")),
        ("§8.3.1 a path with more than ASCII", path("/ä")),
        ("§8.3.1 an asterisk of another method", path("*")),
        ("a method that is no token", method("PO ST")),
        ("an empty method", method("")),
        ("§8.5 CONNECT", method("CONNECT")),
    ];
    refused(&malformed);
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

/// RFC 9113 §8.2.1 has no blanks around values; but gRPC's libraries write a message as it is, and callers strip it or not.
#[test]
fn a_status_is_not_lost_over_a_blank() {
    let mut world = World::new(&[]);
    let mut caller = world.caller();
    caller.say_request(1);
    world.pass(&mut caller);
    world.hear_server();
    let status = [("grpc-status", "5"), ("grpc-message", "no such thing: ")];
    let fields = [RESPONSE, &status].concat();
    world.server.say_headers(1, Ends::Yes, &fields);
    world.pass_server();
    let [Said::Headers(1, Ends::Yes, heard)] = &world.hear(&mut caller)[..] else {
        panic!("expected the answer of the server");
    };
    for (name, value) in status {
        assert!(
            heard.contains(&(name.to_owned(), value.to_owned())),
            "{heard:?}"
        );
    }
}
