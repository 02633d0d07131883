//! What one call costs the data path, without sockets and without TLS, for callgrind to count.
//!
//! ```text
//! cargo build --profile dist --package newleaf-proxy --example forward_cost
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/dist/examples/forward_cost relay 200
//! ```
//!
//! A round is 100 calls: four callers with 25 each send a request of 250 bytes and read a response of 150, as the load `S` of
//! `cargo xtask bench-proxy` does. `by-namespace` chooses the upstream by `temporal-namespace`; with `deadlines`, each
//! request has a `grpc-timeout` of its own that enters the table, as callers in Go and Java write it; `nothing` writes the
//! same frames as `relay` and carries none of them, and `nothing-deadlines` those of `deadlines`. Run two of them with two
//! numbers of rounds: what the start and the frames cost falls out of the differences. `cargo xtask forward-cost` does that.
#![expect(clippy::unwrap_used, reason = "a measurement that fails should stop")]

use std::{
    collections::{BTreeMap, VecDeque},
    env,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use newleaf_proxy::{
    h2::{
        PREFACE, frame,
        hpack::{DEFAULT_TABLE_SIZE, Encoder, Field},
    },
    relay::{ConnectionId, Relay, Route, Terms},
};

const CALLERS: usize = 4;
const CALLS: u32 = 25;
const MAX_FRAME: usize = 16_384;
const REQUEST_BYTES: [u8; 250] = [7; 250];
const RESPONSE_BYTES: [u8; 150] = [8; 150];
/// What `REQUEST_BYTES` and `RESPONSE_BYTES` use up of a connection's window in a round, and more.
const WINDOW: u32 = 40_000;

const REQUEST: [(&str, &str); 8] = [
    (":method", "POST"),
    (":scheme", "http"),
    (
        ":path",
        "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo",
    ),
    (":authority", "127.0.0.1:7233"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-go/1.76.0"),
    ("te", "trailers"),
    ("temporal-namespace", "payments.a2dd6"),
];
const RESPONSE: [(&str, &str); 2] = [(":status", "200"), ("content-type", "application/grpc")];
const TRAILERS: [(&str, &str); 1] = [("grpc-status", "0")];

/// A connection's other end. It speaks, and does not listen.
struct Peer {
    speech: Vec<u8>,
    next: u32,
    /// Its header blocks, as they are the first time and every other time.
    blocks: [Vec<Vec<u8>>; 2],
    /// Where its requests differ in their deadlines.
    deadlines: Option<Deadlines>,
}

/// Writes requests of which each has a deadline of its own, which enters the table.
#[derive(Default)]
struct Deadlines {
    /// What is in the table, newest first, and what each costs (RFC 7541 §4.1).
    entries: VecDeque<(String, usize)>,
    size: usize,
    n_written: usize,
}

impl Deadlines {
    fn write(&mut self) -> Vec<u8> {
        // `:method: POST` and `:scheme: http` are in the static table.
        let mut block = vec![0x83, 0x86];
        for (name, value) in &REQUEST[2..] {
            self.field(name, value, &mut block);
        }
        let deadline = format!("{}u", 69_999_999 - self.n_written % 9_999);
        self.n_written += 1;
        self.field("grpc-timeout", &deadline, &mut block);
        block
    }

    fn field(&mut self, name: &str, value: &str, block: &mut Vec<u8>) {
        let line = format!("{name}: {value}");
        let nth = |found: Option<usize>| found.map(|nth| u8::try_from(62 + nth).unwrap());
        let entries = &self.entries;
        if let Some(index) = nth(entries.iter().position(|entry| entry.0 == line)) {
            return integer(0x80, 127, index, block);
        }
        let named = format!("{name}: ");
        let known = entries.iter().position(|entry| entry.0.starts_with(&named));
        if let Some(index) = nth(known) {
            integer(0x40, 63, index, block);
        } else {
            block.extend([0x40, u8::try_from(name.len()).unwrap()]);
            block.extend_from_slice(name.as_bytes());
        }
        block.push(u8::try_from(value.len()).unwrap());
        block.extend_from_slice(value.as_bytes());
        let cost = name.len() + value.len() + 32;
        self.size += cost;
        while self.size > DEFAULT_TABLE_SIZE {
            self.size -= self.entries.pop_back().unwrap().1;
        }
        self.entries.push_front((line, cost));
    }
}

/// Callers, a server, and the relay between them, if there is one.
struct Stage {
    relay: Option<Relay>,
    callers: Vec<(ConnectionId, Peer)>,
    server: (ConnectionId, Peer),
    now: Instant,
}

fn main() {
    let mut arguments = env::args().skip(1);
    let way = arguments.next().unwrap();
    let rounds: u32 = arguments.next().unwrap().parse().unwrap();
    let mut stage = Stage::set(&way);
    if way.starts_with("nothing") {
        stage.relay = None;
    }
    if way.ends_with("deadlines") {
        for (_, caller) in &mut stage.callers {
            caller.deadlines = Some(Deadlines::default());
        }
    }
    for _round in 0..rounds {
        stage.round();
    }
}

impl Peer {
    fn new(greeting: &[u8], lists: &[&[(&str, &str)]]) -> Self {
        let mut speech = greeting.to_vec();
        frame::write_settings(&mut speech, &[]);
        frame::write_settings_ack(&mut speech);
        let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
        let mut encoded = |list: &&[(&str, &str)]| {
            let mut block = Vec::new();
            let fields = list.iter();
            let fields = fields.map(|(name, value)| Field::new(name.as_bytes(), value.as_bytes()));
            encoder.encode(fields, &mut block);
            block
        };
        let mut all = || lists.iter().map(&mut encoded).collect();
        Self {
            speech,
            next: 1,
            blocks: [all(), all()],
            deadlines: None,
        }
    }

    fn blocks(&self) -> &[Vec<u8>] {
        let [first, again] = &self.blocks;
        if self.next == 1 { first } else { again }
    }

    fn request(&mut self) {
        let mut speech = std::mem::take(&mut self.speech);
        let own = self.deadlines.as_mut().map(Deadlines::write);
        let ((Some(request), _) | (None, [request])) = (&own, self.blocks()) else {
            unreachable!("a caller has one")
        };
        frame::write_headers(&mut speech, self.next, false, request, MAX_FRAME);
        frame::write_data(&mut speech, self.next, true, (&REQUEST_BYTES, &[]));
        self.speech = speech;
        self.next += 2;
    }

    fn response(&mut self) {
        let mut speech = std::mem::take(&mut self.speech);
        let [response, trailers] = self.blocks() else {
            unreachable!("a server has two")
        };
        frame::write_headers(&mut speech, self.next, false, response, MAX_FRAME);
        frame::write_data(&mut speech, self.next, false, (&RESPONSE_BYTES, &[]));
        frame::write_headers(&mut speech, self.next, true, trailers, MAX_FRAME);
        self.speech = speech;
        self.next += 2;
    }
}

impl Stage {
    #[expect(clippy::disallowed_methods, reason = "an instant to begin with")]
    fn set(way: &str) -> Self {
        let now = Instant::now();
        let terms = Terms {
            drain_timeout: Duration::from_mins(2),
        };
        let mut relay = Relay::new(terms, now);
        let upstream = relay.add_upstream("payments.a2dd6.tmprl.cloud:7233");
        let route = Arc::new(if way == "by-namespace" {
            Route::ByNamespace {
                namespaces: BTreeMap::from([(b"payments.a2dd6".to_vec(), upstream)]),
                otherwise: None,
                unnamed: None,
            }
        } else {
            Route::To(upstream)
        });
        let server = relay.dial(upstream, None, now);
        let callers = (0..CALLERS).map(|_| {
            let caller = relay.accept(Arc::clone(&route), now);
            (
                ConnectionId::Caller(caller),
                Peer::new(PREFACE, &[&REQUEST]),
            )
        });
        let callers = callers.collect();
        assert!(relay.put_to_use(server, now), "it was just made");
        Self {
            relay: Some(relay),
            callers,
            server: (
                ConnectionId::Server(server),
                Peer::new(&[], &[&RESPONSE, &TRAILERS]),
            ),
            now,
        }
    }

    /// Every caller makes its calls, and the server answers all.
    fn round(&mut self) {
        for (id, caller) in &mut self.callers {
            frame::write_window(&mut caller.speech, 0, WINDOW / 4);
            for _call in 0..CALLS {
                caller.request();
            }
            say(&mut self.relay, *id, caller, self.now);
        }
        let (id, server) = &mut self.server;
        hear(&mut self.relay, *id, self.now);
        frame::write_window(&mut server.speech, 0, WINDOW);
        for _call in 0..CALLERS {
            for _call in 0..CALLS {
                server.response();
            }
        }
        say(&mut self.relay, *id, server, self.now);
        for (id, _) in &self.callers {
            hear(&mut self.relay, *id, self.now);
        }
        hear(&mut self.relay, *id, self.now);
    }
}

/// Writes an integer whose first octet holds it up to `most` (RFC 7541 §5.1).
fn integer(tag: u8, most: u8, value: u8, block: &mut Vec<u8>) {
    if value < most {
        block.push(tag | value);
    } else {
        block.extend([tag | most, value - most]);
    }
}

/// Hands what a peer says to the relay.
fn say(relay: &mut Option<Relay>, id: ConnectionId, peer: &mut Peer, now: Instant) {
    if let Some(relay) = relay {
        relay.receive(id, &peer.speech, now);
        while relay.next_event().is_some() {}
        while relay.next_touched().is_some() {}
    }
    black_box(&peer.speech);
    peer.speech.clear();
}

/// Takes what the relay says to a peer.
fn hear(relay: &mut Option<Relay>, id: ConnectionId, now: Instant) {
    let Some(relay) = relay else { return };
    let n_bytes = black_box(relay.output(id)).len();
    relay.written(id, n_bytes, now);
    assert!(n_bytes > 0 || matches!(id, ConnectionId::Server(_)));
    assert!(!relay.has_ended(id));
}
