//! Which decisions are admissible: a decision that nobody asked for is refused, with the evidence.

use crate::{
    event::{Decision, Verb},
    goal::Goal,
    id::{Generation, HolderId, StepId},
    plan::{Plan, Step},
    sight::{Census, Sight},
    standing::{Known, Standing},
    state::{Course, Stage, State},
};

/// Why a decision is refused. Nothing was changed by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The rotation is over.
    #[error("the rotation is over")]
    Over,
    /// No such step.
    #[error("expected a step of this plan, found `{step}`")]
    UnknownStep {
        /// What was named.
        step: StepId,
    },
    /// The CA that would be distrusted is still in use.
    #[error("cannot distrust {generation} yet: {evidence}")]
    StillUsed {
        /// The CA's generation.
        generation: Generation,
        /// What is known of its use.
        evidence: String,
    },
    /// Nobody asks about this step now.
    #[error("`{step}` is not waiting for an approval: the rotation is at `{current}`")]
    NotAsked {
        /// The step that was named.
        step: StepId,
        /// The current step.
        current: StepId,
    },
    /// The step asks for nothing that a person may take as given.
    #[error(
        "`{step}` cannot be overridden: only a proof of disuse and a traffic gate can, with a reason"
    )]
    NotOverridable {
        /// The step that was named.
        step: StepId,
    },
    /// A traffic gate that has not been looked at: there is nothing yet that could be taken as normal.
    #[error("`{step}` cannot be overridden now: the rotation is at `{current}`")]
    NotThere {
        /// The step that was named.
        step: StepId,
        /// The current step.
        current: StepId,
    },
    /// A reason is missing.
    #[error("expected a reason, found none")]
    NoReason,
    /// It is not held.
    #[error("the rotation is not paused and not blocked")]
    NotHeld,
    /// It is on its way back already.
    #[error("the rotation is on its way back already")]
    AlreadyBack,
    /// The way back is closed.
    #[error(
        "cannot roll back: the key of {generation} may be destroyed already, so the only way is forward"
    )]
    TooLate {
        /// The CA's generation.
        generation: Generation,
    },
    /// No such holder.
    #[error("expected a registered identity, found `{holder}`")]
    UnknownHolder {
        /// Who was named.
        holder: HolderId,
    },
}

/// Judges a decision. An engine records it only if this says yes.
pub fn admit(plan: &Plan, state: &State, decision: &Decision) -> Result<(), Refusal> {
    let Some(current) = state.step(plan).filter(|_| state.outcome.is_none()) else {
        return Err(Refusal::Over);
    };
    let reason = || {
        if decision.reason.trim().is_empty() {
            Err(Refusal::NoReason)
        } else {
            Ok(())
        }
    };
    match &decision.verb {
        Verb::Approve { step } => approve(plan, state, current, step),
        Verb::Resume if state.hold.is_none() => Err(Refusal::NotHeld),
        Verb::Pause | Verb::Resume => Ok(()),
        Verb::RollBack if state.course != Course::Forward => Err(Refusal::AlreadyBack),
        Verb::RollBack => reason().and_then(|()| may_turn(plan, state)),
        Verb::Override { step } => match plan.step(step).map(|s| &s.goal) {
            None => Err(Refusal::UnknownStep { step: step.clone() }),
            Some(Goal::Disused { .. }) => reason(),
            Some(Goal::Steady { .. }) => reason().and_then(|()| may_rebase(current, step)),
            Some(_) => Err(Refusal::NotOverridable { step: step.clone() }),
        },
        Verb::Attest { holder } if plan.holders.contains(holder) => reason(),
        Verb::Attest { holder } => Err(Refusal::UnknownHolder {
            holder: holder.clone(),
        }),
    }
}

fn approve(plan: &Plan, state: &State, current: &Step, id: &StepId) -> Result<(), Refusal> {
    let step = plan
        .step(id)
        .ok_or_else(|| Refusal::UnknownStep { step: id.clone() })?;
    let asked = current.id == *id
        && (state.stage == Stage::Asking
            || (state.stage == Stage::Open && current.approval && !state.approved.contains(id)));
    if asked {
        return Ok(());
    }
    if let Goal::Trust { refuse, .. } = &step.goal {
        for generation in refuse {
            still_used(*generation, state.census.as_ref())?;
        }
    }
    Err(Refusal::NotAsked {
        step: id.clone(),
        current: current.id.clone(),
    })
}

fn still_used(generation: Generation, census: Option<&Census>) -> Result<(), Refusal> {
    let census = census.cloned().unwrap_or_default();
    match (Goal::Disused { generation }).standing(&Sight::Census(census), Known::default()) {
        Standing::Reached(_) | Standing::Underway(_) => Ok(()),
        Standing::Open(evidence)
        | Standing::Unproven(evidence)
        | Standing::Undone(evidence)
        | Standing::Worse(evidence)
        | Standing::Unsafe(evidence) => Err(Refusal::StillUsed {
            generation,
            evidence,
        }),
    }
}

/// What was last seen of traffic becomes the baseline, so it must have been seen for this very gate.
fn may_rebase(current: &Step, id: &StepId) -> Result<(), Refusal> {
    if current.id == *id {
        return Ok(());
    }
    Err(Refusal::NotThere {
        step: id.clone(),
        current: current.id.clone(),
    })
}

/// After the old key may be gone there is no way back: a holder could not get an old leaf again.
fn may_turn(plan: &Plan, state: &State) -> Result<(), Refusal> {
    let reached = plan.forward.iter().take(state.reach);
    let mut destroyed = reached.filter_map(|step| match step.goal {
        Goal::KeyDestroyed { generation } => Some(generation),
        Goal::Preflight
        | Goal::CaExists { .. }
        | Goal::Trust { .. }
        | Goal::Accepted { .. }
        | Goal::Refused { .. }
        | Goal::Stored { .. }
        | Goal::Presented { .. }
        | Goal::Disused { .. }
        | Goal::Baseline { .. }
        | Goal::Steady { .. } => None,
    });
    match destroyed.next() {
        Some(generation) => Err(Refusal::TooLate { generation }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
