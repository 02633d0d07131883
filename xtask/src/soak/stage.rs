//! What the workers meet: a real Temporal, a real Envoy before it that demands client certificates, and the proxy.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use newleaf_x509::Fingerprint;
use serde_json::Value;

use super::SoakError;
use super::clock::{Stopwatch, await_some, wall_ms};
use super::identity::{Certificates, Holder, SERVER_NAME};
use super::report::{Calls, Side};
use super::running::{self, Running};
use super::worker::is_warning;
use crate::parts::Prepared;

/// The namespace of all workflows.
pub(super) const NAMESPACE: &str = "soak";

/// Seconds after which the front asks a connection to go. Temporal's own front does so after 300; with fewer, and no multiple
/// of the usual time between two identities, a short play sees both together in many orders.
const CONNECTION_AGE: &str = "47";

/// How long a program of the stage may take until it serves, on a machine that is busy.
const START: Duration = Duration::from_secs(90);

/// How long an identity may take from the rename until nothing new is called under another one.
const ADOPTION: Duration = Duration::from_secs(15);

/// How long the proxy may take to answer one question.
const ANSWER: Duration = Duration::from_secs(5);

/// Programs of this checkout.
#[derive(Debug)]
pub(super) struct Ours {
    pub(super) newleaf: PathBuf,
    pub(super) proxy: PathBuf,
}

/// One identity that was put in place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Swap {
    pub(super) generation: u32,
    /// When it was in place, in milliseconds since 1970.
    pub(super) put_ms: u64,
    /// From the rename until no connection that takes calls was under another leaf.
    pub(super) adopted_ms: u64,
}

/// Everything that runs besides the workers. What is declared first ends first.
#[derive(Debug)]
pub(super) struct Stage {
    proxy: Running,
    front: Running,
    _temporal: Running,
    addresses: Addresses,
    certificates: Certificates,
    programs: PathBuf,
    room: tempfile::TempDir,
}

/// Where everybody listens: free ports of loopback.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    temporal: SocketAddr,
    front: SocketAddr,
    proxy: SocketAddr,
    admin: SocketAddr,
}

impl Stage {
    /// Starts everything, and waits until a call would get through.
    pub(super) fn set(ours: &Ours, prepared: &Prepared) -> Result<Self, SoakError> {
        let room = tempfile::tempdir()?;
        let programs = prepared.directory.join("bin");
        let addresses = Addresses {
            temporal: free_address()?,
            front: free_address()?,
            proxy: free_address()?,
            admin: free_address()?,
        };
        let certificates = Certificates::make(
            &room.path().join("pki"),
            &ours.newleaf,
            &programs.join("openssl"),
        )?;
        let temporal = temporal(&programs, room.path(), addresses.temporal)?;
        let front = front(&programs, room.path(), addresses)?;
        let proxy = proxy(&ours.proxy, &certificates, room.path(), addresses)?;
        let stage = Self {
            proxy,
            front,
            _temporal: temporal,
            addresses,
            certificates,
            programs,
            room,
        };
        let ready = await_some(START, || {
            stage.ask("/ready").ok().filter(|said| said == "ready\n")
        });
        match ready {
            Some(_said) => Ok(stage),
            None => Err(stage.late("a ready proxy", START)),
        }
    }

    /// Where Temporal itself listens, in plaintext.
    pub(super) fn temporal_address(&self) -> SocketAddr {
        self.addresses.temporal
    }

    /// A program that was fetched.
    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Where logs are.
    pub(super) fn room(&self) -> &Path {
        self.room.path()
    }

    /// Ends the play, but leaves its files.
    pub(super) fn keep(self) -> PathBuf {
        let Self { room, .. } = self;
        room.keep()
    }

