//! The adapters against real parts: files, processes, TLS, and the sandbox's Cloud Ops API and endpoints.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test should panic, and a part that is missing should be seen"
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
mod token;
mod traffic;
