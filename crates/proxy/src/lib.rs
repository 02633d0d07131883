//! Bytes: carries calls to Temporal under the identity of the moment.
//!
//! Callers speak gRPC to a loopback address or a Unix socket, in plaintext unless TLS is asked for; servers are spoken to
//! over TLS, under an identity, an API key, or both. When these are replaced on disk, no call fails: a new connection is made
//! and proved first, then new streams go there, then the old connection drains. What the server does not accept is never put
//! to use.
//!
//! **What lives here.** Listening ([`ListenerOptions`]), dialling and proving, forwarding, draining, [`limits`], and
//! the [`Status`] that tells which leaf every live connection presents.
//!
//! **What never will.** Nothing here reads a message, writes an identity, or can change anything in a cloud. Of a request
//! nothing but its namespace has a say in where it goes, and only among the upstreams that are configured.
//!
//! **Where to start reading.** `proxy.rs` puts the parts together; [`relay`] is the life of a call, frame by frame and without
//! a socket; `switchboard.rs` brings it the sockets, and `upstream/keeper.rs` is the life of the connections to the server.

mod admin;
mod alarm;
mod api_key;
pub mod check;
pub mod cli;
mod clock;
pub mod config;
mod connection;
mod credentials;
mod dial;
mod dns;
mod errand;
pub mod expiry;
mod failure;
mod grpc;
pub mod h2;
pub mod life;
pub mod limits;
mod listen;
pub mod log;
mod metrics;
mod options;
mod plane;
mod prove;
mod proxy;
pub mod relay;
mod routes;
pub mod status;
mod switchboard;
mod tcp;
#[cfg(test)]
mod testing;
mod text_file;
mod trust;
mod upstream;

pub use api_key::{ApiKey, ApiKeyError, ApiKeySource};
pub use dial::{ConnectProxy, ConnectProxyError};
pub use dns::{Resolver, ResolverOptions};
pub use listen::gate::GateError;
pub use options::{
    CredentialsOptions, Exposure, Listen, ListenerOptions, ListenerTls, Options, Route,
    ServerTrust, UpstreamOptions,
};
pub use plane::Plane;
pub use proxy::{Proxy, Recheck, StartError, run};
pub use routes::RouteError;
pub use status::Status;
pub use trust::TrustError;
