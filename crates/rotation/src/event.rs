//! Events: what the journal stores. The state of a rotation is their fold.

use serde::{Deserialize, Serialize};

use crate::{
    id::{HolderId, StepId},
    sight::Sight,
};

/// Something that happened to a rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A deed is about to be done. Written before it is done, so that a crash in the middle is known.
    Intended {
        /// For which step.
        step: StepId,
        /// Which attempt.
        attempt: u32,
    },
    /// A deed was done, as far as its reply says. A reply is not evidence.
    Acted {
        /// For which step.
        step: StepId,
        /// Which attempt.
        attempt: u32,
        /// What the reply said, for the audit.
        note: String,
    },
    /// The world was looked at.
    Observed {
        /// For which step.
        step: StepId,
        /// What was seen.
        sight: Sight,
    },
    /// A look or a deed failed.
    Failed {
        /// For which step.
        step: StepId,
        /// Which of the two.
        doing: Doing,
        /// What went wrong, and whether trying again can help.
        trouble: Trouble,
    },
    /// The span of a wait is over. It names the wait, not a time, so that a late one is recognised.
    Elapsed {
        /// Which wait.
        wait: u64,
    },
    /// A person, or the policy that stands for one, decided.
    Decided(Decision),
}

/// What was being done when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// Looking.
    Observing,
    /// Acting.
    Pursuing,
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whether trying again can help.
    pub again: Again,
    /// What happened, with its causes, as one line without secrets.
    pub what: String,
}

/// Whether trying again can help, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Again {
    /// Yes, as the same request: whether it took effect is not known.
    Same,
    /// Yes, as a new request: it is known to have had no effect.
    Anew,
    /// No: a person must change something first.
    Never,
}

/// A decision, who took it, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Who.
    pub by: String,
    /// Why; may be empty where no reason is asked for.
    pub reason: String,
    /// What.
    pub verb: Verb,
}

/// What can be decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case")]
pub enum Verb {
    /// The step may be pursued; or, where a person does it, the step is done.
    Approve {
        /// Which step.
        step: StepId,
    },
    /// Stop before the next deed.
    Pause,
    /// Go on from a pause or a block, and look again.
    Resume,
    /// Turn round.
    RollBack,
    /// Take a proof of disuse as given, or what was last seen of traffic as the new baseline. Nothing else can be
    /// overridden, and neither without a reason.
    Override {
        /// The step whose gate is overridden.
        step: StepId,
    },
    /// Vouch for what a holder presents, where no other source can tell.
    Attest {
        /// Which holder.
        holder: HolderId,
    },
}

#[cfg(test)]
mod tests;
