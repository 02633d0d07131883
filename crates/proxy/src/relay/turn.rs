//! What is heard, and when something is due: from bytes and instants to what they mean for the calls.

use std::time::Instant;

use super::{
    CallerId, ConnectionId, Event, Loss, Relay, ServerId,
    call::Place,
    half::Passage,
    heard::Heard,
    place::Again,
    server::{Phase, Shown},
    slots::Key,
    streams::Streams,
    timers::Timer,
    wire::Ended,
};
use crate::{
    h2::{
        breach::{Breach, Fault},
        frame::{self, Head},
        reason::Reason,
    },
    limits,
};

impl Relay {
    pub(super) fn hear_from_caller(&mut self, key: Key, bytes: &[u8]) {
        let mut bytes = bytes;
        let Some(caller) = self.callers.not_ended(key) else {
            return;
        };
        caller.wire.is_idle = false;
        if caller.awaits_preface() {
            caller.hear_preface(&mut bytes);
            if !caller.awaits_preface() {
                let by = caller.preface_by;
                self.timers.cancel(by, Timer::Preface(key));
            }
        }
        let mut cutter = std::mem::take(&mut caller.wire.cutter);
        loop {
            let said = match cutter.next(&mut bytes) {
                Ok(Some((head, payload))) => self.caller_said(key, head, payload),
                Ok(None) => break,
                Err(breach) => Err(breach.into()),
            };
            if let Err(fault) = said {
                self.blame_caller(key, fault);
                if self.has_ended(ConnectionId::Caller(CallerId(key))) {
                    break;
                }
            }
        }
        if let Some(caller) = self.callers.get_mut(key) {
            caller.wire.cutter = cutter;
            if caller.wire.is_clogged() && caller.wire.ended.is_none() {
                let what = "work without reading the answers";
                caller.wire.ended = Some(Ended::Breach(Breach::Flood { what }));
            }
        }
        self.touch_caller(key);
    }

    /// DATA and HEADERS are most of what is ever heard. Of a caller that has ended nothing is.
    fn caller_said(&mut self, key: Key, head: Head, payload: &[u8]) -> Result<(), Fault> {
        match head.kind() {
            frame::DATA => self.request_data(key, head, payload),
            frame::HEADERS => self.request_headers(key, head, payload),
            _ => self.caller_said_else(key, head, payload),
        }
    }

    fn caller_said_else(&mut self, key: Key, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let Some(caller) = self.callers.not_ended(key) else {
            return Ok(());
        };
        match caller.wire.hear(head, payload, self.now)? {
            // A client's GOAWAY refuses pushes, of which there are none; its calls go on.
            Heard::Nothing | Heard::SettingsAck | Heard::GoAway { .. } => {}
            Heard::Block(block) => self.request_block(key, &block)?,
            Heard::Reset { stream, reason } => self.request_reset(key, stream, reason)?,
            Heard::Window { stream, increment } => {
                if let Some(call) = caller.call_at(stream)? {
                    if let Some(call) = self.calls.get_mut(call) {
                        let grown = call.response.window.grow(increment);
                        grown.map_err(|breach| Fault::Stream(stream, breach))?;
                    }
                    self.pump_response(call);
                }
            }
            Heard::Room => self.unblock(ConnectionId::Caller(CallerId(key))),
            Heard::Windows(difference) => self.shift_responses(key, difference)?,
            Heard::Pong => caller.say_goodbye(),
        }
        Ok(())
    }

