//! The main job, live: a CA rollover under traffic, with everything that can be had real.
//!
//! This process is the stage: the sandbox, three clients that count, the picture, and a supervisor. The controller is
//! newleaf itself, run as a process of its own over a `newleaf.yaml` in a temporary directory, and killed on purpose.

mod chance;
mod channel;
mod client;
mod end;
mod grpc;
pub(crate) mod hook;
mod mischief;
pub(crate) mod picture;
mod probe;
mod product;
pub(crate) mod report;
pub(crate) mod screen;
mod script;
mod settings;
mod stage;
mod supervisor;
mod tally;
mod temporal;
pub(crate) mod tied;
mod troupe;
mod watch;

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::{
    process::Child,
    sync::watch::channel,
    time::{Instant, MissedTickBehavior, interval},
};

pub(crate) use self::temporal::find as find_temporal;
use self::{
    picture::{Frame, Row},
    report::{Evidence, Report},
    screen::Screen,
    script::{Findings, Play},
    settings::PARTS,
    stage::{Stage, StageError},
    supervisor::Supervisor,
    watch::Looks,
};

/// How often the picture is drawn. It also divides the second over which calls are counted.
const FRAME: Duration = Duration::from_millis(100);

/// How many frames back the calls per second look.
const FRAMES_PER_SECOND: usize = 10;

/// What to show.
#[derive(Debug)]
pub(crate) struct Options {
    /// How many crashes of the controller.
    pub(crate) crashes: u32,
    /// From which seed they are picked.
    pub(crate) seed: u64,
    /// The `temporal` command, if there is one.
    pub(crate) temporal: Option<PathBuf>,
    /// The instant of the start.
    pub(crate) now: Timestamp,
}

/// A demo that is over, with its stage still standing.
#[derive(Debug)]
pub(crate) struct Performance {
    /// What it proved.
    pub(crate) report: Report,
    // The stage and the proxy first: nothing may write when the directory goes.
    stage: Stage,
    _proxy: Child,
    directory: TempDir,
}

/// Why there was no demo.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// No place for its files.
    #[error("could not make a temporary directory")]
    Directory(#[source] io::Error),
    /// The stage does not stand.
    #[error("could not begin the demo")]
    Stage(#[from] StageError),
    /// The proxy did not carry calls until the end, so there is nothing more to show.
    #[error(
        "expected the demo's proxy to run until the end, found that it ended with {status}; what was said last:\n{said}"
    )]
    ProxyEnded {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of the log.
        said: String,
    },
    /// It cannot be told whether the proxy runs.
    #[error("could not wait for the demo's proxy")]
    Proxy(#[source] io::Error),
    /// Somebody ended it.
    #[error("the demo was interrupted")]
    Interrupted,
}

/// Runs the demo, unless `stop` comes first. Whatever it started ends with the returned value, or with an error.
pub(crate) async fn run(
    options: Options,
    screen: &Screen,
    stop: impl Future<Output = ()>,
) -> Result<Performance, DemoError> {
    let directory = tempfile::Builder::new()
        .prefix("newleaf-demo-")
        .tempdir()
        .map_err(DemoError::Directory)?;
    tokio::select! {
        biased;
        () = stop => Err(DemoError::Interrupted),
        performance = perform(options, directory, screen) => performance,
    }
}

