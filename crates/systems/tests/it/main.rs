//! The adapters against real parts: files, processes, TLS, and the sandbox's Cloud Ops API and endpoints.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test should panic"
)]

mod canary;
mod desk;
mod evidence;
mod file;
mod issuer;
mod manual;
mod restart;
mod rotation;
mod self_hosted;
mod temporal_cloud;
mod traffic;
