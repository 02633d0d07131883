//! One HTTP/2 connection of the measuring server: bytes in, bytes out. Header blocks of requests are not read: what is
//! asked stands in the message.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, VecDeque},
};

use tokio::time::Instant;

use super::Vices;
use crate::{
    message::{GRPC_HEAD, LEADING_BYTES, Order, put_grpc_head},
    wire::{self, Cutter, Frame, code, flag, kind, setting},
};

/// The window of each stream towards us: the largest request of any load fits.
const STREAM_WINDOW: u32 = 16 * 1024 * 1024;

/// The window of the connection towards us.
const CONNECTION_WINDOW: u32 = 256 * 1024 * 1024;

/// Streams at once on one connection.
const MAX_STREAMS: u32 = 20_000;

/// Written at once; then the socket is asked whether it takes more.
const WRITE_BYTES: usize = 1024 * 1024;

/// The client's table must hold our two entries.
const TABLE_BYTES: u32 = 4096;

/// Why a conversation makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// Something that is not HTTP/2.
    #[error("expected the HTTP/2 preface")]
    Preface,
    /// A frame shorter than its kind allows.
    #[error("a frame of the kind {kind} is shorter than it must be")]
    Short {
        /// The kind.
        kind: u8,
    },
}

#[derive(Debug)]
struct Stream {
    /// What the request began with.
    leading: Vec<u8>,
    window: i64,
    /// Bytes of the reply that are not sent yet.
    left: usize,
}

#[derive(Debug)]
pub(super) struct Server {
    vices: Vices,
    /// What is still expected of the preface.
    preface: usize,
    cutter: Cutter,
    out: Vec<u8>,
    streams: BTreeMap<u32, Stream>,
    held: BinaryHeap<Reverse<(Instant, u32)>>,
    waiting: VecDeque<u32>,
    stream_window: i64,
    window: i64,
    consumed: u32,
    table: Table,
    requests: u32,
    last: u32,
    mood: Mood,
}

/// The client's dynamic table, and what of ours is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    /// It takes nothing.
    None,
    /// It takes our entries, and does not have both yet.
    Empty,
    /// `grpc-status: 0` is the newest entry, and `content-type` the one before.
    Primed,
}

/// What the server will do with the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Serve.
    Serving,
    /// Answer what it has, and go.
    Leaving,
    /// Cut the connection.
    Cutting,
    /// Do nothing, for ever.
    Frozen,
}

impl Server {
    pub(super) fn new(vices: Vices) -> Self {
        let mut out = Vec::new();
        let settings = [
            (setting::MAX_CONCURRENT_STREAMS, MAX_STREAMS),
            (setting::INITIAL_WINDOW_SIZE, STREAM_WINDOW),
        ];
        wire::put_settings(&mut out, &settings);
        wire::put_number(&mut out, kind::WINDOW_UPDATE, 0, CONNECTION_WINDOW - 65_535);
        Self {
            vices,
            preface: wire::PREFACE.len(),
            cutter: Cutter::default(),
            out,
            streams: BTreeMap::new(),
            held: BinaryHeap::new(),
            waiting: VecDeque::new(),
            stream_window: wire::DEFAULT_WINDOW,
            window: wire::DEFAULT_WINDOW,
            consumed: 0,
            table: Table::Empty,
            requests: 0,
            last: 0,
            mood: Mood::Serving,
        }
    }

    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Whether the connection is to be cut now.
    pub(super) fn is_cut(&self) -> bool {
        self.mood == Mood::Cutting
    }

    /// Whether the connection is to be left half-open now.
    pub(super) fn is_frozen(&self) -> bool {
        self.mood == Mood::Frozen
    }

    /// Whether the client was told to go, and everything it will get was said.
    pub(super) fn is_done(&self) -> bool {
        self.mood == Mood::Leaving && self.streams.is_empty()
    }

