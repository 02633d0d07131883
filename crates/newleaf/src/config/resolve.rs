//! From what is written to what is meant: every reference found, every span a span, every value chosen.

mod holder;
mod issuer;
mod point;
mod profile;
mod value;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use newleaf_rotation::{HolderId, Phase, Timing, TrustDomainId};
use newleaf_systems::domain::{Holder, LeafOptions};
use serde_saphyr::{Location, MessageFormatter as _, UserMessageFormatter};

use super::{
    Config, ConfigError, DomainConfig, Excerpt, PointConfig, Setting, defaults,
    raw::{self, At, PhaseName},
};

/// Reads a text as the configuration in the file at `path`.
pub(super) fn resolve(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let options = serde_saphyr::options! { with_snippet: false };
    let file: raw::File = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| syntax(path, text, &error))?;
    let mut resolver = Resolver {
        path,
        text,
        base: path.parent().unwrap_or(Path::new("")),
        settings: Vec::new(),
        taken: BTreeMap::new(),
    };
    let state = resolver.path("state", file.state.as_ref(), defaults::STATE);
    let mut domains = BTreeMap::new();
    for (name, domain) in &file.domains {
        let domain = resolver.domain(name, domain, &state)?;
        domains.insert(domain.id.clone(), domain);
    }
    let mut profiles = BTreeMap::new();
    for (name, profile) in &file.profiles {
        profiles.insert(name.clone(), resolver.profile(name, profile)?);
    }
    Ok(Config {
        path: path.to_owned(),
        state,
        domains,
        profiles,
        settings: resolver.settings,
    })
}

/// Lists names for a hint.
pub(super) fn one_of(intro: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return format!("{intro} none");
    }
    format!("{intro} `{}`", known.join("`, `"))
}

fn syntax(path: &Path, text: &str, error: &serde_saphyr::Error) -> ConfigError {
    let place = error.location().filter(|at| *at != Location::UNKNOWN);
    let what = UserMessageFormatter.format_message(error.without_snippet());
    ConfigError::Syntax {
        message: what
            .escape_debug()
            .to_string()
            .replace("\\'", "'")
            .replace("\\\"", "\""),
        place: place.map(|location| Excerpt::new(path, text, location)),
    }
}

/// Resolves one file, and notes where each value came from.
struct Resolver<'f> {
    path: &'f Path,
    text: &'f str,
    base: &'f Path,
    settings: Vec<Setting>,
    taken: BTreeMap<PathBuf, String>,
}

