//! Secrets of the configuration: references, read at the last moment into a type that cannot be printed.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use newleaf_systems::domain::ApiKey;
use zeroize::Zeroizing;

use super::ConfigError;
use crate::files;

/// Where a secret is: never the secret itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretRef {
    /// In a variable of the environment.
    Env(String),
    /// In a file.
    File(PathBuf),
}

impl SecretRef {
    /// Reads `env:NAME` or `file:PATH`; `None` for anything else, which may be a secret and is not quoted.
    pub(crate) fn parse(text: &str, base: &Path) -> Option<Self> {
        match text.split_once(':')? {
            (_, "") => None,
            ("env", name) => Some(Self::Env(name.to_owned())),
            ("file", path) => Some(Self::File(base.join(path))),
            (_scheme, _) => None,
        }
    }

    /// Reads the secret.
    pub(crate) fn read(&self) -> Result<ApiKey, ConfigError> {
        let text = match self {
            Self::Env(name) => read_variable(name).map(Zeroizing::new),
            Self::File(path) => files::read_to_string(path),
        };
        let secret = text.and_then(|secret| {
            if secret.trim().is_empty() {
                Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty"))
            } else {
                Ok(secret)
            }
        });
        secret
            .map(|secret| ApiKey::new(&secret))
            .map_err(|source| ConfigError::Secret {
                reference: self.clone(),
                source,
            })
    }

    /// Returns what helps if it cannot be read.
    pub(crate) fn advice(&self) -> String {
        match self {
            Self::Env(name) => format!("set the variable `{name}` where newleaf runs"),
            Self::File(path) => format!(
                "put the key into `{}`, readable by the user who runs newleaf",
                path.display()
            ),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the configuration is the one reader of the environment"
)]
pub(crate) fn read_variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(|error| {
        let what = match error {
            std::env::VarError::NotPresent => "the variable is not set",
            std::env::VarError::NotUnicode(_secret) => "the variable is not UTF-8",
        };
        io::Error::new(io::ErrorKind::NotFound, what)
    })
}

/// Prints the reference as it is written.
impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
