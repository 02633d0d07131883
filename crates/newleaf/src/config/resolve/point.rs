//! Trust points: how their trust is changed, and where they listen.

use std::path::PathBuf;

use newleaf_rotation::TrustPointId;
use newleaf_systems::domain::SlotOptions;
use serde_saphyr::Location;

use super::{Resolver, one_of};
use crate::config::{
    ConfigError, EndpointConfig, PointConfig, PointKindConfig, SecretRef, defaults,
    raw::{self, At},
};

/// A rollover trusts two CAs at once, and a self-hosted server reads one CA from each of its files.
const MIN_SLOTS: usize = 2;

impl Resolver<'_> {
    pub(super) fn points(
        &mut self,
        at: &str,
        domain: &At<raw::Domain>,
    ) -> Result<Vec<PointConfig>, ConfigError> {
        let points = &domain.value.trust_points;
        if points.is_empty() {
            return Err(self.refuse(
                domain.location,
                "expected at least one of `trust_points`, found none: somebody must trust the CA"
                    .to_owned(),
            ));
        }
        points
            .iter()
            .map(|(name, point)| self.point(&format!("{at}.trust_points.{name}"), name, point))
            .collect()
    }

    fn point(
        &mut self,
        at: &str,
        name: &str,
        point: &At<raw::TrustPoint>,
    ) -> Result<PointConfig, ConfigError> {
        self.name("a trust point", name, point.location)?;
        let raw = &point.value;
        let kind = match (&raw.temporal_cloud, &raw.self_hosted, &raw.manual) {
            (Some(cloud), None, None) => self.cloud(at, name, cloud)?,
            (None, Some(hosted), None) => self.self_hosted(at, hosted)?,
            (None, None, Some(_manual)) => PointKindConfig::Manual,
            (None, None, None) => return Err(self.one_kind(point.location, "none")),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                return Err(self.one_kind(point.location, "more"));
            }
        };
        let endpoints = raw
            .endpoints
            .iter()
            .enumerate()
            .map(|(n, endpoint)| self.endpoint(&format!("{at}.endpoints.{n}"), name, endpoint))
            .collect::<Result<Vec<_>, _>>()?;
        if endpoints.is_empty() {
            return Err(self.refuse(
                point.location,
                format!("expected at least one of `endpoints` for trust point `{name}`, found none: a canary must be tried somewhere"),
            ));
        }
        Ok(PointConfig {
            id: TrustPointId::new(name),
            kind,
            endpoints,
        })
    }

    fn one_kind(&self, location: Location, found: &str) -> ConfigError {
        let kinds = "expected exactly one of `temporal_cloud`, `self_hosted` and `manual`";
        self.refuse(location, format!("{kinds}, found {found}"))
    }

    fn cloud(
        &mut self,
        at: &str,
        name: &str,
        cloud: &At<raw::Cloud>,
    ) -> Result<PointKindConfig, ConfigError> {
        let at = format!("{at}.temporal_cloud");
        let raw = &cloud.value;
        let api_key = self.need(
            raw.api_key.as_ref(),
            "`api_key`, a reference such as `env:TEMPORAL_CLOUD_API_KEY`",
            cloud.location,
        )?;
        let reference = self.secret(api_key)?;
        self.note(format!("{at}.api_key"), &reference, Some(api_key.location));
        let address = self.text(
            format!("{at}.address"),
            raw.address.as_ref(),
            defaults::CLOUD_ADDRESS,
        );
        if !address.starts_with("https://") {
            let location = raw
                .address
                .as_ref()
                .map_or(cloud.location, |said| said.location);
            return Err(self.refuse(
                location,
                format!("expected an address that begins with `https://`, because an API key travels there, found `{address}`"),
            ));
        }
        Ok(PointKindConfig::TemporalCloud {
            namespace: self.text(format!("{at}.namespace"), raw.namespace.as_ref(), name),
            address,
            api_key: reference,
            server_ca: self.optional_path(format!("{at}.server_ca"), raw.server_ca.as_ref()),
        })
    }

    /// A value that is no reference may be the secret itself: it is not shown.
    fn secret(&self, said: &At<String>) -> Result<SecretRef, ConfigError> {
        SecretRef::parse(&said.value, self.base).ok_or_else(|| {
            let message = "expected a reference to a secret, `env:NAME` or `file:PATH`, found something else (not shown: it may be the secret)";
            match self.refuse(said.location, message.to_owned()) {
                ConfigError::Value { message, place } => ConfigError::Value { message, place: place.without_text() },
                other @ (ConfigError::Read { .. } | ConfigError::Syntax { .. } | ConfigError::Secret { .. }) => other,
            }
        })
    }

    fn self_hosted(
        &mut self,
        at: &str,
        hosted: &At<raw::SelfHosted>,
    ) -> Result<PointKindConfig, ConfigError> {
        let raw = &hosted.value;
        if raw.slots.len() < MIN_SLOTS {
            return Err(self.refuse(
                hosted.location,
                format!("expected at least {MIN_SLOTS} of `slots`, found {}: a rollover trusts two CAs at once, one a file", raw.slots.len()),
            ));
        }
        let slots = raw
            .slots
            .iter()
            .enumerate()
            .map(|(n, slot)| self.path(format!("{at}.self_hosted.slots.{n}"), Some(slot), ""))
            .collect();
        let refresh_interval = self.span(
            format!("{at}.self_hosted.refresh_interval"),
            raw.refresh_interval.as_ref(),
            defaults::REFRESH_INTERVAL,
        )?;
        Ok(PointKindConfig::SelfHosted(SlotOptions {
            slots,
            refresh_interval,
        }))
    }

    fn endpoint(
        &mut self,
        at: &str,
        point: &str,
        endpoint: &At<raw::Endpoint>,
    ) -> Result<EndpointConfig, ConfigError> {
        let raw = &endpoint.value;
        let address = self.need(
            raw.address.as_ref(),
            "`address`, such as `payments.a2dd6.tmprl.cloud:7233`",
            endpoint.location,
        )?;
        self.host_and_port(address)?;
        Ok(EndpointConfig {
            address: self.text(format!("{at}.address"), Some(address), ""),
            server_name: raw
                .server_name
                .as_ref()
                .map(|said| self.text(format!("{at}.server_name"), Some(said), "")),
            server_ca: self.optional_path(format!("{at}.server_ca"), raw.server_ca.as_ref()),
            namespace: self.text(format!("{at}.namespace"), raw.namespace.as_ref(), point),
        })
    }

    pub(super) fn host_and_port(&self, said: &At<String>) -> Result<(), ConfigError> {
        let port = said
            .value
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty());
        match port.map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(port)) if port != 0 => Ok(()),
            Some(Ok(_) | Err(_)) | None => Err(self.refuse(
                said.location,
                format!(
                    "expected a host and a port, such as `localhost:7233`, found `{}`",
                    said.value
                ),
            )),
        }
    }

    pub(super) fn known_point(
        &self,
        said: &At<String>,
        domain: &raw::Domain,
    ) -> Result<TrustPointId, ConfigError> {
        if domain.trust_points.contains_key(&said.value) {
            return Ok(TrustPointId::new(&said.value));
        }
        let known: Vec<_> = domain.trust_points.keys().map(String::as_str).collect();
        let message = format!(
            "expected the name of a trust point, found `{}`; {}",
            said.value,
            one_of("this trust domain has", &known)
        );
        Err(self.refuse(said.location, message))
    }

    fn optional_path(&mut self, key: String, said: Option<&At<String>>) -> Option<PathBuf> {
        said.map(|said| self.path(key, Some(said), ""))
    }
}
