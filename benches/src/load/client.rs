//! One HTTP/2 connection of a caller: bytes in, bytes and verdicts out. No sockets, no clock, no second chance for any
//! call: what goes wrong is counted.

use std::{collections::VecDeque, sync::Arc};

use tokio::time::Instant;

use super::{
    Call, Failure,
    headers::{Encoder, TABLE_BYTES},
    streams::{Stream, Streams},
};
use crate::{
    hpack::{BlockError, Decoder, Fields},
    message::GRPC_HEAD,
    wire::{self, Cutter, Frame, code, flag, kind, setting},
};

/// The window of each stream towards us: the largest reply of any load fits.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;

/// The window of the connection towards us, as grpc-go grows it to.
const CONNECTION_WINDOW: u32 = 16 * 1024 * 1024;

/// A call that ended.
#[derive(Debug)]
pub(super) struct Done {
    /// Which kind of call.
    pub(super) which: usize,
    /// Since when its caller had waited.
    pub(super) since: Instant,
    /// How it ended.
    pub(super) verdict: Result<(), Failure>,
}

/// Why a connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error("a frame of the kind {kind} is shorter than it must be")]
    Short { kind: u8 },
}

/// A header block that spans frames.
#[derive(Debug)]
struct Block {
    stream: u32,
    ends: bool,
    bytes: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Client {
    calls: Arc<[Call]>,
    cutter: Cutter,
    decoder: Decoder,
    encoder: Encoder,
    out: Vec<u8>,
    streams: Streams,
    /// Streams whose request is not sent whole.
    waiting: VecDeque<u32>,
    block: Option<Block>,
    settled: bool,
    leaving: bool,
    max_streams: usize,
    max_frame: usize,
    stream_window: i64,
    window: i64,
    consumed: u32,
    done: Vec<Done>,
}

impl Client {
    pub(super) fn new(calls: Arc<[Call]>) -> Self {
        let mut out = wire::PREFACE.to_vec();
        let settings = [
            (setting::ENABLE_PUSH, 0),
            (setting::INITIAL_WINDOW_SIZE, STREAM_WINDOW),
        ];
        wire::put_settings(&mut out, &settings);
        let more = CONNECTION_WINDOW - 65_535;
        wire::put_number(&mut out, kind::WINDOW_UPDATE, 0, more);
        Self {
            calls,
            cutter: Cutter::default(),
            decoder: Decoder::default(),
            encoder: Encoder::new(),
            out,
            streams: Streams::default(),
            waiting: VecDeque::new(),
            block: None,
            settled: false,
            leaving: false,
            max_streams: usize::MAX,
            max_frame: wire::DEFAULT_FRAME_BYTES,
            stream_window: wire::DEFAULT_WINDOW,
            window: wire::DEFAULT_WINDOW,
            consumed: 0,
            done: Vec::new(),
        }
    }

    /// Whether a call may begin now: the server's settings are known, and it takes one more.
    pub(super) fn has_room(&self) -> bool {
        self.settled && !self.leaving && self.streams.open() < self.max_streams
    }

    /// Whether the server's settings are known.
    pub(super) fn is_settled(&self) -> bool {
        self.settled
    }

    /// Whether the server takes no further calls.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Calls under way.
    pub(super) fn open(&self) -> usize {
        self.streams.open()
    }

    /// What must be written.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// The calls that ended since the last question.
    pub(super) fn done(&mut self) -> Vec<Done> {
        std::mem::take(&mut self.done)
    }

    /// Takes back the buffer of [`Self::done`], so that it is not made anew for each read.
    pub(super) fn reuse(&mut self, mut done: Vec<Done>) {
        if self.done.is_empty() {
            done.clear();
            self.done = done;
        }
    }

