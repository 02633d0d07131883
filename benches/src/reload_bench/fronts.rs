//! Whom targets call: two real frontends that age connections and know who called, and our own server with its vices.

use std::{fmt, net::SocketAddr, path::PathBuf, process::Command, time::Duration};

use jiff::Timestamp;

use super::ReloadError;
use crate::{
    pki::Leaf,
    process::{Process, free_address, pause},
    targets::{Stage, Target, TargetError, fill},
    usage::Cores,
};

/// At this age connections are told to go.
const AGE_SECONDS: u32 = 6;

/// That of a far server.
pub(super) const FAR_AGE_SECONDS: u32 = 10;

/// An age that nothing here reaches.
const NO_AGE_SECONDS: u32 = 3600;

/// How far a far server is, each way: with 40 ms there and back, another region of the same continent.
const EACH_WAY_MS: &str = "20";

/// What a frontend needs to start.
const START: Duration = Duration::from_secs(1);

/// A kind of server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A real Envoy as an mTLS frontend.
    Envoy,
    /// A server on grpc-go with the keepalive that Temporal's frontend has.
    Go,
    /// That, and far away.
    Far,
    /// That, and it ages no connection.
    Ageless,
    /// The measuring server itself.
    Bench,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Envoy => "envoy",
            Self::Go => "go",
            Self::Far => "far",
            Self::Ageless => "ageless",
            Self::Bench => "bench",
        })
    }
}

/// A server that is up.
#[derive(Debug)]
pub(super) struct Front {
    address: SocketAddr,
    process: Process,
    /// What the frontend forwards to, if it is not the server itself.
    behind: Option<Process>,
    /// Where it writes down who called.
    calls: PathBuf,
}

/// A call as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    at_ms: i64,
    subject: String,
    target: String,
    method: String,
}

/// When leaves were seen, from the swap on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) first_new_ms: Option<i64>,
    pub(super) last_old_ms: Option<i64>,
}

