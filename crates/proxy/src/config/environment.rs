//! Temporal's environment variables, as its SDKs and its CLI read them (docs.temporal.io, "Environment configuration").
//!
//! So a proxy takes the place of a worker's own TLS by moving the variables from one container to the other. What this
//! proxy cannot do is refused and not passed over: whoever says `TEMPORAL_TLS=false` must not get TLS, nor believe to; whoever
//! names a profile must not be carried to another place than it says. Variables that say nothing about a connection (codecs,
//! `TEMPORAL_GRPC_META_*`) are the workers' affair and not read.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf, sync::Arc};

use zeroize::Zeroizing;

use super::{
    ConfigError,
    layer::{ServerCa, Single, UpstreamLayer, files, said},
};
use crate::api_key::{ApiKey, ApiKeySource};

const ADDRESS: &str = "TEMPORAL_ADDRESS";
const NAMESPACE: &str = "TEMPORAL_NAMESPACE";
const API_KEY: &str = "TEMPORAL_API_KEY";
const TLS: &str = "TEMPORAL_TLS";
const CERT_PATH: &str = "TEMPORAL_TLS_CLIENT_CERT_PATH";
const CERT_DATA: &str = "TEMPORAL_TLS_CLIENT_CERT_DATA";
const KEY_PATH: &str = "TEMPORAL_TLS_CLIENT_KEY_PATH";
const KEY_DATA: &str = "TEMPORAL_TLS_CLIENT_KEY_DATA";
const SERVER_CA_PATH: &str = "TEMPORAL_TLS_SERVER_CA_CERT_PATH";
const SERVER_CA_DATA: &str = "TEMPORAL_TLS_SERVER_CA_CERT_DATA";
const SERVER_NAME: &str = "TEMPORAL_TLS_SERVER_NAME";
const NO_VERIFICATION: &str = "TEMPORAL_TLS_DISABLE_HOST_VERIFICATION";
const CONFIG_FILE: &str = "TEMPORAL_CONFIG_FILE";
const PROFILE: &str = "TEMPORAL_PROFILE";

/// Every variable that is looked at.
const NAMES: [&str; 14] = [
    ADDRESS,
    NAMESPACE,
    API_KEY,
    TLS,
    CERT_PATH,
    CERT_DATA,
    KEY_PATH,
    KEY_DATA,
    SERVER_CA_PATH,
    SERVER_CA_DATA,
    SERVER_NAME,
    NO_VERIFICATION,
    CONFIG_FILE,
    PROFILE,
];

/// The variables, and how any other is looked up that a file refers to. Values may be secrets: none is printed.
pub struct Environment {
    variables: BTreeMap<&'static str, Zeroizing<String>>,
    /// Those that are set to what is no text.
    garbled: Vec<&'static str>,
    lookup: fn(&str) -> Option<OsString>,
}

/// What a variable holds is not UTF-8.
pub(super) struct NotText;

impl Environment {
    /// Reads the variables of this process.
    pub fn of_process() -> Self {
        Self::new(|name| std::env::var_os(name))
    }

    /// Reads the variables by a function; one that is empty counts as not set, as with the SDKs.
    pub fn new(lookup: fn(&str) -> Option<OsString>) -> Self {
        let (mut variables, mut garbled) = (BTreeMap::new(), Vec::new());
        for name in NAMES {
            match lookup(name).map(text) {
                Some(Ok(value)) if !value.is_empty() => {
                    variables.insert(name, value);
                }
                Some(Err(NotText)) => garbled.push(name),
                Some(Ok(_)) | None => {}
            }
        }
        Self {
            variables,
            garbled,
            lookup,
        }
    }

    /// Returns a variable that a file refers to, if it is set.
    pub(super) fn secret(&self, name: &str) -> Result<Option<Zeroizing<String>>, NotText> {
        (self.lookup)(name).map(text).transpose()
    }

