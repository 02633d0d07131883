//! Answers that nobody reads, for which a server's connection stands still.
//!
//! What waits for a caller counts against the window of the server's connection, which all callers share; so what waits here is
//! bounded. One answer may be as long as the window of its stream, and a caller that stands still with more of them than the
//! connection has room for would stop everybody. Such a window is looked at once a second. If it is used up at two looks in a
//! row, and was not moved between them, the caller for which most waits loses the calls for which something does. Callers that
//! read, however slowly, move it: by 1 MiB at least.

use std::collections::BTreeMap;

use super::{Event, Relay, caller::How, slots::Key, tally::FailureCause};
use crate::h2::reason::Reason;

impl Relay {
    /// Looks whether servers may send on. Returns whether one of them may not.
    pub(super) fn look_for_unread(&mut self) -> bool {
        let mut is_one_stopped = false;
        for key in self.servers.keys() {
            let Some(server) = self.servers.not_ended(key) else {
                continue;
            };
            let stopped_at = server.wire.is_stopped().then_some(server.wire.n_moved);
            let before = std::mem::replace(&mut server.stopped_at, stopped_at);
            is_one_stopped |= stopped_at.is_some();
            if stopped_at.is_some() && stopped_at == before {
                self.drop_unread(key);
            }
        }
        is_one_stopped
    }

    /// Takes the calls of a server back whose answers wait for the caller that reads least.
    fn drop_unread(&mut self, server: Key) {
        let calls = self
            .servers
            .get(server)
            .map(|server| server.wire.streams.calls());
        let calls = calls.unwrap_or_default();
        let mut waiting = BTreeMap::<Key, (usize, Vec<Key>)>::new();
        for key in calls {
            if let Some(call) = self.calls.get(key)
                && !call.response.pending.is_empty()
            {
                let (n_bytes, calls) = waiting.entry(call.caller).or_default();
                *n_bytes += call.response.pending.len();
                calls.push(key);
            }
        }
        let most = waiting.into_iter().max_by_key(|(_, (n_bytes, _))| *n_bytes);
        let Some((caller, (n_bytes, calls))) = most else {
            return;
        };
        let n_mib = n_bytes / 1024 / 1024;
        let why = format!(
            "newleaf-proxy: {n_mib} MiB of answers wait for this caller, and others for them"
        );
        for key in calls {
            self.drop_answer(key, &why);
        }
        self.touch_caller(caller);
        self.touch_server(server);
    }

    /// Ends a call without the rest of its answer. The status that says why would wait behind it, so the stream is reset;
    /// gRPC's libraries make `RESOURCE_EXHAUSTED` of this reason.
    fn drop_answer(&mut self, key: Key, why: &str) {
        self.detach(key, Some(Reason::CANCEL));
        let Some(call) = self.calls.get(key) else {
            return;
        };
        if let Some(caller) = self.callers.get_mut(call.caller) {
            caller
                .wire
                .write_reset(call.down, Reason::ENHANCE_YOUR_CALM);
        }
        let path = String::from_utf8_lossy(self.heads.path(call.head)).into_owned();
        self.events.push_back(Event::Failed {
            path,
            cause: FailureCause::Unread,
            why: why.to_owned(),
        });
        self.remove_call(key, How::Reset);
    }
}
