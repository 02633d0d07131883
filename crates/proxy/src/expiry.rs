//! How much of its life an identity has left, and when somebody must hear of it.
//!
//! An expired leaf stops its workers, and nobody but its holder can know: Temporal warns of CAs that end, not of leaves. So
//! the proxy says of the identity *in use* that it was not replaced, while there is time to mend what should have
//! replaced it. All is pure; whoever asks says what time it is.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::describe;
use serde::{Deserialize, Serialize};

/// The share of its life that an identity has left when its renewal is due: what `newleaf needs-renewal` takes too.
const DUE: i64 = 3;

/// The share that is left when it is urgent.
const URGENT: i64 = 10;

/// How far an identity's life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// More than a third is left.
    Fresh,
    /// Less than a third is left: its renewal should have happened.
    Due,
    /// Less than a tenth is left.
    Urgent,
    /// Nothing is left: the server will refuse new connections.
    Ended,
}

/// An identity's life, as it looks at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    not_after: Timestamp,
    lifetime: SignedDuration,
    now: Timestamp,
}

impl Expiry {
    /// Looks at a life from the first instant of the leaf to the first end in its chain.
    pub fn new(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> Self {
        Self {
            not_after,
            lifetime: not_after.duration_since(not_before),
            now,
        }
    }

    /// Returns how much is left; nothing is less than zero here.
    pub fn remaining(&self) -> SignedDuration {
        let left = self.not_after.duration_since(self.now);
        left.max(SignedDuration::ZERO)
    }

    /// Returns the share of the life that is left, from 0 to 1.
    pub fn remaining_ratio(&self) -> f64 {
        let lifetime = self.lifetime.as_secs_f64();
        if lifetime > 0.0 {
            (self.remaining().as_secs_f64() / lifetime).min(1.0)
        } else {
            0.0
        }
    }

    /// Returns how far it has come.
    pub fn stage(&self) -> Stage {
        // Whole seconds, as certificates count them; no lifetime is long enough to overflow.
        let (left, life) = (self.remaining().as_secs(), self.lifetime.as_secs());
        if self.now >= self.not_after {
            Stage::Ended
        } else if left.saturating_mul(URGENT) <= life {
            Stage::Urgent
        } else if left.saturating_mul(DUE) <= life {
            Stage::Due
        } else {
            Stage::Fresh
        }
    }
}

/// A sentence, such as `ends in 3 days, 10 % of its 30 days are left; its renewal is due`.
impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = describe::relative(self.not_after, self.now);
        let life = describe::span(self.lifetime);
        let percent = self.remaining_ratio() * 100.0;
        match self.stage() {
            Stage::Fresh => write!(f, "ends {end}; {percent:.0} % of its {life} are left"),
            Stage::Due => write!(
                f,
                "ends {end}; {percent:.0} % of its {life} are left, and its renewal is due"
            ),
            Stage::Urgent => write!(
                f,
                "ends {end}; only {percent:.0} % of its {life} are left, and nothing has replaced it"
            ),
            Stage::Ended => write!(f, "ended {end}; new connections will be refused"),
        }
    }
}

#[cfg(test)]
mod tests;
