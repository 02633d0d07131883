//! The binary as a person meets it: help, exit codes, sentences, and certificates end to end.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test should panic"
)]

mod bench;
mod configuration;
mod demo;
mod inspecting;
mod issuing;
mod linting;
mod proxying;
mod rotating;
mod sandbox;
mod secrecy;
mod transcripts;
