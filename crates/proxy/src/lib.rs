//! Bytes: carries calls to Temporal under the identity of the moment.
//!
//! Callers speak plaintext gRPC to a loopback address or a Unix socket; the server is spoken to over mutual TLS. When the
//! identity on disk is replaced, no call fails: a new connection is made and proved first, then new streams go
//! there, then the old connection drains. An identity that the server does not accept is never put to use.
//!
//! **What lives here.** Listening ([`listen`](Options::listen)), dialling and proving, forwarding, draining, [`limits`], and
//! the [`Status`] that tells which leaf every live connection presents.
//!
//! **What never will.** Nothing here reads a message, writes an identity, or can change anything in a cloud. No
//! request chooses where it goes.
//!
//! **Where to start reading.** `proxy.rs` puts the parts together; [`relay`] is the life of a call, frame by frame and without
//! a socket; `switchboard.rs` brings it the sockets, and `upstream/keeper.rs` is the life of the connections to the server.

mod admin;
pub mod cli;
mod clock;
mod connection;
mod dial;
mod failure;
mod grpc;
pub mod h2;
pub mod limits;
mod listen;
mod options;
mod prove;
mod proxy;
pub mod relay;
pub mod status;
mod switchboard;
mod upstream;

pub use dial::{Answer, ConnectProxy, ConnectProxyError, Resolver};
pub use options::{Exposure, Listen, Options, ServerTrust};
pub use proxy::{Proxy, StartError, run};
pub use status::Status;
