//! What to run: the command line, Temporal's environment variables and a file, each value from the first that says it.
//!
//! A flag beats a variable, a variable beats the file, the file beats the defaults, which stand here and among the limits.
//! Flags and variables speak of one listener and one upstream. Where the file has several of a kind, they cannot, and say so:
//! which one was meant would be a guess.

mod environment;
mod file;
mod layer;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use newleaf_x509::certificate::CertificatesError;

pub use self::environment::Environment;
use self::layer::{Layer, ListenerLayer, UpstreamLayer};
use crate::{
    api_key::ApiKeyError,
    cli::Args,
    dial::{ConnectProxy, ConnectProxyError},
    dns::{Resolver, ResolverOptions},
    limits,
    options::{Exposure, Listen, ListenerOptions, Options, Route, UpstreamOptions},
};

/// Where Temporal's clients look for a server unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7233);

/// Where DNS servers listen (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// What an upstream is called that nobody named.
const UPSTREAM: &str = "temporal";

/// The time between two runs of a program that prints an identity: a secret manager answers once a minute for some dollars a
/// year, and a rotation is not late by it.
const EVERY: Duration = Duration::from_mins(1);

/// Why it cannot be told what to run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read; the source names it.
    #[error("could not read the configuration")]
    Read(#[source] io::Error),
    /// The file says something that cannot be used.
    #[error("{}:{line}:{column}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What was expected and what was found.
        message: String,
    },
    /// A variable says something that cannot be used. Its value is not quoted where it may be a secret.
    #[error("cannot use the variable `{name}`: {message}")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What was expected and what was found.
        message: String,
    },
    /// The server's trust bundle is not a list of certificates.
    #[error("cannot use the CAs of the server (`TEMPORAL_TLS_SERVER_CA_CERT_DATA`)")]
    ServerCa(#[source] CertificatesError),
    /// The API key of the environment is none.
    #[error("cannot use the API key of `{place}`")]
    ApiKey {
        /// Where it stands.
        place: String,
        /// Why. The key is not quoted.
        source: ApiKeyError,
    },
    /// Nobody says where the server is.
    #[error(
        "expected the server of upstream `{upstream}`, by `--upstream HOST:PORT`, `TEMPORAL_ADDRESS` or `address` in the file, found none"
    )]
    NoAddress {
        /// The upstream.
        upstream: String,
    },
    /// Callers are to be judged, but nobody says by which certificate they are met.
    #[error(
        "expected the listener's certificate beside the CAs of its callers (`{}`), by `--listen-cert` and `--listen-key` or `tls` in the file, found none",
        client_ca.display()
    )]
    NoListenerIdentity {
        /// The file of the CAs.
        client_ca: PathBuf,
    },
    /// Nobody says who the proxy is.
    #[error(
        "expected an identity or an API key for upstream `{upstream}`, such as `--identity DIR`, `--cert FILE` and `--key FILE`, or `--api-key-file FILE`, found neither"
    )]
    NoCredentials {
        /// The upstream.
        upstream: String,
    },
    /// A flag or a variable that speaks of one thing, and a file that has several.
    #[error(
        "expected one {kind} in the configuration for {said} to speak of, found {found}; say it in the file"
    )]
    Several {
        /// Upstream or listener.
        kind: &'static str,
        /// The flags and variables that were given.
        said: String,
        /// How many there are.
        found: usize,
    },
    /// Several upstreams and nothing that tells which calls go where.
    #[error(
        "expected `listeners` in the configuration to say which of {found} upstreams calls go to, found none"
    )]
    NoListener {
        /// How many there are.
        found: usize,
    },
}

