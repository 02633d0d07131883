//! Two callers and a server that say whatever they like, in any order, while connections come and go: the relay
//! lives, and what it says to each of them is HTTP/2: whole frames, header blocks in step, DATA within the window.
#![no_main]

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use libfuzzer_sys::fuzz_target;
use newleaf_proxy::{
    h2::{
        PREFACE,
        frame::{self, Frame, Head},
        hpack::{DEFAULT_TABLE_SIZE, Decoder, Encoder, Field, HeaderList, Limits},
    },
    relay::{ConnectionId, Event, Relay, Route, Terms, UpstreamId},
};

const ROOMY: Limits = Limits {
    size: 1024 * 1024,
    fields: 100_000,
};
/// No setting is sent that allows longer frames.
const MAX_FRAME: u32 = 16_384;
/// The window of a connection before any WINDOW_UPDATE (RFC 9113 §6.9.2).
const WINDOW: i64 = 65_535;

const REQUEST: [(&[u8], &[u8]); 7] = [
    (b":method", b"POST"),
    (b":scheme", b"http"),
    (b":path", b"/a/B"),
    (b":authority", b"localhost"),
    (b"content-type", b"application/grpc"),
    (b"te", b"trailers"),
    (b"temporal-namespace", b"payments"),
];
const RESPONSE: [(&[u8], &[u8]); 2] =
    [(b":status", b"200"), (b"content-type", b"application/grpc")];
const TRAILERS: [(&[u8], &[u8]); 1] = [(b"grpc-status", b"0")];

/// One end of a connection of the relay's.
struct Peer {
    id: ConnectionId,
    encoder: Encoder,
    decoder: Decoder,
    /// What the relay has said of a frame that is not whole yet.
    heard: Vec<u8>,
    block: Vec<u8>,
    /// How much DATA the relay may still send.
    window: i64,
}

impl Peer {
    fn new(id: ConnectionId) -> Self {
        Self {
            id,
            encoder: Encoder::new(DEFAULT_TABLE_SIZE),
            decoder: Decoder::new(DEFAULT_TABLE_SIZE),
            heard: Vec::new(),
            block: Vec::new(),
            window: WINDOW,
        }
    }

    fn caller(relay: &mut Relay, route: &Arc<Route>, now: Instant) -> Self {
        let caller = relay.accept(Arc::clone(route), now);
        let mut caller = Self::new(ConnectionId::Caller(caller));
        let mut said = PREFACE.to_vec();
        frame::write_settings(&mut said, &[]);
        caller.say(relay, &said, now);
        caller
    }

    fn server(relay: &mut Relay, upstream: UpstreamId, now: Instant) -> Self {
        let id = relay.dial(upstream, None, now);
        let mut server = Self::new(ConnectionId::Server(id));
        let mut said = Vec::new();
        frame::write_settings(&mut said, &[]);
        frame::write_settings_ack(&mut said);
        server.say(relay, &said, now);
        let _may_have_ended = relay.put_to_use(id, now);
        server
    }

    fn say(&mut self, relay: &mut Relay, said: &[u8], now: Instant) {
        relay.receive(self.id, said, now);
    }

    fn say_list(
        &mut self,
        relay: &mut Relay,
        stream: u32,
        ends: bool,
        list: &[(&[u8], &[u8])],
        now: Instant,
    ) {
        let (mut block, mut said) = (Vec::new(), Vec::new());
        self.encoder.encode(
            list.iter().map(|(name, value)| Field::new(name, value)),
            &mut block,
        );
        frame::write_headers(&mut said, stream, ends, &block, 16_384);
        self.say(relay, &said, now);
    }

    /// Takes some of what the relay has to say, and judges it.
    fn hear(&mut self, relay: &mut Relay, most: usize, now: Instant) {
        let said = relay.output(self.id);
        let n_bytes = said.len().min(most);
        self.heard.extend_from_slice(&said[..n_bytes]);
        relay.written(self.id, n_bytes, now);
        if matches!(self.id, ConnectionId::Server(_)) && self.heard.starts_with(PREFACE) {
            self.heard.drain(..PREFACE.len());
        }
        // The rest of the preface is still to come, or the answer is for a caller that does not speak HTTP/2.
        if self.heard.starts_with(b"PRI") || self.heard.starts_with(b"HTTP") {
            return;
        }
        while let Some((head, rest)) = Head::read(&self.heard) {
            assert!(head.length() <= MAX_FRAME, "a frame of {} octets", head.length());
            let length = usize::try_from(head.length()).unwrap();
            if rest.len() < length {
                return;
            }
            let whole: Vec<u8> = self.heard.drain(..9 + length).collect();
            let read = Frame::read(head, &whole[9..]);
            match read.unwrap_or_else(|_| panic!("the relay said {whole:x?}")) {
                Frame::Data(_) => {
                    self.window -= i64::from(head.length());
                    assert!(self.window >= 0, "DATA beyond the window");
                }
                Frame::Headers(part) | Frame::Continuation(part) => {
                    self.block.extend_from_slice(part.bytes);
                    if part.complete {
                        let judged =
                            self.decoder
                                .decode(&self.block, ROOMY, &mut HeaderList::new());
                        assert_eq!(judged, Ok(()));
                        self.block.clear();
                    }
                }
                Frame::PushPromise | Frame::Priority => panic!("no business of a relay's"),
                _ => {}
            }
        }
    }
}

