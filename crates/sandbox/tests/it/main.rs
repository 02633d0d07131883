//! The sandbox as its clients meet it: over real TLS and real HTTP/2, on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test should panic"
)]

mod client;
mod cloud;
mod endpoint;
mod pki;
mod play;
