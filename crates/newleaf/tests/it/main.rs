//! The binary as a person meets it: help, exit codes, sentences, and certificates end to end.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed test should panic"
)]

mod bench;
mod bounds;
mod caller;
mod certifying;
mod chance;
mod configuration;
mod demo;
mod exit_codes;
mod full_disk;
mod inspecting;
mod issuing;
mod keys;
mod kill_nine;
mod linting;
mod overriding;
mod probe;
mod proxying;
mod reading;
mod readme;
mod real_worker;
mod rig;
mod road;
mod rotating;
mod run;
mod sandbox;
mod secrecy;
mod serving;
mod serving_a_proxy;
mod stopping;
mod strange;
mod tokens;
mod transcripts;
mod two_at_once;
mod unreachable;
mod verifying;
