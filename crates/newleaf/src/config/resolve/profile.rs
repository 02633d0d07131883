//! What leaves of a kind are like.

use super::Resolver;
use crate::{
    config::{
        ConfigError, defaults,
        raw::{self, At},
    },
    profile::{Profile, SanPattern},
    text,
};

impl Resolver<'_> {
    pub(super) fn profile(
        &mut self,
        name: &str,
        profile: &At<raw::Profile>,
    ) -> Result<Profile, ConfigError> {
        self.name("a profile", name, profile.location)?;
        let at = format!("profiles.{name}");
        let raw = &profile.value;
        let key = |field: &str| format!("{at}.{field}");
        let lifetime = raw.lifetime.as_ref();
        let usage = raw
            .usage
            .as_ref()
            .map_or(defaults::LEAF_USAGE, |said| said.value);
        let location = raw.usage.as_ref().map(|said| said.location);
        self.note(key("usage"), usage.name(), location);
        let mut said = |field: &str, value: Option<&At<String>>| {
            value.map(|value| self.text(key(field), Some(value), ""))
        };
        let organization = said("organization", raw.organization.as_ref());
        let organizational_unit = said("organizational_unit", raw.organizational_unit.as_ref());
        Ok(Profile {
            lifetime: self.positive_span(key("lifetime"), lifetime, defaults::LEAF_LIFETIME)?,
            backdate: self.span(key("backdate"), raw.backdate.as_ref(), defaults::BACKDATE)?,
            key: self.key(key("key"), raw.key.as_ref(), defaults::LEAF_KEY),
            usage,
            organization,
            organizational_unit,
            sans: self.sans(&key("sans"), &raw.sans)?,
            allow_sans: self.patterns(&key("allow_sans"), &raw.allow_sans)?,
        })
    }

    fn sans(&mut self, key: &str, said: &[At<String>]) -> Result<Vec<String>, ConfigError> {
        let mut sans = Vec::with_capacity(said.len());
        for san in said {
            // Tried with a name that fits, so that a mistake is found when the file is read.
            text::san(&san.value.replace("{common_name}", "127.0.0.1"))
                .map_err(|message| self.refuse(san.location, message))?;
            self.note(key, &san.value, Some(san.location));
            sans.push(san.value.clone());
        }
        Ok(sans)
    }

    fn patterns(&mut self, key: &str, said: &[At<String>]) -> Result<Vec<SanPattern>, ConfigError> {
        let mut patterns = Vec::with_capacity(said.len());
        for pattern in said {
            let read = SanPattern::parse(&pattern.value)
                .map_err(|message| self.refuse(pattern.location, message))?;
            self.note(key, &pattern.value, Some(pattern.location));
            patterns.push(read);
        }
        Ok(patterns)
    }
}
