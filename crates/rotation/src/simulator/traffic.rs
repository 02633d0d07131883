//! The simulated holders' pollers and calls: what is true of them, and what is told.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{invariant::Invariant, world::World};
use crate::{
    goal::Goal,
    id::{HolderId, StepId},
    next::Deed,
    plan::Plan,
    sight::{Calls, Reading, Traffic},
};

/// How many pollers each holder has when all is well.
const POLLERS: u64 = 3;

/// The truth about traffic, and what the looks at it should have come to.
#[derive(Clone, Debug, Default)]
pub(super) struct Flows {
    holders: BTreeMap<HolderId, Flow>,
    /// For each traffic gate, whether it was right to pass it at its last look.
    passable: BTreeMap<StepId, bool>,
    /// Holders whose calls had failed before their baseline: to them some failures are normal.
    tolerant: BTreeSet<HolderId>,
}

/// One holder's traffic.
#[derive(Clone, Debug, Default)]
struct Flow {
    answered: u64,
    failed: u64,
    /// What was counted when the proxy's counts last began anew.
    forgotten: (u64, u64),
    /// The fewest pollers of all looks at the baseline.
    fewest: Option<u64>,
    /// How many calls had failed when that was last excused: at the baseline, by a person, by a restart of the proxy.
    excused: u64,
}

impl World {
    /// Adds holders, with calm traffic.
    pub(super) fn enrol(&mut self, holders: impl Iterator<Item = HolderId>) {
        self.traffic
            .holders
            .extend(holders.map(|id| (id, Flow::default())));
    }

    /// Lets a call be made each second; of a troubled holder's calls, some fail.
    pub(super) fn carry(&mut self, span: SignedDuration) {
        let seconds = u64::try_from(span.as_secs()).unwrap_or(0);
        let is_bad = self
            .moods
            .calls_fail_until
            .is_some_and(|until| self.now < until);
        for (index, flow) in self.traffic.holders.values_mut().enumerate() {
            flow.answered += seconds;
            if is_bad && index == 0 {
                flow.failed += 1 + seconds / 10;
            }
        }
    }

    /// The first holder's proxy starts anew and has forgotten its counts.
    pub(super) fn reset_counts(&mut self) {
        if let Some(flow) = self.traffic.holders.values_mut().next() {
            flow.forgotten = (flow.answered, flow.failed);
            flow.excused = flow.failed;
        }
    }

    /// A person has looked at what failed so far.
    pub(super) fn excuse(&mut self) {
        for flow in self.traffic.holders.values_mut() {
            flow.excused = flow.failed;
        }
    }

    /// Shows the traffic of some holders, and notes whether their gate may be passed on what is true now.
    pub(super) fn look_at_traffic(&mut self, step: &StepId, goal: &Goal) -> Traffic {
        let (Goal::Baseline { holders } | Goal::Steady { holders }) = goal else {
            return Traffic::default();
        };
        let mut seen = Traffic::default();
        let mut is_passable = true;
        for id in holders {
            let is_first = self.traffic.holders.keys().next() == Some(id);
            let now = self.now;
            let lasts = |until: Option<_>| is_first && until.is_some_and(|until| now < until);
            let pollers = if lasts(self.moods.pollers_gone_until) {
                1
            } else {
                POLLERS
            };
            let is_silent = lasts(self.moods.traffic_silent_until);
            let is_tolerant = self.traffic.tolerant.contains(id);
            let Some(flow) = self.traffic.holders.get_mut(id) else {
                continue;
            };
            if matches!(goal, Goal::Baseline { .. }) {
                flow.fewest = Some(flow.fewest.map_or(pollers, |fewest| fewest.min(pollers)));
                flow.excused = flow.failed;
                if flow.failed > 0 {
                    self.traffic.tolerant.insert(id.clone());
                }
            }
            let all_there = flow.fewest.is_some_and(|fewest| pollers >= fewest);
            is_passable &= !is_silent && all_there && (is_tolerant || flow.failed == flow.excused);
            let told = [
                ("pollers", Reading::Pollers(pollers)),
                ("proxy", Reading::Calls(flow.counts())),
            ];
            let told = told.map(|(source, reading)| {
                let why = || Reading::Unknown("no answer".to_owned());
                (source.to_owned(), if is_silent { why() } else { reading })
            });
            seen.holders.insert(id.clone(), BTreeMap::from(told));
        }
        self.traffic.passable.insert(step.clone(), is_passable);
        seen
    }

    /// Nobody else is touched, nothing is taken away for good, before the traffic gates so far were rightly passed.
    pub(super) fn steady_before(&mut self, plan: &Plan, deed: &Deed) {
        let is_risky = match &deed.goal {
            Goal::Stored { .. } | Goal::KeyDestroyed { .. } => true,
            Goal::Trust { refuse, .. } => !refuse.is_empty(),
            Goal::Preflight
            | Goal::CaExists { .. }
            | Goal::Accepted { .. }
            | Goal::Refused { .. }
            | Goal::Presented { .. }
            | Goal::Disused { .. }
            | Goal::Baseline { .. }
            | Goal::Steady { .. } => false,
        };
        let steps = plan.forward.iter();
        let position = steps.clone().position(|step| step.id == deed.step);
        let (true, Some(position)) = (is_risky, position) else {
            return;
        };
        let is_gate = |goal: &Goal| matches!(goal, Goal::Baseline { .. } | Goal::Steady { .. });
        let gates = steps.take(position).filter(|step| is_gate(&step.goal));
        let skipped = gates
            .map(|step| &step.id)
            .find(|id| self.traffic.passable.get(*id) != Some(&true));
        if let Some(id) = skipped {
            let what = format!("`{}` is done while `{id}` is not passed", deed.step);
            self.violated(Invariant::SteadyBeforeNext, what);
        }
    }
}

impl Flow {
    /// What the proxy tells.
    fn counts(&self) -> Calls {
        let (answered, failed) = self.forgotten;
        Calls {
            answered: Some(self.answered.saturating_sub(answered)),
            failed: self.failed.saturating_sub(failed),
        }
    }
}
