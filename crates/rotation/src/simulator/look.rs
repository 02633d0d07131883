//! What the simulated world shows, which is not always its truth.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{Fingerprint, TrustBundle};

use super::world::{Fate, Holder, Leaf, Point, Request, World};
use crate::{
    census::{self, Issued, IssuedLeaf, Report, Window},
    event::{Again, Trouble},
    goal::Goal,
    id::{Generation, HolderId, TrustPointId},
    next::{Look, RequestId},
    plan::Plan,
    preflight,
    sight::{
        BundleSight, CaFact, CaSight, Census, ChangeSight, LeafFact, Probe, ProbeOutcome,
        ProbeSight, Sight, Source, StoredSight, TrustSight,
    },
};

/// How old a report may be; longer than any wait for a new connection, shorter than two soaks.
const WINDOW: SignedDuration = SignedDuration::from_secs(240);
const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// How old the reports are when they are stale: within the window, so that they are believed.
const STALE: SignedDuration = SignedDuration::from_secs(180);

impl World {
    /// Looks, for one step.
    pub(super) fn observe(&mut self, plan: &Plan, look: &Look) -> Result<Sight, Trouble> {
        if self.moods.unreachable_calls > 0 {
            self.moods.unreachable_calls -= 1;
            return Err(Trouble {
                again: Again::Same,
                what: "unreachable".to_owned(),
            });
        }
        let sight = self.sight(plan, look);
        self.moods.stale_bundle_calls = self.moods.stale_bundle_calls.saturating_sub(1);
        self.moods.stale_report_calls = self.moods.stale_report_calls.saturating_sub(1);
        self.last_sight.insert(look.step.clone(), sight.clone());
        Ok(sight)
    }

    fn sight(&mut self, plan: &Plan, look: &Look) -> Sight {
        match &look.goal {
            Goal::Preflight => Sight::Preflight(self.preflight(plan)),
            Goal::CaExists { generation } | Goal::KeyDestroyed { generation } => {
                let ca = self.fixtures.ca(*generation).clone();
                let fact = CaFact {
                    fingerprint: ca.fingerprint(),
                    subject: ca.subject().to_string(),
                    not_after: ca.not_after(),
                };
                let ca = self.cas.contains(generation).then_some(fact);
                let key = self.keys.contains(generation);
                let destroying = matches!(look.goal, Goal::KeyDestroyed { .. });
                let accepted_at = if destroying {
                    self.readable_accepting(*generation)
                } else {
                    BTreeMap::new()
                };
                Sight::Ca(CaSight {
                    ca,
                    key,
                    findings: Vec::new(),
                    accepted_at,
                })
            }
            Goal::Trust {
                point,
                accept,
                refuse,
            } => {
                let probes = accept.iter().chain(refuse);
                let probes = probes.filter(|g| self.canaries.contains(g));
                let probes = probes.map(|g| (*g, self.probe(*g, Some(point)))).collect();
                let census = (!refuse.is_empty()).then(|| self.census(plan));
                let (bundle, change) = self.bundle(look, point);
                Sight::Trust(TrustSight {
                    bundle,
                    change,
                    probes,
                    census,
                })
            }
            Goal::Accepted { generation, .. } | Goal::Refused { generation } => {
                Sight::Probes(self.probes(*generation))
            }
            Goal::Stored {
                holder, generation, ..
            } => {
                let accepted_at = self.accepted_at(*generation);
                let holder = self.holders.get(holder);
                let leaf = holder
                    .and_then(|h| self.leaves.get(h.stored))
                    .map(|l| self.fact(l));
                Sight::Stored(StoredSight { leaf, accepted_at })
            }
            Goal::Presented { .. } | Goal::Disused { .. } => Sight::Census(self.census(plan)),
            goal @ (Goal::Baseline { .. } | Goal::Steady { .. }) => {
                Sight::Traffic(self.look_at_traffic(&look.step, goal))
            }
        }
    }

