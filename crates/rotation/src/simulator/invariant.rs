//! What must be true at every tick, whatever goes wrong. The numbers are those of ARCHITECTURE.md.

use std::fmt;

use jiff::Timestamp;

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// When, by the engine's clock.
    pub at: Timestamp,
    /// What was seen.
    pub what: String,
}

/// The invariants that the simulator asks of the world's truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: every trust point accepts the issuers of all leaves in use.
    NobodyStranded,
    /// 2: no leaf is signed by a CA that was not seen to be accepted at all trust points.
    SignOnlyTrusted,
    /// 3: changes are compare-and-swap, and one request name never carries two changes.
    OneRequestOneChange,
    /// 4: a new CA is another CA.
    NewCaIsNew,
    /// 6: no submitted bundle holds an expired member.
    NoExpiredMember,
    /// 7: trust is taken away only on proof of disuse.
    ProofBeforeDistrust,
    /// 7: nobody else is touched, and no CA or key taken away, while traffic is worse than its baseline or not known.
    SteadyBeforeNext,
    /// 9: a CA key is destroyed last.
    KeyLast,
    /// 11: a journal replayed decides the same, and a deed done twice is a deed done once.
    Repeatable,
    /// 12: a bad new thing never replaces a good old thing.
    GoodStays,
    /// The plan breaks none of its checks.
    SoundPlan,
    /// It ends, if nobody interferes.
    Ends,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}: {}", self.invariant, self.at, self.what)
    }
}
