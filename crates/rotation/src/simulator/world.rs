//! The simulated world: its truth, how it moves by itself, and what deeds do to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{Fingerprint, TrustBundle};

use super::{
    fixture::Fixtures,
    invariant::{Invariant, Violation},
    scenario::{HolderKind, Scenario},
    traffic::Flows,
};
use crate::{
    id::{Generation, HolderId, StepId, TrustPointId},
    next::RequestId,
    sight::Sight,
};

/// The truth.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// The true time.
    pub(super) now: Timestamp,
    /// How far our own clock is off, and until when.
    pub(super) clock_off: Option<(SignedDuration, Timestamp)>,
    /// What our own clock last said: an engine never lets its journal's time go back.
    pub(super) our_clock: Timestamp,
    pub(super) fixtures: Fixtures,
    pub(super) points: BTreeMap<TrustPointId, Point>,
    pub(super) holders: BTreeMap<HolderId, Holder>,
    pub(super) keys: BTreeSet<Generation>,
    pub(super) cas: BTreeSet<Generation>,
    pub(super) canaries: BTreeSet<Generation>,
    pub(super) leaves: Vec<Leaf>,
    pub(super) moods: Moods,
    pub(super) violations: Vec<Violation>,
    /// What each point was last shown to accept, by any look.
    pub(super) shown: BTreeMap<TrustPointId, BTreeSet<Generation>>,
    /// The last sight that each step was given.
    pub(super) last_sight: BTreeMap<StepId, Sight>,
    pub(super) overridden: BTreeSet<Generation>,
    pub(super) traffic: Flows,
}

/// A trust point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) bundle: TrustBundle,
    /// What the data plane accepts: the bundle, a little later.
    pub(super) effective: TrustBundle,
    pub(super) effective_at: Timestamp,
    pub(super) before: TrustBundle,
    pub(super) requests: BTreeMap<RequestId, Request>,
    pub(super) manual: bool,
    /// Generations that somebody else has taken out.
    pub(super) meddled: BTreeSet<Generation>,
}

/// A change that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) proposed: TrustBundle,
    pub(super) done_at: Timestamp,
    pub(super) fate: Fate,
}

/// What becomes of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Pending { fails: bool },
    Fulfilled,
    Failed,
}

/// A holder.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub(super) kind: HolderKind,
    pub(super) stored: usize,
    /// The leaves it presents, each with the instant at which it stops; none for the one that stays.
    pub(super) presented: BTreeMap<usize, Option<Timestamp>>,
    pub(super) takes_up_at: Option<Timestamp>,
    /// What it presented, and since when: the source of old reports.
    pub(super) history: Vec<(Timestamp, BTreeSet<usize>)>,
    pub(super) reverted: bool,
}

/// A leaf.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub(super) generation: Generation,
    pub(super) fingerprint: Fingerprint,
    pub(super) of_rotation: bool,
    pub(super) holder: HolderId,
    pub(super) issued_at: Timestamp,
    pub(super) not_after: Timestamp,
}

/// Faults that last.
#[derive(Clone, Debug, Default)]
pub(super) struct Moods {
    pub(super) unreachable_calls: usize,
    pub(super) stale_bundle_calls: usize,
    pub(super) stale_report_calls: usize,
    pub(super) silent_until: Option<Timestamp>,
    pub(super) stranger_until: Option<Timestamp>,
    pub(super) pollers_gone_until: Option<Timestamp>,
    pub(super) calls_fail_until: Option<Timestamp>,
    pub(super) traffic_silent_until: Option<Timestamp>,
    pub(super) fail_next: bool,
    pub(super) slow_next: bool,
    pub(super) foreign_edits: usize,
}

pub(super) const HOUR: SignedDuration = SignedDuration::from_hours(1);
pub(super) const SECOND: SignedDuration = SignedDuration::from_secs(1);
/// How long a connection with an old leaf lives on.
const DRAIN: SignedDuration = SignedDuration::from_secs(40);
const LEAF_LIFE: SignedDuration = SignedDuration::from_hours(24 * 30);

impl World {
    pub(super) fn new(scenario: &Scenario, now: Timestamp) -> Self {
        let fixtures = Fixtures::new();
        let first = Generation(1);
        let bundle = TrustBundle::new([fixtures.ca(first).clone()]);
        let point = |i: usize| Point {
            bundle: bundle.clone(),
            effective: bundle.clone(),
            effective_at: now,
            before: bundle.clone(),
            requests: BTreeMap::new(),
            manual: scenario.manual.contains(&i),
            meddled: BTreeSet::new(),
        };
        let points = scenario.spec.trust_points.iter().enumerate();
        let mut world = Self {
            now,
            clock_off: None,
            our_clock: now,
            points: points.map(|(i, id)| (id.clone(), point(i))).collect(),
            fixtures,
            holders: BTreeMap::new(),
            keys: BTreeSet::from([first]),
            cas: BTreeSet::from([first]),
            canaries: BTreeSet::new(),
            leaves: Vec::new(),
            moods: Moods::default(),
            violations: Vec::new(),
            shown: BTreeMap::new(),
            last_sight: BTreeMap::new(),
            overridden: BTreeSet::new(),
            traffic: Flows::default(),
        };
        world.enrol(scenario.spec.waves.iter().flatten().cloned());
        for (id, kind) in scenario.spec.waves.iter().flatten().zip(&scenario.holders) {
            let leaf = world.issue(id, first, false);
            let holder = Holder {
                kind: *kind,
                stored: leaf,
                presented: BTreeMap::from([(leaf, None)]),
                takes_up_at: None,
                history: vec![(now, BTreeSet::from([leaf]))],
                reverted: false,
            };
            world.holders.insert(id.clone(), holder);
        }
        world
    }

