//! `cargo xtask bench-reload`: what callers notice while an identity is replaced, and while servers misbehave. Calls come
//! at even distances beside long polls, from callers that never try again.

mod clock;
mod fronts;
mod reload;
mod scene;

use std::{collections::BTreeMap, error::Error, io, io::Write as _, path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

pub use self::{clock::Clock, scene::Scene};
use self::{fronts::Front, scene::Deed};
use crate::{
    load::Report,
    pki::{Pki, PkiError},
    process::{Process, ProcessError, pause},
    targets::{Running, Stage, Target, TargetError},
    usage::Cores,
};

/// For a target to have its first call answered.
const UP: Duration = Duration::from_secs(10);

/// Calls that are under way at the end may take so long.
const GRACE: Duration = Duration::from_secs(6);

/// How many targets share a quick scene: more take each other's cores away.
const TOGETHER: usize = 5;

/// For processes to start and say what they saw.
const MARGIN: Duration = Duration::from_secs(20);

/// What is to be measured.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Several targets at once and at a lower rate; else one after the other.
    #[arg(long)]
    pub quick: bool,
    /// Whom to measure; all if not given.
    #[arg(long, value_delimiter = ',')]
    pub targets: Vec<Target>,
    /// Which scenes; all if not given.
    #[arg(long, value_delimiter = ',')]
    pub scenes: Vec<Scene>,
    /// Print one JSON object a line, instead of a table.
    #[arg(long)]
    pub json: bool,
    /// The library of libfaketime, for the scene `clock`; looked for where distributions put it if not given.
    #[arg(long)]
    pub faketime: Option<PathBuf>,
    /// The proxy's program.
    #[arg(long)]
    pub newleaf: PathBuf,
    /// Where the peers' programs lie.
    #[arg(long)]
    pub parts: PathBuf,
}

