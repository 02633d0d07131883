//! What goes wrong, and when.

/// One thing that goes wrong at one call to the world. Calls are counted from 0; looks and deeds alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// At which call.
    pub call: usize,
    /// What.
    pub kind: FaultKind,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The engine dies before the call; a deed's intent is journalled.
    CrashBefore,
    /// The engine dies after the call; what it brought back is lost.
    CrashAfter,
    /// The call takes effect and its reply is lost.
    LoseReply,
    /// The call has no effect, and says so.
    Refuse,
    /// The call takes effect twice.
    Repeat,
    /// The world cannot be reached for some calls.
    Unreachable,
    /// The next asynchronous change ends without effect, after it was accepted.
    FailLate,
    /// The next asynchronous change takes very long.
    Slow,
    /// Looks at bundles show what was there before the last change, for some calls.
    StaleBundle,
    /// Reports of what holders present are old, for some calls.
    StaleReports,
    /// One holder is not seen by anybody for a while.
    Silence,
    /// Somebody else edits a bundle: adds a CA of theirs, takes it away, or leaves one that has expired.
    ForeignEdit,
    /// Somebody else takes the newest of our CAs out of a bundle.
    Meddle,
    /// A holder goes back to the leaf it had before, as a restored backup does.
    Revert,
    /// A leaf that nobody registered is seen.
    Stranger,
    /// Most pollers of one holder are gone for a while.
    PollersGone,
    /// Calls of one holder fail for a while.
    CallsFail,
    /// Nobody tells of the traffic of one holder for a while.
    TrafficSilent,
    /// The proxy of one holder starts anew, and counts its calls from zero.
    CountsReset,
    /// Our clock jumps ahead.
    ClockAhead,
    /// Our clock jumps back.
    ClockBack,
    /// A person pauses.
    Pause,
    /// A person turns round.
    RollBack,
    /// A person approves something that was not asked for.
    RashApproval,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 24] = [
        Self::CrashBefore,
        Self::CrashAfter,
        Self::LoseReply,
        Self::Refuse,
        Self::Repeat,
        Self::Unreachable,
        Self::FailLate,
        Self::Slow,
        Self::StaleBundle,
        Self::StaleReports,
        Self::Silence,
        Self::ForeignEdit,
        Self::Meddle,
        Self::Revert,
        Self::Stranger,
        Self::PollersGone,
        Self::CallsFail,
        Self::TrafficSilent,
        Self::CountsReset,
        Self::ClockAhead,
        Self::ClockBack,
        Self::Pause,
        Self::RollBack,
        Self::RashApproval,
    ];

    /// Returns whether the fault comes from outside and may leave a state that only a person can mend.
    pub fn is_outside_interference(self) -> bool {
        matches!(self, Self::Meddle | Self::Revert | Self::Stranger)
    }
}
