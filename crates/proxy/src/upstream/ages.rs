//! Learns at which age the server closes connections.

use std::time::Duration;

use crate::limits;

/// The ages at which the server said goodbye lately.
///
/// One goodbye may be a restart of the server and says nothing about the next connection; two in a row at an age say that
/// age. So the longer of the last two counts, and never more than what was configured. Since successors are dialled before
/// that age, a longer one would never show: so with each connection that is replaced in time a little more is expected.
#[derive(Debug)]
pub(super) struct Ages {
    configured: Duration,
    last: Duration,
    before: Duration,
}

impl Ages {
    pub(super) fn new(configured: Duration) -> Self {
        Self {
            configured,
            last: configured,
            before: configured,
        }
    }

    /// Notes that the server said goodbye to a connection of this age.
    pub(super) fn observe(&mut self, age: Duration) {
        self.before = self.last;
        self.last = age;
    }

    /// Notes that a connection was replaced before the server said goodbye to it.
    pub(super) fn outlived(&mut self) {
        let expected = self.expected();
        self.last = expected + expected / GROWTH;
        self.before = self.last;
    }

    /// Returns the age at which the server is taken to close connections.
    pub(super) fn expected(&self) -> Duration {
        self.last
            .max(self.before)
            .min(self.configured)
            .max(limits::CONNECTION_AGE_MIN)
    }
}

/// Of two seconds it makes five minutes within four hours, and of an age that is right it has the server say goodbye to one
/// connection in some twenty.
const GROWTH: u32 = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_goodbyes_in_a_row_are_believed_and_one_is_not() {
        let s = Duration::from_secs;
        let mut ages = Ages::new(s(300));
        assert_eq!(ages.expected(), s(300));
        ages.observe(s(20));
        assert_eq!(ages.expected(), s(300));
        ages.observe(s(21));
        assert_eq!(ages.expected(), s(21));
        ages.observe(s(900));
        assert_eq!(ages.expected(), s(300));
        ages.observe(Duration::ZERO);
        ages.observe(Duration::ZERO);
        assert_eq!(ages.expected(), limits::CONNECTION_AGE_MIN);
    }

    /// As after a server was restarted twice in a row.
    #[test]
    fn what_was_learned_by_mistake_is_forgotten() {
        let s = Duration::from_secs;
        let mut ages = Ages::new(s(300));
        for _ in 0..2 {
            ages.observe(s(1));
        }
        let mut spent = Duration::ZERO;
        while ages.expected() < s(300) {
            spent += ages.expected() * 4 / 5;
            ages.outlived();
        }
        assert!(spent < s(4 * 3600), "{spent:?}");
        for _ in 0..10 {
            ages.outlived();
        }
        assert_eq!(ages.expected(), s(300));
        // And what is so is learned again.
        for _ in 0..2 {
            ages.observe(s(60));
        }
        assert_eq!(ages.expected(), s(60));
    }
}
