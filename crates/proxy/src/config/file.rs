//! The file: YAML with the manners of `newleaf.yaml`. Nothing unknown is passed over, spans are written as `90s` or `5m`, a
//! path is relative to the file, a secret is a reference (`file:PATH` or `env:NAME`), and an error names line and column.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SpanRelativeTo, fmt::friendly::SpanParser};
use newleaf_identity::{Source, source::Helper};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, MessageFormatter as _, Spanned, UserMessageFormatter};

use super::{
    ConfigError, EVERY, Environment,
    environment::NotText,
    layer::{Layer, ListenerLayer, ServerCa, UpstreamLayer},
    parse_dns_server, parse_listen,
};
use crate::{
    api_key::{ApiKey, ApiKeySource},
    dial::ConnectProxy,
    options::{Exposure, Listen, Route},
};

/// The least span that is taken where something happens once in each.
const SPAN_MIN: Duration = Duration::from_secs(1);

/// The largest span that is taken. Both are the flags' own.
const SPAN_MAX: Duration = Duration::from_hours(24);

/// The largest file that is read: a hundred upstreams fit ten times over.
const MAX_BYTES: u64 = 1024 * 1024;

/// A value and where it stands.
struct At<T> {
    value: T,
    location: Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::deserialize(deserializer)?;
        Ok(Self {
            location: spanned.referenced,
            value: spanned.value,
        })
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    listeners: Vec<At<Listener>>,
    upstreams: BTreeMap<String, At<Upstream>>,
    admin: Option<At<String>>,
    dns_servers: Vec<At<String>>,
    drain_timeout: Option<At<String>>,
    allow_non_loopback: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Listener {
    listen: Option<At<String>>,
    tls: Option<Tls>,
    upstream: Option<At<String>>,
    namespaces: BTreeMap<String, At<String>>,
    otherwise: Option<At<String>>,
    unnamed: Option<At<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    cert: String,
    key: String,
    client_ca: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Upstream {
    address: Option<String>,
    server_name: Option<String>,
    connect_proxy: Option<At<Between>>,
    server_ca: Option<String>,
    identity: Option<At<Identity>>,
    api_key: Option<At<String>>,
    namespace: Option<String>,
    connection_age: Option<At<String>>,
}

/// An HTTP proxy on the way to the server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Between {
    url: String,
    credentials: Option<String>,
}

/// One of four sources.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Identity {
    directory: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    command: Option<Vec<String>>,
    every: Option<At<String>>,
    socket: Option<String>,
}

/// Reads a file.
pub(super) fn read(path: &Path, environment: &Environment) -> Result<Layer, ConfigError> {
    let n_bytes = fs_err::metadata(path).map_err(ConfigError::Read)?.len();
    if n_bytes > MAX_BYTES {
        let message = format!("expected a file of at most {MAX_BYTES} bytes, found {n_bytes}");
        let error = std::io::Error::new(std::io::ErrorKind::InvalidData, message);
        return Err(ConfigError::Read(error));
    }
    let text = fs_err::read_to_string(path).map_err(ConfigError::Read)?;
    let reader = Reader {
        path,
        base: path.parent().unwrap_or(Path::new("")),
        environment,
    };
    let options = serde_saphyr::options! { with_snippet: false };
    let file = serde_saphyr::from_str_with_options(&text, options).map_err(|error| {
        let place = error.location().unwrap_or(Location::UNKNOWN);
        let what = UserMessageFormatter.format_message(error.without_snippet());
        reader.error(place, what.replace('\n', " "))
    })?;
    reader.layer(file)
}

/// What is needed to make sense of a value.
struct Reader<'f> {
    path: &'f Path,
    base: &'f Path,
    environment: &'f Environment,
}

