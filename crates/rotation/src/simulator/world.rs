//! The simulated world: its truth, how it moves by itself, and what deeds do to it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{Fingerprint, TrustBundle};

use super::{
    fault::FaultKind,
    fixture::Fixtures,
    invariant::{Invariant, Violation},
    scenario::{HolderKind, Scenario},
};
use crate::{
    change,
    event::{Again, Trouble},
    goal::{Freshness, Goal},
    id::{Generation, HolderId, StepId, TrustPointId},
    next::{Deed, RequestId},
    sight::{Presence, Sight},
};

/// The truth.
#[derive(Clone, Debug)]
pub(super) struct World {
    /// The true time.
    pub(super) now: Timestamp,
    /// How far our own clock is off, and until when.
    clock_off: Option<(SignedDuration, Timestamp)>,
    /// What our own clock last said: an engine never lets its journal's time go back.
    our_clock: Timestamp,
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
}

/// A trust point.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) bundle: TrustBundle,
    /// What the data plane accepts: the bundle, a little later.
    pub(super) effective: TrustBundle,
    effective_at: Timestamp,
    pub(super) before: TrustBundle,
    pub(super) requests: BTreeMap<RequestId, Request>,
    pub(super) manual: bool,
    /// Generations that somebody else has taken out.
    pub(super) meddled: BTreeSet<Generation>,
}

