//! Whole rotations in memory: a world that obeys late, lies a little and fails often, and an engine that is
//! killed in the middle of everything. No clock and no randomness but the seed.
//!
//! The world's truth is kept apart from what it shows; after every tick the invariants ([`Invariant`]) are asked of the
//! truth. [`run`] plays one [`Scenario`]; [`Scenario::random`] makes one from a seed; [`shrink`] finds the fewest faults that
//! still show a violation.

mod deed;
mod engine;
mod fault;
mod fixture;
mod invariant;
mod look;
mod scenario;
mod strike;
mod traffic;
mod world;

pub use fault::{Fault, FaultKind};
pub use invariant::{Invariant, Violation};
pub use scenario::{HolderKind, Scenario};

use jiff::Timestamp;

use crate::{event::Event, state::Outcome};

/// What became of a scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub end: End,
    /// Every broken invariant.
    pub violations: Vec<Violation>,
    /// The journal.
    pub journal: Vec<(Timestamp, Event)>,
    /// How often the world was called: the places where a fault can strike.
    pub calls: usize,
}

/// How a simulated rotation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself.
    Finished(Outcome),
    /// The person gave up on a hold.
    GivenUp {
        /// The last hold.
        why: String,
    },
    /// It was still running when the simulation's bound was reached.
    Endless,
}

/// Plays a scenario to its end.
pub fn run(scenario: &Scenario) -> Report {
    engine::Engine::new(scenario).run()
}

/// Takes faults away as long as the scenario still shows a violation.
pub fn shrink(scenario: &Scenario) -> Scenario {
    let fails = |s: &Scenario| !run(s).violations.is_empty();
    let mut smallest = scenario.clone();
    let mut index = 0;
    while index < smallest.faults.len() {
        let mut smaller = smallest.clone();
        smaller.faults.remove(index);
        if fails(&smaller) {
            smallest = smaller;
        } else {
            index += 1;
        }
    }
    smallest
}

#[cfg(test)]
mod tests;
