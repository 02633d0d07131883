//! What deeds do to the simulated world, and whether they were allowed.

use jiff::SignedDuration;

use super::{
    invariant::Invariant,
    scenario::HolderKind,
    world::{Fate, Holder, Leaf, Request, SECOND, World},
};
use crate::{
    change,
    event::{Again, Trouble},
    goal::{Freshness, Goal},
    id::{Generation, HolderId, TrustPointId},
    next::Deed,
    plan::Plan,
    sight::{Presence, Sight},
};

impl World {
    /// Does a deed.
    pub(super) fn pursue(&mut self, plan: &Plan, deed: &Deed) -> Result<String, Trouble> {
        self.steady_before(plan, deed);
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
            Goal::Preflight
            | Goal::Refused { .. }
            | Goal::Disused { .. }
            | Goal::Baseline { .. }
            | Goal::Steady { .. } => Err(Trouble {
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
}