/// A change that was asked for.
#[derive(Clone, Debug)]
pub(super) struct Request {
    proposed: TrustBundle,
    done_at: Timestamp,
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
    takes_up_at: Option<Timestamp>,
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
    fail_next: bool,
    slow_next: bool,
    foreign_edits: usize,
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
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
        };
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

    fn issue(&mut self, holder: &HolderId, generation: Generation, of_rotation: bool) -> usize {
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

    /// Does a deed.
    pub(super) fn pursue(&mut self, deed: &Deed) -> Result<String, Trouble> {
        match &deed.goal {
            Goal::CaExists { generation } => {
                if self.cas.contains(generation) && !self.keys.contains(generation) {
                    self.violated(
                        Invariant::NewCaIsNew,
                        format!("{generation} was there before"),
                    );
                }
                self.cas.insert(*generation);
                self.keys.insert(*generation);
                Ok(format!("made CA {generation}"))
            }
            Goal::Trust {
                point,
                accept,
                refuse,
            } => self.submit(deed, point, accept, refuse),
            Goal::Accepted { generation, .. } => {
                if !self.canaries.contains(generation) {
                    self.may_sign(*generation);
                    self.canaries.insert(*generation);
                }
                Ok("issued a canary leaf".to_owned())
            }
            Goal::Stored {
                holder,
                generation,
                freshness,
            } => {
                self.store(holder, *generation, *freshness);
                Ok("stored a leaf".to_owned())
            }
            Goal::Presented { holders, .. } => {
                let now = self.now;
                for (id, holder) in &mut self.holders {
                    if holders.contains(id) {
                        holder.restart(now);
                    }
                }
                Ok("asked for restarts".to_owned())
            }
            Goal::KeyDestroyed { generation } => {
                self.destroy(*generation);
                Ok(format!("destroyed the key of {generation}"))
            }
            Goal::Preflight | Goal::Refused { .. } | Goal::Disused { .. } => Err(Trouble {
                again: Again::Never,
                what: "there is no deed for this goal".to_owned(),
            }),
        }
    }

    fn submit(
        &mut self,
        deed: &Deed,
        id: &TrustPointId,
        accept: &[Generation],
        refuse: &[Generation],
    ) -> Result<String, Trouble> {
        let again = |again: Again, what: &str| Trouble {
            again,
            what: what.to_owned(),
        };
        let accept: Vec<_> = accept
            .iter()
            .map(|g| self.fixtures.ca(*g).clone())
            .collect();
        let named: Vec<_> = refuse
            .iter()
            .map(|g| self.fixtures.ca(*g).fingerprint())
            .collect();
        let Some(point) = self.points.get(id) else {
            return Err(again(Again::Never, "no such trust point"));
        };
        let proposed = change::propose(&point.bundle, &accept, &named, self.our_clock)
            .map_err(|error| again(Again::Never, &error.to_string()))?;
        if let Some(known) = point.requests.get(&deed.request) {
            // The server knows the name: the same change again is the same change.
            if known.proposed != proposed && known.fate != Fate::Fulfilled {
                self.violated(
                    Invariant::OneRequestOneChange,
                    deed.request.as_str().to_owned(),
                );
            }
            return Ok("known already".to_owned());
        }
        // A person is told even so: what they keep cannot be read.
        if proposed == point.bundle && !point.manual {
            return Ok("nothing to change".to_owned());
        }
        if point
            .requests
            .values()
            .any(|r| matches!(r.fate, Fate::Pending { .. }))
        {
            return Err(again(Again::Anew, "another change is underway"));
        }
        for generation in refuse {
            self.proven(deed, id, *generation);
        }
        if proposed.expired_at(self.now).next().is_some() {
            self.violated(Invariant::NoExpiredMember, format!("submitted to `{id}`"));
        }
        let delay = if std::mem::take(&mut self.moods.slow_next) {
            1_800
        } else {
            12
        };
        let fails = std::mem::take(&mut self.moods.fail_next);
        let done_at = self
            .now
            .saturating_add(SignedDuration::from_secs(delay))
            .unwrap_or(self.now);
        let request = Request {
            proposed,
            done_at,
            fate: Fate::Pending { fails },
        };
        if let Some(point) = self.points.get_mut(id) {
            point.requests.insert(deed.request.clone(), request);
        }
        Ok("accepted".to_owned())
    }

    /// The very look before trust is taken away must have shown that nobody presents the generation.
    fn proven(&mut self, deed: &Deed, id: &TrustPointId, generation: Generation) {
        let census = match self.last_sight.get(&deed.step) {
            Some(Sight::Trust(seen)) => seen.census.as_ref(),
            _ => None,
        };
        let proven = census.is_some_and(|census| {
            let free = |p: &Presence| match p {
                Presence::Seen(list) => {
                    !list.is_empty()
                        && list
                            .iter()
                            .all(|s| s.generation.is_some_and(|g| g != generation))
                }
                Presence::Unknown(_) => false,
            };
            census.expired.contains(&generation)
                || (census.holders.values().all(free)
                    && census
                        .unregistered
                        .iter()
                        .all(|s| s.generation.is_some_and(|g| g != generation)))
        });
        if !proven && !self.overridden.contains(&generation) {
            let what = format!("{generation} is taken out of `{id}` without a proof");
            self.violated(Invariant::ProofBeforeDistrust, what);
        }
    }

    fn may_sign(&mut self, generation: Generation) {
        if !self.keys.contains(&generation) {
            self.violated(
                Invariant::GoodStays,
                format!("signed with {generation}, which has no key"),
            );
        }
        let points: Vec<_> = self.points.iter().filter(|(_, p)| !p.manual).collect();
        let unseen = points.iter().find(|(id, _)| {
            !self
                .shown
                .get(*id)
                .is_some_and(|accepts| accepts.contains(&generation))
        });
        if let Some((id, _)) = unseen {
            let what = format!("signed with {generation}, last seen missing at `{id}`");
            self.violated(Invariant::SignOnlyTrusted, what);
        }
    }

    fn store(&mut self, id: &HolderId, generation: Generation, freshness: Freshness) {
        let there = self.holders.get(id).and_then(|h| self.leaves.get(h.stored));
        let fresh = |leaf: &Leaf| {
            leaf.generation == generation
                && (freshness == Freshness::OfGeneration || leaf.of_rotation)
        };
        if there.is_some_and(fresh) {
            return;
        }
        self.may_sign(generation);
        let leaf = self.issue(id, generation, true);
        let now = self.now;
        if let Some(holder) = self.holders.get_mut(id) {
            holder.stored = leaf;
            holder.takes_up_at = match holder.kind {
                HolderKind::Hot => now.saturating_add(SECOND).ok(),
                HolderKind::Reloading => now.saturating_add(SECOND * 75).ok(),
                HolderKind::Restarting => None,
            };
        }
    }

    fn destroy(&mut self, generation: Generation) {
        let uses = |h: &Holder| {
            !h.reverted
                && h.presented.keys().any(|i| {
                    self.leaves
                        .get(*i)
                        .is_some_and(|l| l.generation == generation)
                })
        };
        let used = self.holders.values().any(uses) && !self.overridden.contains(&generation);
        let ca = self.fixtures.ca(generation).fingerprint();
        let trusted = self.points.values().any(|p| p.bundle.contains(ca));
        if used || trusted {
            let what = format!("the key of {generation} (presented: {used}, accepted: {trusted})");
            self.violated(Invariant::KeyLast, what);
        }
        self.keys.remove(&generation);
        self.canaries.remove(&generation);
    }

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

    fn restart(&mut self, now: Timestamp) {
        let behind = !matches!(self.presented.get(&self.stored), Some(None));
        if self.kind == HolderKind::Restarting && behind && self.takes_up_at.is_none() {
            self.takes_up_at = now.saturating_add(SECOND * 20).ok();
        }
    }
}
