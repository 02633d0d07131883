//! What to do now, by what is known. Pure: the same plan and state always give the same command.

use jiff::SignedDuration;

use crate::{
    goal::Goal,
    id::{RotationId, StepId},
    plan::{Plan, Step},
    state::{Course, Hold, Outcome, Stage, State},
};

/// What an engine does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Look at the world, and record what was seen.
    Observe(Look),
    /// Record the intent, act, and record the reply.
    Pursue(Deed),
    /// Wait for a span or for a person.
    Wait(Wait),
    /// Nothing is left to do.
    Finish(Outcome),
}

/// A look at the world, for one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The rotation.
    pub rotation: RotationId,
    /// The step.
    pub step: StepId,
    /// The goal whose sight is wanted.
    pub goal: Goal,
    /// The attempt whose change is asked about.
    pub attempt: u32,
    /// The name of that attempt's request.
    pub request: RequestId,
    /// Whether a person said that the step is done.
    pub confirmed: bool,
}

/// A deed, for one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The rotation.
    pub rotation: RotationId,
    /// The step.
    pub step: StepId,
    /// The goal that the deed brings nearer.
    pub goal: Goal,
    /// Which attempt.
    pub attempt: u32,
    /// The request's name: the same for the same attempt, also after a crash.
    pub request: RequestId,
}

/// The name of a request, by which a server recognises a repetition. Derived, never drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestId(String);

impl RequestId {
    /// Derives the name of one attempt at one step of one rotation.
    pub fn derive(rotation: &RotationId, step: &StepId, attempt: u32) -> Self {
        Self(format!(
            "newleaf-{rotation}-{}-{attempt}",
            step.as_str().replace('/', "-")
        ))
    }

    /// Returns the name as text, without a slash, so that it may stand in a path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until a span is over, counted from [`State::since`]; then record [`crate::Event::Elapsed`] with this number.
    Elapse {
        /// The wait's number.
        wait: u64,
        /// The span.
        span: SignedDuration,
    },
    /// Until a person decides.
    Person(Ask),
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// May this step be pursued?
    Approve(StepId),
    /// Is this step, which a person does, done?
    Confirm(StepId),
    /// The rotation is held: go on, or turn round?
    Release(Hold),
}

/// Decides what to do now.
pub fn next(plan: &Plan, state: &State) -> Command {
    if let Some(outcome) = &state.outcome {
        return Command::Finish(outcome.clone());
    }
    if let Some(hold) = &state.hold {
        return Command::Wait(Wait::Person(Ask::Release(hold.clone())));
    }
    let Some(step) = state.step(plan) else {
        // Only a plan without steps gets here: nothing to do is done.
        return Command::Finish(match &state.course {
            Course::Forward => Outcome::Rotated,
            Course::Back { because } => Outcome::RolledBack {
                because: because.clone(),
            },
        });
    };
    match state.stage {
        Stage::Look => Command::Observe(look(plan, state, step)),
        Stage::Open if step.approval && !state.approved.contains(&step.id) => {
            Command::Wait(Wait::Person(Ask::Approve(step.id.clone())))
        }
        Stage::Open => Command::Pursue(deed(plan, state, step)),
        Stage::Resting { span } | Stage::Soaking { span } => Command::Wait(Wait::Elapse {
            wait: state.wait,
            span,
        }),
        Stage::Asking => Command::Wait(Wait::Person(Ask::Confirm(step.id.clone()))),
    }
}

fn look(plan: &Plan, state: &State, step: &Step) -> Look {
    let attempt = state.attempt;
    Look {
        rotation: plan.rotation.clone(),
        step: step.id.clone(),
        goal: step.goal.clone(),
        attempt,
        request: RequestId::derive(&plan.rotation, &step.id, attempt),
        confirmed: state.confirmed.contains(&step.id),
    }
}

fn deed(plan: &Plan, state: &State, step: &Step) -> Deed {
    let attempt = state.attempt;
    Deed {
        rotation: plan.rotation.clone(),
        step: step.id.clone(),
        goal: step.goal.clone(),
        attempt,
        request: RequestId::derive(&plan.rotation, &step.id, attempt),
    }
}
