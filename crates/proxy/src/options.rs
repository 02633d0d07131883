//! What must be said to run a proxy. Nothing has a default here; defaults belong to the command line.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use newleaf_identity::Source;
use newleaf_x509::TrustBundle;

use crate::dial::{ConnectProxy, Resolver};

/// Everything that a proxy needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where callers are accepted, in plaintext.
    pub listen: Listen,
    /// Whether [`Self::listen`] and [`Self::admin`] may be reachable from other machines.
    pub exposure: Exposure,
    /// The Temporal server as `host:port`. Every call goes there; no request may choose another.
    pub upstream: String,
    /// The name that the server's certificate must bear, if it is not the host of [`Self::upstream`].
    pub server_name: Option<String>,
    /// Who knows what addresses its name stands for.
    pub resolver: Resolver,
    /// The HTTP proxy on the way to it, which resolves its name too.
    pub connect_proxy: Option<ConnectProxy>,
    /// By whom the server's certificate must be signed.
    pub server_trust: ServerTrust,
    /// Where the identity lies.
    pub identity: Source,
    /// The namespace whose `DescribeNamespace` a new identity must be allowed, besides `GetSystemInfo`.
    pub namespace: Option<String>,
    /// Where `/status` and `/ready` are answered.
    pub admin: Option<SocketAddr>,
    /// How long streams may stay on a connection that takes no new ones. Shorter than the longest poll cuts polls.
    pub drain_timeout: Duration,
    /// The age at which the server closes connections; a shorter one is learned when it shows.
    pub connection_age: Duration,
}

/// Where callers are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Who may reach the proxy. Its callers are not authenticated: who reaches it acts under its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Only this machine, or this pod.
    Loopback,
    /// Whoever can reach the address.
    Network,
}

/// By whom a server's certificate must be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerTrust {
    /// The CAs that the platform trusts: right for Temporal Cloud.
    Platform,
    /// These CAs and no other.
    Bundle(TrustBundle),
}
