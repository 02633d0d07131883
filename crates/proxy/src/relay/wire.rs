//! One connection's HTTP/2, whichever side it is on: what both callers and servers may say about the connection itself.

use std::{collections::VecDeque, time::Instant};

use super::{
    announced::{Allowance, Peer},
    heard::Heard,
    outbox::Outbox,
    slots::Key,
    streams::Streams,
    touched::Touched,
};
use crate::{
    h2::{
        block::{Assembly, Block},
        breach::{Breach, Fault},
        cutter::Cutter,
        frame::{self, Data, Fragment, Frame, Head},
        hpack::{
            DEFAULT_TABLE_SIZE, DecodeError, Decoder, Encoder, Field, HeaderList, Limits, Version,
        },
        patience::Patience,
        reason::Reason,
        settings::{Entries, Setting},
        window::{DEFAULT_WINDOW, ReceiveWindow, SendWindow},
    },
    limits,
};

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Wire {
    /// A number that no other connection has, nor had.
    pub(super) number: u64,
    pub(super) cutter: Cutter,
    assembly: Assembly,
    pub(super) out: Outbox,
    decoder: Decoder,
    encoder: Encoder,
    /// What we may still send on the whole connection.
    window: SendWindow,
    /// What the peer may still send on the whole connection, and how often it was given more.
    credit: ReceiveWindow,
    pub(super) n_moved: u32,
    allowance: Allowance,
    /// What the peer has said about itself.
    pub(super) peer: Peer,
    patience: Patience,
    has_said_settings: bool,
    /// The calls on its streams.
    pub(super) streams: Streams,
    /// Calls that wait for room on the whole connection.
    pub(super) blocked: VecDeque<Key>,
    /// Why nothing is read from it any more. What is in `out` is still to be written.
    pub(super) ended: Option<Ended>,
    /// Whether nothing more is said, for calls that wait in `out` are told to others.
    pub(super) is_mute: bool,
    /// What whoever drives the connection has been told of it since it was last looked at.
    pub(super) touched: Touched,
    pub(super) is_idle: bool,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// In peace.
    Done,
    /// Its peer broke a rule.
    Breach(Breach),
}

impl Wire {
    /// A connection that allows its peer this much.
    pub(super) fn new(number: u64, allowance: Allowance, now: Instant) -> Self {
        Self {
            number,
            cutter: Cutter::default(),
            assembly: Assembly::default(),
            out: Outbox::default(),
            decoder: Decoder::new(DEFAULT_TABLE_SIZE),
            encoder: Encoder::new(DEFAULT_TABLE_SIZE),
            window: SendWindow::new(DEFAULT_WINDOW),
            credit: ReceiveWindow::new(allowance.window),
            n_moved: 0,
            allowance,
            peer: Peer::default(),
            patience: Patience::new(limits::PATIENCE, now),
            has_said_settings: false,
            streams: Streams::default(),
            blocked: VecDeque::new(),
            ended: None,
            is_mute: false,
            touched: Touched::No,
            is_idle: false,
        }
    }

    /// Writes our SETTINGS, with one that is for this side only, and opens the connection's window.
    pub(super) fn introduce(&mut self, of_this_side: (u16, u32)) {
        frame::write_settings(self.out.end(), &self.allowance.settings(of_this_side));
        frame::write_window(self.out.end(), 0, self.allowance.more_window());
    }

