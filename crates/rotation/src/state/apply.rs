//! How events change the state. Private to the state: from outside there is only [`State::apply`].

use jiff::{SignedDuration, Timestamp};

use super::{Course, Hold, Outcome, Reply, Stage, State};
use crate::{
    event::{Again, Decision, Doing, Event, Trouble, Verb},
    goal::Goal,
    plan::{Plan, Step},
    sight::{Sight, TrustSight},
    standing::{Standing, Until},
};

/// The longest rest between two tries.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(5);

impl State {
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
        | Sight::Trust(TrustSight {
            census: Some(census),
            ..
        }) = sight
        {
            self.census = Some(census.clone());
        }
        let standing = self.judged(step, sight);
        if let Sight::Traffic(seen) = sight {
            self.watched(step, seen, &standing);
        }
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
                self.lapsed(plan, at, step, &why);
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
            Standing::Worse(why) => self.worsened(plan, at, step, &why),
            Standing::Unsafe(why) => self.held(at, Hold::Blocked { why }),
        }
    }

    /// What was reached is not seen at the end of its soak. Evidence may come and go: the soak begins again.
    /// A deed that is undone was undone by somebody: that is for a person to look at.
    fn lapsed(&mut self, plan: &Plan, at: Timestamp, step: &Step, why: &str) {
        match step.goal {
            Goal::Presented { .. }
            | Goal::Disused { .. }
            | Goal::Accepted { .. }
            | Goal::Refused { .. }
            | Goal::Baseline { .. }
            | Goal::Steady { .. } => {
                self.soaked = false;
                self.finding = Some(why.to_owned());
                self.enter(
                    at,
                    Stage::Resting {
                        span: plan.timing.poll,
                    },
                );
            }
            Goal::Preflight
            | Goal::CaExists { .. }
            | Goal::Trust { .. }
            | Goal::Stored { .. }
            | Goal::KeyDestroyed { .. } => {
                let why = format!("{}: was reached, and no longer is: {why}", step.goal);
                self.held(at, Hold::Blocked { why });
            }
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
                    let patience = plan.timing.patience;
                    let why = format!("not reached after {patience:#} of rests: {found}");
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
                self.count_anew(plan);
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
            Verb::Override { step } => self.overrule(plan, at, step, &decision.reason),
            // The census is where attestations count; here they are only kept in the journal.
            Verb::Attest { .. } => {}
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

    pub(super) fn held(&mut self, at: Timestamp, hold: Hold) {
        self.hold = Some(hold);
        self.enter(at, Stage::Look);
    }

    fn note_reach(&mut self) {
        if self.course == Course::Forward {
            self.reach = self.reach.max(self.cursor + 1);
        }
    }

    pub(super) fn enter(&mut self, at: Timestamp, stage: Stage) {
        self.stage = stage;
        self.since = at;
        if matches!(stage, Stage::Resting { .. } | Stage::Soaking { .. }) {
            self.wait += 1;
        }
    }
}

/// Doubles the rest with each failure in a row, up to [`LONGEST_REST`].
pub(super) fn backoff(first: SignedDuration, failures: u32) -> SignedDuration {
    let factor = 1_i32
        .checked_shl(failures.saturating_sub(1).min(16))
        .unwrap_or(1);
    first
        .checked_mul(factor)
        .unwrap_or(LONGEST_REST)
        .min(LONGEST_REST)
}
