//! What is wanted: the input of a plan.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::{
    id::{Generation, HolderId, RotationId, TrustDomainId, TrustPointId},
    phase::Phase,
};

/// Everything a plan is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The rotation's name.
    pub rotation: RotationId,
    /// Whose identities are rotated.
    pub domain: TrustDomainId,
    /// What is rotated.
    pub kind: Kind,
    /// Every place that trusts the domain's CA.
    pub trust_points: Vec<TrustPointId>,
    /// Who moves, and in which order; the holders of a wave move together.
    pub waves: Vec<Vec<HolderId>>,
    /// Holders of whose traffic (pollers, calls) some source tells. Of the others nobody would notice that it broke.
    pub watched: BTreeSet<HolderId>,
    /// Spans and counts.
    pub timing: Timing,
    /// Phases that a person must approve before the first change that leads there.
    pub approvals: BTreeSet<Phase>,
}

/// What is rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A new CA, and new leaves for everybody.
    CaRollover {
        /// The CA that goes.
        old: Generation,
        /// The CA that comes.
        new: Generation,
    },
    /// New leaves of the CA that is there.
    LeafRenewal {
        /// That CA.
        generation: Generation,
    },
}

/// Spans and counts of a rotation. There is no default here: the binary's configuration has the one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// How long every trust point must have accepted both CAs before a leaf of the new one is signed.
    pub trusted_soak: SignedDuration,
    /// How long the slowest trust point takes, as it declares, from a change to what its servers do.
    pub propagation: SignedDuration,
    /// How long a wave must have presented its new identity before the next one moves; and how long traffic is watched for
    /// its baseline before the first wave.
    pub wave_soak: SignedDuration,
    /// How long the old CA must have been out of use before it is distrusted.
    pub disused_soak: SignedDuration,
    /// How long the old CA must have been distrusted before its key is destroyed.
    pub final_soak: SignedDuration,
    /// How long to rest between two looks.
    pub poll: SignedDuration,
    /// How long one step may rest, all rests added up, before the rotation pauses and a person is asked. What its looks take
    /// does not count, nor the time in which nobody drives the rotation: a controller that was down for a night must not come
    /// back to a step that is out of patience.
    pub patience: SignedDuration,
    /// How often a canary must be accepted in a row.
    pub passes: u32,
    /// How many attempts one step has before the rotation pauses.
    pub attempts: u32,
}
