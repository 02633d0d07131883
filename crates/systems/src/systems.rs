//! The real world: one trust domain's adapters behind the one seam.

mod census;
mod deed;
mod look;
mod preflight;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use newleaf_rotation::{Again, Deed, Generation, Goal, Look, Plan, Sight, Trouble, TrustPointId};
use newleaf_x509::{
    Certificate,
    lint::{self, Profile},
};
use tokio::sync::OnceCell;

use crate::{
    domain::{CloudOptions, Domain, Holder, Point, PointKind},
    issuer::LocalCa,
    ledger::Ledger,
    temporal_cloud::CloudNamespace,
    trouble,
    world::World,
};

/// Everything outside that one rotation touches.
#[expect(
    missing_debug_implementations,
    reason = "a trust point may hold an API key"
)]
pub struct Systems {
    plan: Plan,
    domain: Domain,
    ledger: Arc<dyn Ledger>,
    /// One connection to the Cloud Ops API for each namespace, made when it is first needed.
    clouds: BTreeMap<TrustPointId, OnceCell<CloudNamespace>>,
}

impl World for Systems {
    async fn observe(&self, look: &Look, now: Timestamp) -> Result<Sight, Trouble> {
        match &look.goal {
            Goal::Preflight => self.look_before(now).await.map(Sight::Preflight),
            Goal::KeyDestroyed { generation } => {
                self.look_at_key(*generation, now).await.map(Sight::Ca)
            }
            Goal::CaExists { generation } => {
                let sight = self.ca().look(*generation, &self.rules(now));
                sight.map(Sight::Ca).map_err(trouble::of)
            }
            Goal::Trust {
                point,
                accept,
                refuse,
            } => {
                let wanted = look::Wanted { accept, refuse };
                self.look_at_trust(look, point, wanted, now)
                    .await
                    .map(Sight::Trust)
            }
            Goal::Accepted { generation, passes } => self
                .look_at_probes(*generation, *passes, now)
                .await
                .map(Sight::Probes),
            Goal::Refused { generation } => self
                .look_at_probes(*generation, 1, now)
                .await
                .map(Sight::Probes),
            Goal::Stored {
                holder, generation, ..
            } => self
                .look_at_store(look, holder, *generation, now)
                .await
                .map(Sight::Stored),
            Goal::Presented { .. } | Goal::Disused { .. } => self
                .take_census(&look.rotation, now)
                .await
                .map(Sight::Census),
            Goal::Baseline { holders } | Goal::Steady { holders } => {
                let seen = self.look_at_traffic(&look.rotation, holders, now).await;
                seen.map(Sight::Traffic)
            }
        }
    }

    async fn pursue(&self, deed: &Deed, now: Timestamp) -> Result<String, Trouble> {
        match &deed.goal {
            Goal::CaExists { generation } => self.make_ca(*generation, now),
            Goal::Trust {
                point,
                accept,
                refuse,
            } => {
                let wanted = look::Wanted { accept, refuse };
                self.change_trust(deed, point, wanted, now).await
            }
            Goal::Accepted { generation, .. } => self.sign_canary(deed, *generation, now),
            Goal::Stored {
                holder,
                generation,
                freshness,
            } => self.store_leaf(deed, holder, (*generation, *freshness), now),
            Goal::Presented {
                holders,
                generation,
                freshness,
            } => {
                self.restart(deed, holders, (*generation, *freshness), now)
                    .await
            }
            Goal::KeyDestroyed { generation } => self.destroy_key(*generation),
            Goal::Preflight
            | Goal::Refused { .. }
            | Goal::Disused { .. }
            | Goal::Baseline { .. }
            | Goal::Steady { .. } => Ok("there is nothing to do but to look".to_owned()),
        }
    }
}

impl Systems {
    /// Joins a plan to the domain that it speaks of. Nothing is touched yet.
    pub fn new(plan: Plan, domain: Domain, ledger: Arc<dyn Ledger>) -> Self {
        let of_cloud = |point: &&Point| matches!(point.kind, PointKind::TemporalCloud(_));
        let clouds = domain
            .points
            .iter()
            .filter(of_cloud)
            .map(|p| (p.id.clone(), OnceCell::new()));
        Self {
            clouds: clouds.collect(),
            plan,
            domain,
            ledger,
        }
    }

    fn ca(&self) -> LocalCa<'_> {
        LocalCa::new(&self.domain.id, &self.domain.issuer)
    }

    /// The rules that a new CA is judged by: Temporal Cloud's are the stricter ones.
    fn rules(&self, now: Timestamp) -> lint::Context {
        let is_cloud = !self.clouds.is_empty();
        let profile = if is_cloud {
            Profile::TemporalCloud
        } else {
            Profile::SelfHosted
        };
        lint::Context { profile, now }
    }

    fn generations(&self) -> Result<Vec<(Generation, Certificate)>, Trouble> {
        self.ca().generations().map_err(trouble::of)
    }

    fn certificates(
        &self,
        generations: &[Generation],
    ) -> Result<Vec<(Generation, Certificate)>, Trouble> {
        let certificate = |generation: &Generation| {
            self.ca()
                .existing(*generation)
                .map(|ca| (*generation, ca))
                .map_err(trouble::of)
        };
        generations.iter().map(certificate).collect()
    }

    fn point(&self, id: &TrustPointId) -> Result<&Point, Trouble> {
        let found = self.domain.points.iter().find(|point| point.id == *id);
        found.ok_or_else(|| not_configured("trust point", id.as_str()))
    }

    fn holder(&self, id: &newleaf_rotation::HolderId) -> Result<&Holder, Trouble> {
        let found = self.domain.holders.iter().find(|holder| holder.id == *id);
        found.ok_or_else(|| not_configured("holder", id.as_str()))
    }

    async fn cloud(
        &self,
        id: &TrustPointId,
        options: &CloudOptions,
    ) -> Result<&CloudNamespace, Trouble> {
        let cell = self
            .clouds
            .get(id)
            .ok_or_else(|| not_configured("trust point", id.as_str()))?;
        cell.get_or_try_init(|| async { CloudNamespace::new(options) })
            .await
            .map_err(trouble::of)
    }
}

/// The plan was frozen when the rotation started; the configuration may have lost something since.
fn not_configured(kind: &str, name: &str) -> Trouble {
    Trouble {
        again: Again::Never,
        what: format!("expected {kind} `{name}` of the plan in the configuration, found none"),
    }
}
