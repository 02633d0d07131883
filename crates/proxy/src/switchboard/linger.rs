//! How long a server's connection stays awake for an answer.
//!
//! A core that has nothing to do goes to sleep, and to wake it takes longer than the relay takes for a small call. So where
//! answers come at once, a connection looks for them a while before it waits for them (docs/decisions/0038). Whether they do
//! is learned from looking: whenever it was in vain, the next answers that are waited for are twice as many; whenever an answer
//! was found, half as many. So a server that takes its time is waited for. So is one that was given many calls at once, since
//! it has much to do.

use crate::limits;

/// What a connection knows of how its server answers.
#[derive(Debug, Default)]
pub(super) struct Linger {
    /// How many calls the server had to answer when that was last noted.
    n_calls: usize,
    /// How often the connection has looked for an answer since the last call, if it still does.
    looked: Option<u32>,
    /// How much more often answers were looked for in vain than found.
    n_misses: u32,
    /// So many calls will be made before an answer is looked for again.
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
            1..=limits::LINGER_CALLS => self.looked = Some(0),
            _ => self.looked = None,
        }
    }

    /// Takes note that the server has said something.
    pub(super) fn heard(&mut self) {
        if self.looked.is_some() {
            self.learn(self.n_misses.saturating_sub(1));
        }
    }

    /// Returns whether to look once more before waiting.
    pub(super) fn looks(&mut self) -> bool {
        match self.looked {
            Some(n_times) if n_times < limits::LINGER_LOOKS => {
                self.looked = Some(n_times + 1);
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
        self.looked = None;
        self.n_misses = n_misses;
        self.n_skips = (1 << n_misses) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Linger;
    use crate::limits;

    /// A call is made, and answered after so many looks. Returns how often was looked.
    fn call(linger: &mut Linger, answered_after: u32) -> u32 {
        linger.owed(1);
        let mut n_looks = 0;
        while n_looks < answered_after && linger.looks() {
            n_looks += 1;
        }
        linger.heard();
        linger.owed(0);
        n_looks
    }

    #[test]
    fn an_answer_that_comes_at_once_is_looked_for_every_time() {
        let mut linger = Linger::default();
        assert!(!linger.looks(), "nobody was called");
        for _ in 0..3 {
            assert_eq!(
                call(&mut linger, limits::LINGER_LOOKS),
                limits::LINGER_LOOKS
            );
            assert!(!linger.looks(), "it was answered");
        }
    }

    #[test]
    fn a_server_that_takes_its_time_is_looked_for_ever_less_often() {
        let mut linger = Linger::default();
        let n_calls = 100_000;
        let looks = (0..n_calls).map(|_| call(&mut linger, u32::MAX));
        let tries: Vec<u32> = looks.filter(|n_looks| *n_looks > 0).collect();
        assert!(tries.iter().all(|n_looks| *n_looks == limits::LINGER_LOOKS));
        let fewest = n_calls >> limits::LINGER_MISSES;
        let n_tries = tries.len();
        assert!(
            (fewest..=fewest + 8).contains(&n_tries),
            "{n_tries} of {n_calls}"
        );
    }

    #[test]
    fn a_server_that_grows_quick_is_looked_for_again() {
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
        assert!(linger.looks());
        linger.owed(2 * limits::LINGER_CALLS + 1);
        assert!(!linger.looks());
        linger.owed(2 * limits::LINGER_CALLS);
        assert!(!linger.looks(), "a call less is no call more");
        linger.owed(2 * limits::LINGER_CALLS + 1);
        assert!(linger.looks());
    }
}
