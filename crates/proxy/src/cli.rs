//! The command line: what was typed, and what it means.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use newleaf_identity::Source;
use newleaf_x509::{TrustBundle, certificate::CertificatesError};

use crate::{
    api_key::ApiKeySource,
    dial::{ConnectProxy, ConnectProxyError, Resolver},
    limits,
    options::{
        CredentialsOptions, Exposure, Listen, ListenerOptions, ListenerTls, Options, Route,
        ServerTrust, UpstreamOptions,
    },
};

/// Where Temporal's clients look for a server unless told otherwise.
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7233);

/// What the one upstream of a command line is called.
const UPSTREAM: &str = "temporal";

/// Carry gRPC calls to Temporal over mTLS, under an identity that is reloaded while calls run
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = limits::help())]
pub struct Args {
    /// Where callers are accepted, in plaintext unless `--listen-cert` is given: `HOST:PORT`, or `unix:PATH`
    #[arg(long, value_name = "ADDRESS", value_parser = listen, default_value_t = DEFAULT_LISTEN.to_string())]
    listen: String,

    /// PEM file of the chain that callers are shown, leaf first: they must speak TLS then
    #[arg(long, value_name = "FILE", requires = "listen_key")]
    listen_cert: Option<PathBuf>,

    /// PEM file of its private key
    #[arg(long, value_name = "FILE", requires = "listen_cert")]
    listen_key: Option<PathBuf>,

    /// PEM file of the CAs that a caller's certificate must lead to; callers need none if not given
    #[arg(long, value_name = "FILE", requires = "listen_cert")]
    listen_client_ca: Option<PathBuf>,

    /// The Temporal server, as `HOST:PORT`
    #[arg(long, value_name = "HOST:PORT")]
    upstream: String,

    /// The name in the server's certificate, if it is not the upstream's host (as with PrivateLink)
    #[arg(long, value_name = "NAME")]
    server_name: Option<String>,

    /// HTTP proxy on the way to the server, as `http://HOST:PORT`; `HTTPS_PROXY` is for other programs and not read
    #[arg(long, value_name = "URL")]
    connect_proxy: Option<String>,

    /// File with `user:password` for that proxy, read at each connection
    #[arg(long, value_name = "FILE", requires = "connect_proxy")]
    connect_proxy_credentials: Option<PathBuf>,

    /// PEM file of the CAs that the server's certificate must lead to; the platform's if not given, as Temporal Cloud needs
    #[arg(long, value_name = "FILE")]
    server_ca: Option<PathBuf>,

    /// Directory with `tls.crt` and `tls.key`, as a mounted Kubernetes Secret has them
    #[arg(long, value_name = "DIR", required_unless_present_any = ["cert", "api_key_file"], conflicts_with_all = ["cert", "key"])]
    identity: Option<PathBuf>,

    /// PEM file of the chain, leaf first, instead of `--identity`
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,

    /// PEM file of the private key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// File of an API key that every request says, with an identity or instead of one; replaced, the new key is proved first
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,

    /// Namespace that new credentials must be allowed to describe before they are put to use
    #[arg(long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    /// Where `/status` and `/ready` are answered over HTTP; nowhere if not given
    #[arg(long, value_name = "HOST:PORT")]
    admin: Option<SocketAddr>,

    /// Seconds for which calls may stay on a connection that takes no new ones; less than a long poll (70) cuts polls
    #[arg(long, value_name = "SECONDS", default_value_t = limits::DRAIN.as_secs())]
    drain_timeout: u64,

    /// Seconds after which the server closes connections; a shorter age is learned when it shows
    #[arg(long, value_name = "SECONDS", default_value_t = limits::CONNECTION_AGE.as_secs())]
    connection_age: u64,

    /// Accept callers and admin requests from other machines, who will all act under the proxy's identity
    #[arg(long)]
    allow_non_loopback: bool,
}

