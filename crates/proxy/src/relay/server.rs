//! One connection to the server.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Instant};

use super::{
    Answer, UpstreamId,
    announced::Allowance,
    call::{Call, Place},
    pulse::Pulse,
    slots::{Key, Slots},
    wire::{Ended, Wire},
};
use crate::{
    api_key::ApiKey,
    grpc::{self, Timeout},
    h2::{
        PREFACE,
        breach::Breach,
        frame::MAX_STREAM,
        hpack::{Field, HeaderList},
        reason::Reason,
        settings::id,
    },
    limits,
};

/// A connection to the server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) wire: Wire,
    pub(super) upstream: UpstreamId,
    authorization: Authorization,
    pub(super) phase: Phase,
    /// The stream that is opened next.
    next: u32,
    /// The most calls that it has carried at once.
    most_calls: usize,
    pub(super) shown: Shown,
    pub(super) own_calls: BTreeMap<u32, OwnCall>,
    pub(super) pulse: Pulse,
    /// When what is still open is cut.
    pub(super) drain_by: Option<Instant>,
    /// If it could hardly send anything when that was looked at last, how often its window had been moved by then.
    pub(super) stopped_at: Option<u32>,
    /// Which fault it found with us, if it said goodbye for one.
    pub(super) blame: Option<Reason>,
    /// Whether its loss has been told.
    pub(super) is_lost: bool,
}

/// What every request says on a connection, besides what its caller says.
pub(super) struct Authorization(pub(super) Option<Arc<ApiKey>>);

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It must show first that it works.
    Trial,
    /// It takes calls.
    InUse,
    /// It takes no new calls; those on it finish.
    Draining,
}

/// What a server has shown of itself on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    Nothing,
    /// It has acknowledged our SETTINGS.
    Settled,
    /// It has answered a call.
    Served,
}

/// A call of our own, which proves something.
#[derive(Debug, Default)]
pub(super) struct OwnCall {
    answer: Answer,
    n_received: usize,
}

impl Slots<Server> {
    /// Returns a server, the connection to which has not ended. Nothing is heard of one that has.
    #[inline]
    pub(super) fn not_ended(&mut self, key: Key) -> Option<&mut Server> {
        self.get_mut(key)
            .filter(|server| server.wire.ended.is_none())
    }
}

impl Server {
    pub(super) fn new(
        number: u64,
        (upstream, authorization): (UpstreamId, Authorization),
        now: Instant,
    ) -> Self {
        let allowance = Allowance {
            window: limits::UPSTREAM_WINDOW_BYTES,
            header_list: limits::RESPONSE_HEADER_BYTES,
        };
        let mut wire = Wire::new(number, allowance, now);
        wire.write_raw(PREFACE);
        wire.introduce((id::ENABLE_PUSH, 0));
        Self {
            wire,
            upstream,
            authorization,
            phase: Phase::Trial,
            next: 1,
            most_calls: 0,
            shown: Shown::Nothing,
            own_calls: BTreeMap::new(),
            pulse: Pulse::new(now),
            drain_by: None,
            stopped_at: None,
            blame: None,
            is_lost: false,
        }
    }

