//! What the proxy tells about itself: the evidence on which a rotation relies.
//!
//! The shape of [`Status`] is stable: fields may be added, none is renamed or changes its meaning.

pub(crate) mod ledger;
pub(crate) mod listener;
mod readiness;

use std::{collections::BTreeMap, net::SocketAddr};

use jiff::Timestamp;
use newleaf_x509::Fingerprint;
use serde::{Deserialize, Serialize};

pub use readiness::Readiness;

use crate::{expiry::Stage, relay::FailureCause};

/// The proxy at one instant, as `GET /status` answers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// When this process began: all counts are from then on.
    pub started_at: Timestamp,
    /// Whether a call that came now would be carried, to whichever upstream.
    pub ready: bool,
    /// The identity that was adopted last for the first upstream that has one; none before the first proof.
    pub identity: Option<IdentityStatus>,
    /// Every live connection to a server that carries calls, oldest first.
    pub connections: Vec<ConnectionStatus>,
    /// How many times credentials were adopted: an identity, an API key, or both at once.
    pub adopted: u64,
    /// How many candidates were refused, by our own check or by a server. Unanswered dials are not counted.
    pub refused: u64,
    /// Why the last one was refused.
    pub last_refusal: Option<String>,
    /// When it was.
    pub last_refusal_at: Option<Timestamp>,
    /// How many times a call was sent again that the server had provably not processed, or that only asks.
    pub replayed: u64,
    /// How many calls ended with a status that the proxy, not the server, gave.
    pub failed: u64,
    /// What became of calls.
    pub calls: CallsStatus,
    /// What was carried.
    pub bytes: BytesStatus,
    /// Every upstream, in the order of the options; those of a file come by name.
    pub upstreams: Vec<UpstreamStatus>,
    /// Every listener that speaks TLS, in the order in which they were bound.
    #[serde(default)]
    pub listeners: Vec<ListenerStatus>,
}

/// What became of calls, counted at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallsStatus {
    /// Calls whose answer, whatever it says, was the server's and was passed on whole.
    pub answered: u64,
    /// Calls that ended with a status that the proxy gave.
    pub failed: u64,
    /// The same, by cause. Every cause is there.
    pub failed_by_cause: BTreeMap<FailureCause, u64>,
    /// Calls that the server reset.
    pub reset: u64,
}

/// Bytes of HTTP/2, without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BytesStatus {
    /// What came from callers.
    pub from_callers: u64,
    /// What was written to callers.
    pub to_callers: u64,
    /// What came from servers.
    pub from_servers: u64,
    /// What was written to servers.
    pub to_servers: u64,
}

/// One upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpstreamStatus {
    /// Its name.
    pub name: String,
    /// Whether a call to it would be carried now.
    pub ready: bool,
    /// The identity that was adopted last; none before the first proof, and none where only an API key is used.
    pub identity: Option<IdentityStatus>,
    /// The API key that was adopted last, likewise.
    pub api_key: Option<ApiKeyStatus>,
    /// What the server's name stands for, or that of the HTTP proxy on the way; none where an address is configured.
    #[serde(default)]
    pub name_lookup: Option<LookupStatus>,
    /// Whether the credentials in use are what was read last. If not, that waits to be proved, or was refused.
    #[serde(default)]
    pub current: bool,
    /// How many times credentials were adopted.
    pub adopted: u64,
    /// How many candidates were refused.
    pub refused: u64,
    /// Why the last one was refused.
    pub last_refusal: Option<String>,
    /// Why the last dial led nowhere, if none has led anywhere since: for a candidate, or for one more connection.
    #[serde(default)]
    pub trouble: Option<String>,
}

/// One listener that speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerStatus {
    /// Where it accepts callers.
    pub place: String,
    /// The identity that callers who come now are shown. Its generation is 1 for the one of the start.
    pub identity: IdentityStatus,
    /// Whether that, and the CAs of callers, are what the files last held. If not, what they hold was refused.
    pub current: bool,
    /// Why the last of what they held was refused.
    pub last_refusal: Option<String>,
}

/// What a name stands for at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookupStatus {
    /// The addresses, in the order in which they are tried.
    pub addresses: Vec<SocketAddr>,
    /// When DNS is asked again.
    pub due_at: Timestamp,
    /// Why the last question was not answered, if it was not: then these are the addresses of before.
    pub trouble: Option<String>,
}

/// The API key of the moment. Of the key itself nothing is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKeyStatus {
    /// 1 for the first key that was adopted, and one more for each that followed.
    pub generation: u64,
}

/// The identity of the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityStatus {
    /// 1 for the first identity that was adopted, and one more for each that followed.
    pub generation: u64,
    /// SHA-256 of the leaf.
    pub leaf: Fingerprint,
    /// The distinguished name of the CA that signed the leaf.
    pub issuer: String,
    /// The key identifier of that CA, in hexadecimal.
    pub authority_key_id: Option<String>,
    /// SHA-256 of the certificate that the chain has behind the leaf; a root is usually left out.
    pub ca: Option<Fingerprint>,
    /// The instant at which the leaf begins.
    pub not_before: Timestamp,
    /// The instant at which the first certificate of the chain ends.
    pub not_after: Timestamp,
    /// How far its life has come.
    pub stage: Stage,
    /// The same in a sentence, for a person.
    pub expiry: String,
}

/// One live connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionStatus {
    /// The name of its upstream.
    pub upstream: String,
    /// SHA-256 of the leaf that this connection presented; none where only an API key is used.
    pub leaf: Option<Fingerprint>,
    /// The distinguished name of the CA that signed the leaf.
    pub issuer: Option<String>,
    /// The key identifier of that CA, in hexadecimal.
    pub authority_key_id: Option<String>,
    /// SHA-256 of the certificate that the chain has behind the leaf; a root is usually left out.
    pub ca: Option<Fingerprint>,
    /// When the connection was opened.
    pub opened_at: Timestamp,
    /// Calls in flight on it.
    pub streams: usize,
    /// Whether it takes no new calls.
    pub draining: bool,
}