impl Resolver<'_> {
    fn domain(
        &mut self,
        name: &str,
        domain: &At<raw::Domain>,
        state: &Path,
    ) -> Result<DomainConfig, ConfigError> {
        let at = format!("domains.{name}");
        self.name("a trust domain", name, domain.location)?;
        let raw = &domain.value;
        let issuer = self.issuer(&at, name, domain)?;
        self.take(
            &issuer.directory,
            format!("the CA of trust domain `{name}`"),
            domain.location,
        )?;
        let leaf = self.leaf(&at, raw.leaf.as_ref())?;
        let points = self.points(&at, domain)?;
        let propagation = points.iter().map(PointConfig::propagation).max();
        let propagation = propagation.unwrap_or(SignedDuration::ZERO);
        let holders = self.holders(&at, domain)?;
        Ok(DomainConfig {
            id: TrustDomainId::new(name),
            state: state.to_owned(),
            issuer,
            leaf,
            points,
            waves: self.waves(raw, &holders)?,
            holders,
            approvals: self.approvals(&at, raw.approvals.as_deref()),
            timing: self.timing(&at, raw.timing.as_ref(), propagation)?,
            evidence_window: self.span(
                format!("{at}.evidence_window"),
                raw.evidence_window.as_ref(),
                defaults::EVIDENCE_WINDOW,
            )?,
            skew: self.span(
                format!("{at}.limits.skew"),
                raw.limits.as_ref().and_then(|limits| limits.skew.as_ref()),
                defaults::SKEW,
            )?,
            reserve: self.span(
                format!("{at}.limits.reserve"),
                raw.limits
                    .as_ref()
                    .and_then(|limits| limits.reserve.as_ref()),
                defaults::RESERVE,
            )?,
        })
    }

    fn leaf(&mut self, at: &str, leaf: Option<&raw::Leaf>) -> Result<LeafOptions, ConfigError> {
        let unsaid = raw::Leaf::default();
        let leaf = leaf.unwrap_or(&unsaid);
        Ok(LeafOptions {
            lifetime: self.positive_span(
                format!("{at}.leaf.lifetime"),
                leaf.lifetime.as_ref(),
                defaults::LEAF_LIFETIME,
            )?,
            key: self
                .key(
                    format!("{at}.leaf.key"),
                    leaf.key.as_ref(),
                    defaults::LEAF_KEY,
                )
                .into(),
        })
    }

    /// Finds every holder of every wave, each once; without waves each holder is one.
    fn waves(
        &self,
        raw: &raw::Domain,
        holders: &[Holder],
    ) -> Result<Vec<Vec<HolderId>>, ConfigError> {
        let Some(waves) = &raw.waves else {
            return Ok(holders
                .iter()
                .map(|holder| vec![holder.id.clone()])
                .collect());
        };
        let known: Vec<_> = holders.iter().map(|holder| holder.id.as_str()).collect();
        let mut placed = BTreeSet::new();
        let mut resolved = Vec::with_capacity(waves.len());
        for wave in waves {
            let mut members = Vec::with_capacity(wave.len());
            for name in wave {
                if !known.contains(&name.value.as_str()) {
                    let message = format!(
                        "expected the name of a holder, found `{}`; {}",
                        name.value,
                        one_of("this trust domain has", &known)
                    );
                    return Err(self.refuse(name.location, message));
                }
                if !placed.insert(name.value.as_str()) {
                    let message = format!(
                        "expected each holder in one wave, found `{}` again",
                        name.value
                    );
                    return Err(self.refuse(name.location, message));
                }
                members.push(HolderId::new(&name.value));
            }
            resolved.push(members);
        }
        let forgotten = raw
            .holders
            .iter()
            .find(|(name, _)| !placed.contains(name.as_str()));
        match forgotten {
            Some((name, holder)) => {
                let message = format!("expected every holder in a wave, found `{name}` in none");
                Err(self.refuse(holder.location, message))
            }
            None => Ok(resolved),
        }
    }

    fn approvals(&mut self, at: &str, said: Option<&[At<PhaseName>]>) -> BTreeSet<Phase> {
        let phases: BTreeSet<Phase> = match said {
            Some(said) => said.iter().map(|phase| phase.value.into()).collect(),
            None => BTreeSet::from(defaults::APPROVALS),
        };
        let names: Vec<_> = phases.iter().map(|phase| phase.name()).collect();
        let line = said
            .and_then(<[_]>::first)
            .map(|first| first.location.line());
        self.settings.push(Setting {
            key: format!("{at}.approvals"),
            value: format!("[{}]", names.join(", ")),
            line,
        });
        phases
    }

    fn timing(
        &mut self,
        at: &str,
        timing: Option<&raw::Timing>,
        propagation: SignedDuration,
    ) -> Result<Timing, ConfigError> {
        let unsaid = raw::Timing::default();
        let said = timing.unwrap_or(&unsaid);
        let key = |name: &str| format!("{at}.timing.{name}");
        Ok(Timing {
            propagation,
            trusted_soak: self.span(
                key("trusted_soak"),
                said.trusted_soak.as_ref(),
                defaults::TRUSTED_SOAK,
            )?,
            wave_soak: self.span(
                key("wave_soak"),
                said.wave_soak.as_ref(),
                defaults::WAVE_SOAK,
            )?,
            disused_soak: self.span(
                key("disused_soak"),
                said.disused_soak.as_ref(),
                defaults::DISUSED_SOAK,
            )?,
            final_soak: self.span(
                key("final_soak"),
                said.final_soak.as_ref(),
                defaults::FINAL_SOAK,
            )?,
            poll: self.positive_span(key("poll"), said.poll.as_ref(), defaults::POLL)?,
            patience: self.positive_span(
                key("patience"),
                said.patience.as_ref(),
                defaults::PATIENCE,
            )?,
            passes: self.count(key("passes"), said.passes.as_ref(), defaults::PASSES)?,
            attempts: self.count(key("attempts"), said.attempts.as_ref(), defaults::ATTEMPTS)?,
        })
    }
}

impl From<PhaseName> for Phase {
    fn from(name: PhaseName) -> Self {
        match name {
            PhaseName::Prepared => Self::Prepared,
            PhaseName::Trusted => Self::Trusted,
            PhaseName::Canary => Self::Canary,
            PhaseName::Issuing => Self::Issuing,
            PhaseName::Soaking => Self::Soaking,
            PhaseName::Distrusted => Self::Distrusted,
            PhaseName::Retired => Self::Retired,
        }
    }
}
