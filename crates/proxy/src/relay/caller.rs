//! One connection from a caller.

use std::{sync::Arc, time::Instant};

use super::{
    announced::Allowance,
    call::Call,
    route::Route,
    slots::{Key, Slots},
    wire::{Ended, Wire},
};
use crate::{
    h2::{
        PREFACE, breach::Breach, frame::MAX_STREAM, patience::Patience, reason::Reason,
        settings::id,
    },
    limits,
};

/// A connection from a caller.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) wire: Wire,
    /// Where its calls go.
    pub(super) route: Arc<Route>,
    /// How much of the preface has come.
    n_preface: usize,
    /// When the preface must be there.
    pub(super) preface_by: Instant,
    /// The highest stream that was taken; our last GOAWAY names it. Higher ones that come after that are refused.
    pub(super) highest: u32,
    /// Streams that ended lately.
    pub(super) gone: Gone,
    pub(super) goodbye: Goodbye,
    /// How many more calls it may take back before they are answered (CVE-2023-44487).
    pub(super) resets: Patience,
}

/// How far our own goodbye has come (RFC 9113 §6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// Not said.
    No,
    /// Announced; streams that are on their way are still taken.
    Announced,
    /// Said; no stream above the highest is taken.
    Said,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// Both sides had said their last word, or the peer reset it.
    Finished,
    /// We reset it; frames may be on their way that the peer sent before it knew (RFC 9113 §5.1).
    Reset,
}

/// The streams that ended last. Of older ones nobody remembers how they ended.
#[derive(Debug, Default)]
pub(super) struct Gone {
    streams: [Option<(u32, How)>; 16],
    next: usize,
}

/// The answer to somebody who speaks HTTP/1.1.
const NOT_HTTP_1: &[u8] = b"HTTP/1.1 505 HTTP Version Not Supported\r\n\
    content-type: text/plain\r\nconnection: close\r\ncontent-length: 92\r\n\r\n\
    newleaf-proxy carries gRPC: speak HTTP/2 without TLS, from the first byte (prior knowledge)\n";

impl Slots<Caller> {
    /// Returns a caller whose connection has not ended. Nothing is heard of one that has.
    #[inline]
    pub(super) fn not_ended(&mut self, key: Key) -> Option<&mut Caller> {
        self.get_mut(key)
            .filter(|caller| caller.wire.ended.is_none())
    }
}

impl Caller {
    pub(super) fn new(number: u64, route: Arc<Route>, now: Instant) -> Self {
        let allowance = Allowance {
            window: limits::DOWNSTREAM_WINDOW_BYTES,
            header_list: limits::REQUEST_HEADER_BYTES,
        };
        Self {
            wire: Wire::new(number, allowance, now),
            route,
            n_preface: 0,
            preface_by: now + limits::DOWNSTREAM_HANDSHAKE,
            highest: 0,
            gone: Gone::default(),
            goodbye: Goodbye::No,
            resets: Patience::new(limits::DOWNSTREAM_STREAMS, now),
        }
    }

    /// Returns whether the preface is still to come.
    pub(super) fn awaits_preface(&self) -> bool {
        self.n_preface < PREFACE.len()
    }

    /// Takes the preface off the bytes.
    pub(super) fn hear_preface(&mut self, bytes: &mut &[u8]) {
        while let Some(expected) = PREFACE.get(self.n_preface) {
            let Some((byte, rest)) = bytes.split_first() else {
                return;
            };
            if byte != expected {
                return self.refuse(*byte);
            }
            *bytes = rest;
            self.n_preface += 1;
        }
        self.introduce();
    }

    /// We wait for the preface before we say anything: to HTTP/1.1 our first frames would be garbage.
    fn introduce(&mut self) {
        self.wire
            .introduce((id::MAX_CONCURRENT_STREAMS, limits::DOWNSTREAM_STREAMS));
    }

    fn refuse(&mut self, byte: u8) {
        // `P` may be POST, PUT or PATCH as well; the others are the first letters of the other methods.
        if self.n_preface > 0 || b"CDGHOT".contains(&byte) {
            self.wire.write_raw(NOT_HTTP_1);
        }
        self.wire.ended = Some(Ended::Breach(Breach::Preface));
    }

    /// Returns the call on a stream; none if the stream is closed, or came too late to be taken (RFC 9113 §6.8).
    #[inline]
    pub(super) fn call_at(&self, stream: u32) -> Result<Option<Key>, Breach> {
        match self.wire.streams.get(stream) {
            Some(call) => Ok(Some(call)),
            None if stream.is_multiple_of(2)
                || (stream > self.highest && self.goodbye != Goodbye::Said) =>
            {
                let kind = "a caller's";
                Err(Breach::IdleStream { kind, stream })
            }
            None => Ok(None),
        }
    }

    /// Takes a call off its stream.
    pub(super) fn let_go(&mut self, key: Key, call: &mut Call, how: How) {
        self.wire.streams.remove(call.down);
        if call.response.is_queued {
            self.wire.blocked.retain(|blocked| *blocked != key);
        }
        self.gone.note(call.down, how);
        self.wire.release(call.request.discard());
        self.end_if_drained();
    }

    /// Announces that this connection will end.
    pub(super) fn announce_goodbye(&mut self) {
        if self.goodbye == Goodbye::No && self.wire.ended.is_none() {
            if self.awaits_preface() {
                self.wire.ended = Some(Ended::Done);
                return;
            }
            self.goodbye = Goodbye::Announced;
            self.wire.write_go_away(
                MAX_STREAM,
                Reason::NO_ERROR,
                "newleaf-proxy is shutting down",
            );
            // Its answer says that the caller has heard, and what it had sent before is here.
            self.wire.write_ping();
        }
    }

    /// Says which stream was the last.
    pub(super) fn say_goodbye(&mut self) {
        if self.goodbye == Goodbye::Announced {
            self.goodbye = Goodbye::Said;
            self.wire.write_go_away(self.highest, Reason::NO_ERROR, "");
        }
        self.end_if_drained();
    }

    /// Ends the connection if it was said goodbye to and carries nothing.
    pub(super) fn end_if_drained(&mut self) {
        if self.goodbye == Goodbye::Said
            && self.wire.streams.is_empty()
            && self.wire.ended.is_none()
        {
            self.wire.ended = Some(Ended::Done);
        }
    }
}

impl Gone {
    pub(super) fn note(&mut self, stream: u32, how: How) {
        if let Some(place) = self.streams.get_mut(self.next) {
            *place = Some((stream, how));
        }
        self.next = (self.next + 1) % self.streams.len();
    }

    pub(super) fn how(&self, stream: u32) -> Option<How> {
        let mut known = self.streams.iter().flatten();
        known.find(|(gone, _)| *gone == stream).map(|(_, how)| *how)
    }
}