    /// What a worker finds in its environment: the names that every SDK knows.
    pub(super) fn environment(&self, side: Side) -> BTreeMap<&'static str, String> {
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        let certificates = &self.certificates;
        let mut variables = BTreeMap::from([("TEMPORAL_NAMESPACE", NAMESPACE.to_owned())]);
        if let Side::Proxied = side {
            variables.insert("TEMPORAL_ADDRESS", self.addresses.proxy.to_string());
            return variables;
        }
        let server_ca = path(certificates.server_ca());
        variables.extend([
            ("TEMPORAL_ADDRESS", self.addresses.front.to_string()),
            ("TEMPORAL_TLS_SERVER_NAME", SERVER_NAME.to_owned()),
            ("TEMPORAL_TLS_SERVER_CA_CERT_PATH", server_ca),
        ]);
        if let Side::Embedded = side {
            let identity = path(certificates.of(Holder::Embedded));
            variables.insert("NEWLEAF_IDENTITY", identity);
        } else {
            let twin = certificates.twin();
            variables.extend([
                ("TEMPORAL_TLS_CLIENT_CERT_PATH", path(twin.join("tls.crt"))),
                ("TEMPORAL_TLS_CLIENT_KEY_PATH", path(twin.join("tls.key"))),
            ]);
        }
        variables
    }

    /// Puts the next identities in place, and waits until every connection of the proxy that takes calls is under its own.
    pub(super) fn swap(&self, generation: u32) -> Result<Swap, SoakError> {
        self.certificates.put(Holder::Embedded, generation)?;
        let leaf = self.certificates.put(Holder::Proxy, generation)?;
        let (watch, put_ms) = (Stopwatch::start(), wall_ms());
        let adopted = await_some(ADOPTION, || {
            self.status()
                .ok()
                .filter(|status| is_only(status, leaf))
                .map(|_| watch.elapsed())
        });
        let adopted = adopted.ok_or_else(|| self.late("an adopted identity", ADOPTION))?;
        Ok(Swap {
            generation,
            put_ms,
            adopted_ms: u64::try_from(adopted.as_millis()).unwrap_or(u64::MAX),
        })
    }

    /// What the proxy tells about itself.
    pub(super) fn status(&self) -> Result<Value, SoakError> {
        let said = self
            .ask("/status")
            .map_err(|source| SoakError::Ask { source })?;
        serde_json::from_str(&said).map_err(|source| SoakError::Understand {
            who: "the proxy".into(),
            source,
        })
    }

    /// What the proxy warned of.
    pub(super) fn proxy_warnings(&self) -> Result<Vec<String>, SoakError> {
        let log = fs_err::read_to_string(self.proxy.log())?;
        let warnings = log.lines().filter(|line| is_warning(line));
        Ok(warnings.map(str::to_owned).collect())
    }

    /// Which calls the front saw under each leaf, by its common name.
    pub(super) fn seen(&self) -> Result<BTreeMap<String, Calls>, SoakError> {
        let calls = fs_err::read_to_string(self.room().join("calls.log"))?;
        let mut seen = BTreeMap::<_, Calls>::new();
        for line in calls.lines() {
            // A time, the subject, the namespace, and the method.
            let mut words = line.split(' ');
            let (Some(Ok(begun_ms)), Some(subject)) = (words.next().map(str::parse), words.next())
            else {
                continue;
            };
            let name = subject.strip_prefix("CN=").unwrap_or(subject);
            seen.entry(name.to_owned()).or_default().add(begun_ms);
        }
        Ok(seen)
    }

    fn ask(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.addresses.admin)?;
        stream.set_read_timeout(Some(ANSWER))?;
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let body = answer
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned());
        body.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn late(&self, what: &str, limit: Duration) -> SoakError {
        SoakError::Late {
            what: what.to_owned(),
            limit,
            said: [self.front.log(), self.proxy.log()]
                .map(|log| fs_err::read_to_string(log).unwrap_or_default())
                .concat(),
        }
    }
}