/// Decides what to run.
pub fn resolve(
    args: Args,
    file: Option<&Path>,
    environment: &Environment,
) -> Result<Options, ConfigError> {
    let mut base = match file {
        Some(path) => file::read(path, environment)?,
        None => Layer::default(),
    };
    let variables = environment.layer()?;
    let flags = layer::of_flags(args);
    let over = flags.over(variables);
    put_over_upstream(&mut base, over.upstream, &over.said_of_upstream)?;
    put_over_listener(&mut base, over.listener, &over.said_of_listener)?;
    let resolver = Resolver::new(ResolverOptions {
        servers: layer::first_said(over.dns_servers, base.dns_servers),
        ..ResolverOptions::system()
    });
    let mut upstreams = Vec::new();
    for upstream in base.upstreams {
        upstreams.push(upstream.finish(&resolver)?);
    }
    let listeners = listeners(base.listeners, &upstreams)?;
    let exposure = over.exposure.or(base.exposure);
    Ok(Options {
        listeners,
        upstreams,
        exposure: exposure.unwrap_or(Exposure::Loopback),
        admin: over.admin.or(base.admin),
        drain_timeout: over
            .drain_timeout
            .or(base.drain_timeout)
            .unwrap_or(limits::DRAIN),
    })
}

/// Lets what flags and variables say of an upstream count more than the file.
fn put_over_upstream(
    base: &mut Layer,
    over: UpstreamLayer,
    said: &[&'static str],
) -> Result<(), ConfigError> {
    if base.upstreams.is_empty() {
        base.upstreams.push(UpstreamLayer::named(UPSTREAM));
    }
    let found = base.upstreams.len();
    match base.upstreams.as_mut_slice() {
        [only] => only.put_over(over),
        _several if said.is_empty() => {}
        _several => {
            return Err(ConfigError::Several {
                kind: "upstream",
                said: list(said),
                found,
            });
        }
    }
    Ok(())
}

/// The same, of a listener.
fn put_over_listener(
    base: &mut Layer,
    over: ListenerLayer,
    said: &[&'static str],
) -> Result<(), ConfigError> {
    let found = base.listeners.len();
    match base.listeners.as_mut_slice() {
        [] => base.listeners.push(over),
        [only] => only.put_over(over),
        _several if said.is_empty() => {}
        _several => {
            return Err(ConfigError::Several {
                kind: "listener",
                said: list(said),
                found,
            });
        }
    }
    Ok(())
}

/// Gives every listener an address and a route.
fn listeners(
    layers: Vec<ListenerLayer>,
    upstreams: &[UpstreamOptions],
) -> Result<Vec<ListenerOptions>, ConfigError> {
    let only = match upstreams {
        [only] => Some(only.name.clone()),
        _several => None,
    };
    let mut listeners = Vec::new();
    for layer in layers {
        let route = match (layer.route, &only) {
            (Some(route), _) => route,
            (None, Some(only)) => Route::Upstream(only.clone()),
            (None, None) => {
                return Err(ConfigError::NoListener {
                    found: upstreams.len(),
                });
            }
        };
        listeners.push(ListenerOptions {
            listen: layer.listen.unwrap_or(Listen::Tcp(LISTEN)),
            tls: ListenerLayer::tls(layer.identity, layer.client_ca)?,
            route,
        });
    }
    Ok(listeners)
}

fn list(said: &[&'static str]) -> String {
    format!("`{}`", said.join("`, `"))
}

/// Checks an address while clap can still point at it.
pub(crate) fn listen_text(text: &str) -> Result<String, String> {
    parse_listen(text).map(|_listen| text.to_owned())
}

/// Checks the text while clap can still point at it.
pub(crate) fn connect_proxy_text(text: &str) -> Result<String, ConnectProxyError> {
    ConnectProxy::new(text, None).map(|_proxy| text.to_owned())
}

/// Reads the address of a DNS server, of which the port may be left out.
pub(crate) fn parse_dns_server(text: &str) -> Result<SocketAddr, String> {
    let without_port = |_error| {
        text.parse()
            .map(|address| SocketAddr::new(address, DNS_PORT))
    };
    text.parse()
        .or_else(without_port)
        .map_err(|_error| format!("expected a DNS server as `IP` or `IP:PORT`, found `{text}`"))
}

/// Reads an address at which callers are accepted, or admin requests.
fn parse_listen(text: &str) -> Result<Listen, String> {
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(Listen::Unix(PathBuf::from(path)));
    }
    text.parse().map(Listen::Tcp).map_err(|_error| {
        format!("expected an IP address and port, or `unix:PATH`, found `{text}`")
    })
}

#[cfg(test)]
mod tests;
