//! Instruments that measure `newleaf-proxy` beside what somebody would use in its place.
//!
//! **What lives here.** Callers ([`load`]) and a server ([`upstream`]) that cost little and judge every answer; the raw
//! tunnel that is the bar ([`tunnel`]); the targets with their best settings ([`targets`]); reading what a process used
//! ([`usage`]); and the two measurements themselves.
//!
//! **What never will.** Anything the product depends on, and any code of the product's data path: the instrument does
//! not share mistakes with what it measures.
//!
//! **Where to start reading.** [`proxy_bench`] for what is measured, `docs/benchmarks.md` for what came out.
#![expect(
    clippy::future_not_send,
    reason = "each process of a measurement lives on one thread of one core"
)]

pub mod delay;
pub mod hpack;
pub mod load;
pub mod message;
pub mod pki;
pub mod process;
pub mod proxy_bench;
pub mod reload_bench;
pub mod targets;
pub mod tls;
pub mod tunnel;
pub mod upstream;
pub mod usage;
pub mod wire;
