//! Deeds: each brings its goal nearer, and done twice has the effect of one.

use jiff::Timestamp;
use newleaf_rotation::{
    Deed, Freshness, Generation, HolderId, StepId, Trouble, TrustPointId, change,
    sight::{Census, Presence, Sighting},
};
use newleaf_x509::{Certificate, Fingerprint};

use super::{Systems, look::Wanted};
use crate::{
    canary,
    domain::{Delivery, PointKind, SlotOptions, Store},
    file::IdentityDirectory,
    issuer::{LeafEnd, LeafRequest},
    ledger::Role,
    manual::{Handover, Request},
    restart,
    self_hosted::{self, SlotError, Slots},
    temporal_cloud::Change,
    trouble,
};

impl Systems {
    pub(super) fn make_ca(
        &self,
        generation: Generation,
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let ca = self.ca();
        if let Some(there) = ca.certificate(generation).map_err(trouble::of)? {
            return Ok(format!(
                "CA {generation} is there already: {}",
                there.fingerprint().short()
            ));
        }
        let made = ca.make(generation, now).map_err(trouble::of)?;
        Ok(format!(
            "made CA `{}`, {}",
            made.subject(),
            made.fingerprint().short()
        ))
    }

    pub(super) async fn change_trust(
        &self,
        deed: &Deed,
        id: &TrustPointId,
        wanted: Wanted<'_>,
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let request = Request {
            accept: self.certificates(wanted.accept)?,
            refuse: self.certificates(wanted.refuse)?,
        };
        let accept: Vec<Certificate> = request.accept.iter().map(|(_, ca)| ca.clone()).collect();
        let refuse: Vec<Fingerprint> = request
            .refuse
            .iter()
            .map(|(_, ca)| ca.fingerprint())
            .collect();
        let change = Change {
            accept: &accept,
            refuse: &refuse,
        };
        match &self.point(id)?.kind {
            PointKind::TemporalCloud(options) => {
                let cloud = self.cloud(id, options).await?;
                let reading = cloud.read(now).await.map_err(trouble::of)?;
                let written = cloud.write(reading, change, &deed.request, now).await;
                written.map_err(trouble::of)
            }
            PointKind::SelfHosted(options) => {
                write_slots(options, change, now).map_err(trouble::of)
            }
            PointKind::Manual => {
                let handover = Handover::new(&self.domain.state, id);
                let note = handover.ask(&deed.request, &request).map_err(trouble::of)?;
                Ok(format!("what to do is written in `{}`", note.display()))
            }
        }
    }

    pub(super) fn sign_canary(
        &self,
        deed: &Deed,
        generation: Generation,
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let ca = self.ca().existing(generation).map_err(trouble::of)?;
        if let Some(there) = canary::load(&self.domain, generation, &ca, now) {
            return Ok(format!(
                "the canary leaf {} is there already",
                there.fingerprint().short()
            ));
        }
        let leaf = canary::sign(&self.domain, generation, &deed.rotation, &*self.ledger, now);
        let leaf = leaf.map_err(trouble::of)?;
        Ok(format!(
            "signed the canary leaf {}",
            leaf.fingerprint().short()
        ))
    }

    pub(super) fn store_leaf(
        &self,
        deed: &Deed,
        id: &HolderId,
        (generation, freshness): (Generation, Freshness),
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let there = self.stored_leaf(&deed.rotation, id, now)?.filter(|leaf| {
            let fresh = leaf.of_rotation || freshness == Freshness::OfGeneration;
            leaf.valid && leaf.generation == Some(generation) && fresh
        });
        if let Some(leaf) = there {
            return Ok(format!(
                "leaf {} is there already",
                leaf.fingerprint.short()
            ));
        }
        let holder = self.holder(id)?;
        let Store::Directory(path) = &holder.store;
        let store = IdentityDirectory::new(path);
        // Asked before a leaf is signed: one that cannot be stored should not be in the ledger.
        store.is_writable().map_err(trouble::of)?;
        let request = LeafRequest {
            generation,
            subject: holder.subject.clone(),
            sans: holder.sans.clone(),
            key: self.domain.leaf.key,
            lifetime: self.domain.leaf.lifetime,
            end: self.leaf_end(&deed.step),
            role: Role::Holder(id.clone()),
            rotation: Some(deed.rotation.clone()),
        };
        let new = self
            .ca()
            .sign(request, &*self.ledger, now)
            .map_err(trouble::of)?;
        store
            .store(&new.chain, &new.key, now)
            .map_err(trouble::of)?;
        let leaf = new.chain.leaf();
        Ok(format!(
            "stored leaf {}, valid until {}",
            leaf.fingerprint().short(),
            leaf.not_after()
        ))
    }

    /// On the way back the old CA may be near its end; a leaf that ends with it is better than no way back.
    fn leaf_end(&self, step: &StepId) -> LeafEnd {
        if self.plan.backward.iter().any(|undo| undo.step.id == *step) {
            LeafEnd::WithCa
        } else {
            LeafEnd::Refused
        }
    }

    /// Restarts those who do not notice a new identity by themselves, and leaves alone who presents it already.
    pub(super) async fn restart(
        &self,
        deed: &Deed,
        holders: &[HolderId],
        wanted: (Generation, Freshness),
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let mut notes = Vec::new();
        let census = self.take_census(&deed.rotation, now).await?;
        for id in holders {
            let Delivery::Restart { command } = &self.holder(id)?.delivery else {
                continue;
            };
            if presents(&census, id, wanted) {
                continue;
            }
            restart::run(id, &deed.rotation, command)
                .await
                .map_err(trouble::of)?;
            notes.push(format!("restarted `{id}`"));
        }
        if notes.is_empty() {
            return Ok("everybody takes up the new identity by itself".to_owned());
        }
        Ok(notes.join(", "))
    }

    pub(super) fn destroy_key(&self, generation: Generation) -> Result<String, Trouble> {
        // The canary first: the key is what is looked at, so that a crash in between is made good.
        canary::remove(&self.domain, generation).map_err(trouble::of)?;
        self.ca().destroy_key(generation).map_err(trouble::of)?;
        Ok(format!(
            "overwrote and unlinked the key of CA {generation}; its certificate stays"
        ))
    }
}

fn presents(
    census: &Census,
    holder: &HolderId,
    (generation, freshness): (Generation, Freshness),
) -> bool {
    let moved = |leaf: &Sighting| {
        leaf.generation == Some(generation)
            && (leaf.of_rotation || freshness == Freshness::OfGeneration)
    };
    match census.holders.get(holder) {
        Some(Presence::Seen(seen)) => !seen.is_empty() && seen.iter().all(moved),
        Some(Presence::Unknown(_)) | None => false,
    }
}

fn write_slots(
    options: &SlotOptions,
    wanted: Change<'_>,
    now: Timestamp,
) -> Result<String, SlotError> {
    let slots = Slots::read(options, now)?;
    let bundle = change::propose(&slots.bundle(), wanted.accept, wanted.refuse, now)?;
    let writes = slots.writes(&bundle)?;
    self_hosted::write(&writes)?;
    Ok(format!(
        "wrote {} of {} slot files",
        writes.len(),
        options.slots.len()
    ))
}
