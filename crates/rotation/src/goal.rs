//! Goals: the states of the world that a rotation wants, one for each step.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Generation, HolderId, TrustPointId};

/// A state of the world. It counts as reached only when it is seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "goal", rename_all = "snake_case")]
pub enum Goal {
    /// Every check of the preflight passes.
    Preflight,
    /// A CA of this generation exists in its issuer's store and lints clean.
    CaExists {
        /// Which generation.
        generation: Generation,
    },
    /// This trust point accepts some generations and refuses others.
    Trust {
        /// Where.
        point: TrustPointId,
        /// Generations that must be accepted.
        accept: Vec<Generation>,
        /// Generations that must not be accepted.
        refuse: Vec<Generation>,
    },
    /// A leaf of this generation passes handshake and RPC at every address of every endpoint.
    Accepted {
        /// Which generation.
        generation: Generation,
        /// How many times in a row.
        passes: u32,
    },
    /// A leaf of this generation is refused at every address of every endpoint.
    Refused {
        /// Which generation.
        generation: Generation,
    },
    /// This holder's store holds a leaf of this generation.
    Stored {
        /// Who.
        holder: HolderId,
        /// Which generation.
        generation: Generation,
        /// How new the leaf must be.
        freshness: Freshness,
    },
    /// Each of these holders was seen presenting a leaf of this generation, and no other.
    Presented {
        /// Who.
        holders: Vec<HolderId>,
        /// Which generation.
        generation: Generation,
        /// How new the leaf must be.
        freshness: Freshness,
    },
    /// Nobody presents this generation any more, and that is proven.
    Disused {
        /// Which generation.
        generation: Generation,
    },
    /// It is known what the pollers and calls of these holders are like, before anything is done to them.
    Baseline {
        /// Who.
        holders: Vec<HolderId>,
    },
    /// The pollers and calls of these holders are no worse than their baseline.
    Steady {
        /// Who.
        holders: Vec<HolderId>,
    },
    /// The CA key of this generation is destroyed.
    KeyDestroyed {
        /// Which generation.
        generation: Generation,
    },
}

/// How new a leaf must be to count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Any valid leaf of the generation.
    OfGeneration,
    /// A leaf that was issued for this rotation.
    OfRotation,
}

impl Goal {
    /// Returns whether there is a deed that could bring the goal nearer; else it can only be watched.
    pub fn has_deed(&self) -> bool {
        match self {
            Self::CaExists { .. }
            | Self::Trust { .. }
            | Self::Accepted { .. }
            | Self::Stored { .. }
            | Self::Presented { .. }
            | Self::KeyDestroyed { .. } => true,
            Self::Preflight
            | Self::Refused { .. }
            | Self::Disused { .. }
            | Self::Baseline { .. }
            | Self::Steady { .. } => false,
        }
    }
}

struct Join<'a, T>(&'a [T], &'a str);

impl<T: fmt::Display> fmt::Display for Join<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(i, item)| {
            f.write_str(if i == 0 { "" } else { self.1 })?;
            write!(f, "{item}")
        })
    }
}

/// Prints the goal as a sentence about the world, for example "`payments.a2dd6` accepts g1 and g2".
impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preflight => f.write_str("every check before the first change passes"),
            Self::CaExists { generation } => write!(f, "CA {generation} exists and lints clean"),
            Self::Trust {
                point,
                accept,
                refuse,
            } => {
                write!(f, "`{point}` accepts {}", Join(accept, " and "))?;
                if refuse.is_empty() {
                    return Ok(());
                }
                write!(f, " and no longer {}", Join(refuse, " or "))
            }
            Self::Accepted { generation, passes } => {
                write!(f, "a {generation} leaf is accepted at every address")?;
                if *passes > 1 {
                    write!(f, ", {passes} times in a row")
                } else {
                    Ok(())
                }
            }
            Self::Refused { generation } => {
                write!(f, "a {generation} leaf is refused at every address")
            }
            Self::Stored {
                holder,
                generation,
                freshness,
            } => match freshness {
                Freshness::OfGeneration => write!(f, "`{holder}` holds a {generation} leaf"),
                Freshness::OfRotation => write!(f, "`{holder}` holds a new {generation} leaf"),
            },
            Self::Presented {
                holders,
                generation,
                ..
            } => {
                let verb = if holders.len() == 1 {
                    "presents"
                } else {
                    "present"
                };
                write!(
                    f,
                    "{} {verb} {generation} and nothing else",
                    Join(holders, ", ")
                )
            }
            Self::Disused { generation } => write!(f, "nobody presents {generation}"),
            Self::Baseline { holders } => {
                write!(f, "the traffic of {} is known", Join(holders, ", "))
            }
            Self::Steady { holders } => {
                write!(f, "the traffic of {} is steady", Join(holders, ", "))
            }
            Self::KeyDestroyed { generation } => {
                write!(f, "the key of CA {generation} is destroyed")
            }
        }
    }
}
