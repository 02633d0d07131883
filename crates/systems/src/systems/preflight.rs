//! The facts before the first change.

use std::collections::BTreeMap;

use jiff::Timestamp;
use newleaf_rotation::{
    Kind, Trouble,
    preflight::{self, Facts},
    sight::PreflightSight,
};
use newleaf_x509::filter::Filters;

use super::Systems;
use crate::{domain::Store, file::IdentityDirectory, trouble};

impl Systems {
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
        Ok(preflight::judge(&facts, &self.plan, now))
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