impl Reader<'_> {
    fn layer(&self, file: File) -> Result<Layer, ConfigError> {
        let names: Vec<&str> = file.upstreams.keys().map(String::as_str).collect();
        let listeners = file
            .listeners
            .iter()
            .map(|listener| self.listener(listener, &names))
            .collect::<Result<_, _>>()?;
        let admin = file.admin.as_ref().map(|at| self.listen(at));
        let dns_servers = file.dns_servers.iter().map(|at| {
            parse_dns_server(&at.value).map_err(|message| self.error(at.location, message))
        });
        let dns_servers = dns_servers.collect::<Result<_, _>>()?;
        let drain_timeout = file
            .drain_timeout
            .as_ref()
            .map(|at| self.span(at, Duration::ZERO));
        let mut upstreams = Vec::new();
        for (name, upstream) in file.upstreams {
            upstreams.push(self.upstream(name, upstream)?);
        }
        Ok(Layer {
            listeners,
            upstreams,
            exposure: file.allow_non_loopback.map(|allowed| {
                if allowed {
                    Exposure::Network
                } else {
                    Exposure::Loopback
                }
            }),
            admin: admin.transpose()?,
            dns_servers,
            drain_timeout: drain_timeout.transpose()?,
        })
    }

    fn listen(&self, at: &At<String>) -> Result<Listen, ConfigError> {
        match parse_listen(&at.value) {
            Ok(Listen::Unix(path)) => Ok(Listen::Unix(self.base.join(path))),
            Ok(tcp @ Listen::Tcp(_)) => Ok(tcp),
            Err(message) => Err(self.error(at.location, message)),
        }
    }

    fn listener(&self, at: &At<Listener>, names: &[&str]) -> Result<ListenerLayer, ConfigError> {
        let raw = &at.value;
        let listen = raw.listen.as_ref().map(|at| self.listen(at));
        let tls = raw.tls.as_ref();
        Ok(ListenerLayer {
            listen: listen.transpose()?,
            identity: tls.map(|tls| Source::Files {
                chain: self.file(&tls.cert),
                key: self.file(&tls.key),
            }),
            client_ca: tls.and_then(|tls| Some(self.file(tls.client_ca.as_deref()?))),
            route: self.route(at, names)?,
        })
    }

    fn route(&self, at: &At<Listener>, names: &[&str]) -> Result<Option<Route>, ConfigError> {
        let raw = &at.value;
        let known = |name: &At<String>| {
            if names.contains(&name.value.as_str()) {
                return Ok(name.value.clone());
            }
            let (found, known) = (&name.value, names.join("`, `"));
            let message = format!("expected one of the upstreams `{known}`, found `{found}`");
            Err(self.error(name.location, message))
        };
        let by_namespace =
            !raw.namespaces.is_empty() || raw.otherwise.is_some() || raw.unnamed.is_some();
        match (&raw.upstream, by_namespace) {
            (Some(_), true) => {
                let message = "expected `upstream`, or `namespaces` with `otherwise` and `unnamed`, \
                               found both";
                Err(self.error(at.location, message.to_owned()))
            }
            (Some(upstream), false) => Ok(Some(Route::Upstream(known(upstream)?))),
            (None, false) => Ok(None),
            (None, true) => {
                let mut namespaces = BTreeMap::new();
                for (namespace, upstream) in &raw.namespaces {
                    namespaces.insert(namespace.clone(), known(upstream)?);
                }
                Ok(Some(Route::ByNamespace {
                    namespaces,
                    otherwise: raw.otherwise.as_ref().map(known).transpose()?,
                    unnamed: raw.unnamed.as_ref().map(known).transpose()?,
                }))
            }
        }
    }

    fn upstream(&self, name: String, at: At<Upstream>) -> Result<UpstreamLayer, ConfigError> {
        let raw = at.value;
        let identity = raw.identity.map(|identity| self.identity(identity));
        let api_key = raw.api_key.as_ref().map(|at| self.api_key(at));
        let connect_proxy = raw.connect_proxy.as_ref().map(|at| self.connect_proxy(at));
        let connection_age = raw
            .connection_age
            .as_ref()
            .map(|at| self.span(at, SPAN_MIN));
        Ok(UpstreamLayer {
            name,
            address: raw.address,
            server_name: raw.server_name,
            connect_proxy: connect_proxy.transpose()?,
            server_ca: raw.server_ca.map(|path| ServerCa::File(self.file(&path))),
            identity: identity.transpose()?,
            api_key: api_key.transpose()?,
            namespace: raw.namespace,
            connection_age: connection_age.transpose()?,
        })
    }

    fn connect_proxy(&self, at: &At<Between>) -> Result<ConnectProxy, ConfigError> {
        let Between { url, credentials } = &at.value;
        let credentials = credentials.as_deref().map(|path| self.file(path));
        ConnectProxy::new(url, credentials)
            .map_err(|error| self.error(at.location, error.to_string()))
    }

    fn identity(&self, at: At<Identity>) -> Result<Source, ConfigError> {
        let expected = || {
            let message = "expected `directory`, or `cert` and `key`, or `command` (and `every`), or \
                           `socket`, and one of them";
            self.error(at.location, message.to_owned())
        };
        match at.value {
            Identity {
                directory: Some(directory),
                cert: None,
                key: None,
                command: None,
                every: None,
                socket: None,
            } => Ok(Source::Directory(self.file(&directory))),
            Identity {
                directory: None,
                cert: Some(chain),
                key: Some(key),
                command: None,
                every: None,
                socket: None,
            } => Ok(Source::Files {
                chain: self.file(&chain),
                key: self.file(&key),
            }),
            Identity {
                directory: None,
                cert: None,
                key: None,
                command: Some(words),
                every,
                socket: None,
            } => {
                let (program, arguments) = words.split_first().ok_or_else(expected)?;
                let every = every
                    .as_ref()
                    .map(|every| self.span(every, SPAN_MIN))
                    .transpose()?;
                Ok(Source::Command(Helper {
                    program: self.program(program),
                    arguments: arguments.to_vec(),
                    every: every.unwrap_or(EVERY),
                }))
            }
            Identity {
                directory: None,
                cert: None,
                key: None,
                command: None,
                every: None,
                socket: Some(socket),
            } => Ok(Source::Socket(self.file(&socket))),
            _several_or_half_of_one => Err(expected()),
        }
    }

    /// What is not a reference may be the key itself, and is not quoted.
    fn api_key(&self, at: &At<String>) -> Result<ApiKeySource, ConfigError> {
        let error = |message: String| self.error(at.location, message);
        match at.value.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(ApiKeySource::File(self.file(path))),
            Some(("env", name)) if !name.is_empty() => {
                let text = self.environment.secret(name).map_err(|NotText| {
                    error(format!(
                        "expected UTF-8 in the variable `{name}`, found something else"
                    ))
                })?;
                let text = text.ok_or_else(|| error(format!("the variable `{name}` is not set")))?;
                let key = ApiKey::parse(&text).map_err(|source| ConfigError::ApiKey {
                    place: at.value.clone(),
                    source,
                })?;
                Ok(ApiKeySource::Fixed(Arc::new(key)))
            }
            Some(_) | None => Err(error(
                "expected the API key as a reference, `file:PATH` or `env:NAME`, found something else"
                    .to_owned(),
            )),
        }
    }

    fn span(&self, at: &At<String>, least: Duration) -> Result<Duration, ConfigError> {
        let parsed = SpanParser::new().parse_span(&at.value).ok();
        let span = parsed.and_then(|span| {
            let exact = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
            Duration::try_from(exact).ok()
        });
        span.filter(|span| (least..=SPAN_MAX).contains(span))
            .ok_or_else(|| {
                let (found, least) = (&at.value, least.as_secs());
                let message = format!("expected a span from `{least}s` to `24h`, found `{found}`");
                self.error(at.location, message)
            })
    }

    fn file(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// A name without a slash is looked for on the `PATH`.
    fn program(&self, name: &str) -> PathBuf {
        if name.contains('/') {
            self.file(name)
        } else {
            PathBuf::from(name)
        }
    }

    fn error(&self, location: Location, message: String) -> ConfigError {
        ConfigError::File {
            path: self.path.to_owned(),
            line: location.line().max(1),
            column: location.column().max(1),
            message,
        }
    }
}
