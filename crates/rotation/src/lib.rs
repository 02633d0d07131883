//! Decisions: what should happen next, and why not.
//!
//! **What lives here.** A [`Spec`] says what is wanted; [`plan()`] turns it into a [`Plan`], an immutable list of
//! [`Goal`]s. Engines feed [`Event`]s to [`State::apply`] and do what [`next()`] commands: look, act, wait, finish. A goal is
//! reached only when it is seen; then crash, retry, lost reply and doing it twice are the same case.
//!
//! **What never will.** No I/O, no clock, no randomness, no engine. Decisions are made on events, never on a
//! clock: time comes in as the `at` of an event, kept for people and for engines, and as [`Event::Elapsed`]. So the
//! same state machine runs in the simulator, over the local journal, and in a Temporal workflow.
//!
//! **Where to start reading.** [`Goal`] and [`Goal::standing`], then [`plan()`], [`next()`] and [`State::apply`].

pub mod census;
pub mod change;
pub mod check;
pub mod decide;
pub mod event;
pub mod goal;
pub mod id;
pub mod next;
pub mod phase;
pub mod plan;
pub mod preflight;
pub mod sight;
pub mod simulator;
pub mod spec;
pub mod standing;
pub mod state;
pub mod traffic;

pub use event::{Again, Decision, Doing, Event, Trouble, Verb};
pub use goal::{Freshness, Goal};
pub use id::{Generation, HolderId, RotationId, StepId, TrustDomainId, TrustPointId};
pub use next::{Ask, Command, Deed, Look, RequestId, Wait, next};
pub use phase::Phase;
pub use plan::{Plan, PlanError, Step, UndoStep, plan};
pub use sight::Sight;
pub use spec::{Kind, Spec, Timing};
pub use standing::{Known, Standing, Until};
pub use state::{Course, Hold, Outcome, Reply, Stage, State};
