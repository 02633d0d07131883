//! How a rotation judges what it sees by what it knows, and how it watches traffic: where counting begins, what is worse,
//! and what a person may take as given.

use jiff::Timestamp;

use super::{Hold, Stage, State, apply::backoff};
use crate::{
    goal::Goal,
    id::StepId,
    plan::{Plan, Step},
    sight::{Sight, Traffic},
    standing::{Known, Standing},
    traffic,
};

impl State {
    pub(super) fn judged(&self, step: &Step, sight: &Sight) -> Standing {
        let known = Known {
            overridden: self.overrides(&step.goal),
            baseline: self.baseline.as_ref(),
            mark: self.mark.as_ref(),
        };
        step.goal.standing(sight, known)
    }

    /// Keeps what a look at traffic is good for later: the baseline, and the counts from which the next gate counts.
    pub(super) fn watched(&mut self, step: &Step, seen: &Traffic, standing: &Standing) {
        self.traffic = Some(seen.clone());
        let is_reached = matches!(standing, Standing::Reached(_));
        match &step.goal {
            Goal::Baseline { .. } if is_reached => {
                let first = self.mark.as_ref().filter(|_| self.soaked);
                self.baseline = Some(traffic::baseline(first, seen));
                self.mark = Some(seen.clone());
            }
            Goal::Steady { .. } => {
                let mark = self.mark.get_or_insert_default();
                if is_reached {
                    mark.renew(seen);
                } else {
                    mark.fill(seen);
                }
            }
            Goal::Baseline { .. }
            | Goal::Preflight
            | Goal::CaExists { .. }
            | Goal::Trust { .. }
            | Goal::Accepted { .. }
            | Goal::Refused { .. }
            | Goal::Stored { .. }
            | Goal::Presented { .. }
            | Goal::Disused { .. }
            | Goal::KeyDestroyed { .. } => {}
        }
    }

    /// One look may fall into a worker's restart; what is still worse after some more is for a person.
    pub(super) fn worsened(&mut self, plan: &Plan, at: Timestamp, step: &Step, why: &str) {
        self.tries = self.tries.saturating_add(1);
        self.finding = Some(why.to_owned());
        if self.tries < plan.timing.attempts {
            let span = backoff(plan.timing.poll, self.tries);
            self.enter(at, Stage::Resting { span });
            return;
        }
        let why = format!(
            "traffic is worse than before the rotation: {why}; find out why, then resume (calls are counted anew), roll back, or override `{}` if this is the new normal",
            step.id
        );
        self.held(at, Hold::Paused { why });
    }

    /// A person has looked at what failed and lets the rotation go on: what failed until then is not held against it twice.
    pub(super) fn count_anew(&mut self, plan: &Plan) {
        let goal = self.step(plan).map(|step| &step.goal);
        if let (Some(Goal::Steady { .. }), Some(seen), Some(mark)) =
            (goal, &self.traffic, &mut self.mark)
        {
            mark.renew(seen);
        }
    }

    /// A proof of disuse is taken as given; what was last seen of traffic becomes the baseline.
    pub(super) fn overrule(&mut self, plan: &Plan, at: Timestamp, id: &StepId, reason: &str) {
        let is_current = self.step(plan).is_some_and(|current| current.id == *id);
        match plan.step(id).map(|step| &step.goal) {
            Some(Goal::Disused { generation }) => {
                self.overridden.insert(*generation, reason.to_owned());
            }
            Some(Goal::Steady { .. }) if is_current => self.rebase(),
            Some(
                Goal::Steady { .. }
                | Goal::Baseline { .. }
                | Goal::Preflight
                | Goal::CaExists { .. }
                | Goal::Trust { .. }
                | Goal::Accepted { .. }
                | Goal::Refused { .. }
                | Goal::Stored { .. }
                | Goal::Presented { .. }
                | Goal::KeyDestroyed { .. },
            )
            | None => return,
        }
        if self.hold.is_none() {
            self.enter(at, Stage::Look);
        }
    }

    fn rebase(&mut self) {
        if let (Some(baseline), Some(mark), Some(seen)) =
            (&mut self.baseline, &mut self.mark, &self.traffic)
        {
            *baseline = traffic::rebase(baseline, mark, seen);
            mark.renew(seen);
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
            | Goal::Baseline { .. }
            | Goal::Steady { .. }
            | Goal::KeyDestroyed { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests;
