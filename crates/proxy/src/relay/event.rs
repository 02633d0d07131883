//! What a relay tells whoever drives it, and what it is asked.

use super::{ServerId, UpstreamId, tally::FailureCause};
use crate::h2::{breach::Breach, reason::Reason};

/// What whoever drives a relay must know of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server has acknowledged our SETTINGS: it has judged our leaf, and lives.
    Settled(ServerId),
    /// The server has answered what [`Relay::ask`](super::Relay::ask) asked.
    Answered(ServerId, Answer),
    /// The server has answered a call, the first on this connection: it is of use.
    Served(ServerId),
    /// The server takes no new calls on this connection. Those on it finish, unless the reason is a fault that it finds with us.
    Goodbye(ServerId, Reason),
    /// The connection carries nothing any more, and not because we wanted it.
    Lost(ServerId, Loss),
    /// A call waits, since all connections to its upstream are full.
    Crowded(UpstreamId),
    /// A server of this upstream does not say whether it lives: somebody else should take its calls.
    Doubted(UpstreamId),
    /// A call is sent again, which the server had provably not processed, or may process twice.
    Replayed,
    /// A call ended with a status of ours.
    Failed {
        /// The method.
        path: String,
        /// What kind of failure it is.
        cause: FailureCause,
        /// Why, as the caller was told.
        why: String,
    },
}

/// Why a connection to the server was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// Its transport closed or broke.
    #[error("{0}")]
    Transport(String),
    /// The server broke a rule of HTTP/2.
    #[error("the server broke a rule of HTTP/2: {0}")]
    Breach(Breach),
    /// The server did not say whether it lives.
    #[error("the server stopped answering")]
    Silence,
}

/// What a server answered to a call of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The gRPC status.
    pub code: Option<u32>,
    /// What the server said about it.
    pub message: String,
    /// The HTTP status.
    pub http_status: Option<String>,
}

/// A call of our own.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The method.
    pub path: &'a str,
    /// The namespace that it is about, which is said in a header too: behind an endpoint of a whole region, Temporal Cloud
    /// finds the namespace by it.
    pub namespace: Option<&'a str>,
    /// The message, framed.
    pub message: &'a [u8],
}