impl Front {
    pub(super) fn start(kind: Kind, stage: &Stage, vices: &[&str]) -> Result<Self, ReloadError> {
        let address = free_address()?;
        let files = stage.run.join(format!("front-{}", address.port()));
        fs_err::create_dir_all(&files)?;
        let core = Cores::of_this_process()?.rest;
        let pki = stage.pki.directory();
        let mut behind = None;
        let mut log = files.join("log");
        let mut command = match kind {
            Kind::Bench => {
                let mut command = Command::new(&stage.instruments);
                command
                    .arg("upstream")
                    .arg("--listen")
                    .arg(address.to_string());
                command.arg("--pki").arg(pki).args(vices);
                command
            }
            Kind::Go => {
                log = files.join("calls.log");
                go(stage, address, AGE_SECONDS)?
            }
            Kind::Far | Kind::Ageless => {
                let backend = free_address()?;
                let age = if kind == Kind::Far {
                    FAR_AGE_SECONDS
                } else {
                    NO_AGE_SECONDS
                };
                let mut server = go(stage, backend, age)?;
                let calls = files.join("calls.log");
                behind = Some(Process::start(&mut server, core, &calls)?);
                far(stage, address, backend)
            }
            Kind::Envoy => {
                let backend = free_address()?;
                let mut server = Command::new(&stage.instruments);
                server
                    .arg("upstream")
                    .arg("--listen")
                    .arg(backend.to_string());
                behind = Some(Process::start(
                    &mut server,
                    core,
                    &files.join("backend.log"),
                )?);
                let write = |name: &str, text: &str| {
                    let text = text.replace("@AGE@", &AGE_SECONDS.to_string());
                    fill(&text, (address, backend), &files, pki, name)
                };
                let sds = include_str!("../../peers/envoy-frontend-sds.yaml");
                write("frontend-sds.yaml", sds)?;
                let config = write(
                    "frontend.yaml",
                    include_str!("../../peers/envoy-frontend.yaml"),
                )?;
                let mut command = Command::new(part(stage, "envoy")?);
                command.arg("-c").arg(config);
                command.args(["--concurrency", "1", "--disable-hot-restart"]);
                command.args(["--file-flush-interval-msec", "100", "--log-level", "error"]);
                command
            }
        };
        let process = Process::start(&mut command, core, &log)?;
        pause(START);
        Ok(Self {
            address,
            process,
            behind,
            calls: files.join("calls.log"),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it, and answers with what it saw.
    pub(super) fn end(self) -> Vec<Seen> {
        pause(Duration::from_millis(300));
        drop(self.process);
        drop(self.behind);
        let text = fs_err::read_to_string(&self.calls).unwrap_or_default();
        text.lines().filter_map(seen).collect()
    }
}

/// The server on grpc-go.
fn go(stage: &Stage, address: SocketAddr, age_seconds: u32) -> Result<Command, TargetError> {
    let mut command = Command::new(part(stage, "frontend")?);
    command.arg("-listen").arg(address.to_string());
    command.arg("-pki").arg(stage.pki.directory());
    command.arg(format!("-age={age_seconds}s"));
    // grpc-go refuses callers that name no protocol in their handshake unless it is told not to; tunnels are measured for
    // what they carry.
    command.env("GRPC_ENFORCE_ALPN_ENABLED", "false");
    Ok(command)
}

/// The distance to a server.
fn far(stage: &Stage, address: SocketAddr, server: SocketAddr) -> Command {
    let mut command = Command::new(&stage.instruments);
    command.arg("delay").arg("--each-way-ms").arg(EACH_WAY_MS);
    command.arg("--listen").arg(address.to_string());
    command.arg("--upstream").arg(server.to_string());
    command
}

fn part(stage: &Stage, name: &str) -> Result<PathBuf, TargetError> {
    let program = stage.parts.join(name);
    if program.is_file() {
        Ok(program)
    } else {
        Err(TargetError::Missing { program })
    }
}

fn seen(line: &str) -> Option<Seen> {
    let mut words = line.split(' ');
    Some(Seen {
        at_ms: words.next()?.parse().ok()?,
        subject: words.next()?.to_owned(),
        target: words.next()?.to_owned(),
        method: words.next()?.to_owned(),
    })
}

/// When the leaves of a target were seen on unary calls. Polls are left out: one that began before the swap is not new.
pub(super) fn leaves(seen: &[Seen], target: Target, swapped_at: Timestamp) -> Times {
    let swapped_at = swapped_at.as_millisecond();
    let under = |leaf: Leaf| {
        let target = target.to_string();
        let subject = format!("CN={}", leaf.name());
        let calls = seen.iter().filter(move |call| {
            call.target == target && call.subject == subject && !call.method.contains("Poll")
        });
        calls
            .map(move |call| call.at_ms - swapped_at)
            .filter(|at| *at >= 0)
    };
    Times {
        first_new_ms: under(Leaf::New).min(),
        last_old_ms: Some(under(Leaf::Old).max().unwrap_or(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::{leaves, seen};
    use crate::targets::Target;

    #[test]
    fn the_log_of_a_front_tells_when_the_leaf_changed() {
        let log = "\
            1000 CN=leaf-old envoy /s/Respond\n\
            2010 CN=leaf-old envoy /s/Respond\n\
            2020 CN=leaf-new envoy /s/Respond\n\
            2900 CN=leaf-old envoy /s/PollWorkflowTaskQueue\n\
            2005 CN=leaf-new caddy /s/Respond\n\
            half a li";
        let seen: Vec<_> = log.lines().filter_map(seen).collect();
        let times = leaves(
            &seen,
            Target::Envoy,
            "1970-01-01T00:00:02Z".parse().unwrap(),
        );
        assert_eq!(
            (times.first_new_ms, times.last_old_ms),
            (Some(20), Some(10))
        );
        let times = leaves(
            &seen,
            Target::Caddy,
            "1970-01-01T00:00:02Z".parse().unwrap(),
        );
        assert_eq!((times.first_new_ms, times.last_old_ms), (Some(5), Some(0)));
    }
}