    /// Takes DATA.
    #[inline]
    pub(super) fn hear_data<'a>(
        &mut self,
        head: Head,
        payload: &'a [u8],
        now: Instant,
    ) -> Result<Data<'a>, Fault> {
        self.may_carry_calls()?;
        let data = Data::read(head, payload)?;
        self.credit.receive(data.cost)?;
        if data.bytes.is_empty() && !data.ends {
            self.patience.spend("empty DATA", now)?;
        } else {
            self.patience.restore();
        }
        Ok(data)
    }

    /// Takes HEADERS. Returns the block if it is complete.
    #[inline]
    pub(super) fn hear_headers<'a>(
        &mut self,
        head: Head,
        payload: &'a [u8],
    ) -> Result<Option<Block<'a>>, Fault> {
        self.may_carry_calls()?;
        Ok(self.assembly.begin(Fragment::read(head, payload)?))
    }

    /// Makes sure that frames of calls may come now.
    #[inline]
    fn may_carry_calls(&self) -> Result<(), Breach> {
        if !self.has_said_settings {
            return Err(Breach::NoSettings);
        }
        if self.assembly.is_open() {
            return Err(Breach::Continuation);
        }
        Ok(())
    }

    /// Takes any other frame. What concerns the connection alone is dealt with here.
    pub(super) fn hear<'a>(
        &mut self,
        head: Head,
        payload: &'a [u8],
        now: Instant,
    ) -> Result<Heard<'a>, Fault> {
        let frame = Frame::read(head, payload)?;
        if !self.has_said_settings && !matches!(frame, Frame::Settings(_)) {
            return Err(Breach::NoSettings.into());
        }
        if self.assembly.is_open() && !matches!(frame, Frame::Continuation(_)) {
            return Err(Breach::Continuation.into());
        }
        match frame {
            // Whoever drives the wire has these taken by `hear_data` and `hear_headers`.
            Frame::Data(_) | Frame::Headers(_) => Ok(Heard::Nothing),
            Frame::Continuation(fragment) => {
                let block = self.assembly.go_on(fragment)?;
                Ok(block.map_or(Heard::Nothing, Heard::Block))
            }
            Frame::Priority => self.spend("PRIORITY", now),
            Frame::Reset { stream, reason } => Ok(Heard::Reset { stream, reason }),
            Frame::Settings(entries) => self.settings(entries, now),
            Frame::SettingsAck => Ok(Heard::SettingsAck),
            Frame::PushPromise => Err(Breach::Push.into()),
            Frame::Ping(payload) => {
                frame::write_pong(self.out.end(), payload);
                self.spend("PING", now)
            }
            Frame::Pong(_) => Ok(Heard::Pong),
            Frame::GoAway { last, reason } => Ok(Heard::GoAway { last, reason }),
            Frame::Window { stream, increment } => self.window_update(stream, increment),
            Frame::Unknown => self.spend("frames of unknown types", now),
        }
    }

    fn settings(&mut self, entries: Entries<'_>, now: Instant) -> Result<Heard<'static>, Fault> {
        self.has_said_settings = true;
        self.patience.spend("SETTINGS", now)?;
        let before = self.peer.initial_window;
        for setting in entries.iter() {
            match setting? {
                Setting::HeaderTableSize(size) => {
                    let size = usize::try_from(size).unwrap_or(usize::MAX);
                    self.encoder.set_max_table_size(size);
                }
                Setting::MaxConcurrentStreams(most) => self.peer.max_streams = most,
                Setting::InitialWindow(window) => self.peer.initial_window = window,
                Setting::MaxFrame(len) => {
                    self.peer.max_frame = usize::try_from(len).unwrap_or(usize::MAX);
                }
                Setting::MaxHeaderList(size) => {
                    self.peer.max_header_list = usize::try_from(size).unwrap_or(usize::MAX);
                }
                Setting::Other => {}
            }
        }
        frame::write_settings_ack(self.out.end());
        let difference = i64::from(self.peer.initial_window) - i64::from(before);
        Ok(Heard::Windows(difference))
    }

    fn window_update(&mut self, stream: u32, increment: u32) -> Result<Heard<'static>, Fault> {
        if stream != 0 {
            return Ok(Heard::Window { stream, increment });
        }
        self.window.grow(increment)?;
        Ok(Heard::Room)
    }

    /// Takes note of a frame that is of no use.
    pub(super) fn spend(
        &mut self,
        what: &'static str,
        now: Instant,
    ) -> Result<Heard<'static>, Fault> {
        self.patience.spend(what, now)?;
        Ok(Heard::Nothing)
    }

    /// Takes note of a frame that moved a call on.
    pub(super) fn earn(&mut self) {
        self.patience.restore();
    }

    /// Gives the peer room for bytes that are not held here any more.
    #[inline]
    pub(super) fn release(&mut self, n_bytes: usize) {
        let n_bytes = u32::try_from(n_bytes).unwrap_or(u32::MAX);
        if let Some(increment) = self.credit.release(n_bytes) {
            frame::write_window(self.out.end(), 0, increment);
            self.n_moved = self.n_moved.wrapping_add(1);
        }
    }

    /// Returns whether the peer may hardly send anything, since so much of what it sent is held here.
    pub(super) fn is_stopped(&self) -> bool {
        self.credit.is_used_up()
    }

    /// Gives the peer room on a stream.
    pub(super) fn write_window(&mut self, stream: u32, increment: u32) {
        frame::write_window(self.out.end(), stream, increment);
    }

    /// Returns how many bytes of a call one frame may carry now. A peer that does not read stops its calls here.
    #[inline]
    pub(super) fn room_for_data(&self) -> usize {
        let room = limits::OUTBOX_BYTES.saturating_sub(self.out.len());
        room.min(self.window.room()).min(self.peer.max_frame)
    }

    /// Returns whether the peer lets one more stream be opened.
    pub(super) fn has_stream_left(&self) -> bool {
        let n_streams = u32::try_from(self.streams.len()).unwrap_or(u32::MAX);
        self.ended.is_none() && n_streams < self.peer.max_streams
    }

    /// Returns whether a call may be added to what waits to be written.
    pub(super) fn has_room_for_call(&self) -> bool {
        self.out.len() < limits::OUTBOX_BYTES
    }

    /// Returns whether the peer asks for answers and does not read them.
    pub(super) fn is_clogged(&self) -> bool {
        self.out.len() > limits::OUTBOX_BYTES_MAX
    }

    #[inline]
    pub(super) fn write_data(&mut self, stream: u32, ends: bool, parts: (&[u8], &[u8])) {
        frame::write_data(self.out.end(), stream, ends, parts);
        self.window.take(parts.0.len() + parts.1.len());
    }

    /// Writes a header block that is encoded already.
    #[inline]
    pub(super) fn write_block(&mut self, stream: u32, ends: bool, block: &[u8]) {
        let max_frame = self.peer.max_frame;
        frame::write_headers(self.out.end(), stream, ends, block, max_frame);
    }

    /// Writes a list of headers.
    pub(super) fn write_list<'f>(
        &mut self,
        stream: u32,
        ends: bool,
        fields: impl IntoIterator<Item = Field<'f>>,
    ) {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        self.write_block(stream, ends, &block);
    }

    /// Encodes headers to the end of a block that is not written yet.
    pub(super) fn encode<'f>(
        &mut self,
        list: impl IntoIterator<Item = Field<'f>>,
        block: &mut Vec<u8>,
    ) {
        self.encoder.encode(list, block);
    }

    /// Decodes a block. One that holds too much ends its stream, one that cannot be decoded the connection.
    pub(super) fn decode(
        &mut self,
        stream: u32,
        block: &[u8],
        list: &mut HeaderList,
    ) -> Result<(), Fault> {
        let bounds = Limits {
            size: usize::try_from(self.allowance.header_list).unwrap_or(usize::MAX),
            fields: limits::HEADER_FIELDS,
        };
        match self.decoder.decode(block, bounds, list) {
            Ok(()) => Ok(()),
            Err(DecodeError::Oversized { limits, .. }) => {
                let limit = limits.size;
                Err(Fault::Stream(stream, Breach::Oversized { limit }))
            }
            Err(DecodeError::Corrupt(_)) => Err(Breach::Compression.into()),
        }
    }

    /// Returns the state of the table in which the peer's blocks are read.
    pub(super) fn decoder_version(&self) -> Version {
        Version {
            connection: self.number,
            generation: self.decoder.generation(),
        }
    }

    /// Returns the state of the table in which blocks for the peer are written.
    pub(super) fn encoder_version(&self) -> Version {
        Version {
            connection: self.number,
            generation: self.encoder.generation(),
        }
    }

    pub(super) fn write_reset(&mut self, stream: u32, reason: Reason) {
        frame::write_reset(self.out.end(), stream, reason);
    }

    /// Asks the peer for the acknowledgement that it owes every SETTINGS.
    pub(super) fn write_question(&mut self) {
        frame::write_settings(self.out.end(), &[]);
    }

    pub(super) fn write_ping(&mut self) {
        // What it carries does not matter: one is under way at a time.
        frame::write_ping(self.out.end(), *b"newleaf!");
    }

    pub(super) fn write_go_away(&mut self, last: u32, reason: Reason, words: &str) {
        frame::write_go_away(self.out.end(), last, reason, words);
    }

    /// Writes bytes that are not frames.
    pub(super) fn write_raw(&mut self, bytes: &[u8]) {
        self.out.end().extend_from_slice(bytes);
    }

    /// Returns the place, in all that is said on this connection, behind what is said so far.
    pub(super) fn place(&self) -> u64 {
        self.out.n_gone() + u64::try_from(self.out.len()).unwrap_or(0)
    }

    /// Returns whether what is said up to a place never left us whole.
    pub(super) fn holds_back(&self, place: u64) -> bool {
        self.out.n_gone() < place
    }

    pub(super) fn output(&self) -> &[u8] {
        if self.is_mute {
            return &[];
        }
        self.out.bytes()
    }

    /// Forgets what was written. Returns whether there is room again for calls that waited for it.
    pub(super) fn written(&mut self, n_bytes: usize) -> bool {
        self.out.written(n_bytes);
        !self.blocked.is_empty() && self.room_for_data() > 0
    }

    /// Gives back memory that was not used since the last time.
    pub(super) fn sweep(&mut self) {
        self.out.shrink();
        if std::mem::replace(&mut self.is_idle, true) {
            self.cutter.shrink();
            self.streams.shrink();
        }
    }
}
