//! What is to be said, and to whom: the connections that were touched by what was heard, and which of them come first.

use std::time::Instant;

use super::{CallerId, ConnectionId, Relay, ServerId, slots::Key, wire::Wire};
use crate::limits;

/// What there is to be seen of a connection, and was not looked at yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Touched {
    /// Nothing.
    No,
    /// Something to be written, or its end.
    Yes,
    /// So much to be written that it had better not wait for more.
    Much,
}

impl Wire {
    /// Has this connection looked at, if there is something to see that nobody has been told of yet.
    #[inline]
    pub(super) fn touch(&mut self, id: ConnectionId, touched: &mut Vec<ConnectionId>) {
        let is_much = self.out.len() >= limits::MUCH_BYTES;
        let is_news = match self.touched {
            Touched::No => !self.out.is_empty() || self.ended.is_some(),
            Touched::Yes => is_much,
            Touched::Much => false,
        };
        if is_news {
            self.touched = if is_much { Touched::Much } else { Touched::Yes };
            touched.push(id);
        }
    }
}

impl Relay {
    /// Returns what is to be written to a connection, from its beginning.
    pub fn output(&mut self, id: ConnectionId) -> &[u8] {
        self.wire_mut(id).map_or(&[], |wire| {
            wire.touched = Touched::No;
            wire.output()
        })
    }

    /// Forgets as much of the output as was written.
    pub fn written(&mut self, id: ConnectionId, n_bytes: usize, now: Instant) {
        self.now = now;
        self.tally.sent(id, n_bytes);
        let has_room = self.wire_mut(id).is_some_and(|wire| wire.written(n_bytes));
        if has_room {
            self.unblock(id);
        }
        self.serve_waiting();
    }

    /// Takes note that a socket took bytes for which it had no room before: whoever is behind it has taken others.
    pub fn moved(&mut self, id: ConnectionId, now: Instant) {
        if let ConnectionId::Server(ServerId(key)) = id
            && let Some(server) = self.servers.get_mut(key)
        {
            server.pulse.moved(now);
        }
    }

    /// Returns a connection that has something to write, or has ended, and was not looked at since.
    pub fn next_touched(&mut self) -> Option<ConnectionId> {
        loop {
            let id = self.touched.pop()?;
            if self.touched(id) > Touched::No {
                return Some(id);
            }
        }
    }

    /// Returns such a connection, if it is not to wait until all that is ready is heard: a caller's, or a server's for which
    /// there is much.
    pub fn next_to_tell(&mut self) -> Option<ConnectionId> {
        let is_to_be_told = |id: &ConnectionId| match id {
            ConnectionId::Caller(_) => self.touched(*id) > Touched::No,
            ConnectionId::Server(_) => self.touched(*id) == Touched::Much,
        };
        let at = self.touched.iter().position(is_to_be_told)?;
        Some(self.touched.swap_remove(at))
    }

    /// Returns such a connection, if it is a caller's that is due: there is so much to tell it, and there are so few others,
    /// that it had better be told before more is heard. It works then while the rest is relayed.
    pub fn next_due(&mut self) -> Option<ConnectionId> {
        let at = self.first_due()?;
        Some(self.touched.swap_remove(at))
    }

    /// Returns where such a connection is. Where callers are many, nobody looks.
    pub(super) fn first_due(&self) -> Option<usize> {
        if self.callers.len() > limits::FEW_CALLERS {
            return None;
        }
        let is_worth_it = |wire: &Wire| {
            wire.touched > Touched::No && wire.output().len() >= limits::WORTH_A_WRITE_BYTES
        };
        self.touched.iter().position(|id| match id {
            ConnectionId::Caller(_) => self.wire(*id).is_some_and(is_worth_it),
            ConnectionId::Server(_) => false,
        })
    }

    /// Returns what of a connection is still to be looked at.
    fn touched(&self, id: ConnectionId) -> Touched {
        self.wire(id).map_or(Touched::No, |wire| wire.touched)
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
