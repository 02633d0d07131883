//! Holders: who presents an identity, where it reads it, and where it is seen.

use newleaf_rotation::HolderId;
use newleaf_systems::domain::{Delivery, EvidenceSource, Holder, Store};
use newleaf_x509::issue::Subject;

use super::Resolver;
use crate::{
    config::{
        ConfigError, defaults,
        raw::{self, At},
    },
    text,
};

impl Resolver<'_> {
    /// Resolves the holders, in the order of the file: the map has lost it, their places have not.
    pub(super) fn holders(
        &mut self,
        at: &str,
        domain: &At<raw::Domain>,
    ) -> Result<Vec<Holder>, ConfigError> {
        let holders = &domain.value.holders;
        if holders.is_empty() {
            return Err(self.refuse(
                domain.location,
                "expected at least one of `holders`, found none: somebody must present a leaf"
                    .to_owned(),
            ));
        }
        let mut in_order: Vec<_> = holders.iter().collect();
        in_order.sort_by_key(|(_, holder)| (holder.location.line(), holder.location.column()));
        let mut resolved = Vec::with_capacity(in_order.len());
        for (name, holder) in in_order {
            let one = self.holder(&format!("{at}.holders.{name}"), name, holder, &domain.value)?;
            let Store::Directory(directory) = &one.store;
            self.take(directory, format!("holder `{name}`"), holder.location)?;
            resolved.push(one);
        }
        Ok(resolved)
    }

    fn holder(
        &mut self,
        at: &str,
        name: &str,
        holder: &At<raw::Holder>,
        domain: &raw::Domain,
    ) -> Result<Holder, ConfigError> {
        self.name("a holder", name, holder.location)?;
        let raw = &holder.value;
        let store = self.need(
            raw.store.as_ref(),
            "`store`, such as `store: { directory: /etc/worker/tls }`",
            holder.location,
        )?;
        let raw::Store::Directory(directory) = store;
        let store =
            Store::Directory(self.path(format!("{at}.store.directory"), Some(directory), ""));
        let evidence = raw
            .evidence
            .iter()
            .enumerate()
            .map(|(n, source)| self.evidence(&format!("{at}.evidence.{n}"), name, source, domain))
            .collect::<Result<_, _>>()?;
        Ok(Holder {
            id: HolderId::new(name),
            store,
            subject: self.subject(at, name, holder)?,
            sans: raw
                .sans
                .iter()
                .enumerate()
                .map(|(n, said)| {
                    self.note(format!("{at}.sans.{n}"), &said.value, Some(said.location));
                    text::san(&said.value).map_err(|message| self.refuse(said.location, message))
                })
                .collect::<Result<_, _>>()?,
            delivery: self.delivery(at, raw.delivery.as_ref())?,
            evidence,
        })
    }

    fn subject(
        &mut self,
        at: &str,
        name: &str,
        holder: &At<raw::Holder>,
    ) -> Result<Subject, ConfigError> {
        let raw = &holder.value;
        let common_name = self.text(format!("{at}.common_name"), raw.common_name.as_ref(), name);
        let organization = raw
            .organization
            .as_ref()
            .map(|said| self.text(format!("{at}.organization"), Some(said), ""));
        let unit = raw
            .organizational_unit
            .as_ref()
            .map(|said| self.text(format!("{at}.organizational_unit"), Some(said), ""));
        let location = raw
            .common_name
            .as_ref()
            .map_or(holder.location, |said| said.location);
        Subject::new(common_name, organization, unit)
            .map_err(|error| self.refuse(location, error.to_string()))
    }

    fn delivery(
        &mut self,
        at: &str,
        said: Option<&At<raw::Delivery>>,
    ) -> Result<Delivery, ConfigError> {
        let key = format!("{at}.delivery");
        let Some(said) = said else {
            self.note(key, defaults::DELIVERY, None);
            return Ok(Delivery::Reload);
        };
        match &said.value {
            raw::Delivery::Reload => {
                self.note(key, defaults::DELIVERY, Some(said.location));
                Ok(Delivery::Reload)
            }
            raw::Delivery::Restart(command) if command.value.is_empty() => Err(self.refuse(
                command.location,
                "expected a program and its arguments, found an empty list".to_owned(),
            )),
            raw::Delivery::Restart(command) => {
                let shown = format!("restart {:?}", command.value);
                self.note(key, shown, Some(said.location));
                Ok(Delivery::Restart {
                    command: command.value.clone(),
                })
            }
        }
    }

    fn evidence(
        &mut self,
        at: &str,
        holder: &str,
        said: &At<raw::Evidence>,
        domain: &raw::Domain,
    ) -> Result<EvidenceSource, ConfigError> {
        match &said.value {
            raw::Evidence::Attested => {
                self.note(at, "attested", Some(said.location));
                Ok(EvidenceSource::Attested)
            }
            raw::Evidence::Proxy(admin) => {
                match admin.value.strip_prefix("unix:") {
                    Some(path) if path.starts_with('/') => {}
                    Some(path) => {
                        let message =
                            format!("expected an absolute path after `unix:`, found `{path}`");
                        return Err(self.refuse(admin.location, message));
                    }
                    None => self.host_and_port(admin)?,
                }
                let admin = self.text(format!("{at}.proxy"), Some(admin), "");
                Ok(EvidenceSource::Proxy { admin })
            }
            raw::Evidence::Pollers(pollers) => {
                let point =
                    self.need(pollers.trust_point.as_ref(), "`trust_point`", said.location)?;
                let task_queue =
                    self.need(pollers.task_queue.as_ref(), "`task_queue`", said.location)?;
                self.note(
                    format!("{at}.pollers.trust_point"),
                    &point.value,
                    Some(point.location),
                );
                Ok(EvidenceSource::Pollers {
                    point: self.known_point(point, domain)?,
                    task_queue: self.text(format!("{at}.pollers.task_queue"), Some(task_queue), ""),
                    identity_prefix: self.text(
                        format!("{at}.pollers.identity_prefix"),
                        pollers.identity_prefix.as_ref(),
                        holder,
                    ),
                })
            }
        }
    }
}
