//! The stage: a Temporal Cloud for the desk.
//!
//! **What lives here.** The Cloud Ops API over its real wire (gRPC, TLS, API keys, `resource_version`, asynchronous
//! operations, rate limits, the documented rules for accepted client CAs), and for each namespace an mTLS endpoint
//! that enforces the bundle in the handshake and the filters per call, grows old as Temporal's connections do, and
//! relays to a real Temporal or answers by itself. Where the real service's behaviour is not documented there is a
//! [`quirks`] enum; bad luck is ordered through [`Faults`]; what the endpoints saw is in [`Seen`]. A real Temporal to
//! put behind an endpoint is a [`DevServer`].
//!
//! **What never will.** Nothing of newleaf's own decisions or deeds: the sandbox is what they are tried on, so it
//! knows only certificates (`x509`) and Temporal's own messages.
//!
//! **Where to start reading.** [`start`], then `account` (the control plane) and `endpoint` (the data plane).

mod account;
mod clock;
mod cloud;
mod connection;
mod dev_server;
mod dispatch;
mod endpoint;
mod faults;
mod frontend;
mod gate;
mod ledger;
mod options;
mod pki;
pub mod quirks;
mod relay;
mod rules;
mod stage;
mod trust;
mod verifier;
mod wire;

pub use dev_server::{DevServer, DevServerError};
pub use faults::{BadEnding, Faults};
pub use ledger::{Refusal, Seen, SeenLeaf};
pub use options::{ApiKey, Limits, NamespaceOptions, Options, Owner, Timing};
pub use pki::PkiError;
pub use quirks::Quirks;
pub use stage::{Sandbox, StartError, start};