    fn preflight(&mut self, plan: &Plan) -> crate::sight::PreflightSight {
        let ids: Vec<TrustPointId> = self.points.keys().cloned().collect();
        let bundles = ids.iter().map(|id| {
            let manual = self.points.get(id).is_some_and(|p| p.manual);
            (id.clone(), Ok((!manual).then(|| self.read(id))))
        });
        let facts = preflight::Facts {
            current_ca: Ok(self.fixtures.ca(Generation(1)).clone()),
            bundles: bundles.collect(),
            filters: BTreeMap::new(),
            skews: BTreeMap::new(),
            stores: BTreeMap::new(),
            leaf_lifetime: SignedDuration::from_hours(24 * 30),
            skew_budget: SKEW,
            reserve: SignedDuration::from_hours(24),
        };
        preflight::judge(&facts, plan, self.clock())
    }

    /// Shows a bundle; an old one while that fault lasts. Notes what was shown.
    fn read(&self, id: &TrustPointId) -> TrustBundle {
        let shown = self.points.get(id).map(|point| {
            if self.moods.stale_bundle_calls > 0 && point.changed_lately(self.now) {
                &point.before
            } else {
                &point.bundle
            }
        });
        shown.cloned().unwrap_or_default()
    }

    fn read_generations(&mut self, id: &TrustPointId) -> BTreeSet<Generation> {
        let accepts = self.generations(&self.read(id));
        self.shown.insert(id.clone(), accepts.clone());
        accepts
    }

    fn accepted_at(&mut self, generation: Generation) -> BTreeMap<TrustPointId, bool> {
        let ids: Vec<TrustPointId> = self.points.keys().cloned().collect();
        let accepts = |world: &mut Self, id: &TrustPointId| {
            let manual = world.points.get(id).is_some_and(|p| p.manual);
            // A manual point cannot be read; that the person's word held was proven by the canary.
            manual || world.read_generations(id).contains(&generation)
        };
        ids.into_iter()
            .map(|id| (id.clone(), accepts(self, &id)))
            .collect()
    }

    fn readable_accepting(&mut self, generation: Generation) -> BTreeMap<TrustPointId, bool> {
        let points = self.points.iter().filter(|(_, point)| !point.manual);
        let ids: Vec<TrustPointId> = points.map(|(id, _)| id.clone()).collect();
        let accepts = |id: TrustPointId| {
            let yes = self.read_generations(&id).contains(&generation);
            (id, yes)
        };
        ids.into_iter().map(accepts).collect()
    }

    fn bundle(&mut self, look: &Look, id: &TrustPointId) -> (BundleSight, ChangeSight) {
        let Some(point) = self.points.get(id) else {
            return (BundleSight::Unread, ChangeSight::Settled);
        };
        if point.manual {
            return manual(point, look);
        }
        let change = change(point, &look.request);
        let accepts = self.read_generations(id);
        let strangers = self.read(id).len().saturating_sub(accepts.len());
        (BundleSight::Read { accepts, strangers }, change)
    }

    /// Tries a leaf at one trust point, or at all.
    fn probe(&self, generation: Generation, only: Option<&TrustPointId>) -> Vec<Probe> {
        let ca = self.fixtures.ca(generation).fingerprint();
        let probe = |(id, point): (&TrustPointId, &Point)| Probe {
            point: id.clone(),
            address: format!("{id}:7233"),
            outcome: if point.effective.contains(ca) {
                ProbeOutcome::Accepted { passes: 3 }
            } else {
                ProbeOutcome::Refused {
                    reason: "bad certificate".to_owned(),
                }
            },
        };
        let points = self
            .points
            .iter()
            .filter(|(id, _)| only.is_none_or(|only| only == *id));
        points.map(probe).collect()
    }

    fn probes(&mut self, generation: Generation) -> ProbeSight {
        if !self.canaries.contains(&generation) {
            let accepted_at = self.accepted_at(generation);
            return ProbeSight {
                have_leaf: false,
                probes: Vec::new(),
                accepted_at,
            };
        }
        let probes = self.probe(generation, None);
        ProbeSight {
            have_leaf: true,
            probes,
            accepted_at: BTreeMap::new(),
        }
    }

