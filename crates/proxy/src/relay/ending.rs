//! How calls and connections end: well, by somebody's wish, or by somebody's fault.
//!
//! Only the guilty side suffers. A caller that breaks a rule loses its stream or its connection, and the server is told that
//! the answers are not wanted. A server that breaks a rule, or is lost, costs its calls an `UNAVAILABLE` with the
//! reason; no caller's connection ends by it.

use super::{
    CallerId, ConnectionId, Event, Loss, Relay, ServerId,
    call::{Call, Place},
    caller::How,
    half::{End, Last},
    place::Again,
    server::{Phase, Shown},
    slots::Key,
    tally::FailureCause,
    timers::Timer,
    wire::Ended,
};
use crate::{
    grpc,
    h2::{breach::Fault, reason::Reason},
    limits,
};

impl Relay {
    /// Forgets a call if both directions are done.
    pub(super) fn finish_if_over(&mut self, key: Key) {
        if self.calls.get(key).is_some_and(Call::is_over) {
            self.finish(key);
        }
    }

    /// Forgets a call whose both directions are done.
    pub(super) fn finish(&mut self, key: Key) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        if !call.is_failed {
            self.tally.answered += 1;
        }
        if let Place::At {
            server: server_key, ..
        } = call.place
            && let Some(server) = self.servers.get_mut(server_key)
        {
            server.let_go(key, call);
            if server.shown < Shown::Served {
                server.shown = Shown::Served;
                self.events.push_back(Event::Served(ServerId(server_key)));
            }
            let id = ConnectionId::Server(ServerId(server_key));
            server.wire.touch(id, &mut self.touched);
        }
        let mut how = How::Finished;
        if let (Place::Detached { reason }, false) = (call.place, call.request.is_heard())
            && let Some(caller) = self.callers.get_mut(call.caller)
        {
            // The caller has its answer, and is told that the rest of its request is not wanted.
            caller.wire.write_reset(call.down, reason);
            how = How::Reset;
        }
        self.remove_call(key, how);
    }

    /// Takes a call from wherever it is: its server's stream, which is reset if a reason is given, or its wait. One that is not
    /// answered is nowhere then: whoever asked for this gives it its next place at once.
    pub(super) fn detach(&mut self, key: Key, reason: Option<Reason>) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        match call.place {
            Place::At {
                server: server_key,
                stream,
                answered,
            } => {
                if let Some(server) = self.servers.get_mut(server_key) {
                    // RFC 9113 §5.1: a stream on which both have said their last is not reset.
                    let is_closed = call.request.is_passed() && call.response.is_heard();
                    if let Some(reason) = reason.filter(|_| !is_closed) {
                        server.wire.write_reset(stream, reason);
                    }
                    server.let_go(key, call);
                    let id = ConnectionId::Server(ServerId(server_key));
                    server.wire.touch(id, &mut self.touched);
                }
                call.place = if answered {
                    Place::Detached {
                        reason: Reason::NO_ERROR,
                    }
                } else {
                    Place::Nowhere
                };
            }
            Place::Waiting { until } | Place::Pausing { until } => {
                self.timers.cancel(until, Timer::Call(key));
                call.place = Place::Nowhere;
            }
            Place::Detached { .. } | Place::Nowhere => {}
        }
    }

    /// Forgets a call, which has left its server.
    pub(super) fn remove_call(&mut self, key: Key, how: How) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        self.keep.forget(call.kept.take());
        if let Some(caller) = self.callers.get_mut(call.caller) {
            caller.let_go(key, call, how);
            let id = ConnectionId::Caller(CallerId(call.caller));
            caller.wire.touch(id, &mut self.touched);
        }
        self.calls.discard(key);
    }

    /// Lets a call end that no server has to do with any more: the rest of its response is passed on, and no more of its
    /// request is wanted.
    pub(super) fn let_finish(&mut self, key: Key, reason: Reason) {
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        call.place = Place::Detached { reason };
        self.keep.forget(call.kept.take());
        let n_discarded = call.request.discard();
        if let Some(caller) = self.callers.get_mut(call.caller) {
            caller.wire.release(n_discarded);
        }
        self.pump_response(key);
    }

    /// Ends a call with a status of our own.
    pub(super) fn fail(&mut self, key: Key, cause: FailureCause, why: &str) {
        let was_answered = self.calls.get(key).is_some_and(Call::is_answered);
        self.detach(key, Some(Reason::CANCEL));
        let Some(call) = self.calls.get_mut(key) else {
            return;
        };
        // A response that is here whole needs no status of ours.
        if !call.response.is_heard() {
            let why = format!("newleaf-proxy: {why}");
            let mut fields = grpc::status_fields(cause.code(), &why);
            if !was_answered {
                fields = grpc::answer_fields(&fields);
            }
            call.response.end = End::Coming(Last::Trailers(fields.into()));
            let path = self.heads.path(call.head);
            let path = String::from_utf8_lossy(path).into_owned();
            self.events.push_back(Event::Failed { path, cause, why });
            call.is_failed = true;
        }
        self.let_finish(key, Reason::NO_ERROR);
    }

    /// Takes a call back, by its caller's wish or fault. Without end it may not do so before the calls are answered: the server
    /// has the work (CVE-2023-44487, CVE-2025-8671).
    pub(super) fn take_back(&mut self, key: Key, reason: Reason, how: How) -> Result<(), Fault> {
        let Some(call) = self.calls.get(key) else {
            return Ok(());
        };
        let (caller, is_answered) = (call.caller, call.is_answered());
        self.detach(key, Some(reason));
        self.remove_call(key, how);
        match self.callers.get_mut(caller) {
            Some(caller) if !is_answered => {
                caller.resets.spend("calls that are taken back", self.now)?;
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    /// Takes all calls of a caller back, who has gone.
    pub(super) fn take_back_calls(&mut self, key: Key) {
        let calls: Vec<Key> = match self.callers.get(key) {
            Some(caller) => caller.wire.streams.calls(),
            None => return,
        };
        for call in calls {
            self.detach(call, Some(Reason::CANCEL));
            self.remove_call(call, How::Reset);
        }
    }

    /// Holds a caller to what it did.
    pub(super) fn blame_caller(&mut self, key: Key, fault: Fault) {
        let now = self.now;
        let Some(caller) = self.callers.not_ended(key) else {
            return;
        };
        match fault {
            Fault::Stream(stream, breach) => {
                caller.wire.write_reset(stream, breach.reason());
                if let Err(flood) = caller.wire.spend("broken rules", now) {
                    return self.blame_caller(key, flood);
                }
                match caller.wire.streams.get(stream) {
                    None => caller.gone.note(stream, How::Reset),
                    Some(call) => {
                        if let Err(flood) = self.take_back(call, Reason::CANCEL, How::Reset) {
                            self.blame_caller(key, flood);
                        }
                    }
                }
            }
            Fault::Connection(breach) => {
                let words = breach.to_string();
                let last = caller.highest;
                caller.wire.write_go_away(last, breach.reason(), &words);
                caller.wire.ended = Some(Ended::Breach(breach));
                self.take_back_calls(key);
            }
        }
    }

    /// Holds the server to what it did.
    pub(super) fn blame_server(&mut self, key: Key, fault: Fault) {
        let now = self.now;
        let Some(server) = self.servers.not_ended(key) else {
            return;
        };
        match fault {
            Fault::Stream(stream, breach) => {
                if let Err(flood) = server.wire.spend("broken rules", now) {
                    return self.blame_server(key, flood);
                }
                server.wire.write_reset(stream, breach.reason());
                let call = server.wire.streams.get(stream);
                self.answered(key, stream);
                if let Some(call) = call {
                    self.detach(call, None);
                    let why = Loss::Breach(breach).to_string();
                    self.fail(call, FailureCause::Breach, &why);
                }
            }
            Fault::Connection(breach) => {
                let words = breach.to_string();
                server.wire.write_go_away(0, breach.reason(), &words);
                server.wire.ended = Some(Ended::Breach(breach));
                self.lose(key, Loss::Breach(breach));
            }
        }
    }

    /// Ends what was on a connection to the server. Of most calls nobody knows whether the server processed them; only
    /// those are sent again that it cannot have processed, or that it may process twice.
    pub(super) fn lose(&mut self, server_key: Key, loss: Loss) {
        self.take_out_of_use(server_key);
        let Some(server) = self.servers.get_mut(server_key) else {
            return;
        };
        let was_done = server.wire.ended == Some(Ended::Done) && server.wire.streams.is_empty();
        let was_lost = std::mem::replace(&mut server.is_lost, true);
        server.phase = Phase::Draining;
        server.own_calls.clear();
        server.wire.ended.get_or_insert(Ended::Done);
        let calls: Vec<Key> = server.wire.streams.calls();
        let blame = server.blame.map_or(String::new(), |reason| {
            format!(", after GOAWAY with {reason}")
        });
        let why = format!("the connection broke before the server answered: {loss}{blame}");
        let within = format!("the connection broke within the answer: {loss}{blame}");
        for key in calls {
            if let Some(again) = self.chance(key, &loss) {
                if again == Again::Unsent {
                    self.mute(server_key);
                }
                self.send_again(key, again);
                continue;
            }
            let call = self.calls.get(key);
            let is_answered = call.is_some_and(Call::is_answered);
            self.detach(key, None);
            if is_answered {
                self.fail(key, FailureCause::Cut, &within);
            } else {
                self.fail(key, FailureCause::Lost, &why);
            }
        }
        let is_news = !was_lost && (!was_done || loss == Loss::Silence);
        if is_news {
            let id = ServerId(server_key);
            self.events.push_back(Event::Lost(id, loss));
        }
        self.touch_server(server_key);
    }

    /// Says nothing more to a server: what has not left us must not reach it, if another is told it.
    fn mute(&mut self, key: Key) {
        if let Some(server) = self.servers.get_mut(key) {
            server.wire.is_mute = true;
        }
    }

    /// Returns why a call may be sent again although the connection it is on has broken.
    fn chance(&self, key: Key, loss: &Loss) -> Option<Again> {
        let call = self.calls.get(key)?;
        let Place::At {
            server,
            answered: false,
            ..
        } = call.place
        else {
            return None;
        };
        call.kept.as_ref()?;
        let server = self.servers.get(server)?;
        if server.wire.holds_back(call.head_end) {
            return Some(Again::Unsent);
        }
        // Where the server found fault with us, this call may be what it found it with; so may any other.
        let most = if server.blame.is_some() {
            1
        } else {
            limits::REPEATS
        };
        let is_due = match loss {
            Loss::Transport(_) | Loss::Silence => call.n_attempts <= most,
            // What the server says to this call may be what is wrong; the next would say it too.
            Loss::Breach(_) => false,
        };
        let only_asks = || grpc::only_asks(self.heads.path(call.head));
        (is_due && only_asks()).then_some(Again::Harmless)
    }

    pub(super) fn forget_server(&mut self, key: Key) {
        if let Some(server) = self.servers.remove(key) {
            if server.is_authorized() {
                self.requests.forget(server.wire.number);
            }
            self.timers.cancel(server.pulse.due, Timer::Pulse(key));
            if let Some(by) = server.drain_by {
                self.timers.cancel(by, Timer::Drain(key));
            }
        }
    }

    pub(super) fn caller_shut_down(&mut self, key: Key) {
        if let Some(caller) = self.callers.get_mut(key) {
            caller.announce_goodbye();
        }
        self.touch_caller(key);
    }
}
