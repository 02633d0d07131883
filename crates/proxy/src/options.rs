//! What must be said to run a proxy. Nothing has a default here; defaults belong to the command line.
//!
//! Names are resolved once, when the proxy is bound: a route to an upstream that is not there is an error before
//! anything is listened on.

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::PathBuf, time::Duration};

use newleaf_identity::Source;
use newleaf_x509::TrustBundle;

use crate::{api_key::ApiKeySource, dial::ConnectProxy, dns::Resolver};

/// Everything that a proxy needs to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where callers are accepted, and where their calls go. One at least.
    pub listeners: Vec<ListenerOptions>,
    /// The servers that calls may go to. One at least; every one is the end of some listener's route.
    pub upstreams: Vec<UpstreamOptions>,
    /// Whether the listeners and [`Self::admin`] may be reachable from other machines.
    pub exposure: Exposure,
    /// Where `/status`, `/metrics`, `/ready` and `/live` are answered.
    pub admin: Option<Listen>,
    /// How long streams may stay on a connection that takes no new ones. Shorter than the longest poll cuts polls.
    pub drain_timeout: Duration,
}

/// One place at which callers are accepted.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// The address.
    pub listen: Listen,
    /// Under which TLS callers are spoken to; in plaintext if not given.
    pub tls: Option<ListenerTls>,
    /// Where their calls go.
    pub route: Route,
}

/// TLS towards callers. Its files are watched, and what cannot work is kept out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// The identity that callers are shown.
    pub identity: Source,
    /// PEM file of the CAs that a caller's certificate must lead to; if not given, callers need none.
    pub client_trust: Option<PathBuf>,
}

/// Where the calls of one listener go. Nothing else in a request has a say in it: not its authority, not its path,
/// not its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// All to the upstream of this name.
    Upstream(String),
    /// By the header `temporal-namespace`, which Temporal's SDKs send with every call whose request names a namespace.
    ByNamespace {
        /// For each namespace the name of its upstream.
        namespaces: BTreeMap<String, String>,
        /// The upstream of all other namespaces, whose calls are refused if it is not given.
        otherwise: Option<String>,
        /// The upstream of calls without the header, which are refused if it is not given. SDKs begin with such a
        /// call, `GetSystemInfo`, so workers need it.
        unnamed: Option<String>,
    },
}

/// One Temporal server.
#[derive(Clone, Debug)]
pub struct UpstreamOptions {
    /// The name by which routes, logs and the status speak of it.
    pub name: String,
    /// Its address as `host:port`.
    pub address: String,
    /// The name that its certificate must bear, if that is not the host of [`Self::address`].
    pub server_name: Option<String>,
    /// Who knows what addresses its name stands for.
    pub resolver: Resolver,
    /// The HTTP proxy on the way to it, which resolves its name too.
    pub connect_proxy: Option<ConnectProxy>,
    /// By whom its certificate must be signed.
    pub server_trust: ServerTrust,
    /// Who the proxy is to it.
    pub credentials: CredentialsOptions,
    /// The namespace whose `DescribeNamespace` new credentials must be allowed, besides `GetSystemInfo`.
    pub namespace: Option<String>,
    /// The age at which it closes connections; a shorter one is learned when it shows.
    pub connection_age: Duration,
}

/// Who the proxy is to a server, and where that is read. It is watched: what replaces it is proved before it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialsOptions {
    /// It presents an identity.
    Identity(Source),
    /// It says an API key with every request, and presents no certificate.
    ApiKey(ApiKeySource),
    /// Both, as while a namespace moves from one to the other.
    Both {
        /// The identity.
        identity: Source,
        /// The API key.
        api_key: ApiKeySource,
    },
}

/// Where callers are accepted, or admin requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// Who may reach the proxy. Unless a listener asks its callers for a certificate, who reaches it acts under the
/// proxy's identity.
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
    /// Those of a PEM file, which is read again whenever it changes.
    File(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl CredentialsOptions {
    /// Returns where the identity is read, if there is one.
    pub fn identity(&self) -> Option<&Source> {
        match self {
            Self::Identity(identity) | Self::Both { identity, .. } => Some(identity),
            Self::ApiKey(_) => None,
        }
    }

    /// Returns where the API key is read, if there is one.
    pub fn api_key(&self) -> Option<&ApiKeySource> {
        match self {
            Self::ApiKey(api_key) | Self::Both { api_key, .. } => Some(api_key),
            Self::Identity(_) => None,
        }
    }
}
