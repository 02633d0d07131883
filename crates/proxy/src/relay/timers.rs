//! What is due when.

use std::{collections::BTreeSet, time::Instant};

use super::slots::Key;

/// What may be due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A call has waited long enough, for a connection or before it is tried again.
    Call(Key),
    /// A caller has not said its preface.
    Preface(Key),
    /// A server's silence is to be judged (`pulse.rs`).
    Pulse(Key),
    /// Calls have stayed long enough on a connection that takes no new ones.
    Drain(Key),
    /// Memory that was not used lately is given back.
    Sweep,
}

/// The timers, soonest first. A call that does not wait has none.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Instant, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, due: Instant, timer: Timer) {
        self.0.insert((due, timer));
    }

    pub(super) fn cancel(&mut self, due: Instant, timer: Timer) {
        self.0.remove(&(due, timer));
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(due, _)| *due)
    }

    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }
}
