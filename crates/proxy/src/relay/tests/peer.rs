//! A peer of paper: it says frames and hears frames.

use std::time::Instant;

use crate::{
    h2::{
        PREFACE,
        cutter::Cutter,
        frame::{self, Frame},
        hpack::{Decoder, Encoder, Field, HeaderList, Limits},
        reason::Reason,
    },
    relay::{ConnectionId, Relay},
};

/// A frame of the relay, as a test compares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Settings(Vec<(u16, u32)>),
    SettingsAck,
    Headers(u32, Ends, Vec<(String, String)>),
    Data(u32, Ends, Vec<u8>),
    Reset(u32, Reason),
    GoAway(u32, Reason),
    Window(u32, u32),
    Ping,
    Pong([u8; 8]),
}

/// Whether a frame ended its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Yes,
    No,
}

pub(super) struct Peer {
    pub(super) id: ConnectionId,
    /// What it is about to say.
    pub(super) speech: Vec<u8>,
    encoder: Encoder,
    decoder: Decoder,
    cutter: Cutter,
}

/// The headers of a worker's call.
pub(super) const REQUEST: &[(&str, &str)] = &[
    (":method", "POST"),
    (":scheme", "http"),
    (
        ":path",
        "/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue",
    ),
    (":authority", "localhost:7233"),
    ("content-type", "application/grpc"),
    ("te", "trailers"),
    ("grpc-timeout", "70S"),
    ("client-name", "temporal-go"),
];

pub(super) const RESPONSE: &[(&str, &str)] =
    &[(":status", "200"), ("content-type", "application/grpc")];

pub(super) const TRAILERS: &[(&str, &str)] = &[("grpc-status", "0")];

impl Ends {
    pub(super) fn when(ends: bool) -> Self {
        if ends { Self::Yes } else { Self::No }
    }

    fn is_end(self) -> bool {
        self == Self::Yes
    }
}

impl Peer {
    pub(super) fn new(id: ConnectionId) -> Self {
        Self {
            id,
            speech: Vec::new(),
            encoder: Encoder::new(4096),
            decoder: Decoder::new(4096),
            cutter: Cutter::default(),
        }
    }

    pub(super) fn say_preface(&mut self) {
        self.speech.extend_from_slice(PREFACE);
    }

    pub(super) fn say_settings(&mut self, settings: &[(u16, u32)]) {
        frame::write_settings(&mut self.speech, settings);
    }

    pub(super) fn say_settings_ack(&mut self) {
        frame::write_settings_ack(&mut self.speech);
    }

    pub(super) fn say_headers(&mut self, stream: u32, ends: Ends, fields: &[(&str, &str)]) {
        let mut block = Vec::new();
        let fields = fields
            .iter()
            .map(|(name, value)| Field::new(name.as_bytes(), value.as_bytes()));
        self.encoder.encode(fields, &mut block);
        frame::write_headers(&mut self.speech, stream, ends.is_end(), &block, 16_384);
    }

    /// Says a frame that no library would write.
    pub(super) fn say_raw(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let [_, a, b, c] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.speech.extend_from_slice(&[a, b, c, kind, flags]);
        self.speech.extend_from_slice(&stream.to_be_bytes());
        self.speech.extend_from_slice(payload);
    }

    pub(super) fn say_data(&mut self, stream: u32, ends: Ends, bytes: &[u8]) {
        let mut chunks = bytes.chunks(16_384).peekable();
        if chunks.peek().is_none() {
            frame::write_data(&mut self.speech, stream, ends.is_end(), (&[], &[]));
        }
        while let Some(chunk) = chunks.next() {
            let ends = ends.is_end() && chunks.peek().is_none();
            frame::write_data(&mut self.speech, stream, ends, (chunk, &[]));
        }
    }

    pub(super) fn say_reset(&mut self, stream: u32, reason: Reason) {
        frame::write_reset(&mut self.speech, stream, reason);
    }

    pub(super) fn say_window(&mut self, stream: u32, increment: u32) {
        frame::write_window(&mut self.speech, stream, increment);
    }

    pub(super) fn say_go_away(&mut self, last: u32) {
        self.say_go_away_over(last, Reason::NO_ERROR);
    }

    pub(super) fn say_go_away_over(&mut self, last: u32, reason: Reason) {
        frame::write_go_away(&mut self.speech, last, reason, "");
    }

