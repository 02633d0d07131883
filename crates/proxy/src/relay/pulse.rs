//! Whether a server still lives on a connection, as far as silence can tell.
//!
//! A connection whose other end is gone, or behind a firewall that forgot it, looks like one on which nothing happens. So
//! when a call waits and nothing at all was heard for a moment, the server is asked for a sign of life; while the question is
//! open, further calls are held back, each of which would be one more that nobody knows the fate of. Any byte of the server
//! answers. An open question soon becomes *doubt*, upon which a successor is dialled and takes the calls; the connection
//! itself is given more time, since what is on it can only end by an answer or by a failure.
//!
//! The question is an empty SETTINGS frame: every peer acknowledges it (RFC 9113 §6.5.3) and nobody rations it. PINGs are
//! rationed: Temporal's frontend, as any server on grpc-go, hangs up on whoever sends them more often than
//! `frontend.keepAliveMinTime`, 10 s, without calls that are answered in between. They only keep idle connections alive.

use std::time::{Duration, Instant};

use super::{
    Event, Loss, Relay, UpstreamId, server::Phase, slots::Key, timers::Timer, wire::Ended,
};
use crate::limits;

/// What is known of a server's life.
#[derive(Debug)]
pub(super) struct Pulse {
    /// When the connection began.
    began: Instant,
    /// When the server was last heard.
    heard_at: Instant,
    /// Since when a call is with the server and nothing was heard.
    quiet_since: Option<Instant>,
    question: Option<Question>,
    /// How long the server takes to answer when nothing is in its way.
    round_trip: Duration,
    /// When it is felt again.
    pub(super) due: Instant,
}

/// A question that is not answered.
#[derive(Clone, Copy, Debug)]
struct Question {
    asked_at: Instant,
    /// When the connection is given up over it.
    give_up_at: Instant,
    is_doubt: bool,
}

/// What the silence means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing yet.
    Nothing,
    /// Calls wait: the server is to be asked whether it lives.
    Ask,
    /// Nobody waits: the connection is to be kept alive by a PING.
    Ping,
    /// No answer: somebody else should take the calls.
    Doubt,
    /// No answer for so long that there will be none.
    Dead,
}

impl Pulse {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            began: now,
            heard_at: now,
            quiet_since: None,
            question: None,
            round_trip: Duration::ZERO,
            due: now + limits::KEEPALIVE_INTERVAL,
        }
    }

    /// The server has acknowledged our first SETTINGS, which it did at once.
    pub(super) fn settled(&mut self, now: Instant) {
        self.round_trip = now.saturating_duration_since(self.began);
    }

    /// The server said something, whatever it was.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.quiet_since = None;
        self.question = None;
    }

    /// A call was given to the server. Returns when the pulse must be felt, if that is earlier than it was to be.
    pub(super) fn sent(&mut self, now: Instant) -> Option<Instant> {
        if self.quiet_since.is_some() {
            return None;
        }
        self.quiet_since = Some(now);
        let due = now + quiet(self.round_trip);
        (due < self.due).then_some(due)
    }

    /// The socket took bytes for which it had no room before ([`Relay::moved`]): what is asked may have been behind others, and
    /// the way is not closed. A socket with room takes bytes on any way.
    pub(super) fn moved(&mut self, now: Instant) {
        // The timer stays: what it finds is judged by these.
        if let Some(question) = &mut self.question {
            if question.is_doubt {
                question.give_up_at = question.give_up_at.max(now + limits::SILENCE);
            } else {
                *question = Question::new(now);
            }
        }
    }

    /// Another connection takes calls: this one, if it is in doubt, is not waited for much longer. Returns when the
    /// pulse must be felt, if that is earlier than it was to be.
    pub(super) fn superseded(&mut self, now: Instant) -> Option<Instant> {
        let question = self.question.as_mut().filter(|q| q.is_doubt)?;
        question.give_up_at = question.give_up_at.min(now + limits::SILENCE);
        let due = question.give_up_at;
        (due < self.due).then_some(due)
    }

    /// Returns whether calls may be given to the server: not while it owes a sign of life.
    pub(super) fn is_felt(&self) -> bool {
        self.question.is_none()
    }

    /// Returns whether another connection should take the calls.
    pub(super) fn is_doubted(&self) -> bool {
        self.question.is_some_and(|question| question.is_doubt)
    }

    /// Says what the silence means now, and when to feel again.
    pub(super) fn feel(&mut self, now: Instant) -> Finding {
        let doubt_after = doubt_after(self.round_trip);
        if let Some(question) = &mut self.question {
            if now >= question.give_up_at {
                return Finding::Dead;
            }
            let doubt_at = question.asked_at + doubt_after;
            let begins = !question.is_doubt && now >= doubt_at;
            question.is_doubt |= begins;
            self.due = if question.is_doubt {
                question.give_up_at
            } else {
                doubt_at
            };
            return if begins {
                Finding::Doubt
            } else {
                Finding::Nothing
            };
        }
        let quiet = quiet(self.round_trip);
        let quiet_at = self.quiet_since.map(|since| since + quiet);
        let idle_at = self.heard_at + limits::KEEPALIVE_INTERVAL;
        let is_quiet = quiet_at.is_some_and(|at| now >= at);
        if !is_quiet && now < idle_at {
            self.due = quiet_at.map_or(idle_at, |at| at.min(idle_at));
            return Finding::Nothing;
        }
        self.question = Some(Question::new(now));
        self.due = now + doubt_after;
        if is_quiet {
            Finding::Ask
        } else {
            Finding::Ping
        }
    }
}