    /// Begins a call.
    pub(super) fn start(&mut self, which: usize, since: Instant) {
        let Some(call) = self.calls.get(which) else {
            return;
        };
        let id = self.streams.push(Stream {
            which,
            since,
            status: None,
            received: 0,
            window: self.stream_window,
            sent: 0,
        });
        let head = self.out.len();
        wire::put_head(&mut self.out, 0, (kind::HEADERS, flag::END_HEADERS), id);
        let begin = self.out.len();
        self.encoder.encode(which, &call.headers, &mut self.out);
        let length = u32::try_from(self.out.len() - begin).unwrap_or(0);
        let [_, a, b, c] = length.to_be_bytes();
        if let Some(place) = self
            .out
            .get_mut(head..)
            .and_then(<[u8]>::first_chunk_mut::<3>)
        {
            *place = [a, b, c];
        }
        if self.waiting.is_empty() {
            self.send(id);
        } else {
            self.waiting.push_back(id);
        }
    }

    /// Takes what was read.
    pub(super) fn receive(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let mut cutter = std::mem::take(&mut self.cutter);
        let result = cutter.cut(bytes, |frame| self.frame(frame));
        self.cutter = cutter;
        result
    }

    /// Ends every call under way: the connection is gone, or nobody waits any longer.
    pub(super) fn give_up(&mut self, failure: Failure) {
        self.leaving = true;
        let lost = self.streams.clear().map(|stream| Done {
            which: stream.which,
            since: stream.since,
            verdict: Err(failure),
        });
        self.done.extend(lost);
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Broken> {
        let short = Broken::Short { kind: frame.kind };
        match frame.kind {
            kind::DATA => self.data(frame).ok_or(short)?,
            kind::HEADERS => {
                let bytes = frame.content().ok_or(short)?;
                let ends = frame.has(flag::END_STREAM);
                if frame.has(flag::END_HEADERS) {
                    let fields = self.decoder.decode(bytes)?;
                    self.fields(frame.stream, ends, fields);
                } else {
                    let stream = frame.stream;
                    let bytes = bytes.to_vec();
                    self.block = Some(Block {
                        stream,
                        ends,
                        bytes,
                    });
                }
            }
            kind::CONTINUATION => self.continuation(frame)?,
            kind::RST_STREAM => {
                let code = frame.first_number().ok_or(short)?;
                self.finish(frame.stream, Err(Failure::Reset(code)));
            }
            kind::SETTINGS if !frame.has(flag::ACK) => self.settings(frame),
            kind::PING if !frame.has(flag::ACK) => wire::put_pong(&mut self.out, frame.payload),
            kind::GOAWAY => {
                let last = frame.first_number().ok_or(short)?;
                self.goodbye(last & 0x7fff_ffff);
            }
            kind::WINDOW_UPDATE => {
                let more = i64::from(frame.first_number().ok_or(short)? & 0x7fff_ffff);
                if frame.stream == 0 {
                    self.window += more;
                } else if let Some(stream) = self.streams.get(frame.stream) {
                    stream.window += more;
                }
                self.resume();
            }
            _other => {}
        }
        Ok(())
    }

    fn data(&mut self, frame: Frame<'_>) -> Option<()> {
        let length = frame.content()?.len();
        self.consumed += u32::try_from(frame.payload.len()).unwrap_or(0);
        if self.consumed >= CONNECTION_WINDOW / 2 {
            wire::put_number(&mut self.out, kind::WINDOW_UPDATE, 0, self.consumed);
            self.consumed = 0;
        }
        if let Some(stream) = self.streams.get(frame.stream) {
            stream.received += length;
        }
        if frame.has(flag::END_STREAM) {
            self.finish(frame.stream, Err(Failure::NoStatus));
        }
        Some(())
    }

    fn continuation(&mut self, frame: Frame<'_>) -> Result<(), Broken> {
        let Some(mut block) = self.block.take() else {
            return Ok(());
        };
        block.bytes.extend_from_slice(frame.payload);
        if frame.has(flag::END_HEADERS) {
            let fields = self.decoder.decode(&block.bytes)?;
            self.fields(block.stream, block.ends, fields);
        } else {
            self.block = Some(block);
        }
        Ok(())
    }

    fn fields(&mut self, id: u32, ends: bool, fields: Fields) {
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        stream.status = stream.status.or(fields.status);
        if !ends {
            return;
        }
        let (status, received, which) = (stream.status, stream.received, stream.which);
        let expected = self.calls.get(which).map_or(0, |call| call.reply);
        let verdict = match (status, fields.grpc_status) {
            (Some(200), Some(0)) if received == expected + GRPC_HEAD => Ok(()),
            (Some(200), Some(0)) => Err(Failure::Length),
            (Some(200) | None, Some(code)) => Err(Failure::Status(code)),
            (Some(200) | None, None) => Err(Failure::NoStatus),
            (Some(status), _) => Err(Failure::Http(status)),
        };
        self.finish(id, verdict);
    }

    fn settings(&mut self, frame: Frame<'_>) {
        for (name, value) in frame.settings() {
            match name {
                setting::HEADER_TABLE_SIZE if value < TABLE_BYTES => self.encoder.without_table(),
                setting::MAX_CONCURRENT_STREAMS => {
                    self.max_streams = usize::try_from(value).unwrap_or(usize::MAX);
                }
                setting::INITIAL_WINDOW_SIZE => {
                    let difference = i64::from(value) - self.stream_window;
                    self.stream_window = i64::from(value);
                    for stream in self.streams.iter_mut() {
                        stream.window += difference;
                    }
                }
                setting::MAX_FRAME_SIZE => {
                    self.max_frame = usize::try_from(value).unwrap_or(wire::DEFAULT_FRAME_BYTES);
                }
                _other => {}
            }
        }
        self.settled = true;
        wire::put_settings_ack(&mut self.out);
        self.resume();
    }

    fn goodbye(&mut self, last: u32) {
        self.leaving = true;
        let mut id = last.saturating_add(1) | 1;
        while id < self.streams.next_id() {
            self.finish(id, Err(Failure::Unprocessed));
            id += 2;
        }
    }

    fn finish(&mut self, id: u32, verdict: Result<(), Failure>) {
        let Some(stream) = self.streams.remove(id) else {
            return;
        };
        // An answer before the request was sent whole ends the request too.
        let unsent = |call: &Call| stream.sent < call.body.len();
        if verdict.is_ok() && self.calls.get(stream.which).is_some_and(unsent) {
            wire::put_number(&mut self.out, kind::RST_STREAM, id, code::NO_ERROR);
        }
        self.done.push(Done {
            which: stream.which,
            since: stream.since,
            verdict,
        });
    }

    /// Sends what the windows let through, the longest waiting first.
    fn resume(&mut self) {
        for _ in 0..self.waiting.len() {
            let Some(id) = self.waiting.pop_front() else {
                return;
            };
            self.send(id);
        }
    }

    /// Sends as much of a request as may be sent; what is left waits.
    fn send(&mut self, id: u32) {
        let calls = Arc::clone(&self.calls);
        loop {
            let (connection, max_frame) = (self.window, self.max_frame);
            let Some(stream) = self.streams.get(id) else {
                return;
            };
            let Some(rest) = calls
                .get(stream.which)
                .and_then(|call| call.body.get(stream.sent..))
            else {
                return;
            };
            if rest.is_empty() {
                return;
            }
            let allowed = usize::try_from(stream.window.min(connection)).unwrap_or(0);
            let length = rest.len().min(allowed).min(max_frame);
            let Some(piece) = rest.get(..length).filter(|piece| !piece.is_empty()) else {
                self.waiting.push_back(id);
                return;
            };
            let last = length == rest.len();
            let used = i64::try_from(length).unwrap_or(0);
            stream.sent += length;
            stream.window -= used;
            self.window -= used;
            let flags = if last { flag::END_STREAM } else { 0 };
            wire::put_head(&mut self.out, length, (kind::DATA, flags), id);
            self.out.extend_from_slice(piece);
        }
    }
}
