//! Time: waits, remembers, wakes up, and shows.
//!
//! **What lives here.** The [`Journal`] remembers each rotation as a list of events in one SQLite file. [`drive()`] goes on
//! with a rotation from wherever its journal ends: it does what [`newleaf_rotation::next()`] commands and writes what
//! came of it. [`decide()`] carries a person's decision to whoever drives. [`Snapshot`] is the picture of a rotation
//! for those who only look. [`Engine`] is the seam behind which a Temporal workflow can drive the same state machine.
//!
//! **What never will.** No choice: what happens next is decided in `newleaf-rotation`. No deed: the world is
//! touched in `newleaf-systems` only. No sentence for a person beyond the text of an error.
//!
//! **Where to start reading.** [`drive()`], then [`Journal`].

pub mod clock;
pub mod decide;
pub mod drive;
pub mod engine;
pub mod journal;
mod run;
pub mod snapshot;

pub use clock::Clock;
pub use decide::{DecideError, decide};
pub use drive::{Ended, Means, OnAsk, Told, drive};
pub use engine::{Engine, EngineError, Local};
pub use journal::{Entry, Journal, JournalError, Record, Recorded, Writer};
pub use snapshot::Snapshot;
