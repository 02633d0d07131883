//! Where targets are measured: one server, certificates, cores, and callers for each load.

use std::{io, net::SocketAddr, path::Path, process::Command, time::Duration};

use jiff::Timestamp;

use super::{
    Load, Options,
    loads::{Extent, Kind},
    row::Cell,
};
use crate::{
    load::Report,
    pki::{Pki, PkiError},
    process::{Process, ProcessError, free_address},
    targets::{Running, Stage, Target, TargetError},
    usage::{self, Cores},
};

/// For a target to have its first call answered.
const UP: Duration = Duration::from_secs(20);

/// For callers to connect, beyond what their own limits allow.
const MARGIN: Duration = Duration::from_secs(30);

/// Calls that are under way at the end of a load may take so long.
const GRACE: Duration = Duration::from_secs(5);

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The run's own files.
    #[error("could not prepare the run")]
    Prepare(#[from] io::Error),
    /// Its certificates.
    #[error("could not make the certificates")]
    Pki(#[from] PkiError),
    /// One of its processes.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A target that is not up.
    #[error("could not start {target}")]
    Target {
        /// Which.
        target: Target,
        /// Why not.
        source: TargetError,
    },
    /// A report that makes no sense.
    #[error("cannot read or write a report")]
    Report(#[from] serde_json::Error),
}

#[derive(Debug)]
pub(super) struct Stand {
    pub(super) stage: Stage,
    cores: Cores,
    server: Process,
    upstream: SocketAddr,
}

impl Stand {
    pub(super) fn new(options: &Options, run: &Path, now: Timestamp) -> Result<Self, BenchError> {
        let directory = run.join("pki");
        fs_err::create_dir_all(&directory)?;
        let pki = Pki::make(&directory, now)?;
        let cores = Cores::of_this_process()?;
        let stage = Stage {
            instruments: std::env::current_exe()?,
            newleaf: options.newleaf.clone(),
            parts: options.parts.clone(),
            run: run.to_owned(),
            core: cores.target,
            connection_age: None,
            clock: None,
            pki,
        };
        let upstream = free_address()?;
        let mut command = Command::new(&stage.instruments);
        command
            .arg("upstream")
            .arg("--listen")
            .arg(upstream.to_string());
        command.arg("--pki").arg(stage.pki.directory());
        let server = Process::start(&mut command, cores.rest, &run.join("server.log"))?;
        Ok(Self {
            stage,
            cores,
            server,
            upstream,
        })
    }

    /// Starts a target and sees that it carries calls.
    pub(super) fn start(&self, target: Target) -> Result<Running, BenchError> {
        let started = target.start(&self.stage, self.upstream);
        let running = started.map_err(|source| BenchError::Target { target, source })?;
        self.first_answer(&running)?;
        Ok(running)
    }

    /// Waits until one call is answered.
    pub(super) fn first_answer(&self, running: &Running) -> Result<(), BenchError> {
        let limit = format!("--until-answered-ms={}", UP.as_millis());
        let mut callers = self.callers(running, &[&limit], self.cores.rest)?;
        callers.hear("ready", UP + MARGIN)?;
        Ok(())
    }

    /// Callers of a target, who wait for a word once they are connected.
    pub(super) fn callers(
        &self,
        running: &Running,
        arguments: &[&str],
        core: usize,
    ) -> Result<Process, BenchError> {
        let mut command = Command::new(&self.stage.instruments);
        command
            .arg("load")
            .arg("--to")
            .arg(running.address.to_string());
        if running.target == Target::Direct {
            command.arg("--tls").arg(self.stage.pki.directory());
        }
        command.args(arguments);
        let log = self.stage.run.join("callers.log");
        Ok(Process::converse(&mut command, core, &log)?)
    }

    /// Callers beside the target's core.
    pub(super) fn callers_apart(
        &self,
        running: &Running,
        arguments: &[&str],
    ) -> Result<Process, BenchError> {
        self.callers(running, arguments, self.cores.rest)
    }

    /// One round of one load.
    pub(super) fn traffic(
        &self,
        load: Load,
        running: &Running,
        extent: &Extent,
    ) -> Result<Cell, BenchError> {
        let duration = format!("--duration-ms={}", extent.duration.as_millis());
        let grace = format!("--grace-ms={}", GRACE.as_millis());
        let mut arguments = match load.kind() {
            Kind::Traffic(arguments) => arguments.to_vec(),
            Kind::Churn | Kind::Idle | Kind::Polls { .. } | Kind::Start | Kind::Reloads => {
                vec!["--connections=1", "--streams=4", "--churn"]
            }
        };
        arguments.extend([duration.as_str(), grace.as_str()]);
        let core = if load.is_on_one_core() {
            self.cores.target
        } else {
            self.cores.rest
        };
        self.server.move_to(core)?;
        let mut callers = self.callers(running, &arguments, core)?;
        callers.hear("ready", MARGIN)?;
        let used = || {
            running
                .process
                .as_ref()
                .map(|process| usage::cpu(process.id()))
        };
        let before = used();
        callers.tell("go")?;
        let report = callers.hear("a report", extent.duration + GRACE + MARGIN)?;
        let after = used();
        let report: Report = serde_json::from_str(&report)?;
        Ok(Cell {
            report,
            cpu: after
                .zip(before)
                .map(|(after, before)| after.saturating_sub(before)),
            pss_kib: running
                .process
                .as_ref()
                .map(|process| usage::pss_kib(process.id())),
        })
    }
}
