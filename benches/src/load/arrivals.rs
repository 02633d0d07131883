//! Calls that come whether or not earlier ones were answered, so that a slow answer cannot thin out the load.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{sync::mpsc::UnboundedSender, time::Instant};

/// Calls that come at a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrivals {
    /// Calls a second.
    pub(super) rate: u32,
    /// At even distances; else at random instants (Poisson).
    pub(super) even: bool,
    /// For how long.
    pub(super) duration: Duration,
}

/// The calls that have come.
#[derive(Debug)]
pub(super) struct Came {
    count: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Came {
    /// Returns how many there were so far.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Relaxed)
    }

    /// Returns whether there will be no more.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Arrivals {
    /// Sends the instant of each arrival to one of the connections in turn. A thread of its own: the runtime's timers
    /// count milliseconds, and calls come every 125 µs.
    pub(super) fn spawn(self, to: Vec<UnboundedSender<Instant>>) -> Came {
        let came = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&came);
        let thread = thread::spawn(move || self.run(&to, &came));
        Came { count, thread }
    }

    fn run(self, to: &[UnboundedSender<Instant>], came: &AtomicU64) {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mean = 1.0 / f64::from(self.rate.max(1));
        let mut due = Instant::now();
        let end = due + self.duration;
        for lane in to.iter().cycle() {
            let pause = if self.even {
                mean
            } else {
                -random.fraction().ln() * mean
            };
            due += Duration::from_secs_f64(pause);
            if due >= end {
                return;
            }
            sleep_until(due);
            came.fetch_add(1, Relaxed);
            // The caller's wait begins when the call is handed over: an instrument that overslept is not the proxy's fault.
            if lane.send(Instant::now()).is_err() {
                return;
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this thread does nothing but wait"
)]
fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

/// A sequence that is the same in every run (xorshift64), so that all targets get the same arrivals.
struct Random(u64);

impl Random {
    /// More than 0, at most 1.
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let high = u32::try_from(self.0 >> 32).unwrap_or(u32::MAX);
        (f64::from(high) + 1.0) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicU64, time::Duration};

    use tokio::sync::mpsc;

    use super::Arrivals;

    #[test]
    fn arrivals_keep_their_rate() {
        let (send, mut arrived) = mpsc::unbounded_channel();
        let duration = Duration::from_millis(500);
        for even in [true, false] {
            let arrivals = Arrivals {
                rate: 1000,
                even,
                duration,
            };
            let came = AtomicU64::new(0);
            arrivals.run(std::slice::from_ref(&send), &came);
            let mut count = 0;
            while arrived.try_recv().is_ok() {
                count += 1;
            }
            assert_eq!(came.into_inner(), count);
            // Poisson: 500 ± 22; three deviations and some.
            assert!((420..=580).contains(&count), "even {even}: {count}");
        }
    }
}