    pub(super) fn say_ping(&mut self, payload: [u8; 8]) {
        frame::write_ping(&mut self.speech, payload);
    }

    pub(super) fn say_pong(&mut self) {
        frame::write_pong(&mut self.speech, *b"newleaf!");
    }

    /// A whole call without a body.
    pub(super) fn say_request(&mut self, stream: u32) {
        self.say_headers(stream, Ends::Yes, REQUEST);
    }

    /// A whole answer with a body.
    pub(super) fn say_response(&mut self, stream: u32, body: &[u8]) {
        self.say_headers(stream, Ends::No, RESPONSE);
        self.say_data(stream, Ends::No, body);
        self.say_headers(stream, Ends::Yes, TRAILERS);
    }

    pub(super) fn pass(&mut self, relay: &mut Relay, now: Instant) {
        let speech = std::mem::take(&mut self.speech);
        relay.receive(self.id, &speech, now);
    }

    /// Passes so many bytes and no more.
    pub(super) fn pass_some(&mut self, relay: &mut Relay, now: Instant, n_bytes: usize) {
        let n_bytes = n_bytes.min(self.speech.len());
        let speech: Vec<u8> = self.speech.drain(..n_bytes).collect();
        relay.receive(self.id, &speech, now);
    }

    pub(super) fn expect_preface(&mut self, relay: &mut Relay, now: Instant) {
        let output = relay.output(self.id);
        assert_eq!(output.get(..24), Some(&PREFACE[..]));
        relay.written(self.id, 24, now);
    }

    /// Returns the lengths of the DATA frames that the relay says, which may be longer than this peer takes.
    pub(super) fn hear_lengths(
        &mut self,
        relay: &mut Relay,
        now: Instant,
    ) -> impl Iterator<Item = usize> + use<> {
        let mut rest = relay.output(self.id).to_vec();
        relay.written(self.id, rest.len(), now);
        std::iter::from_fn(move || {
            let (head, _) = frame::Head::read(&rest)?;
            let len = usize::try_from(head.length()).unwrap();
            rest.drain(..frame::HEAD_LEN + len);
            Some(len)
        })
    }

    pub(super) fn hear(&mut self, relay: &mut Relay, now: Instant) -> Vec<Said> {
        self.hear_some(relay, now, usize::MAX)
    }

    /// Hears so many bytes and no more, wherever a frame ends.
    pub(super) fn hear_some(
        &mut self,
        relay: &mut Relay,
        now: Instant,
        n_bytes: usize,
    ) -> Vec<Said> {
        let output = relay.output(self.id);
        let output = output[..output.len().min(n_bytes)].to_vec();
        relay.written(self.id, output.len(), now);
        let mut bytes = &output[..];
        let mut said = Vec::new();
        while let Some((head, payload)) = self.cutter.next(&mut bytes).unwrap() {
            let frame = Frame::read(head, payload).unwrap();
            said.push(match frame {
                Frame::Data(data) => {
                    Said::Data(data.stream, Ends::when(data.ends), data.bytes.to_vec())
                }
                Frame::Headers(fragment) => {
                    assert!(fragment.complete);
                    let fields = decode(&mut self.decoder, fragment.bytes);
                    Said::Headers(fragment.stream, Ends::when(fragment.ends), fields)
                }
                Frame::Reset { stream, reason } => Said::Reset(stream, reason),
                Frame::Settings(_) => {
                    let (entries, _) = payload.as_chunks::<6>();
                    let entries = entries.iter().map(|&[a, b, c, d, e, f]| {
                        (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]))
                    });
                    Said::Settings(entries.collect())
                }
                Frame::SettingsAck => Said::SettingsAck,
                Frame::Ping(_) => Said::Ping,
                Frame::Pong(payload) => Said::Pong(payload),
                Frame::GoAway { last, reason } => Said::GoAway(last, reason),
                Frame::Window { stream, increment } => Said::Window(stream, increment),
                Frame::Priority | Frame::PushPromise | Frame::Continuation(_) | Frame::Unknown => {
                    panic!("expected no such frame: {frame:?}")
                }
            });
        }
        said
    }
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> Vec<(String, String)> {
    let mut list = HeaderList::new();
    let limits = Limits {
        size: 1 << 20,
        fields: 1000,
    };
    decoder.decode(block, limits, &mut list).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    list.iter()
        .map(|field| (text(field.name), text(field.value)))
        .collect()
}