    /// When the next held reply is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.held.peek().map(|Reverse((due, _))| *due)
    }

    /// Answers what was held until now.
    pub(super) fn answer_due(&mut self, now: Instant) {
        while self.due().is_some_and(|due| due <= now) {
            if let Some(Reverse((_, id))) = self.held.pop() {
                self.reply(id);
            }
        }
    }

    /// Takes what was read.
    pub(super) fn receive(&mut self, bytes: &[u8], now: Instant) -> Result<(), ProtocolError> {
        let mut bytes = bytes;
        if self.preface > 0 {
            let length = self.preface.min(bytes.len());
            let (preface, rest) = bytes.split_at(length);
            let from = wire::PREFACE.len() - self.preface;
            if wire::PREFACE.get(from..from + length) != Some(preface) {
                return Err(ProtocolError::Preface);
            }
            self.preface -= length;
            bytes = rest;
        }
        let mut cutter = std::mem::take(&mut self.cutter);
        let result = cutter.cut(bytes, |frame| self.frame(frame, now));
        self.cutter = cutter;
        result
    }

    /// Sends what the windows let through.
    pub(super) fn resume(&mut self) {
        for _ in 0..self.waiting.len() {
            let Some(id) = self.waiting.pop_front() else {
                return;
            };
            self.send(id);
        }
    }

    fn frame(&mut self, frame: Frame<'_>, now: Instant) -> Result<(), ProtocolError> {
        let short = ProtocolError::Short { kind: frame.kind };
        match frame.kind {
            kind::HEADERS => self.begin(frame, now),
            kind::DATA => self.data(frame, now).ok_or(short)?,
            kind::RST_STREAM => drop(self.streams.remove(&frame.stream)),
            kind::SETTINGS if !frame.has(flag::ACK) => self.settings(frame),
            kind::PING if !frame.has(flag::ACK) => wire::put_pong(&mut self.out, frame.payload),
            kind::WINDOW_UPDATE => {
                let more = i64::from(frame.first_number().ok_or(short)? & 0x7fff_ffff);
                if frame.stream == 0 {
                    self.window += more;
                } else if let Some(stream) = self.streams.get_mut(&frame.stream) {
                    stream.window += more;
                }
                self.resume();
            }
            _other => {}
        }
        Ok(())
    }

    fn begin(&mut self, frame: Frame<'_>, now: Instant) {
        if self.mood == Mood::Leaving || frame.stream <= self.last {
            return;
        }
        self.last = frame.stream;
        self.requests = self.requests.wrapping_add(1);
        let each = |vice: Option<u32>| vice.is_some_and(|n| self.requests.is_multiple_of(n.max(1)));
        if each(self.vices.cut_after) {
            self.mood = Mood::Cutting;
        }
        if each(self.vices.freeze_after) {
            self.mood = Mood::Frozen;
        }
        if each(self.vices.refuse_each) {
            let id = frame.stream;
            wire::put_number(&mut self.out, kind::RST_STREAM, id, code::REFUSED_STREAM);
            return;
        }
        if each(self.vices.goaway_after) {
            self.mood = Mood::Leaving;
            wire::put_goaway(&mut self.out, self.last, code::NO_ERROR);
        }
        let stream = Stream {
            leading: Vec::new(),
            window: self.stream_window,
            left: 0,
        };
        self.streams.insert(frame.stream, stream);
        if frame.has(flag::END_STREAM) {
            self.answer(frame.stream, now);
        }
    }

    fn data(&mut self, frame: Frame<'_>, now: Instant) -> Option<()> {
        let bytes = frame.content()?;
        self.consumed += u32::try_from(frame.payload.len()).unwrap_or(0);
        if self.consumed >= CONNECTION_WINDOW / 2 {
            wire::put_number(&mut self.out, kind::WINDOW_UPDATE, 0, self.consumed);
            self.consumed = 0;
        }
        let Some(stream) = self.streams.get_mut(&frame.stream) else {
            return Some(());
        };
        let missing = LEADING_BYTES - stream.leading.len();
        let taken = bytes.get(..missing.min(bytes.len())).unwrap_or_default();
        stream.leading.extend_from_slice(taken);
        if frame.has(flag::END_STREAM) {
            self.answer(frame.stream, now);
        }
        Some(())
    }

    fn settings(&mut self, frame: Frame<'_>) {
        for (name, value) in frame.settings() {
            if name == setting::HEADER_TABLE_SIZE && value < TABLE_BYTES {
                self.table = Table::None;
            }
            if name == setting::INITIAL_WINDOW_SIZE {
                let difference = i64::from(value) - self.stream_window;
                self.stream_window = i64::from(value);
                for stream in self.streams.values_mut() {
                    stream.window += difference;
                }
            }
        }
        wire::put_settings_ack(&mut self.out);
        self.resume();
    }

    /// Does what a whole request orders.
    fn answer(&mut self, id: u32, now: Instant) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let order = Order::read(&stream.leading);
        stream.left = usize::try_from(order.reply).unwrap_or(0);
        if order.hold.is_zero() {
            self.reply(id);
        } else {
            self.held.push(Reverse((now + order.hold, id)));
        }
    }

    fn reply(&mut self, id: u32) {
        let Some(length) = self.streams.get(&id).map(|stream| stream.left) else {
            return;
        };
        // The first trailers make `grpc-status` the newest entry of the client's table; whichever replies began before
        // them have made `content-type` the one before it.
        let block: &[u8] = match self.table {
            Table::None => b"\x88\x0f\x10\x10application/grpc",
            Table::Empty => b"\x88\x5f\x10application/grpc",
            Table::Primed => b"\x88\xbf",
        };
        wire::put_head(
            &mut self.out,
            block.len(),
            (kind::HEADERS, flag::END_HEADERS),
            id,
        );
        self.out.extend_from_slice(block);
        self.first_bytes(id, length);
    }

    fn first_bytes(&mut self, id: u32, length: usize) {
        let whole = i64::try_from(length + GRPC_HEAD).unwrap_or(i64::MAX);
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if whole <= self.window.min(stream.window)
            && self.waiting.is_empty()
            && length + GRPC_HEAD <= wire::DEFAULT_FRAME_BYTES
        {
            wire::put_head(&mut self.out, length + GRPC_HEAD, (kind::DATA, 0), id);
            put_grpc_head(&mut self.out, length);
            self.out.resize(self.out.len() + length, b'r');
            self.window -= whole;
            self.trailers(id);
            return;
        }
        // Windows of less than the head exist only for an instant; the head goes out on credit.
        wire::put_head(&mut self.out, GRPC_HEAD, (kind::DATA, 0), id);
        put_grpc_head(&mut self.out, length);
        let head = i64::try_from(GRPC_HEAD).unwrap_or(0);
        stream.window -= head;
        self.window -= head;
        self.waiting.push_back(id);
        self.resume();
    }

    fn send(&mut self, id: u32) {
        loop {
            let Some(stream) = self.streams.get_mut(&id) else {
                return;
            };
            if stream.left == 0 {
                self.trailers(id);
                return;
            }
            let allowed = usize::try_from(stream.window.min(self.window)).unwrap_or(0);
            let length = stream.left.min(allowed).min(wire::DEFAULT_FRAME_BYTES);
            if length == 0 || self.out.len() > WRITE_BYTES {
                self.waiting.push_back(id);
                return;
            }
            let used = i64::try_from(length).unwrap_or(0);
            stream.left -= length;
            stream.window -= used;
            self.window -= used;
            wire::put_head(&mut self.out, length, (kind::DATA, 0), id);
            self.out.resize(self.out.len() + length, b'r');
        }
    }

    fn trailers(&mut self, id: u32) {
        let block: &[u8] = match self.table {
            Table::None => b"\x00\x0bgrpc-status\x010",
            Table::Empty => b"\x40\x0bgrpc-status\x010",
            Table::Primed => b"\xbe",
        };
        if self.table == Table::Empty {
            self.table = Table::Primed;
        }
        let flags = flag::END_HEADERS | flag::END_STREAM;
        wire::put_head(&mut self.out, block.len(), (kind::HEADERS, flags), id);
        self.out.extend_from_slice(block);
        self.streams.remove(&id);
    }
}
