//! What Temporal Cloud's documentation does not say. Each open question is an enum of the plausible answers, and
//! newleaf must work under all of them. When an answer becomes known, its enum goes.

use std::{fmt, str::FromStr};

/// A choice for every open question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// The status for an update with a stale `resource_version`.
    pub stale_version: StaleVersion,
    /// The status for an update while another operation of the namespace is under way.
    pub busy: Busy,
    /// The answer to an `async_operation_id` that was used before.
    pub repeated_id: RepeatedId,
    /// What a namespace shows while an update is under way.
    pub pending_spec: PendingSpec,
    /// Whether an expired member that was there before blocks an update that leaves the bundle alone.
    pub expired_unchanged: ExpiredUnchanged,
    /// What happens to established connections when their CA is removed.
    pub established: Established,
    /// Whether TLS sessions resume, and how they are judged.
    pub resumption: Resumption,
    /// The status for a leaf that no filter admits.
    pub filter_denial: FilterDenial,
}

/// A name or value that [`Quirks::set`] does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct UnknownQuirk {
    /// The names that are known, separated by commas.
    pub expected: String,
    /// What was given.
    pub found: String,
}

/// Declares one open question: its answers, their names on the command line, and the list of all.
macro_rules! quirk {
    ($(#[$doc:meta])* $name:ident { $($(#[$answer_doc:meta])* $answer:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$answer_doc])* $answer,)+ }

        impl $name {
            /// Every plausible answer.
            pub const ALL: &[Self] = &[$(Self::$answer,)+];

            /// Returns the answer's name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$answer => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = UnknownQuirk;

            fn from_str(text: &str) -> Result<Self, UnknownQuirk> {
                Self::ALL.iter().copied().find(|answer| answer.name() == text).ok_or_else(|| UnknownQuirk {
                    expected: Self::ALL.iter().map(|answer| answer.name()).collect::<Vec<_>>().join(", "),
                    found: text.to_owned(),
                })
            }
        }
    };
}

quirk! {
    /// The status for an update with a stale `resource_version`.
    StaleVersion {
        /// `FAILED_PRECONDITION`, as the gRPC guide suggests for a state that must be read again.
        FailedPrecondition = "failed-precondition",
        /// `ABORTED`, as the gRPC guide suggests for a failed compare-and-swap.
        Aborted = "aborted",
        /// `INVALID_ARGUMENT`, told from other faults only by its text.
        InvalidArgument = "invalid-argument",
    }
}

quirk! {
    /// The status for an update while another operation of the namespace is under way.
    Busy {
        /// `FAILED_PRECONDITION`.
        FailedPrecondition = "failed-precondition",
        /// `ABORTED`.
        Aborted = "aborted",
        /// `RESOURCE_EXHAUSTED`, as for the account's limit of concurrent operations.
        ResourceExhausted = "resource-exhausted",
    }
}

quirk! {
    /// The answer to an `async_operation_id` that was used before with the same request.
    RepeatedId {
        /// The operation of the first request.
        SameOperation = "same-operation",
        /// `ALREADY_EXISTS`.
        AlreadyExists = "already-exists",
    }
}

quirk! {
    /// What a namespace shows while an update is under way.
    PendingSpec {
        /// The old specification and version, until the operation is fulfilled.
        Old = "old",
        /// The new specification and version from the moment of acceptance; the old ones again if the operation fails.
        New = "new",
    }
}

quirk! {
    /// Whether an expired member that was there before blocks an update that leaves the bundle alone.
    ExpiredUnchanged {
        /// Every update's bundle is judged anew.
        Refused = "refused",
        /// A bundle equal to the one in force is not judged again.
        Allowed = "allowed",
    }
}

quirk! {
    /// What happens to established connections when their CA is removed.
    Established {
        /// They live until they age out, as with a Go server whose `ClientCAs` change.
        Kept = "kept",
        /// They are cut.
        Cut = "cut",
    }
}

quirk! {
    /// Whether TLS sessions resume, and how they are judged.
    Resumption {
        /// Tickets; a resumed session is judged by the trust of the moment (Go since 1.25.7).
        Rechecks = "rechecks",
        /// Tickets; a resumed session outlives the removal of its CA (Go before; CVE-2025-68121).
        IgnoresCaRemoval = "ignores-ca-removal",
        /// No tickets.
        Off = "off",
    }
}

quirk! {
    /// The status for a leaf that no filter admits; the text is always `Request unauthorized.`
    FilterDenial {
        /// `PERMISSION_DENIED`, as the self-hosted server's authorizer answers.
        PermissionDenied = "permission-denied",
        /// `UNAUTHENTICATED`.
        Unauthenticated = "unauthenticated",
    }
}

impl Quirks {
    /// The first answer to every question: the one that the self-hosted server or the gRPC guide makes likeliest.
    pub const LIKELIEST: Self = Self {
        stale_version: StaleVersion::FailedPrecondition,
        busy: Busy::FailedPrecondition,
        repeated_id: RepeatedId::SameOperation,
        pending_spec: PendingSpec::Old,
        expired_unchanged: ExpiredUnchanged::Refused,
        established: Established::Kept,
        resumption: Resumption::Rechecks,
        filter_denial: FilterDenial::PermissionDenied,
    };

    /// The questions by name, as [`Quirks::set`] takes them.
    pub const NAMES: &[&str] = &[
        "stale-version",
        "busy",
        "repeated-id",
        "pending-spec",
        "expired-unchanged",
        "established",
        "resumption",
        "filter-denial",
    ];

    /// Answers one question by name.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), UnknownQuirk> {
        match name {
            "stale-version" => self.stale_version = value.parse()?,
            "busy" => self.busy = value.parse()?,
            "repeated-id" => self.repeated_id = value.parse()?,
            "pending-spec" => self.pending_spec = value.parse()?,
            "expired-unchanged" => self.expired_unchanged = value.parse()?,
            "established" => self.established = value.parse()?,
            "resumption" => self.resumption = value.parse()?,
            "filter-denial" => self.filter_denial = value.parse()?,
            unknown => {
                return Err(UnknownQuirk {
                    expected: Self::NAMES.join(", "),
                    found: unknown.to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Returns quirk sets that together hold every answer to every question once: the likeliest with one answer
    /// changed. Questions are independent, so this is what a product must pass at least.
    pub fn each_alone() -> Vec<Self> {
        let mut sets = vec![Self::LIKELIEST];
        macro_rules! vary {
            ($($field:ident: $quirk:ident),+ $(,)?) => { $(
                sets.extend($quirk::ALL.iter().skip(1).map(|answer| Self { $field: *answer, ..Self::LIKELIEST }));
            )+ };
        }
        vary! {
            stale_version: StaleVersion,
            busy: Busy,
            repeated_id: RepeatedId,
            pending_spec: PendingSpec,
            expired_unchanged: ExpiredUnchanged,
            established: Established,
            resumption: Resumption,
            filter_denial: FilterDenial,
        }
        sets
    }
}

#[cfg(test)]
mod tests;