/// What the input says, octet by octet.
struct Script<'input>(&'input [u8]);

impl<'input> Script<'input> {
    fn octet(&mut self) -> Option<u8> {
        let (octet, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*octet)
    }

    fn take(&mut self, most: u8) -> &'input [u8] {
        let (taken, rest) = self.0.split_at(usize::from(most).min(self.0.len()));
        self.0 = rest;
        taken
    }
}

fuzz_target!(|input: &[u8]| {
    let mut script = Script(input);
    let mut now = Instant::now();
    let terms = Terms {
        drain_timeout: Duration::from_secs(60),
    };
    let mut relay = Relay::new(terms, now);
    let upstream = relay.add_upstream("temporal.test:7233");
    // What names no namespace is taken from one caller, and nothing at all from the other unless it names the right one.
    let by_namespace = |unnamed| Route::ByNamespace {
        namespaces: BTreeMap::from([(b"payments".to_vec(), upstream)]),
        otherwise: None,
        unnamed,
    };
    let routes = [by_namespace(Some(upstream)), by_namespace(None)].map(Arc::new);
    let mut peers = [
        Peer::caller(&mut relay, &routes[0], now),
        Peer::caller(&mut relay, &routes[1], now),
        Peer::server(&mut relay, upstream, now),
    ];
    while let (Some(deed), Some(number)) = (script.octet(), script.octet()) {
        let n_peer = usize::from(deed % 3);
        let stream = u32::from(number % 8);
        let peer = &mut peers[n_peer];
        match deed / 3 % 16 {
            0..3 => {
                let (kind, flags) = (
                    script.octet().unwrap_or(0) % 11,
                    script.octet().unwrap_or(0),
                );
                // A setting could allow longer frames or other tables, and then this judge would be wrong.
                if kind == 4 {
                    continue;
                }
                let payload = script.take(number);
                let mut said = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
                said.extend([kind, flags]);
                said.extend(stream.to_be_bytes());
                said.extend(payload);
                if kind == 8
                    && stream == 0
                    && let Ok(increment) = <[u8; 4]>::try_from(payload)
                {
                    peer.window += i64::from(u32::from_be_bytes(increment) & 0x7fff_ffff);
                }
                peer.say(&mut relay, &said, now);
            }
            3..6 => peer.say_list(
                &mut relay,
                stream,
                number & 8 != 0,
                match n_peer {
                    0 => &REQUEST[..6],
                    1 => &REQUEST,
                    _ => &RESPONSE,
                },
                now,
            ),
            6 => peer.say_list(&mut relay, stream, true, &TRAILERS, now),
            7 | 8 => {
                let mut said = Vec::new();
                let bytes = vec![deed; usize::from(number) * 64];
                frame::write_data(&mut said, stream, number & 8 != 0, (&bytes, &[]));
                peer.say(&mut relay, &said, now);
            }
            9 => {
                let mut said = Vec::new();
                frame::write_window(&mut said, 0, u32::from(number) + 1);
                peer.window += i64::from(number) + 1;
                peer.say(&mut relay, &said, now);
            }
            10 => {
                now += Duration::from_millis(u64::from(number) * 40);
                relay.handle_timeout(now);
            }
            11 => {
                relay.close(peer.id, "the script says so", now);
                peers[n_peer] = if n_peer < 2 {
                    Peer::caller(&mut relay, &routes[n_peer], now)
                } else {
                    Peer::server(&mut relay, upstream, now)
                };
            }
            12 => {
                if let ConnectionId::Server(id) = peer.id {
                    relay.retire(id, now);
                    *peer = Peer::server(&mut relay, upstream, now);
                }
            }
            13 if number == 0 => relay.shut_down(now),
            _ => peer.hear(&mut relay, usize::from(number) * 16 + 1, now),
        }
        while relay.next_touched().is_some() {}
        while let Some(event) = relay.next_event() {
            assert!(!matches!(event, Event::Answered(..)), "nothing was asked");
        }
    }
    for peer in &mut peers {
        peer.hear(&mut relay, usize::MAX, now);
    }
});
