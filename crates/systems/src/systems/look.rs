//! Looks: from the adapters' facts to sights.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::directory;
use newleaf_rotation::{
    Generation, Goal, HolderId, Kind, Look, RequestId, RotationId, Trouble, TrustPointId,
    census::{self, Issued, IssuedLeaf, Window},
    preflight::{self, Facts},
    sight::{
        BundleSight, CaSight, Census, ChangeSight, LeafFact, PreflightSight, ProbeSight,
        StoredSight, TrustSight,
    },
};
use newleaf_x509::{Chain, TrustBundle, filter::Filters};

use super::Systems;
use crate::{
    canary,
    domain::{Point, PointKind, Store},
    evidence,
    file::IdentityDirectory,
    ledger::{LedgerEntry, LedgerError, Role},
    manual::Handover,
    self_hosted::Slots,
    trouble::{self, Retry},
};

impl Retry for LedgerError {
    fn again(&self) -> newleaf_rotation::Again {
        newleaf_rotation::Again::Same
    }
}

/// What a trust point shall accept and refuse.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) accept: &'a [Generation],
    pub(super) refuse: &'a [Generation],
}

/// A trust point's bundle and what else one look at it brings.
struct PointReading {
    /// `None` where only a person can read it.
    bundle: Option<TrustBundle>,
    /// How far its clock is ahead of ours, if it tells.
    skew: Option<SignedDuration>,
    /// Which leaves it admits; none say nothing, and admit all.
    filters: Filters,
}

