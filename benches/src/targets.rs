//! What is measured: `newleaf-proxy`, and what somebody would use in its place, each with its best known settings.
//! The configurations lie in `benches/peers`, as their own programs want them.

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    pki::{self, Pki},
    process::{Process, ProcessError},
    reload_bench::Clock,
};

/// Somebody who carries calls to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Target {
    /// Ours.
    Newleaf,
    /// The raw TLS tunnel, which is the bar.
    L4,
    /// Nothing in between: the callers speak mTLS themselves.
    Direct,
    /// Envoy, with file SDS.
    Envoy,
    /// nginx.
    Nginx,
    /// haproxy.
    Haproxy,
    /// Traefik.
    Traefik,
    /// Caddy.
    Caddy,
    /// ghostunnel, a tunnel in Go.
    Ghostunnel,
    /// A proxy on grpc-go that passes messages as bytes.
    GrpcGo,
    /// Temporal's own proxy.
    TemporalProxy,
}

/// Where programs and files of a run lie.
#[derive(Clone, Debug)]
pub struct Stage {
    /// This program, which is also callers, server and tunnel.
    pub instruments: PathBuf,
    /// The proxy.
    pub newleaf: PathBuf,
    /// Where the peers' programs lie.
    pub parts: PathBuf,
    /// Where this run writes.
    pub run: PathBuf,
    /// Its certificates.
    pub pki: Pki,
    /// The core of targets.
    pub core: usize,
    /// The age in seconds at which the server closes connections, if whoever can be told is told. Of Temporal's five minutes
    /// newleaf knows by itself.
    pub connection_age: Option<u32>,
    /// Their clock, if it is not the machine's.
    pub clock: Option<Clock>,
}

/// A target that is up.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub target: Target,
    /// Where it accepts callers.
    pub address: SocketAddr,
    /// Where its files of this run lie.
    pub files: PathBuf,
    /// Where it tells about itself, if it does.
    pub admin: SocketAddr,
    /// Its process; none if nothing stands in between.
    pub process: Option<Process>,
}

/// Why a target is not up.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Its program is not there.
    #[error("`{}` is not there", program.display())]
    Missing {
        /// The program.
        program: PathBuf,
    },
    /// Nobody could get it.
    #[error("it cannot be had from the package registries")]
    NotToBeHad,
    /// Its files cannot be written.
    #[error("could not write its configuration")]
    Write(#[from] io::Error),
    /// It does not run.
    #[error(transparent)]
    Process(#[from] ProcessError),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Newleaf => "newleaf",
            Self::L4 => "l4",
            Self::Direct => "direct",
            Self::Envoy => "envoy",
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
            Self::Ghostunnel => "ghostunnel",
            Self::GrpcGo => "grpc-go",
            Self::TemporalProxy => "temporal-proxy",
        })
    }
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Newleaf,
        Self::L4,
        Self::Direct,
        Self::Envoy,
        Self::Nginx,
        Self::Haproxy,
        Self::Traefik,
        Self::Caddy,
        Self::Ghostunnel,
        Self::GrpcGo,
        Self::TemporalProxy,
    ];

    fn program(self, stage: &Stage) -> Result<PathBuf, TargetError> {
        let program = match self {
            Self::Newleaf => stage.newleaf.clone(),
            Self::L4 | Self::Direct => stage.instruments.clone(),
            Self::GrpcGo => stage.parts.join("grpc-proxy"),
            Self::TemporalProxy => return Err(TargetError::NotToBeHad),
            Self::Envoy
            | Self::Nginx
            | Self::Haproxy
            | Self::Traefik
            | Self::Caddy
            | Self::Ghostunnel => stage.parts.join(self.to_string()),
        };
        if program.is_file() {
            Ok(program)
        } else {
            Err(TargetError::Missing { program })
        }
    }

    /// Starts it in front of the server at `upstream`. It is up when a call is answered; that is the caller's to see.
    pub fn start(self, stage: &Stage, upstream: SocketAddr) -> Result<Running, TargetError> {
        let program = self.program(stage)?;
        let files = stage.run.join(self.to_string());
        fs_err::create_dir_all(&files)?;
        let address = if self == Self::Direct {
            upstream
        } else {
            crate::process::free_address()?
        };
        let place = Place {
            stage,
            files: &files,
            address,
            upstream,
            admin: crate::process::free_address()?,
        };
        let process = match self.command(&program, &place)? {
            Some(mut command) => {
                command.env("HOME", &files).current_dir(&files);
                if let Some(clock) = &stage.clock {
                    clock.give(&mut command);
                }
                let log = files.join("log");
                Some(Process::start(&mut command, stage.core, &log)?)
            }
            None => None,
        };
        Ok(Running {
            target: self,
            address,
            admin: place.admin,
            process,
            files,
        })
    }

    fn command(self, program: &Path, place: &Place<'_>) -> Result<Option<Command>, TargetError> {
        let mut command = Command::new(program);
        match self {
            Self::Direct | Self::TemporalProxy => return Ok(None),
            Self::Newleaf => newleaf(&mut command, place),
            Self::L4 => {
                command.arg("tunnel");
                ports(&mut command, place);
                command.arg("--pki").arg(place.stage.pki.directory());
            }
            Self::GrpcGo => {
                ports(&mut command, place);
                command.arg("--pki").arg(place.stage.pki.directory());
            }
            Self::Ghostunnel => ghostunnel(&mut command, place),
            Self::Envoy => {
                place.write("envoy-sds.yaml", include_str!("../peers/envoy-sds.yaml"))?;
                let config = place.write("envoy.yaml", include_str!("../peers/envoy.yaml"))?;
                command.arg("-c").arg(config);
                command.args([
                    "--concurrency",
                    "1",
                    "--disable-hot-restart",
                    "--log-level",
                    "error",
                ]);
            }
            Self::Nginx => {
                let config = place.write("nginx.conf", include_str!("../peers/nginx.conf"))?;
                command.arg("-c").arg(config);
            }
            Self::Haproxy => {
                let config = place.write("haproxy.cfg", include_str!("../peers/haproxy.cfg"))?;
                command.arg("-db").arg("-f").arg(config);
            }
            Self::Traefik => {
                fs_err::create_dir_all(place.files.join("traefik.d"))?;
                let dynamic = include_str!("../peers/traefik-dynamic.yaml");
                place.write("traefik.d/dynamic.yaml", dynamic)?;
                let config = place.write("traefik.yaml", include_str!("../peers/traefik.yaml"))?;
                command.arg(format!("--configFile={}", config.display()));
            }
            Self::Caddy => {
                let config = place.write("Caddyfile", include_str!("../peers/Caddyfile"))?;
                command
                    .args(["run", "--adapter", "caddyfile", "--config"])
                    .arg(config);
            }
        }
        Ok(Some(command))
    }
}

