//! The configuration: a file as it is written ([`raw`]), resolved into what each room asks for ([`resolve`]).
//!
//! Past [`Config::load`] every name that is used has been found, every span is a span, and every value was chosen, by a
//! person or by the one table of [`defaults`]. Secrets are references here; [`DomainConfig::open`] reads them, at
//! the last moment.

pub(crate) mod defaults;
mod place;
pub(crate) mod raw;
mod resolve;
mod secret;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use newleaf_rotation::{
    HolderId, Kind, Phase, RotationId, Spec, Timing, TrustDomainId, TrustPointId,
};
use newleaf_systems::domain::{
    CloudOptions, Domain, Endpoint, Holder, IssuerOptions, LeafOptions, Point, PointKind,
    SlotOptions,
};
use newleaf_x509::TrustBundle;

pub(crate) use self::{
    place::Excerpt,
    secret::{SecretRef, read_variable},
};
use crate::{code, failure::Failure, files, profile::Profile};

/// The journal's file, where newleaf keeps what is its own.
const JOURNAL_FILE: &str = "journal.db";

/// The configuration, resolved.
#[derive(Debug)]
pub(crate) struct Config {
    path: PathBuf,
    state: PathBuf,
    domains: BTreeMap<TrustDomainId, DomainConfig>,
    profiles: BTreeMap<String, Profile>,
    settings: Vec<Setting>,
}

/// One trust domain, resolved but for its secrets.
#[derive(Debug)]
pub(crate) struct DomainConfig {
    /// Its name.
    pub(crate) id: TrustDomainId,
    /// Where newleaf keeps what is its own.
    pub(crate) state: PathBuf,
    /// Who signs.
    pub(crate) issuer: IssuerOptions,
    /// What leaves are like.
    pub(crate) leaf: LeafOptions,
    /// Every place that trusts.
    pub(crate) points: Vec<PointConfig>,
    /// Everybody who presents, in the order of the file.
    pub(crate) holders: Vec<Holder>,
    /// Who moves, in which order.
    pub(crate) waves: Vec<Vec<HolderId>>,
    /// Phases that a person must approve.
    pub(crate) approvals: BTreeSet<Phase>,
    /// Soaks, patience and counts.
    pub(crate) timing: Timing,
    /// How old a sighting may be.
    pub(crate) evidence_window: SignedDuration,
    /// How far clocks may disagree.
    pub(crate) skew: SignedDuration,
    /// How much life the current CA must have left beyond the rotation.
    pub(crate) reserve: SignedDuration,
}

/// A place that trusts; its secrets and files are not read yet.
#[derive(Clone, Debug)]
pub(crate) struct PointConfig {
    /// Its name.
    pub(crate) id: TrustPointId,
    /// How its trust bundle is read and changed.
    pub(crate) kind: PointKindConfig,
    /// Where its servers listen.
    pub(crate) endpoints: Vec<EndpointConfig>,
}

/// How a trust bundle is read and changed.
#[derive(Clone, Debug)]
pub(crate) enum PointKindConfig {
    /// By the Cloud Ops API.
    TemporalCloud {
        /// The namespace's full name.
        namespace: String,
        /// The API's address.
        address: String,
        /// Where its key is.
        api_key: SecretRef,
        /// The file of the CAs by which the API's server is judged.
        server_ca: Option<PathBuf>,
    },
    /// By the CA files of a server of one's own.
    SelfHosted(SlotOptions),
    /// By a person.
    Manual,
}

/// Where a server listens.
#[derive(Clone, Debug)]
pub(crate) struct EndpointConfig {
    /// Host and port.
    pub(crate) address: String,
    /// The name that the server's certificate must bear.
    pub(crate) server_name: Option<String>,
    /// The file of the CAs by which the server is judged.
    pub(crate) server_ca: Option<PathBuf>,
    /// The namespace to ask about.
    pub(crate) namespace: String,
}

/// One value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The path to it, such as `domains.payments.leaf.lifetime`.
    pub(crate) key: String,
    /// The value, as it is written.
    pub(crate) value: String,
    /// The line that says it; none if it is the default.
    pub(crate) line: Option<u64>,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read; the source names it.
    #[error("cannot read the configuration")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file does not have the shape of a configuration.
    #[error("{message}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where.
        place: Option<Excerpt>,
    },
    /// A value cannot be used.
    #[error("{message}")]
    Value {
        /// What was expected and what was found.
        message: String,
        /// Where.
        place: Excerpt,
    },
    /// A secret cannot be had.
    #[error("cannot read the secret `{reference}`")]
    Secret {
        /// The reference, which is not a secret.
        reference: SecretRef,
        /// Why.
        source: io::Error,
    },
}