impl Systems {
    pub(super) async fn look_at_trust(
        &self,
        look: &Look,
        id: &TrustPointId,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Result<TrustSight, Trouble> {
        let point = self.point(id)?;
        let mut sight = match &point.kind {
            PointKind::TemporalCloud(options) => {
                let cloud = self.cloud(id, options).await?;
                let reading = cloud.read(now).await.map_err(trouble::of)?;
                let change = cloud
                    .change(&reading, &look.request)
                    .await
                    .map_err(trouble::of)?;
                self.trust_sight(&reading.bundle, change)?
            }
            PointKind::SelfHosted(options) => {
                let slots = Slots::read(options, now).map_err(trouble::of)?;
                self.trust_sight(&slots.bundle(), slots.change.clone())?
            }
            PointKind::Manual => {
                self.look_at_handover(id, &look.request, look.confirmed, wanted)?
            }
        };
        // While a change is under way, what the door does says nothing yet.
        if !matches!(sight.change, ChangeSight::Underway(_)) {
            for generation in wanted.accept.iter().chain(wanted.refuse) {
                let ca = self.ca().existing(*generation).map_err(trouble::of)?;
                if let Some(identity) = canary::load(&self.domain, *generation, &ca, now) {
                    let probes = canary::probe(point, &identity, 1).await;
                    sight.probes.insert(*generation, probes);
                }
            }
        }
        if !wanted.refuse.is_empty() {
            sight.census = Some(self.take_census(&look.rotation, now).await?);
        }
        Ok(sight)
    }

    pub(super) async fn look_at_key(
        &self,
        generation: Generation,
        now: Timestamp,
    ) -> Result<CaSight, Trouble> {
        let ca = self.ca();
        let mut sight = ca.look(generation, &self.rules(now)).map_err(trouble::of)?;
        let Some(fact) = sight.ca.as_ref().filter(|_| sight.key) else {
            return Ok(sight);
        };
        for point in &self.domain.points {
            if let Some(bundle) = self.read(point, now).await?.bundle {
                let accepts = bundle.contains(fact.fingerprint);
                sight.accepted_at.insert(point.id.clone(), accepts);
            }
        }
        Ok(sight)
    }

    fn trust_sight(
        &self,
        bundle: &TrustBundle,
        change: ChangeSight,
    ) -> Result<TrustSight, Trouble> {
        let generations = self.generations()?;
        let ours = generations
            .iter()
            .filter(|(_, ca)| bundle.contains(ca.fingerprint()));
        let accepts: BTreeSet<Generation> = ours.map(|(generation, _)| *generation).collect();
        let strangers = bundle.len().saturating_sub(accepts.len());
        let bundle = BundleSight::Read { accepts, strangers };
        Ok(TrustSight {
            bundle,
            change,
            probes: BTreeMap::new(),
            census: None,
        })
    }

    fn look_at_handover(
        &self,
        id: &TrustPointId,
        request: &RequestId,
        confirmed: bool,
        wanted: Wanted<'_>,
    ) -> Result<TrustSight, Trouble> {
        let handover = Handover::new(&self.domain.state, id);
        if confirmed {
            handover
                .confirm(wanted.accept, wanted.refuse)
                .map_err(trouble::of)?;
        }
        Ok(handover.look(request, confirmed))
    }

    /// For each trust point, whether it accepts a generation now. One that cannot be read is an error, not a no: a
    /// service that is away for a minute must not look like one that has forgotten our CA.
    async fn accepted_at(
        &self,
        generation: Generation,
        now: Timestamp,
    ) -> Result<BTreeMap<TrustPointId, bool>, Trouble> {
        let ca = self.ca().existing(generation).map_err(trouble::of)?;
        let mut accepted = BTreeMap::new();
        for point in &self.domain.points {
            let accepts = match self.read(point, now).await?.bundle {
                Some(bundle) => bundle.contains(ca.fingerprint()),
                None => self.person_says(&point.id)?.contains(&generation),
            };
            accepted.insert(point.id.clone(), accepts);
        }
        Ok(accepted)
    }

    async fn read(&self, point: &Point, now: Timestamp) -> Result<PointReading, Trouble> {
        Ok(match &point.kind {
            PointKind::TemporalCloud(options) => {
                let cloud = self.cloud(&point.id, options).await?;
                let reading = cloud.read(now).await.map_err(trouble::of)?;
                PointReading {
                    bundle: Some(reading.bundle),
                    skew: reading.skew,
                    filters: reading.filters,
                }
            }
            PointKind::SelfHosted(options) => {
                let slots = Slots::read(options, now).map_err(trouble::of)?;
                PointReading {
                    bundle: Some(slots.bundle()),
                    skew: None,
                    filters: Filters::default(),
                }
            }
            PointKind::Manual => PointReading {
                bundle: None,
                skew: None,
                filters: Filters::default(),
            },
        })
    }

    /// What a person has confirmed that a point accepts. Before anything was confirmed, that is the oldest CA: the one
    /// whose leaves are in use when newleaf is introduced.
    fn person_says(&self, point: &TrustPointId) -> Result<BTreeSet<Generation>, Trouble> {
        let said = Handover::new(&self.domain.state, point)
            .accepts()
            .map_err(trouble::of)?;
        match said {
            Some(generations) => Ok(generations),
            None => Ok(self
                .generations()?
                .into_iter()
                .map(|(oldest, _)| oldest)
                .take(1)
                .collect()),
        }
    }

    pub(super) async fn look_at_probes(
        &self,
        generation: Generation,
        passes: u32,
        now: Timestamp,
    ) -> Result<ProbeSight, Trouble> {
        let ca = self.ca().existing(generation).map_err(trouble::of)?;
        let Some(identity) = canary::load(&self.domain, generation, &ca, now) else {
            let accepted_at = self.accepted_at(generation, now).await?;
            return Ok(ProbeSight {
                have_leaf: false,
                probes: Vec::new(),
                accepted_at,
            });
        };
        let mut probes = Vec::new();
        for point in &self.domain.points {
            probes.extend(canary::probe(point, &identity, passes).await);
        }
        Ok(ProbeSight {
            have_leaf: true,
            probes,
            accepted_at: BTreeMap::new(),
        })
    }

    pub(super) async fn look_at_store(
        &self,
        look: &Look,
        holder: &HolderId,
        generation: Generation,
        now: Timestamp,
    ) -> Result<StoredSight, Trouble> {
        let leaf = self.stored_leaf(&look.rotation, holder, now)?;
        let accepted_at = self.accepted_at(generation, now).await?;
        Ok(StoredSight { leaf, accepted_at })
    }

    /// The leaf in a holder's store. One whose key does not match, or that cannot be loaded for another reason, is
    /// there and not valid.
    pub(super) fn stored_leaf(
        &self,
        rotation: &RotationId,
        holder: &HolderId,
        now: Timestamp,
    ) -> Result<Option<LeafFact>, Trouble> {
        let Store::Directory(path) = &self.holder(holder)?.store;
        let Some(chain) = IdentityDirectory::new(path).chain().map_err(trouble::of)? else {
            return Ok(None);
        };
        let entries = self.entries()?;
        let fingerprint = chain.leaf().fingerprint();
        let of_rotation = entries.iter().any(|entry| {
            entry.fingerprint == fingerprint && entry.rotation.as_ref() == Some(rotation)
        });
        Ok(Some(LeafFact {
            fingerprint,
            generation: self.signer(&chain)?,
            of_rotation,
            valid: directory::load(path, now).is_ok(),
        }))
    }

    fn signer(&self, chain: &Chain) -> Result<Option<Generation>, Trouble> {
        let signed = |(_, ca): &(Generation, _)| chain.leaf().is_signed_by(ca);
        Ok(self
            .generations()?
            .into_iter()
            .find(signed)
            .map(|(generation, _)| generation))
    }

    pub(super) fn entries(&self) -> Result<Vec<LedgerEntry>, Trouble> {
        self.ledger.entries(&self.domain.id).map_err(trouble::of)
    }

    pub(super) async fn take_census(
        &self,
        rotation: &RotationId,
        now: Timestamp,
    ) -> Result<Census, Trouble> {
        let (entries, generations) = (self.entries()?, self.generations()?);
        let attestations = self.ledger.attestations(rotation).map_err(trouble::of)?;
        // The newest first: while a rotation goes on, it is the one that will still be accepted.
        let identities: Vec<_> = generations
            .iter()
            .rev()
            .filter_map(|(generation, ca)| canary::load(&self.domain, *generation, ca, now))
            .collect();
        let window = Window {
            now,
            age: self.domain.evidence_window,
            skew: self.domain.skew,
        };
        let ask = evidence::Ask {
            domain: &self.domain,
            identities: &identities,
            entries: &entries,
            attestations: &attestations,
        };
        let evidence = evidence::gather(&ask, window).await;
        let issued = self.issued(rotation, &entries)?;
        let holders = &self.plan.holders;
        Ok(census::take(
            holders,
            &evidence.reports,
            &issued,
            &evidence.why_unknown,
            window,
        ))
    }

    /// What the ledger says, for the census. Our canaries present old leaves on purpose, and are not counted.
    fn issued(&self, rotation: &RotationId, entries: &[LedgerEntry]) -> Result<Issued, Trouble> {
        let mut issued = Issued::default();
        for entry in entries {
            let Role::Holder(holder) = &entry.role else {
                continue;
            };
            let leaf = IssuedLeaf {
                holder: holder.clone(),
                issued_at: entry.issued_at,
                generation: entry.generation,
                of_rotation: entry.rotation.as_ref() == Some(rotation),
                not_after: entry.not_after,
            };
            issued.leaves.insert(entry.fingerprint, leaf);
        }
        for (generation, _) in self.generations()? {
            let n_entries = entries
                .iter()
                .filter(|entry| entry.generation == generation)
                .count();
            if self
                .ca()
                .is_complete(generation, n_entries)
                .map_err(trouble::of)?
            {
                issued.complete.insert(generation);
            }
        }
        Ok(issued)
    }

    pub(super) async fn look_before(&self, now: Timestamp) -> Result<PreflightSight, Trouble> {
        let (Kind::CaRollover { old: current, .. }
        | Kind::LeafRenewal {
            generation: current,
        }) = self.plan.kind;
        let (mut bundles, mut skews, mut filters) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for point in &self.domain.points {
            let bundle = match self.read(point, now).await {
                Ok(reading) => {
                    skews.extend(reading.skew.map(|skew| (point.id.clone(), Ok(skew))));
                    filters.insert(point.id.clone(), self.admitted(&reading.filters));
                    Ok(reading.bundle)
                }
                Err(trouble) => Err(trouble.what),
            };
            bundles.insert(point.id.clone(), bundle);
        }
        let facts = Facts {
            kind: self.plan.kind,
            current_ca: self
                .ca()
                .existing(current)
                .map_err(|error| trouble::chain(&error)),
            bundles,
            filters,
            skews,
            stores: self.stores(),
            leaf_lifetime: self.domain.leaf.lifetime,
            skew_budget: self.domain.skew,
            reserve: self.domain.reserve,
        };
        let is_wave = |goal: &Goal| matches!(goal, Goal::Presented { .. });
        let n_waves = self
            .plan
            .forward
            .iter()
            .filter(|step| is_wave(&step.goal))
            .count();
        Ok(preflight::judge(&facts, &self.plan.timing, n_waves, now))
    }

    /// Whether filters admit the leaf of every holder, as it will be.
    fn admitted(&self, filters: &Filters) -> Result<(), String> {
        let mut holders = self.domain.holders.iter();
        match holders.find(|holder| !filters.would_admit(&holder.subject, &holder.sans)) {
            None => Ok(()),
            Some(refused) => Err(format!(
                "expected a filter that admits `{}` (common name `{}`), found none",
                refused.id,
                refused.subject.common_name()
            )),
        }
    }

    fn stores(&self) -> BTreeMap<String, Result<(), String>> {
        let issuer = self
            .ca()
            .is_writable()
            .map_err(|error| trouble::chain(&error));
        let mut stores = BTreeMap::from([(format!("issuer of {}", self.domain.id), issuer)]);
        for holder in &self.domain.holders {
            let Store::Directory(path) = &holder.store;
            let writable = IdentityDirectory::new(path).is_writable();
            stores.insert(
                holder.id.to_string(),
                writable.map_err(|error| trouble::chain(&error)),
            );
        }
        stores
    }
}