/// Why there are no figures.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The run's own files.
    #[error("could not prepare the run")]
    Prepare(#[from] io::Error),
    /// Its certificates.
    #[error("could not make the certificates")]
    Pki(#[from] PkiError),
    /// One of its processes.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// A target or front that is not up.
    #[error("could not start")]
    Target(#[from] TargetError),
    /// A report that makes no sense.
    #[error("cannot read or write a report")]
    Report(#[from] serde_json::Error),
}

/// Why a target does not play in the scene `clock`.
#[derive(Debug, thiserror::Error)]
#[error("its clock cannot be set: libfaketime is not there, or the program does not use it")]
struct NoClock;

/// What one target did in one scene.
#[derive(Clone, Debug, Serialize)]
struct Row {
    target: String,
    front: String,
    scene: String,
    /// Unary calls and polls that were answered.
    calls: u64,
    failed: u64,
    longest_gap_ms: f64,
    /// Unary calls that took longer than 100 ms.
    slow: u64,
    /// The slowest of them.
    slowest_ms: u32,
    /// From the swap to the first call under the new leaf.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_new_ms: Option<i64>,
    /// From the swap to the last new call under the old leaf; 0 if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_old_ms: Option<i64>,
    /// Failures before the swap, after it, and after the old CA was gone.
    failed_by_phase: [usize; 3],
    failures: BTreeMap<String, u64>,
}

/// One target in front of its server, under load.
struct Player {
    running: Running,
    /// Kept alive until the scene is over.
    _front: Option<Front>,
}

/// Plays every scene on every target.
pub fn run(options: &Options, clock: fn() -> Timestamp) -> Result<(), ReloadError> {
    let targets: Vec<_> = match options.targets.as_slice() {
        [] => Target::ALL
            .into_iter()
            .filter(|target| !matches!(target, Target::L4 | Target::TemporalProxy))
            .collect(),
        asked => asked.to_vec(),
    };
    let scenes = match options.scenes.as_slice() {
        [] => Scene::ALL.to_vec(),
        asked => asked.to_vec(),
    };
    let together = if options.quick { TOGETHER } else { 1 };
    for scene in scenes {
        for group in targets.chunks(together) {
            for front in scene.fronts() {
                let play = Play {
                    options,
                    scene,
                    front,
                    clock,
                };
                for row in play.run(group)? {
                    show(&row, options.json)?;
                }
            }
        }
    }
    Ok(())
}

fn show(row: &Row, json: bool) -> Result<(), ReloadError> {
    let mut out = io::stdout().lock();
    if json {
        return Ok(writeln!(out, "{}", serde_json::to_string(row)?)?);
    }
    let ms = |value: Option<i64>| value.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
    Ok(writeln!(
        out,
        "{:<9} {:<6} {:<11} calls {:>6} failed {:>6} {:?} gap {:>6.0} ms slow {:>4} first new {:>6} last old {:>6} {:?}",
        row.scene,
        row.front,
        row.target,
        row.calls,
        row.failed,
        row.failed_by_phase,
        row.longest_gap_ms,
        row.slow,
        ms(row.first_new_ms),
        ms(row.last_old_ms),
        row.failures,
    )?)
}

/// One scene on one group of targets.
struct Play<'a> {
    options: &'a Options,
    scene: Scene,
    front: fronts::Kind,
    clock: fn() -> Timestamp,
}

impl Play<'_> {
    fn run(&self, targets: &[Target]) -> Result<Vec<Row>, ReloadError> {
        let directory = tempfile::tempdir()?;
        let stage = self.stage(directory.path())?;
        let shared = match self.scene.vices() {
            [] => Some(Front::start(self.front, &stage, &[])?),
            _vices => None,
        };
        let mut players = Vec::new();
        for target in targets {
            if self.scene == Scene::Clock && (stage.clock.is_none() || !Clock::suits(*target)) {
                missing(*target, &NoClock)?;
                continue;
            }
            match self.enter(*target, &stage, shared.as_ref()) {
                Ok(player) => players.push(player),
                Err(error) => missing(*target, &error)?,
            }
        }
        let mut callers = Vec::new();
        for player in &players {
            callers.push((player.running.target, self.load(&stage, &player.running)?));
        }
        for (target, callers) in &mut callers {
            if let Err(error) = callers.hear("ready", MARGIN) {
                missing(*target, &error)?;
            }
        }
        for (target, callers) in &mut callers {
            if let Err(error) = callers.tell("go") {
                missing(*target, &error)?;
            }
        }
        let swapped_at = self.deeds(&stage, &players)?;
        let mut reports = Vec::new();
        for (target, callers) in &mut callers {
            match callers.hear("a report", MARGIN + GRACE) {
                Ok(report) => reports.push((*target, serde_json::from_str::<Report>(&report)?)),
                Err(error) => missing(*target, &error)?,
            }
        }
        drop((callers, players));
        // A front writes down the last of what it saw when it ends.
        let seen = shared.map_or_else(Vec::new, Front::end);
        let rows = reports.iter().map(|(target, report)| {
            let times = swapped_at.map(|at| fronts::leaves(&seen, *target, at));
            self.row(*target, report, times)
        });
        Ok(rows.collect())
    }

    fn stage(&self, run: &std::path::Path) -> Result<Stage, ReloadError> {
        let pki = run.join("pki");
        fs_err::create_dir_all(&pki)?;
        Ok(Stage {
            instruments: std::env::current_exe()?,
            newleaf: self.options.newleaf.clone(),
            parts: self.options.parts.clone(),
            run: run.to_owned(),
            pki: Pki::make(&pki, (self.clock)())?,
            connection_age: (self.front == fronts::Kind::Far).then_some(fronts::FAR_AGE_SECONDS),
            clock: if self.scene == Scene::Clock {
                Clock::new(self.options.faketime.as_ref(), run)?
            } else {
                None
            },
            core: Cores::of_this_process()?.target,
        })
    }

    fn enter(
        &self,
        target: Target,
        stage: &Stage,
        shared: Option<&Front>,
    ) -> Result<Player, ReloadError> {
        let front = match shared {
            Some(_) => None,
            None => Some(Front::start(self.front, stage, self.scene.vices())?),
        };
        let upstream = shared.or(front.as_ref()).map(Front::address);
        let upstream = upstream.ok_or(TargetError::NotToBeHad)?;
        let running = target.start(stage, upstream)?;
        let until = format!("--until-answered-ms={}", UP.as_millis());
        let mut first = Self::callers(stage, &running, &[&until])?;
        first.hear("ready", UP + MARGIN)?;
        Ok(Player {
            running,
            _front: front,
        })
    }

    /// The callers of a scene.
    fn load(&self, stage: &Stage, running: &Running) -> Result<Process, ReloadError> {
        let duration = format!("--duration-ms={}", self.scene.duration().as_millis());
        let grace = format!("--grace-ms={}", GRACE.as_millis());
        let rate = if self.options.quick {
            "--rate=50"
        } else {
            "--rate=300"
        };
        let load = [
            rate,
            "--connections=4",
            "--even",
            "--polls=5",
            "--hold-ms=2000",
        ];
        let arguments: Vec<_> = load.into_iter().chain([&*duration, &*grace]).collect();
        Self::callers(stage, running, &arguments)
    }

    fn callers(
        stage: &Stage,
        running: &Running,
        arguments: &[&str],
    ) -> Result<Process, ReloadError> {
        let mut command = std::process::Command::new(&stage.instruments);
        command
            .arg("load")
            .arg("--to")
            .arg(running.address.to_string());
        command.arg(format!("--namespace={}", running.target));
        if running.target == Target::Direct {
            command.arg("--tls").arg(stage.pki.directory());
        }
        command.args(arguments);
        let log = stage.run.join(format!("callers-{}.log", running.target));
        let core = Cores::of_this_process()?.rest;
        Ok(Process::converse(&mut command, core, &log)?)
    }

    /// Does what the scene tells, when it tells; answers with the instant of the swap.
    fn deeds(&self, stage: &Stage, players: &[Player]) -> Result<Option<Timestamp>, ReloadError> {
        let mut swapped_at = None;
        let mut past = Duration::ZERO;
        for (at, deed) in self.scene.deeds() {
            pause(at.saturating_sub(past));
            past = at;
            match deed {
                Deed::Swap(leaf) => {
                    swapped_at = Some((self.clock)());
                    stage.pki.put(leaf, 1)?;
                    tell_to_reload(players, stage)?;
                }
                Deed::WriteKeyOnly(leaf) => stage.pki.tear(leaf)?,
                Deed::WriteChain(leaf) => {
                    swapped_at = Some((self.clock)());
                    stage.pki.mend(leaf)?;
                    tell_to_reload(players, stage)?;
                }
                Deed::Jump(seconds) => {
                    if let Some(clock) = &stage.clock {
                        clock.jump(seconds)?;
                    }
                }
                Deed::Reload => tell_to_reload(players, stage)?,
                Deed::DropOldCa => {
                    let new = stage.pki.read(crate::pki::NEW_CA)?;
                    stage.pki.write(crate::pki::CLIENT_CAS, &new)?;
                }
            }
        }
        pause(self.scene.duration().saturating_sub(past));
        Ok(swapped_at)
    }

    fn row(&self, target: Target, report: &Report, times: Option<fronts::Times>) -> Row {
        let phase = |at: u64| self.scene.phase(Duration::from_millis(at));
        let mut failed_by_phase = [0; 3];
        for at in &report.failures_at_ms {
            if let Some(count) = failed_by_phase.get_mut(phase(*at)) {
                *count += 1;
            }
        }
        let mut failures = report.failed.clone();
        for (how, count) in &report.polls_failed {
            *failures.entry(format!("poll: {how}")).or_default() += count;
        }
        Row {
            target: target.to_string(),
            front: self.front.to_string(),
            scene: format!("{:?}", self.scene).to_lowercase(),
            calls: report.calls + report.polls,
            failed: report.failures(),
            longest_gap_ms: report.longest_gap_ms.round(),
            slow: report.slow,
            slowest_ms: report.max_us / 1000,
            first_new_ms: times.and_then(|times| times.first_new_ms),
            last_old_ms: times.and_then(|times| times.last_old_ms),
            failed_by_phase,
            failures,
        }
    }
}

fn tell_to_reload(players: &[Player], stage: &Stage) -> Result<(), ReloadError> {
    for player in players {
        // A reload that is refused shows in the calls.
        if let Err(error) = reload::reload(&player.running, stage) {
            missing(player.running.target, &error)?;
        }
    }
    Ok(())
}

/// A target that is not there, or does not do as it is told, is named.
fn missing(target: Target, error: &dyn Error) -> Result<(), ReloadError> {
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let said = causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"));
    Ok(writeln!(io::stderr(), "missing: {target}: {said}")?)
}
