//! The phases of a rotation, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a rotation stands. Each phase is entered through its gate, and only forward; the way back is a
/// [`crate::Course`] of its own, not a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Nothing is touched; the world is looked at.
    Preflight,
    /// The new CA exists, and nobody trusts it yet.
    Prepared,
    /// Every trust point accepts old and new.
    Trusted,
    /// A leaf of the new CA has been accepted, by handshake and RPC, at every address.
    Canary,
    /// Holders move to new leaves, wave by wave.
    Issuing,
    /// Everybody has moved; the old CA is proven out of use.
    Soaking,
    /// No trust point accepts the old CA.
    Distrusted,
    /// The old key is destroyed.
    Retired,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 8] = [
        Self::Preflight,
        Self::Prepared,
        Self::Trusted,
        Self::Canary,
        Self::Issuing,
        Self::Soaking,
        Self::Distrusted,
        Self::Retired,
    ];

    /// Returns the phase's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Prepared => "prepared",
            Self::Trusted => "trusted",
            Self::Canary => "canary",
            Self::Issuing => "issuing",
            Self::Soaking => "soaking",
            Self::Distrusted => "distrusted",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
