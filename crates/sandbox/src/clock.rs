//! The sandbox's only clock: it plays a service of the outer world, and that service has one.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

/// Returns the instant of now.
#[expect(
    clippy::disallowed_methods,
    reason = "a server stamps what it does; decisions take the instant as an argument"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// Returns an instant as Temporal's messages write it; their timestamp type has no name outside their crate.
pub(crate) fn to_proto<T: From<SystemTime>>(at: Timestamp) -> T {
    SystemTime::from(at).into()
}

/// Returns the instant `wait` after `at`, or the last one that can be told.
pub(crate) fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