    pub(super) fn issue(
        &mut self,
        holder: &HolderId,
        generation: Generation,
        of_rotation: bool,
    ) -> usize {
        let index = self.leaves.len();
        self.leaves.push(Leaf {
            generation,
            fingerprint: Fingerprint::of(format!("leaf {index}").as_bytes()),
            of_rotation,
            holder: holder.clone(),
            issued_at: self.our_clock,
            not_after: self.now.saturating_add(LEAF_LIFE).unwrap_or(Timestamp::MAX),
        });
        index
    }

    pub(super) fn generations(&self, bundle: &TrustBundle) -> BTreeSet<Generation> {
        bundle
            .members()
            .iter()
            .filter_map(|ca| self.fixtures.generation(ca))
            .collect()
    }

    /// Notes a broken invariant; the first time says enough.
    pub(super) fn violated(&mut self, invariant: Invariant, what: String) {
        if self.violations.iter().any(|v| v.invariant == invariant) {
            return;
        }
        self.violations.push(Violation {
            invariant,
            at: self.our_clock,
            what,
        });
    }

    /// Lets true time pass.
    pub(super) fn advance(&mut self, span: SignedDuration) {
        self.now = self.now.saturating_add(span).unwrap_or(self.now);
        self.carry(span);
        if self.clock_off.is_some_and(|(_, until)| until <= self.now) {
            self.clock_off = None;
        }
        let off = self.clock_off.map_or(SignedDuration::ZERO, |(off, _)| off);
        let says = self.now.saturating_add(off).unwrap_or(self.now);
        self.our_clock = self.our_clock.max(says);
    }

    /// Returns what our own clock says.
    pub(super) fn clock(&self) -> Timestamp {
        self.our_clock
    }

    /// Lets the world move by itself up to `now`, then asks the invariants.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        for point in self.points.values_mut() {
            for request in point.requests.values_mut() {
                if let (Fate::Pending { fails }, true) = (request.fate, request.done_at <= now) {
                    if fails {
                        request.fate = Fate::Failed;
                        continue;
                    }
                    request.fate = Fate::Fulfilled;
                    point.before = point.bundle.clone();
                    point.bundle = request.proposed.clone();
                    point.effective_at = now.saturating_add(SECOND).unwrap_or(now);
                }
            }
            if point.effective_at <= now {
                point.effective = point.bundle.clone();
            }
        }
        for holder in self.holders.values_mut() {
            holder.settle(now);
        }
        self.check();
    }

    fn check(&mut self) {
        let mut broken = Vec::new();
        for (id, holder) in &self.holders {
            for leaf in holder.presented.keys().filter_map(|i| self.leaves.get(*i)) {
                for (point_id, point) in &self.points {
                    let generation = leaf.generation;
                    let excused = holder.reverted
                        || point.meddled.contains(&generation)
                        || self.overridden.contains(&generation);
                    let ca = self.fixtures.ca(generation).fingerprint();
                    let trusted = point.effective.contains(ca) && point.bundle.contains(ca);
                    if !trusted && !excused {
                        broken.push(format!(
                            "`{id}` presents {generation}, `{point_id}` does not accept it"
                        ));
                    }
                }
            }
        }
        for what in broken {
            self.violated(Invariant::NobodyStranded, what);
        }
    }
}

impl Point {
    /// Returns whether the bundle changed so lately that a read may still show what was before.
    pub(super) fn changed_lately(&self, now: Timestamp) -> bool {
        now.duration_since(self.effective_at) < SECOND * 50
    }
}

impl Holder {
    fn settle(&mut self, now: Timestamp) {
        let before: BTreeSet<usize> = self.presented.keys().copied().collect();
        if self.takes_up_at.is_some_and(|at| at <= now) {
            self.takes_up_at = None;
            self.take_up(now);
        }
        self.presented
            .retain(|_, stops_at| stops_at.is_none_or(|at| at > now));
        let after: BTreeSet<usize> = self.presented.keys().copied().collect();
        if before != after {
            self.history.push((now, after));
        }
    }

    fn take_up(&mut self, now: Timestamp) {
        if self.reverted {
            return;
        }
        let stops_at = now.saturating_add(DRAIN).ok();
        for stop in self.presented.values_mut() {
            *stop = stop.or(stops_at);
        }
        self.presented.insert(self.stored, None);
    }

    pub(super) fn restart(&mut self, now: Timestamp) {
        let behind = !matches!(self.presented.get(&self.stored), Some(None));
        if self.kind == HolderKind::Restarting && behind && self.takes_up_at.is_none() {
            self.takes_up_at = now.saturating_add(SECOND * 20).ok();
        }
    }
}
