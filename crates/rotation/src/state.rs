//! The state of a rotation: the fold of its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    event::Event,
    id::{Generation, StepId},
    phase::Phase,
    plan::{Plan, Step},
    sight::{Census, Traffic},
};

mod apply;
mod watch;

/// Where a rotation stands. Made by [`State::new`] and changed by [`State::apply`] only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// How many events were applied.
    pub rev: u64,
    /// There or back.
    pub course: Course,
    /// Which step of the course is current.
    pub cursor: usize,
    /// How many forward steps were intended or reached: what the way back must undo.
    pub reach: usize,
    /// What is being done about the current step.
    pub stage: Stage,
    /// When the stage began. For engines, which turn spans into deadlines, and for people; never read here.
    pub since: Timestamp,
    /// How many waits have begun; the current wait's number.
    pub wait: u64,
    /// Which attempt at the current step.
    pub attempt: u32,
    /// Attempts at the current step since a person last looked.
    pub tries: u32,
    /// What became of the current attempt.
    pub reply: Reply,
    /// Looks in a row that failed.
    pub blind: u32,
    /// How long the current step has rested, all rests added up.
    pub rested: SignedDuration,
    /// Whether the current step's soak is over and it must be seen once more.
    pub soaked: bool,
    /// Steps that a person approved.
    pub approved: BTreeSet<StepId>,
    /// Steps that a person said are done.
    pub confirmed: BTreeSet<StepId>,
    /// Generations whose proof of disuse a person overrode, and why.
    pub overridden: BTreeMap<Generation, String>,
    /// Why the rotation does not go on by itself.
    pub hold: Option<Hold>,
    /// What was last found out about the current step.
    pub finding: Option<String>,
    /// The evidence with which each step was reached.
    pub evidence: BTreeMap<StepId, String>,
    /// Who was last seen presenting what.
    pub census: Option<Census>,
    /// The traffic before the first leaf was delivered; a person may take a later one for it.
    pub baseline: Option<Traffic>,
    /// The counts of traffic at the last gate that it passed, from which the next gate counts.
    pub mark: Option<Traffic>,
    /// The traffic that was last seen.
    pub traffic: Option<Traffic>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// There or back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// Towards the new identity.
    Forward,
    /// Back to the old one.
    Back {
        /// Why a person turned round.
        because: String,
    },
}

/// What is being done about the current step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// It must be looked at.
    Look,
    /// It was seen open, and a deed may bring it nearer.
    Open,
    /// It rests before it is looked at again.
    Resting {
        /// How long.
        span: SignedDuration,
    },
    /// It is reached, and must hold.
    Soaking {
        /// How long.
        span: SignedDuration,
    },
    /// A person does it.
    Asking,
}

/// What became of the current attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// Nothing was tried.
    None,
    /// It was intended; whether it took effect is not known.
    Unknown,
    /// It was accepted.
    Given,
}

/// Why a rotation does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "hold", rename_all = "snake_case")]
pub enum Hold {
    /// A person paused it, or patience or attempts ran out.
    Paused {
        /// Why.
        why: String,
    },
    /// Going on could do harm, or cannot succeed, until a person changes something.
    Blocked {
        /// Why.
        why: String,
    },
}

/// How a rotation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The new identity is in use; of the old one nothing is left.
    Rotated,
    /// The old identity is in use; of the new one nothing is left.
    RolledBack {
        /// Why a person turned round.
        because: String,
    },
}

impl State {
    /// Returns the state before the first event.
    pub fn new(at: Timestamp) -> Self {
        Self {
            rev: 0,
            course: Course::Forward,
            cursor: 0,
            reach: 0,
            stage: Stage::Look,
            since: at,
            wait: 0,
            attempt: 1,
            tries: 0,
            reply: Reply::None,
            blind: 0,
            rested: SignedDuration::ZERO,
            soaked: false,
            approved: BTreeSet::new(),
            confirmed: BTreeSet::new(),
            overridden: BTreeMap::new(),
            hold: None,
            finding: None,
            evidence: BTreeMap::new(),
            census: None,
            baseline: None,
            mark: None,
            traffic: None,
            outcome: None,
        }
    }

    /// Folds a whole journal.
    pub fn replay<'e>(
        plan: &Plan,
        started_at: Timestamp,
        events: impl IntoIterator<Item = (Timestamp, &'e Event)>,
    ) -> Self {
        let mut state = Self::new(started_at);
        for (at, event) in events {
            state.apply(plan, at, event);
        }
        state
    }

    /// Returns the steps of the current course.
    pub fn steps<'p>(&self, plan: &'p Plan) -> Vec<&'p Step> {
        match self.course {
            Course::Forward => plan.forward.iter().collect(),
            Course::Back { .. } => {
                let index = |id: &StepId| plan.forward.iter().position(|step| step.id == *id);
                let needed = |since: &StepId| index(since).is_some_and(|i| i < self.reach);
                plan.backward
                    .iter()
                    .filter(|u| needed(&u.since))
                    .map(|u| &u.step)
                    .collect()
            }
        }
    }

    /// Returns the current step, if any is left.
    pub fn step<'p>(&self, plan: &'p Plan) -> Option<&'p Step> {
        self.steps(plan).get(self.cursor).copied()
    }

    /// Returns the phase that was last entered: all steps up to it are reached.
    pub fn phase(&self, plan: &Plan) -> Option<Phase> {
        let steps = self.steps(plan);
        match (&self.course, steps.get(self.cursor)) {
            (Course::Forward, Some(current)) => {
                Phase::ALL.into_iter().filter(|p| *p < current.phase).max()
            }
            (Course::Forward, None) => steps.last().map(|last| last.phase),
            (Course::Back { .. }, Some(current)) => Some(current.phase),
            (Course::Back { .. }, None) => Some(Phase::Preflight),
        }
    }
}

#[cfg(test)]
mod tests;
