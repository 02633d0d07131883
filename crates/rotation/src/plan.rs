//! Plans: made whole, shown, then run without a choice left.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    goal::{Freshness, Goal},
    id::{Generation, HolderId, RotationId, StepId, TrustDomainId, TrustPointId},
    phase::Phase,
    spec::{Kind, Spec, Timing},
};

mod steps;

use self::steps::Steps;

/// The version of the stored form of plans, events and states.
pub const FORMAT: u32 = 1;

/// An immutable list of goals, frozen when the rotation starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of the stored form.
    pub format: u32,
    /// The rotation's name.
    pub rotation: RotationId,
    /// Whose identities are rotated.
    pub domain: TrustDomainId,
    /// What is rotated.
    pub kind: Kind,
    /// Every place that trusts the domain's CA.
    pub trust_points: Vec<TrustPointId>,
    /// Everybody who presents an identity of the domain.
    pub holders: Vec<HolderId>,
    /// Holders whose traffic is held against its baseline. Nothing asks about the traffic of the others.
    pub watched: Vec<HolderId>,
    /// Spans and counts.
    pub timing: Timing,
    /// The way there.
    pub forward: Vec<Step>,
    /// The way back: the goals in the other order, each with the forward step that makes it necessary.
    pub backward: Vec<UndoStep>,
}

/// One goal of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The step's name, unique in the plan.
    pub id: StepId,
    /// The phase that is entered when the last of its steps is reached.
    pub phase: Phase,
    /// What must be seen.
    pub goal: Goal,
    /// How long it must hold before the next step.
    pub soak: SignedDuration,
    /// Whether a person must approve before the deed.
    pub approval: bool,
}

/// A step of the way back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoStep {
    /// The forward step that, once intended, makes this step necessary.
    pub since: StepId,
    /// The step.
    pub step: Step,
}

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No trust point.
    #[error("expected at least one trust point in trust domain `{domain}`, found none")]
    NoTrustPoint {
        /// The domain.
        domain: TrustDomainId,
    },
    /// No holder.
    #[error(
        "expected at least one registered identity in trust domain `{domain}`, found none; without one nothing can prove that the old CA is out of use"
    )]
    NoHolder {
        /// The domain.
        domain: TrustDomainId,
    },
    /// Something is named twice.
    #[error("expected `{name}` once in trust domain `{domain}`, found it twice")]
    Twice {
        /// The domain.
        domain: TrustDomainId,
        /// The name.
        name: String,
    },
    /// A rollover to a generation that is not newer.
    #[error("expected a generation newer than {old}, found {new}")]
    NotNewer {
        /// The CA that goes.
        old: Generation,
        /// The CA that was to come.
        new: Generation,
    },
}

/// Makes the plan. The same spec always makes the same plan.
pub fn plan(spec: &Spec) -> Result<Plan, PlanError> {
    let holders: Vec<HolderId> = spec.waves.iter().flatten().cloned().collect();
    let domain = || spec.domain.clone();
    if spec.trust_points.is_empty() {
        return Err(PlanError::NoTrustPoint { domain: domain() });
    }
    if holders.is_empty() {
        return Err(PlanError::NoHolder { domain: domain() });
    }
    let names = spec.trust_points.iter().map(TrustPointId::as_str);
    if let Some(name) = twice(names).or_else(|| twice(holders.iter().map(HolderId::as_str))) {
        return Err(PlanError::Twice {
            domain: domain(),
            name,
        });
    }
    let (forward, backward) = match spec.kind {
        Kind::CaRollover { old, new } if new <= old => {
            return Err(PlanError::NotNewer { old, new });
        }
        Kind::CaRollover { old, new } => (rollover(spec, old, new), undo_rollover(spec, old, new)),
        Kind::LeafRenewal { generation } => (renewal(spec, generation), Vec::new()),
    };
    Ok(Plan {
        format: FORMAT,
        rotation: spec.rotation.clone(),
        domain: domain(),
        kind: spec.kind,
        trust_points: spec.trust_points.clone(),
        watched: holders
            .iter()
            .filter(|holder| spec.watched.contains(holder))
            .cloned()
            .collect(),
        holders,
        timing: spec.timing.clone(),
        forward,
        backward,
    })
}

fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut seen = std::collections::BTreeSet::new();
    names
        .into_iter()
        .find(|name| !seen.insert(*name))
        .map(str::to_owned)
}

fn rollover(spec: &Spec, old: Generation, new: Generation) -> Vec<Step> {
    let (t, passes) = (&spec.timing, spec.timing.passes);
    let mut steps = Steps::new(spec);
    steps.add(Phase::Preflight, "checks", Goal::Preflight);
    steps.add(
        Phase::Preflight,
        "old-accepted",
        Goal::Accepted {
            generation: old,
            passes,
        },
    );
    steps.add(Phase::Prepared, "ca", Goal::CaExists { generation: new });
    for point in &spec.trust_points {
        steps.add(
            Phase::Trusted,
            point.as_str(),
            trust(point, &[old, new], &[]),
        );
    }
    steps.add(
        Phase::Trusted,
        "old-accepted",
        Goal::Accepted {
            generation: old,
            passes: 1,
        },
    );
    steps.soak(t.trusted_soak);
    steps.add(
        Phase::Canary,
        "new-accepted",
        Goal::Accepted {
            generation: new,
            passes,
        },
    );
    steps.baseline(Phase::Canary);
    steps.waves(new, Freshness::OfGeneration);
    steps.add(Phase::Soaking, "disuse", Goal::Disused { generation: old });
    steps.soak(t.disused_soak);
    for point in &spec.trust_points {
        steps.add(
            Phase::Distrusted,
            point.as_str(),
            trust(point, &[new], &[old]),
        );
    }
    steps.add(
        Phase::Distrusted,
        "old-refused",
        Goal::Refused { generation: old },
    );
    let everybody = steps.everybody();
    steps.steady(Phase::Distrusted, "steady", &everybody);
    steps.add(
        Phase::Distrusted,
        "new-accepted",
        Goal::Accepted {
            generation: new,
            passes,
        },
    );
    steps.soak(t.final_soak);
    steps.steady(Phase::Retired, "steady", &everybody);
    steps.add(
        Phase::Retired,
        "key",
        Goal::KeyDestroyed { generation: old },
    );
    steps.list
}

