//! The sandbox as its clients meet it: over real TLS and real HTTP/2, on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test should panic"
)]

mod client;
mod cloud;
mod endpoint;
mod judges;
mod pki;
mod play;
mod relay;
