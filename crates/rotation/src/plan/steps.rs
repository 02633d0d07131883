//! The list of steps while it is made: names, approvals, soaks, waves, traffic gates.

use jiff::SignedDuration;

use super::Step;
use crate::{
    goal::{Freshness, Goal},
    id::{Generation, HolderId, StepId},
    phase::Phase,
    spec::Spec,
};

/// The steps so far.
pub(super) struct Steps<'a> {
    spec: &'a Spec,
    pub(super) list: Vec<Step>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(spec: &'a Spec) -> Self {
        Self {
            spec,
            list: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, phase: Phase, name: &str, goal: Goal) {
        let id = StepId::new(format!("{phase}/{name}"));
        // One approval for one phase: it stands before the first deed that leads there.
        let first = !self
            .list
            .iter()
            .any(|step| step.phase == phase && step.goal.has_deed());
        let approval = first && goal.has_deed() && self.spec.approvals.contains(&phase);
        self.list.push(Step {
            id,
            phase,
            goal,
            soak: SignedDuration::ZERO,
            approval,
        });
    }

    /// Gives the last step a soak.
    pub(super) fn soak(&mut self, soak: SignedDuration) {
        if let Some(step) = self.list.last_mut() {
            step.soak = soak;
        }
    }

    pub(super) fn waves(&mut self, generation: Generation, freshness: Freshness) {
        for (index, wave) in self.spec.waves.iter().enumerate() {
            for holder in wave {
                let goal = Goal::Stored {
                    holder: holder.clone(),
                    generation,
                    freshness,
                };
                self.add(Phase::Issuing, &format!("stored/{holder}"), goal);
            }
            let goal = Goal::Presented {
                holders: wave.clone(),
                generation,
                freshness,
            };
            self.add(Phase::Issuing, &format!("wave-{}", index + 1), goal);
            self.soak(self.spec.timing.wave_soak);
            self.steady(Phase::Issuing, &format!("steady-{}", index + 1), wave);
        }
    }

    pub(super) fn everybody(&self) -> Vec<HolderId> {
        self.spec.waves.concat()
    }

    fn watched(&self, holders: &[HolderId]) -> Vec<HolderId> {
        let is_watched = |holder: &&HolderId| self.spec.watched.contains(holder);
        holders.iter().filter(is_watched).cloned().collect()
    }

    /// Watches traffic as long as after a wave, so that the two can be compared.
    pub(super) fn baseline(&mut self, phase: Phase) {
        let holders = self.watched(&self.everybody());
        if !holders.is_empty() {
            self.add(phase, "baseline", Goal::Baseline { holders });
            self.soak(self.spec.timing.wave_soak);
        }
    }

    /// A gate that nobody can answer would stand open for ever, or be taken for passed: it is left out, and the plan says so.
    pub(super) fn steady(&mut self, phase: Phase, name: &str, holders: &[HolderId]) {
        let holders = self.watched(holders);
        if !holders.is_empty() {
            self.add(phase, name, Goal::Steady { holders });
        }
    }
}
