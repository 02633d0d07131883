//! Finds a place for a call: a stream of a server, or in the queue.

use super::{
    ConnectionId, Event, Relay, ServerId, UpstreamId,
    call::{Call, Place},
    half::{End, Last},
    route::Astray,
    server::Phase,
    slots::Key,
    tally::FailureCause,
    timers::Timer,
};
use crate::{
    h2::{reason::Reason, window::SendWindow},
    limits,
};

impl Relay {
    /// Returns the server of an upstream that carries the fewest calls and has room for one more.
    pub(super) fn roomiest(&self, UpstreamId(nth): UpstreamId) -> Option<Key> {
        let carried = |key: Key| {
            let server = self.servers.get(key).filter(|server| server.has_room())?;
            Some((server.wire.streams.len(), key))
        };
        let live = &self.upstreams.get(nth)?.live;
        let servers = live.iter().filter_map(|key| carried(*key));
        servers.min().map(|(_, key)| key)
    }

    /// Opens a stream for a call, whose headers are in `self.block`, encoded for this server.
    pub(super) fn open(&mut self, key: Key, server_key: Key) {
        let (Some(call), Some(server)) =
            (self.calls.get_mut(key), self.servers.get_mut(server_key))
        else {
            return;
        };
        let stream = server.take(key);
        call.place = Place::At {
            server: server_key,
            stream,
            answered: false,
        };
        call.n_attempts += 1;
        call.request.window = SendWindow::new(server.wire.peer.initial_window);
        let ends =
            call.request.pending.is_empty() && matches!(call.request.end, End::Coming(Last::Bytes));
        if ends {
            call.request.end = End::Passed;
        }
        server.wire.write_block(stream, ends, &self.block);
        call.head_end = server.wire.place();
        let id = ConnectionId::Server(ServerId(server_key));
        server.wire.touch(id, &mut self.touched);
        if let Some(sooner) = server.pulse.sent(self.now) {
            self.timers
                .cancel(server.pulse.due, Timer::Pulse(server_key));
            server.pulse.due = sooner;
            self.timers.set(sooner, Timer::Pulse(server_key));
        }
        if server.is_used_up() {
            let goodbye = Event::Goodbye(ServerId(server_key), Reason::NO_ERROR);
            self.events.push_back(goodbye);
            self.drain(server_key);
        }
    }

    /// Lets a call wait until a server has room, or until its deadline.
    pub(super) fn wait(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let until = call.deadline();
        call.place = Place::Waiting { until };
        self.timers.set(until, Timer::Call(key));
        let Some(id) = self.heads.get(call.head).map(|head| head.upstream) else {
            return;
        };
        let Some(upstream) = self.upstreams.get_mut(id.0) else {
            return;
        };
        // Calls that end while they wait stay in the queue until it would grow by them.
        if upstream.waiting.len() > 2 * self.calls.len() {
            let is_waiting = |key: &Key| {
                let place = self.calls.get(*key).map(|call| call.place);
                matches!(place, Some(Place::Waiting { .. }))
            };
            upstream.waiting.retain(is_waiting);
        }
        upstream.waiting.push_back(key);
    }

    /// Gives the calls that wait to servers with room.
    pub(super) fn serve_waiting(&mut self) {
        for nth in 0..self.upstreams.len() {
            self.serve_waiting_for(UpstreamId(nth));
        }
    }

    /// First come, first served, at each upstream by itself.
    fn serve_waiting_for(&mut self, id: UpstreamId) {
        let waits = |relay: &Self| {
            let upstream = relay.upstreams.get(id.0);
            upstream.is_some_and(|upstream| !upstream.waiting.is_empty())
        };
        while waits(self) {
            let Some(server) = self.roomiest(id) else {
                // Where bytes wait to be written, there soon is room.
                if self.is_crowded(id) {
                    self.events.push_back(Event::Crowded(id));
                }
                return;
            };
            let upstream = self.upstreams.get_mut(id.0);
            let Some(key) = upstream.and_then(|upstream| upstream.waiting.pop_front()) else {
                return;
            };
            let place = self.calls.get(key).map(|call| call.place);
            if let Some(Place::Waiting { until }) = place {
                self.timers.cancel(until, Timer::Call(key));
                self.give(key, server);
            }
        }
    }

