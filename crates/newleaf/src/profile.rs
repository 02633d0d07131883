//! What leaves of a kind are like: a profile of newleaf.yaml, with what a command's flags say put over it.

use jiff::SignedDuration;
use newleaf_x509::issue::{LeafUse, San};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{self, KeyName};

/// What a leaf is to be used for, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum UsageName {
    /// A worker or client of Temporal: clientAuth.
    Client,
    /// A TLS server: serverAuth.
    Server,
    /// Both, as the nodes of a self-hosted server use among themselves.
    ClientAndServer,
}

/// A profile, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// How long a leaf lives.
    pub(crate) lifetime: SignedDuration,
    /// How far its validity reaches back.
    pub(crate) backdate: SignedDuration,
    /// The kind of key.
    pub(crate) key: KeyName,
    /// For what.
    pub(crate) usage: UsageName,
    /// The organization of every leaf.
    pub(crate) organization: Option<String>,
    /// The organizational unit of every leaf.
    pub(crate) organizational_unit: Option<String>,
    /// Other names of every leaf, in which `{common_name}` stands for the leaf's.
    pub(crate) sans: Vec<String>,
    /// Which other names a request may ask for.
    pub(crate) allow_sans: Vec<SanPattern>,
}

/// A pattern of other names, such as `dns:*.workers.example`: the asterisk stands for one or more characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SanPattern {
    text: String,
}

impl UsageName {
    /// Returns the name as it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::ClientAndServer => "client-and-server",
        }
    }
}

impl From<UsageName> for LeafUse {
    fn from(name: UsageName) -> Self {
        match name {
            UsageName::Client => Self::Client,
            UsageName::Server => Self::Server,
            UsageName::ClientAndServer => Self::ClientAndServer,
        }
    }
}

impl Profile {
    /// Returns the other names of a leaf with this common name.
    pub(crate) fn sans_of(&self, common_name: &str) -> Result<Vec<San>, String> {
        let names = self.sans.iter();
        names
            .map(|template| text::san(&template.replace("{common_name}", common_name)))
            .collect()
    }

    /// Returns whether a request may ask for a name.
    pub(crate) fn allows(&self, san: &San) -> bool {
        self.allow_sans.iter().any(|pattern| pattern.matches(san))
    }
}

impl SanPattern {
    /// Reads a pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            format!(
                "expected `dns:…`, `uri:…`, `ip:…` or `email:…` with at most one `*`, found `{text}`"
            )
        };
        let (kind, name) = text.split_once(':').ok_or_else(expected)?;
        let is_known = matches!(kind, "dns" | "uri" | "ip" | "email");
        if !is_known || name.is_empty() || name.matches('*').count() > 1 {
            return Err(expected());
        }
        let text = text.to_owned();
        Ok(Self { text })
    }

    /// DNS names are compared without regard to case, the others as they are.
    fn matches(&self, san: &San) -> bool {
        let (name, pattern) = match san {
            San::Dns(name) => (
                format!("dns:{}", name.to_ascii_lowercase()),
                self.text.to_ascii_lowercase(),
            ),
            San::Uri(uri) => (format!("uri:{uri}"), self.text.clone()),
            San::Ip(ip) => (format!("ip:{ip}"), self.text.clone()),
            San::Email(email) => (format!("email:{email}"), self.text.clone()),
        };
        match pattern.split_once('*') {
            None => name == pattern,
            Some((before, after)) => name
                .strip_prefix(before)
                .and_then(|rest| rest.strip_suffix(after))
                .is_some_and(|between| !between.is_empty()),
        }
    }
}

impl std::fmt::Display for SanPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
