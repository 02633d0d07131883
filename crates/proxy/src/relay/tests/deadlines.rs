//! Requests that are like others but for their deadlines: each arrives as its caller wrote it, whatever is remembered.

use proptest::prelude::*;

use super::{
    CallerId, ConnectionId, ServerId, World,
    peer::{Ends, Peer, Said},
};
use crate::h2::{frame, hpack::Versions};

type Fields = Vec<(String, String)>;

const PSEUDO: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (
        ":path",
        "/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue",
    ),
    (":authority", "localhost:7233"),
];

/// Says a request as grpc-go writes it: everything that may change enters the table.
fn say(caller: &mut Peer, stream: u32, fields: &[(String, String)]) {
    let block = block(fields, 0x40);
    frame::write_headers(&mut caller.speech, stream, true, &block, 16_384);
}

/// Writes a header block of literals that do not enter the table, but for a deadline, which is written as `deadline` has it
/// (RFC 7541 §6.2).
fn block(fields: &[(String, String)], deadline: u8) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(if name == "grpc-timeout" { deadline } else { 0 });
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// What the server is to hear of it: our authority, no `host`, and the deadline last.
fn readdressed(fields: &[(String, String)]) -> Fields {
    let is_timeout = |(name, value): &&(String, String)| {
        let digits = value.strip_suffix(['H', 'M', 'S', 'm', 'u', 'n']);
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        name == "grpc-timeout"
            && digits.is_some_and(|digits| (1..=8).contains(&digits.len()) && is_number(digits))
    };
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let mut expected: Fields = [
        PSEUDO[0],
        (":scheme", "https"),
        (":authority", "temporal.test:7233"),
        PSEUDO[2],
    ]
    .map(own)
    .to_vec();
    let timeout = fields.iter().position(|field| is_timeout(&field));
    for (nth, field) in fields.iter().enumerate() {
        if Some(nth) != timeout && field.0 != "host" && !field.0.starts_with(':') {
            expected.push(field.clone());
        }
    }
    expected.extend(timeout.map(|nth| fields[nth].clone()));
    expected
}

/// Has callers say requests, in turns, and sees that the server hears each.
#[track_caller]
fn check(requests: &[Fields], n_callers: usize) {
    let mut world = World::new(&[]);
    let mut callers: Vec<_> = (0..n_callers).map(|_| world.caller()).collect();
    for (nth, fields) in requests.iter().enumerate() {
        let caller = &mut callers[nth % n_callers];
        let nth = u32::try_from(nth).unwrap();
        say(caller, 1 + 2 * nth, fields);
        world.pass(caller);
        let expected = Said::Headers(1 + 2 * nth, Ends::Yes, readdressed(fields));
        assert_eq!(world.hear_server(), [expected]);
    }
}

fn request(regular: &[(&str, &str)]) -> Fields {
    let fields = PSEUDO.iter().chain(regular);
    fields
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn every_call_says_its_own_deadline() {
    let requests: Vec<_> = (0..200)
        .map(|nth| {
            let deadline = format!("{}u", 69_999_999 - nth);
            request(&[
                ("content-type", "application/grpc"),
                ("user-agent", "grpc-go/1.76.0"),
                ("grpc-timeout", &deadline),
                ("client-name", "temporal-go"),
            ])
        })
        .collect();
    check(&requests, 1);
    check(&requests, 3);
}

/// Or callers with a steady deadline would pay for ever for one that came before them with another.
#[test]
fn a_deadline_that_stays_is_remembered_whole_whatever_came_before() {
    let mut world = World::new(&[]);
    let with = |deadline: &str| block(&request(&[("grpc-timeout", deadline)]), 0);
    let mut is_remembered = |deadlines: &[&str]| {
        let mut caller = world.caller();
        for (nth, deadline) in (0..).zip(deadlines) {
            let speech = &mut caller.speech;
            frame::write_headers(speech, 1 + 2 * nth, true, &with(deadline), 16_384);
            world.pass(&mut caller);
        }
        let (ConnectionId::Caller(CallerId(key)), ServerId(server)) =
            (caller.id, world.server_id())
        else {
            unreachable!("a caller is a caller");
        };
        let versions = Versions {
            decoder: world.relay.callers.get(key).unwrap().wire.decoder_version(),
            encoder: world
                .relay
                .servers
                .get(server)
                .unwrap()
                .wire
                .encoder_version(),
        };
        let last = with(deadlines.last().unwrap());
        world.relay.requests.get(versions, &last).is_some()
    };
    assert!(is_remembered(&["9S", "9S"]));
    assert!(is_remembered(&["5S", "5S"]));
    assert!(!is_remembered(&["4S", "3S", "2S", "1S"]), "it comes once");
}

#[test]
fn what_is_no_deadline_is_a_field_like_others() {
    let with = |timeouts: &[&str]| {
        let timeouts: Vec<_> = timeouts
            .iter()
            .map(|text| ("grpc-timeout", *text))
            .collect();
        request(&timeouts)
    };
    let requests = [
        with(&[""]),
        with(&["1S"]),
        with(&[]),
        with(&["", "1S"]),
        with(&["1S", ""]),
        with(&["1S", "2S"]),
        with(&["soon"]),
        with(&["123456789S"]),
    ];
    let twice: Vec<_> = requests.iter().chain(&requests).cloned().collect();
    check(&twice, 2);
}

fn field() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec!["grpc-timeout", "te", "host", "x", "x-"]);
    let value = prop::sample::select(vec!["", "1S", "2m", "trailers", "x", "-x"]);
    (name, value).prop_map(|(name, value)| match name {
        "te" => (name.to_owned(), "trailers".to_owned()),
        name => (name.to_owned(), value.to_owned()),
    })
}

proptest! {
    /// Lists that are nearly alike, so that whatever is remembered is asked for again and again.
    #[test]
    fn no_list_is_taken_for_another(
        regular in prop::collection::vec(prop::collection::vec(field(), 0..4), 1..40),
        n_callers in 1..3_usize,
    ) {
        let requests: Vec<_> = regular
            .into_iter()
            .map(|regular| [request(&[]), regular].concat())
            .collect();
        check(&requests, n_callers);
    }
}