/// Why the arguments do not say what to run.
#[derive(Debug, thiserror::Error)]
pub enum ArgsError {
    /// The server's trust bundle could not be read.
    #[error("could not read `--server-ca`")]
    ReadServerCa(#[source] io::Error),
    /// The server's trust bundle is not a list of certificates.
    #[error("cannot use the certificates of `--server-ca`")]
    ServerCa(#[source] CertificatesError),
    /// An address that is neither `HOST:PORT` nor `unix:PATH`.
    #[error("expected `--listen` as an IP address and port, or `unix:PATH`, found `{found}`")]
    Listen {
        /// The text.
        found: String,
    },
    /// An HTTP proxy that is none.
    #[error("cannot use `--connect-proxy`")]
    ConnectProxy(#[source] ConnectProxyError),
    /// Neither a directory nor two files nor an API key.
    #[error(
        "expected `--identity DIR`, or `--cert FILE` and `--key FILE`, or `--api-key-file FILE`, found none"
    )]
    NoCredentials,
}

impl Args {
    /// Reads the files that the arguments name, and returns what to run.
    pub fn resolve(self) -> Result<Options, ArgsError> {
        // Taken apart whole, so that a new flag cannot be forgotten here.
        let Self {
            listen,
            listen_cert,
            listen_key,
            listen_client_ca,
            upstream,
            server_name,
            connect_proxy,
            connect_proxy_credentials,
            server_ca,
            identity,
            cert,
            key,
            api_key_file,
            namespace,
            admin,
            drain_timeout,
            connection_age,
            allow_non_loopback,
        } = self;
        let server_trust = match server_ca {
            Some(path) => {
                let text = fs_err::read_to_string(path).map_err(ArgsError::ReadServerCa)?;
                ServerTrust::Bundle(TrustBundle::from_pem(&text).map_err(ArgsError::ServerCa)?)
            }
            None => ServerTrust::Platform,
        };
        let connect_proxy = proxy_between(connect_proxy, connect_proxy_credentials)?;
        let identity = match identity {
            Some(directory) => Some(Source::Directory(directory)),
            None => files(cert, key),
        };
        let api_key = api_key_file.map(ApiKeySource::File);
        let credentials = match (identity, api_key) {
            (Some(identity), None) => CredentialsOptions::Identity(identity),
            (None, Some(api_key)) => CredentialsOptions::ApiKey(api_key),
            (Some(identity), Some(api_key)) => CredentialsOptions::Both { identity, api_key },
            (None, None) => return Err(ArgsError::NoCredentials),
        };
        let tls = files(listen_cert, listen_key).map(|identity| ListenerTls {
            identity,
            client_trust: listen_client_ca,
        });
        Ok(Options {
            listeners: vec![ListenerOptions {
                listen: parse_listen(&listen)?,
                tls,
                route: Route::Upstream(UPSTREAM.to_owned()),
            }],
            upstreams: vec![UpstreamOptions {
                name: UPSTREAM.to_owned(),
                address: upstream,
                server_name,
                resolver: Resolver::system(),
                connect_proxy,
                server_trust,
                credentials,
                namespace,
                connection_age: Duration::from_secs(connection_age),
            }],
            exposure: if allow_non_loopback {
                Exposure::Network
            } else {
                Exposure::Loopback
            },
            admin,
            drain_timeout: Duration::from_secs(drain_timeout),
        })
    }
}

/// Returns the identity in two files; clap has seen to it that there are both or none.
fn files(chain: Option<PathBuf>, key: Option<PathBuf>) -> Option<Source> {
    let (chain, key) = chain.zip(key)?;
    Some(Source::Files { chain, key })
}

/// Reads what stands between the proxy and its server.
fn proxy_between(
    url: Option<String>,
    credentials: Option<PathBuf>,
) -> Result<Option<ConnectProxy>, ArgsError> {
    let proxy = url.map(|url| ConnectProxy::new(&url, credentials));
    proxy.transpose().map_err(ArgsError::ConnectProxy)
}

/// Checks the text while clap can still point at it.
fn listen(text: &str) -> Result<String, ArgsError> {
    parse_listen(text).map(|_listen| text.to_owned())
}

fn parse_listen(text: &str) -> Result<Listen, ArgsError> {
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    match text.parse() {
        Ok(address) => Ok(Listen::Tcp(address)),
        Err(_error) => Err(ArgsError::Listen {
            found: text.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests;
