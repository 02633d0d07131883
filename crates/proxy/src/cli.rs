//! The command line: what was typed. What it means together with the environment and a file is decided in [`crate::config`].

use std::{net::SocketAddr, path::PathBuf};

use crate::{config, limits};

/// Carry gRPC calls to Temporal over mTLS, under an identity that is reloaded while calls run
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_long_help = limits::help())]
pub struct Args {
    /// Where callers are accepted, in plaintext unless `--listen-cert` is given: `IP:PORT`, or `unix:PATH`
    /// [default: 127.0.0.1:7233]
    #[arg(long, value_name = "ADDRESS", value_parser = config::listen_text)]
    pub(crate) listen: Option<String>,

    /// PEM file of a chain, leaf first, under which callers are spoken to in TLS; reloaded while calls run
    #[arg(long, value_name = "FILE", requires = "listen_key")]
    pub(crate) listen_cert: Option<PathBuf>,

    /// PEM file of the private key of `--listen-cert`
    #[arg(long, value_name = "FILE", requires = "listen_cert")]
    pub(crate) listen_key: Option<PathBuf>,

    /// PEM file of the CAs that a caller's certificate must lead to; without it callers need none
    #[arg(long, value_name = "FILE")]
    pub(crate) listen_client_ca: Option<PathBuf>,

    /// The Temporal server, as `HOST:PORT` [env: `TEMPORAL_ADDRESS`]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) upstream: Option<String>,

    /// The name in the server's certificate, if it is not the upstream's host (as with PrivateLink)
    /// [env: `TEMPORAL_TLS_SERVER_NAME`]
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,

    /// HTTP proxy on the way to the server, as `http://HOST:PORT`; `HTTPS_PROXY` is for other programs and not read
    #[arg(long, value_name = "URL", value_parser = config::connect_proxy_text)]
    pub(crate) connect_proxy: Option<String>,

    /// File with `user:password` for that proxy, read at each connection
    #[arg(long, value_name = "FILE", requires = "connect_proxy")]
    pub(crate) connect_proxy_credentials: Option<PathBuf>,

    /// DNS server to ask for names, as `IP` or `IP:PORT`, in place of those of `/etc/resolv.conf`, whose search domains are
    /// then ignored; may be given several times, and is tried in that order
    #[arg(long, value_name = "ADDRESS", value_parser = config::parse_dns_server)]
    pub(crate) dns_server: Vec<SocketAddr>,

    /// PEM file of the CAs that the server's certificate must lead to; if not given, the system's, which is right for Temporal
    /// Cloud
    /// [env: `TEMPORAL_TLS_SERVER_CA_CERT_PATH`, or `TEMPORAL_TLS_SERVER_CA_CERT_DATA`, the CAs themselves]
    #[arg(long, value_name = "FILE")]
    pub(crate) server_ca: Option<PathBuf>,

    /// Directory with `tls.crt` and `tls.key`, as a mounted Kubernetes Secret has them
    #[arg(long, value_name = "DIR", group = "source")]
    pub(crate) identity: Option<PathBuf>,

    /// PEM file of the chain, leaf first, instead of `--identity` [env: `TEMPORAL_TLS_CLIENT_CERT_PATH`]
    #[arg(long, value_name = "FILE", requires = "key", group = "source")]
    pub(crate) cert: Option<PathBuf>,

    /// PEM file of the private key [env: `TEMPORAL_TLS_CLIENT_KEY_PATH`]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,

    /// Program that prints the chain and the key in PEM, as one that reads a secret manager does; run without a shell
    #[arg(long, value_name = "PROGRAM", group = "source")]
    pub(crate) identity_command: Option<PathBuf>,

    /// One argument of that program; may be given several times. Others can see it: no place for a secret
    #[arg(
        long,
        value_name = "ARGUMENT",
        requires = "identity_command",
        allow_hyphen_values = true
    )]
    pub(crate) identity_argument: Vec<String>,

    /// Seconds between two runs of that program, from 1 to 86400 [default: 60]
    #[arg(long, value_name = "SECONDS", requires = "identity_command", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) identity_every: Option<u64>,

    /// Unix socket on which a process of this user or of root says the chain and the key, as `newleaf leaf serve` does
    #[arg(long, value_name = "PATH", group = "source")]
    pub(crate) identity_socket: Option<PathBuf>,

    /// File with an API key that goes with every call, instead of an identity or beside it; watched
    /// [env: `TEMPORAL_API_KEY`, the key itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,

    /// Namespace that a new identity must be allowed to describe before it is put to use [env: `TEMPORAL_NAMESPACE`]
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// Where `/status`, `/metrics`, `/ready` and `/live` are answered over HTTP: `IP:PORT`, or `unix:PATH`; nowhere if not
    /// given
    #[arg(long, value_name = "ADDRESS", value_parser = config::listen_text)]
    pub(crate) admin: Option<String>,

    /// Seconds for which calls may stay on a connection that takes no new ones, up to 86400; less than a long poll (70) cuts
    /// polls [default: 120]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub(crate) drain_timeout: Option<u64>,

    /// Seconds after which the server closes connections, from 1 to 86400; a shorter age is learned when it shows [default: 300]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) connection_age: Option<u64>,

    /// Accept callers and admin requests from other machines, who will all act under the proxy's identity
    #[arg(long)]
    pub(crate) allow_non_loopback: bool,
}

#[cfg(test)]
mod tests;