    /// Returns what the variables say.
    pub(super) fn layer(&self) -> Result<Single, ConfigError> {
        self.refuse()?;
        let of_upstream = [
            ADDRESS,
            NAMESPACE,
            API_KEY,
            CERT_PATH,
            KEY_PATH,
            SERVER_CA_PATH,
            SERVER_CA_DATA,
            SERVER_NAME,
        ];
        let said_of_upstream = said(&of_upstream.map(|name| (name, self.has(name))));
        let api_key = match self.variables.get(API_KEY) {
            Some(text) => {
                let key = ApiKey::parse(text).map_err(|source| ConfigError::ApiKey {
                    place: API_KEY.to_owned(),
                    source,
                })?;
                Some(ApiKeySource::Fixed(Arc::new(key)))
            }
            None => None,
        };
        let upstream = UpstreamLayer {
            address: self.text(ADDRESS),
            server_name: self.text(SERVER_NAME),
            server_ca: self
                .path(SERVER_CA_PATH)
                .map(ServerCa::File)
                .or(self.text(SERVER_CA_DATA).map(ServerCa::Text)),
            identity: files(self.path(CERT_PATH), self.path(KEY_PATH)),
            api_key,
            namespace: self.text(NAMESPACE),
            ..UpstreamLayer::default()
        };
        Ok(Single {
            upstream,
            said_of_upstream,
            ..Single::default()
        })
    }

    /// Refuses what would be passed over otherwise.
    fn refuse(&self) -> Result<(), ConfigError> {
        let error = |name, message: &str| {
            let message = message.to_owned();
            Err(ConfigError::Variable { name, message })
        };
        if let Some(name) = self.garbled.first() {
            return error(name, "expected UTF-8, found something else");
        }
        for name in [CONFIG_FILE, PROFILE] {
            if self.has(name) {
                let why = "unset it: the proxy reads no profile of Temporal. Say address and credentials by the other variables, \
                           by flags or in the proxy's own file";
                return error(name, why);
            }
        }
        if self.bool(TLS)? == Some(false) {
            return error(TLS, "the proxy speaks TLS to every server");
        }
        if self.bool(NO_VERIFICATION)? == Some(true) {
            let why =
                "the proxy verifies every server; `--server-ca` and `--server-name` say by what";
            return error(NO_VERIFICATION, why);
        }
        for name in [CERT_DATA, KEY_DATA] {
            if self.has(name) {
                let why = "an identity in a variable cannot be replaced while calls run; name files by \
                           `TEMPORAL_TLS_CLIENT_CERT_PATH` and `TEMPORAL_TLS_CLIENT_KEY_PATH`";
                return error(name, why);
            }
        }
        if self.has(SERVER_CA_PATH) && self.has(SERVER_CA_DATA) {
            return error(
                SERVER_CA_DATA,
                "expected no `TEMPORAL_TLS_SERVER_CA_CERT_PATH` beside it",
            );
        }
        match (self.has(CERT_PATH), self.has(KEY_PATH)) {
            (true, false) => error(
                CERT_PATH,
                "expected `TEMPORAL_TLS_CLIENT_KEY_PATH` beside it",
            ),
            (false, true) => error(
                KEY_PATH,
                "expected `TEMPORAL_TLS_CLIENT_CERT_PATH` beside it",
            ),
            (true, true) | (false, false) => Ok(()),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    fn text(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.to_string())
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.text(name).map(PathBuf::from)
    }

    fn bool(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(value) = self.variables.get(name) else {
            return Ok(None);
        };
        match value.to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(ConfigError::Variable {
                name,
                message: "expected `true`, `false`, `1` or `0`, found something else".to_owned(),
            }),
        }
    }
}

/// Shows which variables are set, and of none what it says.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Takes a value for what it should be. No copy of it stays behind.
fn text(value: OsString) -> Result<Zeroizing<String>, NotText> {
    let text = value.into_string().map_err(|value| {
        drop(Zeroizing::new(value.into_encoded_bytes()));
        NotText
    });
    text.map(Zeroizing::new)
}
