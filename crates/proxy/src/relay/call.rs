//! One call: a stream of a caller, a stream of a server, and what is between them.

use std::time::Instant;

use super::{
    half::{End, Half, Last},
    head::Reply,
    heads::HeadId,
    kept::{Keep, Kept},
    slots::Key,
};
use crate::{
    grpc::Timeout,
    h2::{block::Block, breach::Breach, reason::Reason},
    limits,
};

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) caller: Key,
    /// Its stream at the caller.
    pub(super) down: u32,
    pub(super) place: Place,
    /// From the caller to the server.
    pub(super) request: Half,
    /// From the server to the caller.
    pub(super) response: Half,
    pub(super) head: HeadId,
    /// How long its caller will wait, if it says so.
    pub(super) timeout: Option<Timeout>,
    /// What was sent of the request, while it may be sent again.
    pub(super) kept: Option<Kept>,
    /// How often it was given to a server.
    pub(super) n_attempts: u32,
    /// The end of its headers in all that is said to the server it was given to last.
    pub(super) head_end: u64,
    /// When it came.
    pub(super) came_at: Instant,
    /// When it came, or was last taken from a server: since then it waits for one, if it does.
    pub(super) waits_since: Instant,
    /// Whether its answer is ours, or ends with words of ours.
    pub(super) is_failed: bool,
}

/// Where a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On a stream of a server.
    At {
        server: Key,
        stream: u32,
        /// Whether the response has begun.
        answered: bool,
    },
    /// Waiting for a server with room, until its deadline.
    Waiting { until: Instant },
    /// Refused by a server, and to be sent again after a pause.
    Pausing { until: Instant },
    /// On no server any more: only the rest of its response is to be passed on. Then the caller's stream ends, with this
    /// reason if the caller is not done.
    Detached { reason: Reason },
    /// Between two of these, within one turn.
    Nowhere,
}

impl Call {
    /// Returns the instant until which the call may wait for a connection.
    pub(super) fn deadline(&self) -> Instant {
        match self.timeout {
            Some(own) => {
                let most = self.waits_since + limits::WAIT_FOR_CONNECTION_MAX;
                let end = self.came_at.checked_add(own.duration());
                end.map_or(most, |end| end.min(most))
            }
            None => self.waits_since + limits::WAIT_FOR_CONNECTION,
        }
    }

    /// Returns whether both directions are done.
    pub(super) fn is_over(&self) -> bool {
        let no_server = matches!(self.place, Place::Detached { .. });
        self.response.is_passed() && (self.request.is_passed() || no_server)
    }

    /// Returns whether a server has begun to answer.
    pub(super) fn is_answered(&self) -> bool {
        match self.place {
            Place::At { answered, .. } => answered,
            Place::Waiting { .. } | Place::Pausing { .. } | Place::Nowhere => false,
            Place::Detached { .. } => true,
        }
    }

    /// Takes note of headers from the server: whether they may come now, and what they say of the response.
    #[inline]
    pub(super) fn hear_reply(&mut self, reply: Reply, block: &Block<'_>) -> Result<(), Breach> {
        let (stream, ends) = (block.stream, block.ends);
        if self.response.is_heard() {
            let kind = "HEADERS";
            return Err(Breach::ClosedStream { kind, stream });
        }
        let malformed = |rule| Err(Breach::Malformed { rule });
        let is_answered = self.is_answered();
        match reply {
            Reply::Interim if ends => return malformed("an interim response at the end"),
            Reply::Interim | Reply::Final { .. } if is_answered => {
                return malformed("a second response");
            }
            Reply::Trailers if !is_answered => return malformed("a response without a status"),
            Reply::Trailers if !ends => return malformed("trailers that do not end"),
            Reply::Interim | Reply::Trailers => {}
            Reply::Final { length } => {
                if let Place::At { answered, .. } = &mut self.place {
                    *answered = true;
                }
                // A response to HEAD, or 304, says a length that does not come.
                self.response.declare(length.filter(|_| !ends));
            }
        }
        if ends {
            self.response.hear_end(Last::Bytes)?;
        }
        Ok(())
    }

    /// Makes the request whole again, as if none of it had been sent. Returns false if that is not possible any more.
    pub(super) fn rewind(&mut self, keep: &mut Keep) -> bool {
        let Some(kept) = &mut self.kept else {
            return false;
        };
        self.request.put_back(&keep.take_back(kept));
        if self.request.is_passed() {
            let last = kept.trailers.clone().unwrap_or(Last::Bytes);
            self.request.end = End::Coming(last);
        }
        true
    }
}
