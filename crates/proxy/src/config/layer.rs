//! One of the places that say what to run: every value may be missing in it.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use newleaf_identity::{Source, source::Helper};
use newleaf_x509::TrustBundle;

use super::{ConfigError, EVERY, parse_listen};
use crate::{
    api_key::ApiKeySource,
    cli::Args,
    dial::ConnectProxy,
    dns::Resolver,
    limits,
    options::{
        CredentialsOptions, Exposure, Listen, ListenerTls, Route, ServerTrust, UpstreamOptions,
    },
};

/// What a file says.
#[derive(Debug, Default)]
pub(super) struct Layer {
    pub(super) listeners: Vec<ListenerLayer>,
    pub(super) upstreams: Vec<UpstreamLayer>,
    pub(super) exposure: Option<Exposure>,
    pub(super) admin: Option<Listen>,
    pub(super) dns_servers: Vec<SocketAddr>,
    pub(super) drain_timeout: Option<Duration>,
}

/// What flags or variables say: of one listener and one upstream at most.
#[derive(Debug, Default)]
pub(super) struct Single {
    pub(super) listener: ListenerLayer,
    pub(super) upstream: UpstreamLayer,
    pub(super) exposure: Option<Exposure>,
    pub(super) admin: Option<Listen>,
    pub(super) dns_servers: Vec<SocketAddr>,
    pub(super) drain_timeout: Option<Duration>,
    /// What was said of the listener, by name.
    pub(super) said_of_listener: Vec<&'static str>,
    /// What was said of the upstream, by name.
    pub(super) said_of_upstream: Vec<&'static str>,
}

/// What is said of one listener.
#[derive(Debug, Default)]
pub(super) struct ListenerLayer {
    pub(super) listen: Option<Listen>,
    /// Who the listener is to its callers.
    pub(super) identity: Option<Source>,
    /// The file of the CAs that callers are judged by. Apart from the identity: who names other files for that says nothing
    /// of whom to let in.
    pub(super) client_ca: Option<PathBuf>,
    pub(super) route: Option<Route>,
}

/// What is said of one upstream.
#[derive(Debug, Default)]
pub(super) struct UpstreamLayer {
    pub(super) name: String,
    pub(super) address: Option<String>,
    pub(super) server_name: Option<String>,
    pub(super) connect_proxy: Option<ConnectProxy>,
    pub(super) server_ca: Option<ServerCa>,
    pub(super) identity: Option<Source>,
    pub(super) api_key: Option<ApiKeySource>,
    pub(super) namespace: Option<String>,
    pub(super) connection_age: Option<Duration>,
}

/// Where the CAs are by which a server is judged.
#[derive(Debug)]
pub(super) enum ServerCa {
    /// In a file.
    File(PathBuf),
    /// In a variable, as PEM.
    Text(String),
}

impl Single {
    /// Lays what is said here over what another place says.
    pub(super) fn over(mut self, below: Self) -> Self {
        let mut listener = below.listener;
        listener.put_over(self.listener);
        let mut upstream = below.upstream;
        upstream.put_over(self.upstream);
        self.said_of_listener.extend(below.said_of_listener);
        self.said_of_upstream.extend(below.said_of_upstream);
        Self {
            listener,
            upstream,
            exposure: self.exposure.or(below.exposure),
            admin: self.admin.or(below.admin),
            dns_servers: first_said(self.dns_servers, below.dns_servers),
            drain_timeout: self.drain_timeout.or(below.drain_timeout),
            said_of_listener: self.said_of_listener,
            said_of_upstream: self.said_of_upstream,
        }
    }
}

impl ListenerLayer {
    /// Lets another place count more.
    pub(super) fn put_over(&mut self, over: Self) {
        let Self {
            listen,
            identity,
            client_ca,
            route,
        } = over;
        put(&mut self.listen, listen);
        put(&mut self.identity, identity);
        put(&mut self.client_ca, client_ca);
        put(&mut self.route, route);
    }

    /// Returns the TLS towards callers. Never less than was said: to judge callers without TLS is an error.
    pub(super) fn tls(
        identity: Option<Source>,
        client_ca: Option<PathBuf>,
    ) -> Result<Option<ListenerTls>, ConfigError> {
        match (identity, client_ca) {
            (Some(identity), client_trust) => Ok(Some(ListenerTls {
                identity,
                client_trust,
            })),
            (None, None) => Ok(None),
            (None, Some(client_ca)) => Err(ConfigError::NoListenerIdentity { client_ca }),
        }
    }
}

impl UpstreamLayer {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Lets another place count more. The name stays.
    pub(super) fn put_over(&mut self, over: Self) {
        let Self {
            name: _,
            address,
            server_name,
            connect_proxy,
            server_ca,
            identity,
            api_key,
            namespace,
            connection_age,
        } = over;
        put(&mut self.address, address);
        put(&mut self.server_name, server_name);
        put(&mut self.connect_proxy, connect_proxy);
        put(&mut self.server_ca, server_ca);
        put(&mut self.identity, identity);
        put(&mut self.api_key, api_key);
        put(&mut self.namespace, namespace);
        put(&mut self.connection_age, connection_age);
    }

