//! What happens to the simulated world without anybody asking for it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{
    fault::FaultKind,
    world::{HOUR, World},
};
use crate::id::Generation;

impl World {
    /// Lets something happen that nobody asked for.
    pub(super) fn strike(&mut self, kind: FaultKind) {
        let later = |seconds: i64| {
            self.now
                .saturating_add(SignedDuration::from_secs(seconds))
                .ok()
        };
        match kind {
            FaultKind::Unreachable => self.moods.unreachable_calls = 3,
            FaultKind::FailLate => self.moods.fail_next = true,
            FaultKind::Slow => self.moods.slow_next = true,
            FaultKind::StaleBundle => self.moods.stale_bundle_calls = 3,
            FaultKind::StaleReports => self.moods.stale_report_calls = 4,
            FaultKind::Silence => self.moods.silent_until = later(400),
            FaultKind::Stranger => self.moods.stranger_until = later(600),
            FaultKind::PollersGone => self.moods.pollers_gone_until = later(900),
            FaultKind::CallsFail => self.moods.calls_fail_until = later(300),
            FaultKind::TrafficSilent => self.moods.traffic_silent_until = later(400),
            FaultKind::CountsReset => self.reset_counts(),
            FaultKind::ForeignEdit => self.foreign_edit(),
            FaultKind::Meddle => self.meddle(),
            FaultKind::Revert => self.revert(),
            FaultKind::ClockAhead => self.clock_off = later(900).map(|end| (HOUR, end)),
            FaultKind::ClockBack => self.clock_off = later(900).map(|end| (-HOUR, end)),
            FaultKind::CrashBefore
            | FaultKind::CrashAfter
            | FaultKind::LoseReply
            | FaultKind::Refuse
            | FaultKind::Repeat
            | FaultKind::Pause
            | FaultKind::RollBack
            | FaultKind::RashApproval => {}
        }
    }

    fn foreign_edit(&mut self) {
        self.moods.foreign_edits += 1;
        let guest = if self.moods.foreign_edits.is_multiple_of(2) {
            self.fixtures.expired.clone()
        } else {
            self.fixtures.stranger.clone()
        };
        if let Some(point) = self.points.values_mut().next() {
            if point.bundle.contains(guest.fingerprint()) {
                point.bundle = point.bundle.without(|ca| *ca == guest);
            } else {
                point.bundle.insert(guest);
            }
        }
    }

    fn meddle(&mut self) {
        let newest = self.cas.iter().max().copied().unwrap_or(Generation(1));
        let ca = self.fixtures.ca(newest).clone();
        if let Some(point) = self.points.values_mut().next_back() {
            point.bundle = point.bundle.without(|member| *member == ca);
            point.effective = point.bundle.clone();
            point.meddled.insert(newest);
        }
    }

    fn revert(&mut self) {
        let now = self.now;
        let Some((id, holder)) = self.holders.iter_mut().next_back() else {
            return;
        };
        let first = self
            .leaves
            .iter()
            .position(|leaf| leaf.holder == *id)
            .unwrap_or(0);
        holder.presented = BTreeMap::from([(first, None)]);
        holder.reverted = true;
        holder.history.push((now, BTreeSet::from([first])));
    }
}