async fn perform(
    options: Options,
    directory: TempDir,
    screen: &Screen,
) -> Result<Performance, DemoError> {
    let stage_options = stage::Options {
        directory: directory.path(),
        temporal: options.temporal,
        now: options.now,
    };
    let (stage, mut proxy) = Stage::set(stage_options, screen).await?;
    let journal = directory.path().join("state/journal.db");
    let supervisor = Supervisor::new(stage.product.clone(), journal.clone(), screen.clone());
    let (publish, looks) = channel(None);
    let mut findings = Findings::default();
    let mut play = Play {
        stage: &stage,
        supervisor: &supervisor,
        looks: looks.clone(),
        screen,
        now: options.now,
    };
    let crashes = mischief::pick(options.crashes, options.seed);
    let performed = tokio::select! {
        performed = play.perform(crashes, &mut findings) => performed,
        () = watch::keep_looking(journal, publish) => Err(script::ScriptError::LostSight),
        () = show(&stage, &supervisor, &looks, screen) => Err(script::ScriptError::LostSight),
        ended = proxy.wait() => return Err(DemoError::ProxyEnded {
            status: ended.map_err(DemoError::Proxy)?,
            said: stage.product.last_words(),
        }),
    };
    let report = Report::of(Evidence {
        counts: stage.troupe.counts(Instant::now()),
        findings,
        crashes_wanted: options.crashes,
        crashes_survived: *supervisor.crashes().borrow(),
        seed: options.seed,
        is_real_temporal: stage.has_real_temporal(),
        took: screen.started().elapsed(),
        error: performed.err().map(|error| causes(&error)),
    });
    Ok(Performance {
        report,
        stage,
        _proxy: proxy,
        directory,
    })
}

/// Draws the picture, frame after frame, for ever.
async fn show(stage: &Stage, supervisor: &Supervisor, looks: &Looks, screen: &Screen) {
    if !screen.has_picture() {
        return std::future::pending().await;
    }
    let mut ticks = interval(FRAME);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut past: std::collections::VecDeque<[u64; 3]> = std::collections::VecDeque::new();
    loop {
        ticks.tick().await;
        let rows = rows(stage, past.front().copied().unwrap_or_default());
        if past.len() == FRAMES_PER_SECOND {
            past.pop_front();
        }
        past.push_back(rows.each_ref().map(|row| row.calls));
        screen.draw(Frame {
            elapsed: screen.started().elapsed(),
            backing: if stage.has_real_temporal() {
                "a real Temporal behind the sandbox".to_owned()
            } else {
                "the sandbox answers by itself".to_owned()
            },
            rotation: looks.borrow().clone(),
            rows: rows.to_vec(),
            crashes_survived: *supervisor.crashes().borrow(),
            events: Vec::new(),
        });
    }
}

fn rows(stage: &Stage, a_second_ago: [u64; 3]) -> [Row; 3] {
    let seen = stage.seen();
    let mut before = a_second_ago.into_iter();
    stage
        .troupe
        .counts(Instant::now())
        .map(|(part, counts)| Row {
            name: part.name.to_owned(),
            delivery: part.delivery,
            presents: troupe::presents(&seen, part),
            calls: counts.calls,
            per_second: counts
                .calls
                .saturating_sub(before.next().unwrap_or_default()),
            failed: counts.failed,
            longest_gap: counts.longest_gap,
        })
}

impl Performance {
    /// Keeps the files for good, and says how to look around while everything goes on.
    pub(crate) fn keep(&mut self) -> String {
        self.directory.disable_cleanup(true);
        let config = self.directory.path().join("newleaf.yaml");
        let program = self.stage.product.program().display();
        let config = config.display();
        let proxy = self.stage.proxy;
        let [first, ..] = PARTS;
        format!(
            "everything goes on until ctrl-c; look around with\n  \
             {program} --config {config} status\n  \
             {program} inspect {store}\n  \
             curl http://{admin}/status\n  \
             temporal --address {listen} --namespace {namespace} workflow list\n\
             Cloud Ops API: https://{cloud}, endpoint: {endpoint}, files (they stay): {files}",
            store = self.stage.store(first.name).display(),
            admin = proxy.admin,
            listen = proxy.listen,
            namespace = settings::NAMESPACE,
            cloud = self.stage.cloud_address(),
            endpoint = self.stage.endpoint.address,
            files = self.stage.directory().display(),
        )
    }
}

/// Prints an error with its causes, in one line.
pub(crate) fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
