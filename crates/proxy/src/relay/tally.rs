//! What was carried, and what became of it.

use serde::{Deserialize, Serialize};

use super::ConnectionId;
use crate::grpc::Code;

/// What a relay has carried since it was made. Calls that it failed are told one by one, as [`Failed`](super::Event::Failed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Calls whose answer, whatever it says, was the server's and was passed on whole.
    pub answered: u64,
    /// Calls that the server reset, and whose reset was passed on.
    pub reset: u64,
    /// Bytes of HTTP/2 that came from callers.
    pub from_callers_bytes: u64,
    /// Bytes of HTTP/2 that were written to callers.
    pub to_callers_bytes: u64,
    /// Bytes of HTTP/2 that came from servers.
    pub from_servers_bytes: u64,
    /// Bytes of HTTP/2 that were written to servers.
    pub to_servers_bytes: u64,
}

/// Why a call ended with a status that the relay gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCause {
    /// It named no namespace that is routed, or named it twice.
    NoRoute,
    /// Its headers are larger than its server says that it takes, or than there is room for here.
    TooLarge,
    /// There was no connection to the server with room for it, until its deadline.
    NoConnection,
    /// The connection broke before the server answered: whether it processed the call, nobody knows.
    Lost,
    /// The connection broke within the answer.
    Cut,
    /// The server did not process it, and it could not be sent again: it was sent often enough, or is too large.
    Refused,
    /// The server broke a rule of HTTP/2 on the call's stream.
    Breach,
    /// Its caller did not read the answer, for which others had to wait.
    Unread,
}

impl FailureCause {
    /// Every cause, in their order.
    pub const ALL: [Self; 8] = [
        Self::NoRoute,
        Self::TooLarge,
        Self::NoConnection,
        Self::Lost,
        Self::Cut,
        Self::Refused,
        Self::Breach,
        Self::Unread,
    ];

    /// Returns the word for it in status and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoRoute => "no_route",
            Self::TooLarge => "too_large",
            Self::NoConnection => "no_connection",
            Self::Lost => "lost",
            Self::Cut => "cut",
            Self::Refused => "refused",
            Self::Breach => "breach",
            Self::Unread => "unread",
        }
    }

    /// Returns the gRPC status that tells a caller: whether it is worth trying again.
    pub(super) fn code(self) -> Code {
        match self {
            Self::NoRoute
            | Self::NoConnection
            | Self::Lost
            | Self::Cut
            | Self::Refused
            | Self::Breach => Code::Unavailable,
            Self::TooLarge | Self::Unread => Code::ResourceExhausted,
        }
    }
}

impl Tally {
    /// Notes bytes that came from a connection.
    pub(super) fn received(&mut self, id: ConnectionId, n_bytes: usize) {
        let n_bytes = u64::try_from(n_bytes).unwrap_or(u64::MAX);
        match id {
            ConnectionId::Caller(_) => self.from_callers_bytes += n_bytes,
            ConnectionId::Server(_) => self.from_servers_bytes += n_bytes,
        }
    }

    /// Notes bytes that were written to a connection.
    pub(super) fn sent(&mut self, id: ConnectionId, n_bytes: usize) {
        let n_bytes = u64::try_from(n_bytes).unwrap_or(u64::MAX);
        match id {
            ConnectionId::Caller(_) => self.to_callers_bytes += n_bytes,
            ConnectionId::Server(_) => self.to_servers_bytes += n_bytes,
        }
    }
}
