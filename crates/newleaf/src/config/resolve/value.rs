//! Values: what was said or else the default, and a note of where it came from.

use std::{
    fmt::Display,
    path::{Path, PathBuf},
};

use jiff::SignedDuration;
use serde_saphyr::Location;

use super::Resolver;
use crate::{
    config::{ConfigError, Excerpt, Setting, raw::At},
    text::{self, KeyName},
    visible::visible,
};

impl Resolver<'_> {
    /// A directory has one owner: two would overwrite each other.
    pub(super) fn take(
        &mut self,
        directory: &Path,
        owner: String,
        location: Location,
    ) -> Result<(), ConfigError> {
        if let Some(other) = self.taken.get(directory) {
            let message = format!(
                "expected a directory of its own for {owner}, found `{}`, which is that of {other}",
                directory.display()
            );
            return Err(self.refuse(location, message));
        }
        self.taken.insert(directory.to_owned(), owner);
        Ok(())
    }

    pub(super) fn note(
        &mut self,
        key: impl Into<String>,
        value: impl Display,
        location: Option<Location>,
    ) {
        self.settings.push(Setting {
            key: key.into(),
            value: value.to_string(),
            line: location.map(|location| location.line()),
        });
    }

    pub(super) fn text(
        &mut self,
        key: impl Into<String>,
        said: Option<&At<String>>,
        unsaid: &str,
    ) -> String {
        let value = said.map_or(unsaid, |said| &said.value).to_owned();
        self.note(key, &value, said.map(|said| said.location));
        value
    }

    pub(super) fn path(
        &mut self,
        key: impl Into<String>,
        said: Option<&At<String>>,
        unsaid: &str,
    ) -> PathBuf {
        let path = self.text(key, said, unsaid);
        self.base.join(path)
    }

    pub(super) fn key(
        &mut self,
        key: impl Into<String>,
        said: Option<&At<KeyName>>,
        unsaid: KeyName,
    ) -> KeyName {
        let name = said.map_or(unsaid, |said| said.value);
        self.note(key, name.name(), said.map(|said| said.location));
        name
    }

    pub(super) fn span(
        &mut self,
        key: impl Into<String>,
        said: Option<&At<String>>,
        unsaid: &str,
    ) -> Result<SignedDuration, ConfigError> {
        self.read_span(key.into(), said, unsaid, text::span)
    }

    pub(super) fn positive_span(
        &mut self,
        key: impl Into<String>,
        said: Option<&At<String>>,
        unsaid: &str,
    ) -> Result<SignedDuration, ConfigError> {
        self.read_span(key.into(), said, unsaid, text::positive_span)
    }

    pub(super) fn read_span(
        &mut self,
        key: String,
        said: Option<&At<String>>,
        unsaid: &str,
        read: fn(&str) -> Result<SignedDuration, String>,
    ) -> Result<SignedDuration, ConfigError> {
        let location = said.map_or(Location::UNKNOWN, |said| said.location);
        let value = self.text(key, said, unsaid);
        read(&value).map_err(|message| self.refuse(location, message))
    }

    pub(super) fn count(
        &mut self,
        key: impl Into<String>,
        said: Option<&At<u32>>,
        unsaid: u32,
    ) -> Result<u32, ConfigError> {
        let value = said.map_or(unsaid, |said| said.value);
        self.note(key, value, said.map(|said| said.location));
        match said {
            Some(said) if value == 0 => {
                Err(self.refuse(said.location, "expected at least 1, found 0".to_owned()))
            }
            Some(_) | None => Ok(value),
        }
    }

    /// Names become parts of file names, of step names and of commands to paste.
    pub(super) fn name(
        &self,
        kind: &str,
        name: &str,
        location: Location,
    ) -> Result<(), ConfigError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
        if starts && name.len() <= 128 && name.chars().all(fits) {
            return Ok(());
        }
        let message = format!(
            "expected {kind} named by at most 128 letters, digits, dots, dashes and underscores, a letter or digit first, found `{}`",
            name.escape_debug()
        );
        Err(self.refuse(location, message))
    }

    pub(super) fn need<'v, T>(
        &self,
        said: Option<&'v T>,
        what: &str,
        inside: Location,
    ) -> Result<&'v T, ConfigError> {
        said.ok_or_else(|| self.refuse(inside, format!("expected {what}, found nothing")))
    }

    pub(super) fn refuse(&self, location: Location, message: String) -> ConfigError {
        ConfigError::Value {
            // It quotes what is in the file.
            message: visible(message),
            place: Excerpt::new(self.path, self.text, location),
        }
    }
}