/// Where one target stands.
struct Place<'a> {
    stage: &'a Stage,
    files: &'a Path,
    address: SocketAddr,
    upstream: SocketAddr,
    admin: SocketAddr,
}

impl Place<'_> {
    /// Writes a configuration with its blanks filled in.
    fn write(&self, name: &str, template: &str) -> io::Result<PathBuf> {
        let ports = (self.address, self.upstream);
        let pki = self.stage.pki.directory();
        fill(template, ports, self.files, pki, name)
    }

    fn pki(&self, name: &str) -> PathBuf {
        self.stage.pki.directory().join(name)
    }
}

/// Writes a configuration into `run` with its blanks filled in: where it listens and calls, and where files lie.
pub(crate) fn fill(
    template: &str,
    (listen, upstream): (SocketAddr, SocketAddr),
    run: &Path,
    pki: &Path,
    name: &str,
) -> io::Result<PathBuf> {
    let text = template
        .replace("@PORT@", &listen.port().to_string())
        .replace("@UPSTREAM_PORT@", &upstream.port().to_string())
        .replace("@RUN@", &run.to_string_lossy())
        .replace("@PKI@", &pki.to_string_lossy());
    let path = run.join(name);
    let mut file = fs_err::File::create(&path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    Ok(path)
}

fn ports(command: &mut Command, place: &Place<'_>) {
    command.arg("--listen").arg(place.address.to_string());
    command.arg("--upstream").arg(place.upstream.to_string());
}

/// As its documentation tells a user to run it.
fn newleaf(command: &mut Command, place: &Place<'_>) {
    ports(command, place);
    command.args(["--server-name", "localhost", "--log", "warn"]);
    command.arg("--server-ca").arg(place.pki(pki::SERVER_CA));
    command.arg("--identity").arg(place.stage.pki.live());
    command.arg("--admin").arg(place.admin.to_string());
    if let Some(age) = place.stage.connection_age {
        command.arg(format!("--connection-age={age}"));
    }
}

fn ghostunnel(command: &mut Command, place: &Place<'_>) {
    let live = place.stage.pki.live();
    command.arg("client");
    command.arg("--listen").arg(place.address.to_string());
    command
        .arg("--target")
        .arg(format!("localhost:{}", place.upstream.port()));
    command.arg("--cacert").arg(place.pki(pki::SERVER_CA));
    command.arg("--cert").arg(live.join(pki::LIVE_CHAIN));
    command.arg("--key").arg(live.join(pki::LIVE_KEY));
    command.args(["--override-server-name", "localhost", "--quiet", "conns"]);
}
