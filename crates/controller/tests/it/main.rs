//! The promises of the controller, one module each, over a world in memory and a journal on the disk.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test should panic"
)]

mod crash;
mod decisions;
mod disk;
mod engine;
mod format;
mod pace;
mod picture;
mod stage;
mod stop;
mod taken_away;
mod world;
mod writers;
