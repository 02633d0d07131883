//! The clock of an engine: the one place of this room that knows what time it is.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

/// Tells the time. Handed to an engine from outside, so that tests decide how time passes.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The clock of this machine.
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock of the engine's loop; everything below takes the time as an argument"
    )]
    pub fn system() -> Self {
        Self::of(Timestamp::now)
    }

    /// A clock that tells what `now` returns.
    pub fn of(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Returns the time.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