impl Question {
    fn new(now: Instant) -> Self {
        Self {
            asked_at: now,
            give_up_at: now + limits::KEEPALIVE_TIMEOUT,
            is_doubt: false,
        }
    }
}

/// Returns how long nothing may be heard before the server is asked. Near servers are asked sooner: what is sent to one that
/// is gone, before that is known, is lost.
fn quiet(round_trip: Duration) -> Duration {
    (round_trip * 4).clamp(limits::QUIET, limits::QUIET_MAX)
}

/// Returns how long a question may be open before it becomes doubt. Far servers are given more time.
fn doubt_after(round_trip: Duration) -> Duration {
    (round_trip * 4).clamp(limits::DOUBT, limits::DOUBT_MAX)
}

impl Relay {
    /// Looks what a server's silence means.
    pub(super) fn feel_pulse(&mut self, key: Key) {
        let Some(server) = self.servers.not_ended(key) else {
            return;
        };
        match server.pulse.feel(self.now) {
            Finding::Nothing => {}
            Finding::Ask => server.wire.write_question(),
            Finding::Ping => server.wire.write_ping(),
            Finding::Doubt => {
                let upstream = server.upstream;
                if server.phase == Phase::InUse {
                    self.events.push_back(Event::Doubted(upstream));
                }
                if self.roomiest(upstream).is_some() {
                    self.supersede_doubted(upstream);
                }
            }
            Finding::Dead => {
                server.wire.ended = Some(Ended::Done);
                return self.lose(key, Loss::Silence);
            }
        }
        if let Some(server) = self.servers.get(key) {
            self.timers.set(server.pulse.due, Timer::Pulse(key));
        }
        self.touch_server(key);
    }

    /// There is a connection that takes calls: those in doubt are not waited for much longer.
    pub(super) fn supersede_doubted(&mut self, upstream: UpstreamId) {
        for key in self.servers.keys() {
            let server = self.servers.get_mut(key);
            let Some(server) = server.filter(|server| server.upstream == upstream) else {
                continue;
            };
            let before = server.pulse.due;
            if let Some(sooner) = server.pulse.superseded(self.now) {
                server.pulse.due = sooner;
                self.timers.cancel(before, Timer::Pulse(key));
                self.timers.set(sooner, Timer::Pulse(key));
            }
        }
    }
}

#[cfg(test)]
mod tests;