    /// Returns whether a call would be sent at once.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        !self.is_full() && self.wire.has_room_for_call() && self.pulse.is_felt()
    }

    /// Returns whether it takes no call because it carries as many as it may. One whose bytes wait to be written is not full:
    /// they soon are.
    pub(super) fn is_full(&self) -> bool {
        self.phase != Phase::InUse || self.next > MAX_STREAM || !self.wire.has_stream_left()
    }

    /// Returns whether it will never take another call, because its stream numbers are used up (RFC 9113 §5.1.1).
    pub(super) fn is_used_up(&self) -> bool {
        self.next > MAX_STREAM
    }

    /// Returns the size of a request that the server says it takes, if this one is larger. To say it all the same would cost the
    /// connection where the server's patience is short, and with it the calls of all.
    pub(super) fn lacks_room_for(&self, fields: &HeaderList) -> Option<usize> {
        let api_key = self.authorization.0.as_ref();
        let ours = api_key.map_or(0, |key| {
            AUTHORIZATION.len() + key.header().len() + FIELD_BYTES
        });
        let size = fields.size() + ours + grpc::TIMEOUT.len() + TIMEOUT_BYTES + FIELD_BYTES;
        let limit = self.wire.peer.max_header_list;
        (size > limit).then_some(limit)
    }

    /// Encodes a request for this connection, but for its deadline. An API key of ours takes the place of whatever its caller
    /// says there.
    pub(super) fn encode_request(&mut self, fields: &HeaderList, block: &mut Vec<u8>) {
        block.clear();
        let Some(api_key) = &self.authorization.0 else {
            return self.wire.encode(fields, block);
        };
        let callers = fields.iter().filter(|field| field.name != AUTHORIZATION);
        let ours = Field::never_indexed(AUTHORIZATION, api_key.header());
        self.wire.encode(callers.chain([ours]), block);
    }

    /// Appends a call's deadline to the block of its request.
    pub(super) fn encode_timeout(&mut self, timeout: Option<Timeout>, block: &mut Vec<u8>) {
        if let Some(timeout) = timeout {
            let field = Field::new(grpc::TIMEOUT, timeout.text());
            self.wire.encode([field], block);
        }
    }

    /// Returns whether what is encoded for it holds a secret of ours.
    pub(super) fn is_authorized(&self) -> bool {
        self.authorization.0.is_some()
    }

    /// Takes the number of a new stream.
    pub(super) fn open(&mut self) -> u32 {
        let stream = self.next;
        self.next = self.next.saturating_add(2);
        stream
    }

    /// Opens a stream for a call.
    pub(super) fn take(&mut self, call: Key) -> u32 {
        let stream = self.open();
        self.wire.streams.insert(stream, call);
        self.most_calls = self.most_calls.max(self.wire.streams.len());
        stream
    }

    /// Takes a call off its stream here.
    pub(super) fn let_go(&mut self, key: Key, call: &mut Call) {
        let Place::At { stream, .. } = call.place else {
            return;
        };
        self.wire.streams.remove(stream);
        if std::mem::take(&mut call.request.is_queued) {
            self.wire.blocked.retain(|blocked| *blocked != key);
        }
        // What still waits for the caller does not hold the connection up any more.
        self.wire.release(call.response.pending.len());
        self.end_if_drained();
    }

    /// Returns the most calls that it has carried at once.
    pub(super) fn most_calls(&self) -> usize {
        self.most_calls
    }

    /// Returns whether a stream was opened, and may have ended since.
    pub(super) fn has_opened(&self, stream: u32) -> bool {
        stream % 2 == 1 && stream < self.next
    }

    /// Returns the call on a stream; none if the stream is closed or carries a call of ours.
    #[inline]
    pub(super) fn call_at(&self, stream: u32) -> Result<Option<Key>, Breach> {
        match self.wire.streams.get(stream) {
            Some(call) => Ok(Some(call)),
            None if !self.has_opened(stream) => {
                let kind = "a server's";
                Err(Breach::IdleStream { kind, stream })
            }
            None => Ok(None),
        }
    }

    /// Ends the connection if it takes no new calls and carries none.
    pub(super) fn end_if_drained(&mut self) {
        if self.phase == Phase::Draining
            && self.wire.streams.is_empty()
            && self.wire.ended.is_none()
        {
            self.wire.write_go_away(0, Reason::NO_ERROR, "");
            self.wire.ended = Some(Ended::Done);
        }
    }
}

const AUTHORIZATION: &[u8] = b"authorization";

/// What each field counts besides its name and its value (RFC 9113 §6.5.2).
const FIELD_BYTES: usize = 32;

/// The longest `grpc-timeout`: eight digits and a unit.
const TIMEOUT_BYTES: usize = 9;

/// Shows whether there is a key, and no key.
impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "API key",
            None => "none",
        })
    }
}

impl OwnCall {
    /// Takes note of headers or trailers.
    pub(super) fn hear_fields(&mut self, list: &HeaderList) {
        let text = |name: &[u8]| {
            let value = list.get(name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        if let Some(status) = text(b":status") {
            self.answer.http_status = Some(status);
        }
        if let Some(code) = text(b"grpc-status").and_then(|code| code.parse().ok()) {
            self.answer.code = Some(code);
            self.answer.message = text(b"grpc-message").unwrap_or_default();
        }
    }

    /// Takes note of bytes; returns whether the answer is still within its bound.
    pub(super) fn hear_bytes(&mut self, n_bytes: usize) -> bool {
        self.n_received = self.n_received.saturating_add(n_bytes);
        self.n_received <= limits::PROOF_ANSWER_BYTES
    }

    pub(super) fn into_answer(self) -> Answer {
        self.answer
    }
}