    fn fact(&self, leaf: &Leaf) -> LeafFact {
        LeafFact {
            fingerprint: leaf.fingerprint,
            generation: Some(leaf.generation),
            of_rotation: leaf.of_rotation,
            valid: leaf.not_after > self.now,
        }
    }

    fn census(&self, plan: &Plan) -> Census {
        let mut issued = Issued {
            complete: self.cas.clone(),
            ..Issued::default()
        };
        for leaf in &self.leaves {
            let known = IssuedLeaf {
                holder: leaf.holder.clone(),
                issued_at: leaf.issued_at,
                generation: leaf.generation,
                of_rotation: leaf.of_rotation,
                not_after: leaf.not_after,
            };
            issued.leaves.insert(leaf.fingerprint, known);
        }
        let mut reports = Vec::new();
        for (index, (id, holder)) in self.holders.iter().enumerate() {
            let silent = self
                .moods
                .silent_until
                .is_some_and(|until| self.now < until);
            if !(index == 0 && silent) {
                reports.extend(self.reports(id, holder));
            }
        }
        if self
            .moods
            .stranger_until
            .is_some_and(|until| self.now < until)
        {
            let leaf = Some(Fingerprint::of(b"nobody's leaf"));
            let source = Source::Pollers;
            reports.push(Report {
                holder: None,
                seen_at: self.now,
                leaf,
                source,
            });
        }
        let window = Window {
            now: self.clock(),
            age: WINDOW,
            skew: SKEW,
        };
        census::take(&plan.holders, &reports, &issued, &BTreeMap::new(), window)
    }

    fn reports(&self, id: &HolderId, holder: &Holder) -> Vec<Report> {
        let seen_at = if self.moods.stale_report_calls > 0 {
            self.now.saturating_sub(STALE).unwrap_or(self.now)
        } else {
            self.now
        };
        presented_at(holder, seen_at)
            .iter()
            .filter_map(|index| self.leaves.get(*index))
            .map(|leaf| Report {
                holder: Some(id.clone()),
                seen_at,
                leaf: Some(leaf.fingerprint),
                source: Source::Proxy,
            })
            .collect()
    }
}

fn presented_at(holder: &Holder, at: Timestamp) -> BTreeSet<usize> {
    let then = holder
        .history
        .iter()
        .filter(|(since, _)| *since <= at)
        .max_by_key(|(since, _)| *since);
    then.or(holder.history.last())
        .map(|(_, leaves)| leaves.clone())
        .unwrap_or_default()
}

/// A change that is underway, whoever asked for it, is underway: after turning round, the last change of the
/// way there may still be about to land.
fn change(point: &Point, request: &RequestId) -> ChangeSight {
    let pending = |r: &Request| matches!(r.fate, Fate::Pending { .. });
    if point.requests.values().any(pending) {
        return ChangeSight::Underway(SignedDuration::from_secs(2));
    }
    match point.requests.get(request).map(|r| r.fate) {
        Some(Fate::Failed) => ChangeSight::Failed("the operation ended FAILED".to_owned()),
        Some(Fate::Pending { .. } | Fate::Fulfilled) | None => ChangeSight::Settled,
    }
}

/// A point that a person keeps: handed over when the deed was done, and done when the person says so.
fn manual(point: &Point, look: &Look) -> (BundleSight, ChangeSight) {
    match point.requests.get(&look.request).map(|r| r.fate) {
        Some(Fate::Failed) => (
            BundleSight::Unread,
            ChangeSight::Failed("refused".to_owned()),
        ),
        Some(Fate::Fulfilled) if look.confirmed => (BundleSight::Attested, ChangeSight::Settled),
        Some(Fate::Pending { .. } | Fate::Fulfilled) => {
            (BundleSight::Unread, ChangeSight::WithPerson)
        }
        None => (BundleSight::Unread, ChangeSight::Settled),
    }
}