    /// Gives a call to a server, from the first byte of its request.
    fn give(&mut self, key: Key, server_key: Key) {
        let (Some(call), Some(server)) = (self.calls.get(key), self.servers.get_mut(server_key))
        else {
            return;
        };
        let Some(head) = self.heads.get(call.head) else {
            return;
        };
        if let Some(limit) = server.lacks_room_for(&head.fields) {
            let why = Astray::TooLarge { limit }.to_string();
            return self.fail(key, FailureCause::TooLarge, &why);
        }
        let waited = self.now.saturating_duration_since(call.came_at);
        // A server that is told the whole would hold a long poll beyond the end of its caller's patience.
        let left = call.timeout.map(|timeout| match waited {
            waited if waited < limits::DEADLINE_GRAIN => timeout,
            waited => timeout.after(waited),
        });
        server.encode_request(&head.fields, &mut self.block);
        server.encode_timeout(left, &mut self.block);
        self.open(key, server_key);
        self.pump_request(key);
    }

    /// Sends a call again, after a pause if it was refused.
    pub(super) fn send_again(&mut self, key: Key, why: Again) {
        self.detach(key, None);
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        if call.is_answered() {
            return self.fail(key, FailureCause::Breach, "the server took its answer back");
        }
        call.waits_since = self.now;
        let deadline = call.deadline();
        let is_last = call.n_attempts > limits::REPLAYS;
        if !call.rewind(&mut self.keep) {
            return self.fail(
                key,
                FailureCause::Refused,
                "the request is too large to be sent again",
            );
        }
        if is_last {
            return self.fail(key, FailureCause::Refused, STUBBORN);
        }
        self.events.push_back(Event::Replayed);
        match why {
            Again::Goodbye | Again::Unsent | Again::Harmless => self.wait(key),
            Again::Refused => {
                let pause = pause(call);
                let until = (self.now + pause).min(deadline);
                call.place = Place::Pausing { until };
                self.timers.set(until, Timer::Call(key));
            }
        }
    }

    /// A call has waited as long as it may.
    pub(super) fn wait_is_over(&mut self, key: Key) {
        let Some(call) = self.calls.get(key) else {
            return;
        };
        match call.place {
            Place::Waiting { .. } => {
                let waited = call.deadline().saturating_duration_since(call.waits_since);
                let n_millis = waited.as_millis();
                let mut why = format!("no connection to the server within {n_millis} ms");
                let head = self.heads.get(call.head);
                let upstream = head.and_then(|head| self.upstreams.get(head.upstream.0));
                if let Some(trouble) = upstream.and_then(|upstream| upstream.trouble.as_ref()) {
                    why = format!("{why}: {trouble}");
                }
                self.fail(key, FailureCause::NoConnection, &why);
            }
            Place::Pausing { .. } if self.now >= call.deadline() => {
                self.fail(key, FailureCause::Refused, STUBBORN);
            }
            Place::Pausing { .. } => self.wait(key),
            Place::At { .. } | Place::Detached { .. } | Place::Nowhere => {}
        }
    }

    /// Lets a connection take no more calls.
    pub(super) fn drain(&mut self, key: Key) {
        self.take_out_of_use(key);
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        if server.phase != Phase::Draining {
            server.phase = Phase::Draining;
            let by = self.now + self.terms.drain_timeout;
            server.drain_by = Some(by);
            self.timers.set(by, Timer::Drain(key));
        }
        server.end_if_drained();
        self.touch_server(key);
    }

    /// Sees to it that no call finds this server any more.
    pub(super) fn take_out_of_use(&mut self, key: Key) {
        let server = self.servers.get(key);
        let upstream = server.and_then(|server| self.upstreams.get_mut(server.upstream.0));
        if let Some(upstream) = upstream {
            upstream.live.retain(|live| *live != key);
        }
    }
}

/// Why a call may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The server has not processed it, since its GOAWAY names a last stream below the call's (RFC 9113 §8.7).
    Goodbye,
    /// The server has not processed it, since it reset it with `REFUSED_STREAM` (RFC 9113 §8.7).
    Refused,
    /// The server cannot have processed it, since its headers had not left us whole when the connection broke.
    Unsent,
    /// The server may have processed it, and it does not matter: the method only asks (`grpc::only_asks`).
    Harmless,
}

const STUBBORN: &str = "the server kept refusing the stream";

/// Returns the pause before a refused call is sent again: twice as long each time.
fn pause(call: &Call) -> std::time::Duration {
    let n_doublings = call.n_attempts.saturating_sub(1).min(16);
    limits::REPLAY_PAUSE
        .saturating_mul(1 << n_doublings)
        .min(limits::REPLAY_PAUSE_MAX)
}
