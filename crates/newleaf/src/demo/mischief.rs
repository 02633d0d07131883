//! Mischief: `kill -9` of the controller, at instants that chance picks and a seed repeats.

use std::time::Duration;

use newleaf_controller::Snapshot;

use crate::demo::{
    chance::Chance,
    screen::Screen,
    supervisor::Supervisor,
    watch::{Looks, is_rollover, n_long_steps, reached, wait_for},
};

/// How long after a step has begun the controller may live on. Most steps take less, so that a crash falls
/// into its looks, its deeds and its rests alike.
const LONGEST_DELAY_MS: u64 = 500;

/// How fine the rotation is divided.
const PARTS: u64 = 1_000;

/// One crash: so far into the plan's steps, and so long after that step began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crash {
    part: u64,
    delay: Duration,
}

/// Picks the crashes, in the order in which they will happen.
pub(crate) fn pick(crashes: u32, seed: u64) -> Vec<Crash> {
    let mut chance = Chance::new(seed);
    let mut picked: Vec<Crash> = (0..crashes)
        .map(|_| Crash {
            part: chance.below(PARTS),
            delay: Duration::from_millis(chance.below(LONGEST_DELAY_MS)),
        })
        .collect();
    picked.sort_unstable();
    picked
}

/// Makes the crashes happen, each after the one before has been survived. Never ends by itself before that.
pub(crate) async fn make(
    crashes: Vec<Crash>,
    supervisor: &Supervisor,
    mut looks: Looks,
    screen: &Screen,
) {
    let mut survived = supervisor.crashes();
    for crash in crashes {
        let due =
            |look: &Snapshot| is_rollover(look) && reached(look) >= crash.step(n_long_steps(look));
        let Some(look) = wait_for(&mut looks, due).await else {
            return;
        };
        tokio::time::sleep(crash.delay).await;
        let step = look.now.as_ref().map(|now| now.step.as_str());
        screen.tell(format_args!(
            "kill -9 of the controller, {} ms into `{}`",
            crash.delay.as_millis(),
            step.unwrap_or_default()
        ));
        survived.mark_unchanged();
        supervisor.kill_controller();
        if survived.changed().await.is_err() {
            return;
        }
    }
}

impl Crash {
    /// Returns the step at which it happens, of so many to choose from.
    fn step(self, n_steps: usize) -> usize {
        let choices = u64::try_from(n_steps).unwrap_or(u64::MAX);
        usize::try_from(self.part * choices / PARTS).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