fn renewal(spec: &Spec, generation: Generation) -> Vec<Step> {
    let mut steps = Steps::new(spec);
    let passes = spec.timing.passes;
    steps.add(Phase::Preflight, "checks", Goal::Preflight);
    steps.add(
        Phase::Preflight,
        "accepted",
        Goal::Accepted { generation, passes },
    );
    steps.baseline(Phase::Preflight);
    steps.waves(generation, Freshness::OfRotation);
    steps.list
}

/// The way back keeps both CAs trusted until everybody presents the old one again.
fn undo_rollover(spec: &Spec, old: Generation, new: Generation) -> Vec<UndoStep> {
    let mut undo = Vec::new();
    let mut add = |since: &str, id: String, phase: Phase, goal: Goal| {
        let soak = undo_soak(spec, &goal);
        let id = StepId::new(format!("back/{id}"));
        let step = Step {
            id,
            phase,
            goal,
            soak,
            approval: false,
        };
        undo.push(UndoStep {
            since: StepId::new(since),
            step,
        });
    };
    let first = |phase: Phase| spec.trust_points.first().map(|p| format!("{phase}/{p}"));
    let distrusting = first(Phase::Distrusted).unwrap_or_default();
    let trusting = first(Phase::Trusted).unwrap_or_default();
    for point in &spec.trust_points {
        let goal = trust(point, &[old, new], &[]);
        add(&distrusting, format!("trust/{point}"), Phase::Soaking, goal);
    }
    let mut holders = spec.waves.iter().flatten();
    let issuing = holders
        .next()
        .map(|h| format!("issuing/stored/{h}"))
        .unwrap_or_default();
    for holder in spec.waves.iter().flatten() {
        let freshness = Freshness::OfGeneration;
        let goal = Goal::Stored {
            holder: holder.clone(),
            generation: old,
            freshness,
        };
        add(&issuing, format!("stored/{holder}"), Phase::Issuing, goal);
    }
    let holders: Vec<_> = spec.waves.iter().flatten().cloned().collect();
    let freshness = Freshness::OfGeneration;
    let goal = Goal::Presented {
        holders,
        generation: old,
        freshness,
    };
    add(&issuing, "presented".to_owned(), Phase::Issuing, goal);
    let goal = Goal::Disused { generation: new };
    add(&trusting, "disuse".to_owned(), Phase::Trusted, goal);
    for point in &spec.trust_points {
        let goal = trust(point, &[old], &[new]);
        add(
            &trusting,
            format!("distrust/{point}"),
            Phase::Prepared,
            goal,
        );
    }
    let goal = Goal::Accepted {
        generation: old,
        passes: spec.timing.passes,
    };
    add(&trusting, "old-accepted".to_owned(), Phase::Prepared, goal);
    let goal = Goal::KeyDestroyed { generation: new };
    add("prepared/ca", "key".to_owned(), Phase::Preflight, goal);
    undo
}

/// What was read as gone may have been an old read: it must still be gone a soak later.
fn undo_soak(spec: &Spec, goal: &Goal) -> SignedDuration {
    match goal {
        Goal::Trust { refuse, .. } if !refuse.is_empty() => spec.timing.trusted_soak,
        Goal::Trust { .. }
        | Goal::Preflight
        | Goal::CaExists { .. }
        | Goal::Accepted { .. }
        | Goal::Refused { .. }
        | Goal::Stored { .. }
        | Goal::Presented { .. }
        | Goal::Disused { .. }
        | Goal::Baseline { .. }
        | Goal::Steady { .. }
        | Goal::KeyDestroyed { .. } => SignedDuration::ZERO,
    }
}

fn trust(point: &TrustPointId, accept: &[Generation], refuse: &[Generation]) -> Goal {
    Goal::Trust {
        point: point.clone(),
        accept: accept.to_vec(),
        refuse: refuse.to_vec(),
    }
}

impl Plan {
    /// Returns how long the way there takes when nothing has to be tried twice and no person is waited for.
    pub fn soaks(&self) -> SignedDuration {
        let soaks = self.forward.iter().map(|step| step.soak);
        soaks.fold(SignedDuration::ZERO, SignedDuration::saturating_add)
    }

    /// Returns the holders of whose traffic nothing is asked, because no source is configured that tells of it.
    pub fn unwatched(&self) -> Vec<&HolderId> {
        let holders = self.holders.iter();
        holders.filter(|h| !self.watched.contains(h)).collect()
    }

    /// Returns the step with this name, on the way there or back.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        let back = self.backward.iter().map(|undo| &undo.step);
        self.forward.iter().chain(back).find(|step| step.id == *id)
    }
}

#[cfg(test)]
mod tests;
