//! How long a server's connection stays awake for an answer.
//!
//! A core that has nothing to do goes to sleep, and to wake it takes longer than the relay takes for a small call. So where
//! answers come at once, a connection lingers: it takes some turns in search of one before it waits (docs/decisions/0038).
//! Whether that pays is learned from it: whenever it was in vain, the next answers that are waited for are twice as many;
//! whenever an answer was found, half as many. So a server that takes its time is waited for. So is one that was given many
//! calls at once, since it has much to do.

use crate::limits;

/// What a connection knows of how its server answers.
#[derive(Debug, Default)]
pub(super) struct Linger {
    /// How many calls the server had to answer when that was last noted.
    n_calls: usize,
    /// How many turns the connection has taken in search of an answer since the last call, if it still does.
    stayed: Option<u32>,
    /// How much more often that was in vain than not.
    n_misses: u32,
    /// So many calls will be made before the connection lingers again.
    n_skips: u32,
}

impl Linger {
    /// Takes note of how many calls the server has to answer now.
    pub(super) fn owed(&mut self, n_calls: usize) {
        let n_new = n_calls.saturating_sub(self.n_calls);
        self.n_calls = n_calls;
        match n_new {
            0 => {}
            1..=limits::LINGER_CALLS if self.n_skips > 0 => self.n_skips -= 1,
            1..=limits::LINGER_CALLS => self.stayed = Some(0),
            _ => self.stayed = None,
        }
    }

    /// Takes note that the server has said something.
    pub(super) fn heard(&mut self) {
        if self.stayed.is_some() {
            self.learn(self.n_misses.saturating_sub(1));
        }
    }

    /// Returns whether to take one more turn before waiting.
    pub(super) fn stays(&mut self) -> bool {
        match self.stayed {
            Some(n_turns) if n_turns < limits::LINGER_TURNS => {
                self.stayed = Some(n_turns + 1);
                true
            }
            Some(_) => {
                self.learn(limits::LINGER_MISSES.min(self.n_misses + 1));
                false
            }
            None => false,
        }
    }

    fn learn(&mut self, n_misses: u32) {
        self.stayed = None;
        self.n_misses = n_misses;
        self.n_skips = (1 << n_misses) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Linger;
    use crate::limits;

    /// A call is made, and answered after so many turns. Returns how many were taken.
    fn call(linger: &mut Linger, answered_after: u32) -> u32 {
        linger.owed(1);
        let mut n_turns = 0;
        while n_turns < answered_after && linger.stays() {
            n_turns += 1;
        }
        linger.heard();
        linger.owed(0);
        n_turns
    }

    #[test]
    fn an_answer_that_comes_at_once_is_lingered_for_every_time() {
        let mut linger = Linger::default();
        assert!(!linger.stays(), "nobody was called");
        for _ in 0..3 {
            assert_eq!(
                call(&mut linger, limits::LINGER_TURNS),
                limits::LINGER_TURNS
            );
            assert!(!linger.stays(), "it was answered");
        }
    }

    #[test]
    fn a_server_that_takes_its_time_is_lingered_for_ever_less_often() {
        let mut linger = Linger::default();
        let n_calls = 100_000;
        let turns = (0..n_calls).map(|_| call(&mut linger, u32::MAX));
        let tries: Vec<u32> = turns.filter(|n_turns| *n_turns > 0).collect();
        assert!(tries.iter().all(|n_turns| *n_turns == limits::LINGER_TURNS));
        let fewest = n_calls >> limits::LINGER_MISSES;
        let n_tries = tries.len();
        assert!(
            (fewest..=fewest + 8).contains(&n_tries),
            "{n_tries} of {n_calls}"
        );
    }

    #[test]
    fn a_server_that_grows_quick_is_lingered_for_again() {
        let mut linger = Linger::default();
        for _ in 0..10_000 {
            call(&mut linger, u32::MAX);
        }
        let n_skipped = (0..10_000).filter(|_| call(&mut linger, 1) == 0).count();
        assert!(n_skipped < 2 << limits::LINGER_MISSES, "{n_skipped}");
        assert_eq!(call(&mut linger, 1), 1);
    }

    #[test]
    fn a_server_with_many_calls_is_waited_for() {
        let mut linger = Linger::default();
        linger.owed(limits::LINGER_CALLS);
        assert!(linger.stays());
        linger.owed(2 * limits::LINGER_CALLS + 1);
        assert!(!linger.stays());
        linger.owed(2 * limits::LINGER_CALLS);
        assert!(!linger.stays(), "a call less is no call more");
        linger.owed(2 * limits::LINGER_CALLS + 1);
        assert!(linger.stays());
    }
}