    /// Returns what is left to hear, once somebody had better be told what was heard so far.
    pub(super) fn hear_from_server<'a>(&mut self, key: Key, bytes: &'a [u8]) -> &'a [u8] {
        let mut bytes = bytes;
        let Some(server) = self.servers.not_ended(key) else {
            return &[];
        };
        server.wire.is_idle = false;
        server.pulse.heard(self.now);
        let mut cutter = std::mem::take(&mut server.wire.cutter);
        self.is_somebody_due = false;
        while !self.is_somebody_due {
            let said = match cutter.next(&mut bytes) {
                Ok(Some((head, payload))) => self.server_said(key, head, payload),
                Ok(None) => {
                    bytes = &[];
                    break;
                }
                Err(breach) => Err(breach.into()),
            };
            if let Err(fault) = said {
                self.blame_server(key, fault);
                if self.has_ended(ConnectionId::Server(ServerId(key))) {
                    bytes = &[];
                    break;
                }
            }
        }
        if let Some(server) = self.servers.get_mut(key) {
            server.wire.cutter = cutter;
        }
        self.touch_server(key);
        bytes
    }

    fn server_said(&mut self, key: Key, head: Head, payload: &[u8]) -> Result<(), Fault> {
        match head.kind() {
            frame::DATA => self.reply_data(key, head, payload),
            frame::HEADERS => self.reply_headers(key, head, payload),
            _ => self.server_said_else(key, head, payload),
        }
    }

    fn server_said_else(&mut self, key: Key, head: Head, payload: &[u8]) -> Result<(), Fault> {
        let Some(server) = self.servers.not_ended(key) else {
            return Ok(());
        };
        match server.wire.hear(head, payload, self.now)? {
            Heard::Nothing | Heard::Pong => {}
            Heard::Block(block) => self.reply_block(key, &block)?,
            Heard::Reset { stream, reason } => self.reply_reset(key, stream, reason)?,
            Heard::Window { stream, increment } => {
                if let Some(call) = server.call_at(stream)? {
                    if let Some(call) = self.calls.get_mut(call) {
                        let grown = call.request.window.grow(increment);
                        grown.map_err(|breach| Fault::Stream(stream, breach))?;
                    }
                    self.pump_request(call);
                }
            }
            Heard::Room => self.unblock(ConnectionId::Server(ServerId(key))),
            Heard::Windows(difference) => self.shift_requests(key, difference)?,
            Heard::SettingsAck => {
                if server.shown < Shown::Settled {
                    server.shown = Shown::Settled;
                    server.pulse.settled(self.now);
                    self.events.push_back(Event::Settled(ServerId(key)));
                }
            }
            Heard::GoAway { last, reason } => self.server_goodbye(key, last, reason),
        }
        Ok(())
    }

    /// Passes on what is pending of a request, as far as there is room.
    pub(super) fn pump_request(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let Place::At { server, stream, .. } = call.place else {
            return;
        };
        let Some(sink) = self.servers.get_mut(server) else {
            return;
        };
        let mut passage = Passage {
            half: &mut call.request,
            sink: &mut sink.wire,
            stream,
            kept: call.kept.as_mut(),
        };
        let n_passed = passage.pump();
        passage.queue(key);
        let id = ConnectionId::Server(ServerId(server));
        sink.wire.touch(id, &mut self.touched);
        if let Some(source) = self.callers.get_mut(call.caller) {
            let id = ConnectionId::Caller(CallerId(call.caller));
            call.request
                .give_room(&mut source.wire, call.down, n_passed);
            source.wire.touch(id, &mut self.touched);
        }
        self.keep.count(&mut call.kept);
    }

    /// Passes on what is pending of a response, as far as there is room.
    pub(super) fn pump_response(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        let (caller, stream) = (call.caller, call.down);
        let Some(sink) = self.callers.get_mut(caller) else {
            return;
        };
        let mut passage = Passage {
            half: &mut call.response,
            sink: &mut sink.wire,
            stream,
            kept: None,
        };
        let n_passed = passage.pump();
        passage.queue(key);
        let id = ConnectionId::Caller(CallerId(caller));
        sink.wire.touch(id, &mut self.touched);
        if let Place::At { server, stream, .. } = call.place
            && let Some(source) = self.servers.get_mut(server)
        {
            let id = ConnectionId::Server(ServerId(server));
            call.response.give_room(&mut source.wire, stream, n_passed);
            source.wire.touch(id, &mut self.touched);
        }
        self.finish_if_over(key);
    }

    /// Lets calls go on that waited for room on a whole connection, each as far as there is room, in turns.
    pub(super) fn unblock(&mut self, id: ConnectionId) {
        let n_blocked = self.wire_mut(id).map_or(0, |wire| wire.blocked.len());
        for _ in 0..n_blocked {
            let next = self
                .wire_mut(id)
                .filter(|wire| wire.room_for_data() > 0)
                .and_then(|wire| wire.blocked.pop_front());
            let Some(key) = next else {
                return;
            };
            let Some(call) = self.calls.get_mut(key) else {
                continue;
            };
            match id {
                ConnectionId::Caller(_) => {
                    call.response.is_queued = false;
                    self.pump_response(key);
                }
                ConnectionId::Server(_) => {
                    call.request.is_queued = false;
                    self.pump_request(key);
                }
            }
        }
    }

    /// A caller's initial window has changed: RFC 9113 §6.9.2 moves the windows of all its streams.
    fn shift_responses(&mut self, caller: Key, difference: i64) -> Result<(), Fault> {
        let streams = self.callers.get(caller).map(|caller| &caller.wire.streams);
        let calls = streams.map(Streams::calls).unwrap_or_default();
        if difference == 0 {
            return Ok(());
        }
        for key in calls {
            if let Some(call) = self.calls.get_mut(key) {
                call.response.window.shift(difference)?;
            }
            self.pump_response(key);
        }
        Ok(())
    }

    /// The server's initial window has changed.
    fn shift_requests(&mut self, server: Key, difference: i64) -> Result<(), Fault> {
        let streams = self.servers.get(server).map(|server| &server.wire.streams);
        let calls = streams.map(Streams::calls).unwrap_or_default();
        if difference == 0 {
            return Ok(());
        }
        for key in calls {
            if let Some(call) = self.calls.get_mut(key) {
                call.request.window.shift(difference)?;
            }
            self.pump_request(key);
        }
        Ok(())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(timer) = self.timers.pop(now) {
            match timer {
                Timer::Call(key) => self.wait_is_over(key),
                Timer::Preface(key) => self.preface_is_due(key),
                Timer::Pulse(key) => self.feel_pulse(key),
                Timer::Drain(key) => self.drain_is_over(key),
                Timer::Sweep => self.sweep(),
            }
        }
        self.serve_waiting();
    }

    fn preface_is_due(&mut self, key: Key) {
        if let Some(caller) = self.callers.get_mut(key) {
            caller.wire.ended = Some(Ended::Breach(Breach::Preface));
            self.touch_caller(key);
        }
    }

    fn drain_is_over(&mut self, key: Key) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        if server.phase == Phase::Draining && server.wire.ended.is_none() {
            let n_calls = server.wire.streams.len();
            server.wire.ended = Some(Ended::Done);
            let why = format!("{n_calls} calls outlasted the drain timeout");
            self.lose(key, Loss::Transport(why));
        }
    }

    /// While bytes flow, memory that was used is looked at once a second, and who does not read.
    pub(super) fn keep_sweeping(&mut self) {
        if !self.is_sweeping {
            self.is_sweeping = true;
            let due = self.now + limits::SWEEP_INTERVAL;
            self.timers.set(due, Timer::Sweep);
        }
    }

    fn sweep(&mut self) {
        let is_one_stopped = self.look_for_unread();
        let wires = self
            .callers
            .values_mut()
            .map(|caller| &mut caller.wire)
            .chain(self.servers.values_mut().map(|server| &mut server.wire));
        let mut was_busy = false;
        for wire in wires {
            was_busy |= !wire.is_idle;
            wire.sweep();
        }
        self.is_sweeping = false;
        if was_busy || is_one_stopped {
            self.keep_sweeping();
        } else {
            self.keep.shrink();
        }
    }

    /// The server takes no new calls here, and has not processed those above `last` (RFC 9113 §6.8).
    fn server_goodbye(&mut self, key: Key, last: u32, reason: Reason) {
        let Some(server) = self.servers.get_mut(key) else {
            return;
        };
        let is_blame = reason != Reason::NO_ERROR;
        if server.phase != Phase::Draining || (is_blame && server.blame.is_none()) {
            self.events.push_back(Event::Goodbye(ServerId(key), reason));
        }
        if is_blame {
            server.blame = Some(reason);
        }
        let unprocessed = server.wire.streams.above(last);
        self.drain(key);
        for call in unprocessed {
            self.send_again(call, Again::Goodbye);
        }
        if let Some(server) = self.servers.get_mut(key) {
            server.end_if_drained();
        }
    }
}
