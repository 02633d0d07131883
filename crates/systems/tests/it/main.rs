//! The adapters against real parts: files, processes, TLS, and the sandbox's Cloud Ops API and endpoints.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a failed test should panic"
)]

mod canary;
mod desk;
mod evidence;
mod file;
mod full_disk;
mod issuer;
mod manual;
mod restart;
mod rotation;
mod self_hosted;
mod server;
mod temporal_cloud;
mod traffic;
