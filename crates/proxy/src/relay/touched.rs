//! What is to be said, and to whom: the connections that were touched by what was heard, and which of them come first.

use std::time::Instant;

use super::{CallerId, ConnectionId, Relay, ServerId, slots::Key, wire::Wire};
use crate::limits;

impl Relay {
    /// Returns what is to be written to a connection, from its beginning.
    pub fn output(&mut self, id: ConnectionId) -> &[u8] {
        self.wire_mut(id).map_or(&[], |wire| {
            wire.is_touched = false;
            wire.output()
        })
    }

    /// Forgets as much of the output as was written.
    pub fn written(&mut self, id: ConnectionId, n_bytes: usize, now: Instant) {
        self.now = now;
        self.tally.sent(id, n_bytes);
        if let ConnectionId::Server(ServerId(key)) = id
            && let Some(server) = self.servers.get_mut(key)
        {
            server.pulse.wrote(now);
        }
        let has_room = self.wire_mut(id).is_some_and(|wire| wire.written(n_bytes));
        if has_room {
            self.unblock(id);
        }
        self.serve_waiting();
    }

    /// Returns a connection that has something to write, or has ended, and was not looked at since.
    pub fn next_touched(&mut self) -> Option<ConnectionId> {
        loop {
            let id = self.touched.pop()?;
            if self.wire(id).is_some_and(|wire| wire.is_touched) {
                return Some(id);
            }
        }
    }

    /// Returns such a connection, if it is a caller's.
    pub fn next_touched_caller(&mut self) -> Option<ConnectionId> {
        let at = self.first_touched_caller(|_| true)?;
        Some(self.touched.swap_remove(at))
    }

    /// Returns such a connection, if it is a caller's that is due: there is so much to tell it, and there are so few others, that
    /// it had better be told before more is heard. It works then while the rest is relayed.
    pub fn next_due(&mut self) -> Option<ConnectionId> {
        let at = self.first_due()?;
        Some(self.touched.swap_remove(at))
    }

    /// Returns where such a connection is. Where callers are many, nobody looks.
    pub(super) fn first_due(&self) -> Option<usize> {
        if self.callers.len() > limits::FEW_CALLERS {
            return None;
        }
        self.first_touched_caller(|wire| wire.output().len() >= limits::WORTH_A_WRITE_BYTES)
    }

    fn first_touched_caller(&self, is_sought: impl Fn(&Wire) -> bool) -> Option<usize> {
        self.touched.iter().position(|id| match id {
            ConnectionId::Caller(CallerId(key)) => self
                .callers
                .get(*key)
                .is_some_and(|caller| caller.wire.is_touched && is_sought(&caller.wire)),
            ConnectionId::Server(_) => false,
        })
    }

    /// Has a caller's connection looked at, if there is something to see.
    pub(super) fn touch_caller(&mut self, key: Key) {
        if let Some(caller) = self.callers.get_mut(key) {
            let id = ConnectionId::Caller(CallerId(key));
            caller.wire.touch(id, &mut self.touched);
        }
    }

    /// Has a connection to the server looked at, if there is something to see.
    pub(super) fn touch_server(&mut self, key: Key) {
        if let Some(server) = self.servers.get_mut(key) {
            let id = ConnectionId::Server(ServerId(key));
            server.wire.touch(id, &mut self.touched);
        }
    }
}
