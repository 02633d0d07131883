//! Names of the things a rotation speaks of. Each is a type of its own, so that none is taken for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the name as it is.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// One rotation, for example `r-7f3a91`.
    RotationId
}
id! {
    /// One CA and everything that trusts or presents it. At most one rotation of it runs at a time.
    TrustDomainId
}
id! {
    /// A place that trusts, for example the Temporal namespace `payments.a2dd6`.
    TrustPointId
}
id! {
    /// A party that presents an identity: a worker, a starter, a proxy beside a worker.
    HolderId
}
id! {
    /// One step of one plan, for example `trusted/payments.a2dd6`.
    StepId
}

/// The how-manieth CA of a trust domain; prints, and is stored, as `g3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Generation(pub u32);

impl Generation {
    /// Returns the generation that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

/// Why a text is not a generation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a generation such as `g3`, found `{found}`")]
pub struct ParseGenerationError {
    found: String,
}

impl FromStr for Generation {
    type Err = ParseGenerationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text
            .strip_prefix('g')
            .and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or_else(|| ParseGenerationError {
            found: text.to_owned(),
        })
    }
}

impl TryFrom<String> for Generation {
    type Error = ParseGenerationError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Generation> for String {
    fn from(generation: Generation) -> Self {
        generation.to_string()
    }
}