impl Config {
    /// Reads and resolves a file. No secret is read.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = files::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Resolves a text as what the file at `path` says.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        resolve::resolve(path, text)
    }

    /// Returns where newleaf keeps what is its own.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    /// Returns the journal's file.
    pub(crate) fn journal(&self) -> PathBuf {
        self.state.join(JOURNAL_FILE)
    }

    /// Returns every trust domain, by name.
    pub(crate) fn domains(&self) -> impl Iterator<Item = &DomainConfig> {
        self.domains.values()
    }

    /// Returns every setting, in the order of their keys.
    pub(crate) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Returns the profile that a person named.
    pub(crate) fn profile(&self, name: &str) -> Result<&Profile, Failure> {
        self.profiles.get(name).ok_or_else(|| {
            let known: Vec<_> = self.profiles.keys().map(String::as_str).collect();
            let path = self.path.display();
            Failure::new(
                &code::UNKNOWN_NAME,
                format!("expected a profile of `{path}`, found `{name}`"),
            )
            .hint(resolve::one_of("it has", &known))
        })
    }

    /// Returns the trust domain that a person named.
    pub(crate) fn domain(&self, name: &str) -> Result<&DomainConfig, Failure> {
        self.domains.get(&TrustDomainId::new(name)).ok_or_else(|| {
            let known: Vec<_> = self.domains.keys().map(TrustDomainId::as_str).collect();
            Failure::new(
                &code::UNKNOWN_NAME,
                format!(
                    "expected a trust domain of `{}`, found `{name}`",
                    self.path.display()
                ),
            )
            .hint(resolve::one_of("it has", &known))
        })
    }
}

impl DomainConfig {
    /// Returns the holder that a person named.
    pub(crate) fn holder(&self, name: &str) -> Result<&Holder, Failure> {
        let found = self
            .holders
            .iter()
            .find(|holder| holder.id.as_str() == name);
        found.ok_or_else(|| {
            let known: Vec<_> = self.holders.iter().map(|h| h.id.as_str()).collect();
            Failure::new(
                &code::UNKNOWN_NAME,
                format!(
                    "expected a holder of trust domain `{}`, found `{name}`",
                    self.id
                ),
            )
            .hint(resolve::one_of("it has", &known))
        })
    }

    /// Returns what a plan is made from.
    pub(crate) fn spec(&self, rotation: RotationId, kind: Kind) -> Spec {
        Spec {
            rotation,
            domain: self.id.clone(),
            kind,
            trust_points: self.points.iter().map(|point| point.id.clone()).collect(),
            waves: self.waves.clone(),
            watched: self
                .holders
                .iter()
                .filter(|holder| holder.is_watched())
                .map(|holder| holder.id.clone())
                .collect(),
            timing: self.timing.clone(),
            approvals: self.approvals.clone(),
        }
    }

    /// Reads the secrets and the CA files that the domain refers to.
    pub(crate) fn open(&self) -> Result<Domain, Failure> {
        Ok(Domain {
            id: self.id.clone(),
            state: self.state.clone(),
            issuer: self.issuer.clone(),
            leaf: self.leaf.clone(),
            points: self
                .points
                .iter()
                .map(PointConfig::open)
                .collect::<Result<_, _>>()?,
            holders: self.holders.clone(),
            evidence_window: self.evidence_window,
            skew: self.skew,
            reserve: self.reserve,
        })
    }
}

impl PointConfig {
    /// Returns how long it takes, as it declares, from a change to what its servers do. Of Temporal Cloud that is documented
    /// nowhere; a canary at every address shows it, each time.
    pub(crate) fn propagation(&self) -> SignedDuration {
        match &self.kind {
            PointKindConfig::SelfHosted(slots) => slots.refresh_interval,
            PointKindConfig::TemporalCloud { .. } | PointKindConfig::Manual => SignedDuration::ZERO,
        }
    }

    /// Reads the secrets and the CA files that the trust point refers to.
    pub(crate) fn open(&self) -> Result<Point, Failure> {
        let kind = match &self.kind {
            PointKindConfig::TemporalCloud {
                namespace,
                address,
                api_key,
                server_ca,
            } => PointKind::TemporalCloud(CloudOptions {
                namespace: namespace.clone(),
                address: address.clone(),
                api_key: api_key.read()?,
                server_ca: open_bundle(server_ca.as_deref())?,
            }),
            PointKindConfig::SelfHosted(slots) => PointKind::SelfHosted(slots.clone()),
            PointKindConfig::Manual => PointKind::Manual,
        };
        Ok(Point {
            id: self.id.clone(),
            kind,
            endpoints: self
                .endpoints
                .iter()
                .map(EndpointConfig::open)
                .collect::<Result<_, _>>()?,
        })
    }
}

impl EndpointConfig {
    fn open(&self) -> Result<Endpoint, Failure> {
        Ok(Endpoint {
            address: self.address.clone(),
            server_name: self.server_name.clone(),
            server_ca: open_bundle(self.server_ca.as_deref())?,
            namespace: self.namespace.clone(),
        })
    }
}

fn open_bundle(path: Option<&Path>) -> Result<Option<TrustBundle>, Failure> {
    path.map(files::read_bundle).transpose()
}

impl ConfigError {
    /// Returns the lines of the file that the error speaks of.
    pub(crate) fn place(&self) -> Option<&Excerpt> {
        match self {
            Self::Syntax { place, .. } => place.as_ref(),
            Self::Value { place, .. } => Some(place),
            Self::Read { .. } | Self::Secret { .. } => None,
        }
    }

    /// Returns what to do next, where the error alone does not say it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Read { path, .. } => Some(format!(
                "name another file with `--config`, or write `{}`; `newleaf explain C001` shows the smallest one",
                path.display()
            )),
            Self::Secret { reference, .. } => Some(reference.advice()),
            Self::Syntax { .. } | Self::Value { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