/// Whether every connection that takes calls is under this leaf.
fn is_only(status: &Value, leaf: Fingerprint) -> bool {
    let leaf = Some(leaf.to_string());
    let under = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned) == leaf;
    let connections = status.get("connections").and_then(Value::as_array);
    under(status.pointer("/identity/leaf"))
        && connections.is_some_and(|all| {
            all.iter()
                .filter(|one| one.get("draining") != Some(&Value::Bool(true)))
                .all(|one| under(one.get("leaf")))
        })
}

fn temporal(programs: &Path, room: &Path, address: SocketAddr) -> Result<Running, SoakError> {
    let mut command = running::command(&programs.join("temporal"));
    command.args(["server", "start-dev", "--headless", "--log-level", "warn"]);
    command.args(["--ip", &address.ip().to_string()]);
    command.args(["--port", &address.port().to_string()]);
    command.args(["--namespace", NAMESPACE]);
    let running = Running::start(&mut command, &room.join("temporal.log"))?;
    // Its frontend answers before the namespace is made; the namespace is made when this command succeeds.
    let mut ask = Command::new(programs.join("temporal"));
    ask.args(["workflow", "list", "--address", &address.to_string()]);
    ask.args(["--namespace", NAMESPACE]);
    let serves = await_some(START, || crate::process::capture(&mut ask).ok());
    match serves {
        Some(_nothing) => Ok(running),
        None => Err(SoakError::Late {
            what: "a Temporal that serves".to_owned(),
            limit: START,
            said: fs_err::read_to_string(running.log())?,
        }),
    }
}

fn front(programs: &Path, room: &Path, addresses: Addresses) -> Result<Running, SoakError> {
    let fill = |text: &str, name: &str| -> io::Result<PathBuf> {
        let text = text
            .replace("@PORT@", &addresses.front.port().to_string())
            .replace("@UPSTREAM_PORT@", &addresses.temporal.port().to_string())
            .replace("@AGE@", CONNECTION_AGE)
            .replace("@PKI@", &room.join("pki").to_string_lossy())
            .replace("@RUN@", &room.to_string_lossy());
        let path = room.join(name);
        fs_err::write(&path, text)?;
        Ok(path)
    };
    fill(
        include_str!("../../../benches/peers/envoy-frontend-sds.yaml"),
        "frontend-sds.yaml",
    )?;
    let config = fill(
        include_str!("../../../benches/peers/envoy-frontend.yaml"),
        "frontend.yaml",
    )?;
    let mut command = running::command(&programs.join("envoy"));
    command.arg("-c").arg(config);
    command.args(["--concurrency", "1", "--disable-hot-restart"]);
    command.args(["--file-flush-interval-msec", "100", "--log-level", "error"]);
    let running = Running::start(&mut command, &room.join("front.log"))?;
    let serves = await_some(START, || TcpStream::connect(addresses.front).ok());
    match serves {
        Some(_connection) => Ok(running),
        None => Err(SoakError::Late {
            what: "an Envoy that serves".to_owned(),
            limit: START,
            said: fs_err::read_to_string(running.log())?,
        }),
    }
}

fn proxy(
    program: &Path,
    certificates: &Certificates,
    room: &Path,
    addresses: Addresses,
) -> Result<Running, SoakError> {
    let mut command = running::command(program);
    command.args(["--listen", &addresses.proxy.to_string()]);
    command.args(["--upstream", &addresses.front.to_string()]);
    command.args(["--server-name", SERVER_NAME, "--namespace", NAMESPACE]);
    command.arg("--server-ca").arg(certificates.server_ca());
    command
        .arg("--identity")
        .arg(certificates.of(Holder::Proxy));
    command.args(["--admin", &addresses.admin.to_string()]);
    Ok(Running::start(&mut command, &room.join("proxy.log"))?)
}

/// Asks the system for a free port. Between this and its use somebody else might take it; then nothing serves, and the play
/// does not begin.
fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}