    /// Fills in what nobody said, and reads the CAs.
    pub(super) fn finish(self, resolver: &Resolver) -> Result<UpstreamOptions, ConfigError> {
        let Some(address) = self.address else {
            return Err(ConfigError::NoAddress {
                upstream: self.name,
            });
        };
        let credentials = match (self.identity, self.api_key) {
            (Some(identity), None) => CredentialsOptions::Identity(identity),
            (None, Some(api_key)) => CredentialsOptions::ApiKey(api_key),
            (Some(identity), Some(api_key)) => CredentialsOptions::Both { identity, api_key },
            (None, None) => {
                return Err(ConfigError::NoCredentials {
                    upstream: self.name,
                });
            }
        };
        Ok(UpstreamOptions {
            name: self.name,
            address,
            server_name: self.server_name,
            resolver: resolver.clone(),
            connect_proxy: self.connect_proxy,
            server_trust: self.server_ca.map_or(Ok(ServerTrust::Platform), trust)?,
            credentials,
            namespace: self.namespace,
            connection_age: self.connection_age.unwrap_or(limits::CONNECTION_AGE),
        })
    }
}

fn trust(server_ca: ServerCa) -> Result<ServerTrust, ConfigError> {
    Ok(match server_ca {
        ServerCa::File(path) => ServerTrust::File(path),
        ServerCa::Text(text) => {
            let bundle = TrustBundle::from_pem(&text).map_err(ConfigError::ServerCa)?;
            ServerTrust::Bundle(bundle)
        }
    })
}

/// Of two lists, the one that says something; the first if both do.
pub(super) fn first_said<T>(over: Vec<T>, below: Vec<T>) -> Vec<T> {
    if over.is_empty() { below } else { over }
}

fn put<T>(below: &mut Option<T>, over: Option<T>) {
    if over.is_some() {
        *below = over;
    }
}

/// Returns what the command line says.
pub(super) fn of_flags(args: Args) -> Single {
    let said_of_listener = said_of_listener(&args);
    let said_of_upstream = said_of_upstream(&args);
    // Taken apart whole, so that a new flag cannot be forgotten here.
    let Args {
        listen,
        listen_cert,
        listen_key,
        listen_client_ca,
        upstream,
        server_name,
        connect_proxy,
        connect_proxy_credentials,
        dns_server,
        server_ca,
        identity,
        cert,
        key,
        identity_command,
        identity_argument,
        identity_every,
        identity_socket,
        api_key_file,
        namespace,
        admin,
        drain_timeout,
        connection_age,
        allow_non_loopback,
    } = args;
    let helper = identity_command.map(|program| Helper {
        program,
        arguments: identity_argument,
        every: identity_every.map_or(EVERY, Duration::from_secs),
    });
    // Clap has seen to it that there is one of these at most, and that files come in pairs.
    let identity = identity
        .map(Source::Directory)
        .or(files(cert, key))
        .or(helper.map(Source::Command))
        .or(identity_socket.map(Source::Socket));
    Single {
        listener: ListenerLayer {
            listen: listen.and_then(|text| parse_listen(&text).ok()),
            identity: files(listen_cert, listen_key),
            client_ca: listen_client_ca,
            route: None,
        },
        upstream: UpstreamLayer {
            name: String::new(),
            address: upstream,
            server_name,
            // Clap has read the text before.
            connect_proxy: connect_proxy
                .and_then(|url| ConnectProxy::new(&url, connect_proxy_credentials).ok()),
            server_ca: server_ca.map(ServerCa::File),
            identity,
            api_key: api_key_file.map(ApiKeySource::File),
            namespace,
            connection_age: connection_age.map(Duration::from_secs),
        },
        exposure: allow_non_loopback.then_some(Exposure::Network),
        admin: admin.and_then(|text| parse_listen(&text).ok()),
        dns_servers: dns_server,
        drain_timeout: drain_timeout.map(Duration::from_secs),
        said_of_listener,
        said_of_upstream,
    }
}

/// Returns the two files of an identity, if both are named.
pub(super) fn files(chain: Option<PathBuf>, key: Option<PathBuf>) -> Option<Source> {
    chain
        .zip(key)
        .map(|(chain, key)| Source::Files { chain, key })
}

/// Returns the names of what was said.
pub(super) fn said(names: &[(&'static str, bool)]) -> Vec<&'static str> {
    let said = names.iter().filter(|(_, was_said)| *was_said);
    said.map(|(name, _)| *name).collect()
}

fn said_of_listener(args: &Args) -> Vec<&'static str> {
    said(&[
        ("--listen", args.listen.is_some()),
        ("--listen-cert", args.listen_cert.is_some()),
        ("--listen-client-ca", args.listen_client_ca.is_some()),
    ])
}

fn said_of_upstream(args: &Args) -> Vec<&'static str> {
    said(&[
        ("--upstream", args.upstream.is_some()),
        ("--server-name", args.server_name.is_some()),
        ("--connect-proxy", args.connect_proxy.is_some()),
        ("--server-ca", args.server_ca.is_some()),
        ("--identity", args.identity.is_some()),
        ("--cert", args.cert.is_some()),
        ("--identity-command", args.identity_command.is_some()),
        ("--identity-socket", args.identity_socket.is_some()),
        ("--api-key-file", args.api_key_file.is_some()),
        ("--namespace", args.namespace.is_some()),
        ("--connection-age", args.connection_age.is_some()),
    ])
}
