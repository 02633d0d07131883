//! Looks: from the adapters' facts to sights.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::directory;
use newleaf_rotation::{
    Generation, HolderId, Look, RequestId, RotationId, Trouble, TrustPointId,
    sight::{BundleSight, CaSight, ChangeSight, LeafFact, ProbeSight, StoredSight, TrustSight},
};
use newleaf_x509::{Chain, TrustBundle, filter::Filters};

use super::Systems;
use crate::{
    canary,
    domain::{Point, PointKind, Store},
    file::IdentityDirectory,
    manual::Handover,
    self_hosted::Slots,
    trouble::{self},
};

/// What a trust point shall accept and refuse.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) accept: &'a [Generation],
    pub(super) refuse: &'a [Generation],
}

/// A trust point's bundle and what else one look at it brings.
pub(super) struct PointReading {
    /// `None` where only a person can read it.
    pub(super) bundle: Option<TrustBundle>,
    /// How far its clock is ahead of ours, if it tells.
    pub(super) skew: Option<SignedDuration>,
    /// Which leaves it admits; none say nothing, and admit all.
    pub(super) filters: Filters,
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

    pub(super) async fn read(
        &self,
        point: &Point,
        now: Timestamp,
    ) -> Result<PointReading, Trouble> {
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
}
