//! The state of a rotation: the fold of its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    event::{Again, Decision, Doing, Event, Trouble, Verb},
    goal::Goal,
    id::{Generation, StepId},
    phase::Phase,
    plan::{Plan, Step},
    sight::{Census, Sight},
    standing::{Standing, Until},
};

/// The longest rest between two tries.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(5);

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

    /// Applies one event. An event that does not fit (late, repeated, for another step) changes nothing but
    /// the count, so that any engine may deliver it twice.
    pub fn apply(&mut self, plan: &Plan, at: Timestamp, event: &Event) {
        self.rev += 1;
        if self.outcome.is_some() {
            return;
        }
        if let Event::Decided(decision) = event {
            self.decided(plan, at, decision);
            return;
        }
        let Some(step) = self.step(plan) else { return };
        match event {
            Event::Decided(_) => {}
            Event::Intended { step: id, attempt } => {
                if step.id == *id && self.attempt == *attempt && self.stage == Stage::Open {
                    self.reply = Reply::Unknown;
                    self.note_reach();
                    self.enter(at, Stage::Look);
                }
            }
            Event::Acted {
                step: id, attempt, ..
            } => {
                if step.id == *id && self.attempt == *attempt && self.reply == Reply::Unknown {
                    self.reply = Reply::Given;
                    self.enter(at, Stage::Look);
                }
            }
            Event::Observed { step: id, sight } => {
                if step.id == *id && self.stage == Stage::Look {
                    self.observed(plan, at, step, sight);
                }
            }
            Event::Failed {
                step: id,
                doing,
                trouble,
            } => {
                if step.id == *id && self.stage == Stage::Look {
                    self.failed(plan, at, *doing, trouble);
                }
            }
            Event::Elapsed { wait } => {
                if self.wait == *wait {
                    self.elapsed(plan, at);
                }
            }
        }
    }

    fn observed(&mut self, plan: &Plan, at: Timestamp, step: &Step, sight: &Sight) {
        self.blind = 0;
        if let Sight::Census(census)
        | Sight::Trust(crate::sight::TrustSight {
            census: Some(census),
            ..
        }) = sight
        {
            self.census = Some(census.clone());
        }
        let standing = step.goal.standing(sight, self.overrides(&step.goal));
        match standing {
            Standing::Reached(evidence) => {
                self.finding = Some(evidence.clone());
                if self.soaked || step.soak <= SignedDuration::ZERO {
                    self.advance(plan, at, evidence);
                } else {
                    self.enter(at, Stage::Soaking { span: step.soak });
                }
            }
            Standing::Underway(Until::Elapsed(span)) => {
                self.finding = Some("underway".to_owned());
                let span = span.clamp(SignedDuration::from_millis(1), LONGEST_REST);
                self.enter(at, Stage::Resting { span });
            }
            Standing::Underway(Until::Confirmed) => {
                self.finding = Some("waits for a person to say that it is done".to_owned());
                self.enter(at, Stage::Asking);
            }
            Standing::Open(why) | Standing::Unproven(why) if self.soaked => {
                let why = format!("{}: was reached, and no longer is: {why}", step.goal);
                self.held(at, Hold::Blocked { why });
            }
            Standing::Open(why) => {
                self.finding = Some(why);
                if step.goal.has_deed() && self.reply != Reply::Given {
                    self.enter(at, Stage::Open);
                } else {
                    self.enter(
                        at,
                        Stage::Resting {
                            span: plan.timing.poll,
                        },
                    );
                }
            }
            Standing::Unproven(why) => {
                self.finding = Some(why);
                self.enter(
                    at,
                    Stage::Resting {
                        span: plan.timing.poll,
                    },
                );
            }
            Standing::Undone(why) => self.anew(plan, at, &why),
            Standing::Unsafe(why) => self.held(at, Hold::Blocked { why }),
        }
    }

    fn failed(&mut self, plan: &Plan, at: Timestamp, doing: Doing, trouble: &Trouble) {
        self.finding = Some(trouble.what.clone());
        match (trouble.again, doing) {
            (Again::Never, _) => self.held(
                at,
                Hold::Blocked {
                    why: trouble.what.clone(),
                },
            ),
            (Again::Anew, Doing::Pursuing) => self.anew(plan, at, &trouble.what),
            (Again::Same | Again::Anew, Doing::Observing) | (Again::Same, Doing::Pursuing) => {
                self.blind = self.blind.saturating_add(1);
                self.enter(
                    at,
                    Stage::Resting {
                        span: backoff(plan.timing.poll, self.blind),
                    },
                );
            }
        }
    }

    /// The attempt is known to have had no effect: the next one is a new request.
    fn anew(&mut self, plan: &Plan, at: Timestamp, why: &str) {
        self.attempt = self.attempt.saturating_add(1);
        self.tries = self.tries.saturating_add(1);
        self.reply = Reply::None;
        self.finding = Some(why.to_owned());
        if self.tries >= plan.timing.attempts {
            let why = format!("{} attempts failed, the last one so: {why}", self.tries);
            self.held(at, Hold::Paused { why });
        } else {
            self.enter(
                at,
                Stage::Resting {
                    span: backoff(plan.timing.poll, self.tries),
                },
            );
        }
    }

    fn elapsed(&mut self, plan: &Plan, at: Timestamp) {
        match self.stage {
            Stage::Resting { span } => {
                self.rested = self.rested.saturating_add(span);
                if self.rested >= plan.timing.patience {
                    let found = self.finding.clone().unwrap_or_default();
                    let why = format!("not reached within {:#}: {found}", plan.timing.patience);
                    self.held(at, Hold::Paused { why });
                } else {
                    self.enter(at, Stage::Look);
                }
            }
            Stage::Soaking { .. } => {
                self.soaked = true;
                self.enter(at, Stage::Look);
            }
            Stage::Look | Stage::Open | Stage::Asking => {}
        }
    }

    fn decided(&mut self, plan: &Plan, at: Timestamp, decision: &Decision) {
        match &decision.verb {
            Verb::Approve { step } => {
                let current = self.step(plan).is_some_and(|current| current.id == *step);
                if current && self.stage == Stage::Asking {
                    self.confirmed.insert(step.clone());
                    self.enter(at, Stage::Look);
                } else {
                    self.approved.insert(step.clone());
                }
            }
            Verb::Pause => self.held(
                at,
                Hold::Paused {
                    why: decision.reason.clone(),
                },
            ),
            Verb::Resume => {
                self.hold = None;
                self.tries = 0;
                self.blind = 0;
                self.rested = SignedDuration::ZERO;
                self.soaked = false;
                // What was accepted and never seen is asked for anew; what is unknown stays the same request.
                if self.reply == Reply::Given {
                    self.attempt = self.attempt.saturating_add(1);
                    self.reply = Reply::None;
                }
                self.enter(at, Stage::Look);
            }
            Verb::RollBack => {
                if self.course == Course::Forward {
                    self.course = Course::Back {
                        because: decision.reason.clone(),
                    };
                    self.cursor = 0;
                    self.hold = None;
                    self.begin(at);
                    self.end_if_done(plan);
                }
            }
            Verb::Override { step } => {
                if let Some(Goal::Disused { generation }) = plan.step(step).map(|s| &s.goal) {
                    self.overridden.insert(*generation, decision.reason.clone());
                    if self.hold.is_none() {
                        self.enter(at, Stage::Look);
                    }
                }
            }
            // The census is where attestations count; here they are only kept in the journal.
            Verb::Attest { .. } => {}
        }
    }

    fn overrides(&self, goal: &Goal) -> bool {
        match goal {
            Goal::Disused { generation } => self.overridden.contains_key(generation),
            Goal::Trust { refuse, .. } => {
                !refuse.is_empty() && refuse.iter().all(|g| self.overridden.contains_key(g))
            }
            Goal::Preflight
            | Goal::CaExists { .. }
            | Goal::Accepted { .. }
            | Goal::Refused { .. }
            | Goal::Stored { .. }
            | Goal::Presented { .. }
            | Goal::KeyDestroyed { .. } => false,
        }
    }

    fn advance(&mut self, plan: &Plan, at: Timestamp, evidence: String) {
        if let Some(step) = self.step(plan) {
            self.evidence.insert(step.id.clone(), evidence);
        }
        self.note_reach();
        self.cursor += 1;
        self.begin(at);
        self.end_if_done(plan);
    }

    fn begin(&mut self, at: Timestamp) {
        self.attempt = 1;
        self.tries = 0;
        self.reply = Reply::None;
        self.blind = 0;
        self.rested = SignedDuration::ZERO;
        self.soaked = false;
        self.finding = None;
        self.enter(at, Stage::Look);
    }

    fn end_if_done(&mut self, plan: &Plan) {
        if self.step(plan).is_none() {
            self.outcome = Some(match &self.course {
                Course::Forward => Outcome::Rotated,
                Course::Back { because } => Outcome::RolledBack {
                    because: because.clone(),
                },
            });
        }
    }

    fn held(&mut self, at: Timestamp, hold: Hold) {
        self.hold = Some(hold);
        self.enter(at, Stage::Look);
    }

    fn note_reach(&mut self) {
        if self.course == Course::Forward {
            self.reach = self.reach.max(self.cursor + 1);
        }
    }

    fn enter(&mut self, at: Timestamp, stage: Stage) {
        self.stage = stage;
        self.since = at;
        if matches!(stage, Stage::Resting { .. } | Stage::Soaking { .. }) {
            self.wait += 1;
        }
    }
}

/// Doubles the rest with each failure in a row, up to [`LONGEST_REST`].
fn backoff(first: SignedDuration, failures: u32) -> SignedDuration {
    let factor = 1_i32
        .checked_shl(failures.saturating_sub(1).min(16))
        .unwrap_or(1);
    first
        .checked_mul(factor)
        .unwrap_or(LONGEST_REST)
        .min(LONGEST_REST)
}

#[cfg(test)]
mod tests;
