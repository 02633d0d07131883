//! Loads that need a process of their own: memory that nothing else has grown, and the start itself.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    Load, Row,
    loads::{Extent, Kind},
    reloads,
    stand::{BenchError, Stand},
};
use crate::{
    load::Report,
    process::pause,
    targets::{Running, Target},
    usage,
};

/// Connections that carry long polls.
const CONNECTIONS: u32 = 100;

/// What a process needs to calm down after its first call.
const CALM: Duration = Duration::from_millis(500);

/// For polls to be answered after the server let go of them.
const GRACE: Duration = Duration::from_secs(15);

/// Measures a load on a fresh process; nothing where there is no process.
pub(super) fn measure(
    stand: &Stand,
    load: Load,
    target: Target,
    extent: &Extent,
) -> Result<Option<Row>, BenchError> {
    if target == Target::Direct {
        return Ok(None);
    }
    match load.kind() {
        Kind::Reloads if target == Target::Newleaf => reloads::measure(stand, extent).map(Some),
        Kind::Reloads => Ok(None),
        Kind::Start => start(stand, load, target, extent).map(Some),
        Kind::Polls { each } => polls(stand, load, target, each).map(Some),
        Kind::Traffic(_) | Kind::Churn | Kind::Idle => {
            let running = stand.start(target)?;
            pause(CALM);
            Ok(Some(Row {
                calls: 1,
                pss_kib: pss(&running),
                ..Row::empty(load, target)
            }))
        }
    }
}

fn pss(running: &Running) -> Option<u64> {
    let process = running.process.as_ref();
    process.map(|process| usage::pss_kib(process.id()))
}

/// From the start of the process to the first answered call.
fn start(stand: &Stand, load: Load, target: Target, extent: &Extent) -> Result<Row, BenchError> {
    let mut times = Vec::new();
    for _ in 0..extent.starts {
        let began = Instant::now();
        drop(stand.start(target)?);
        times.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    times.sort_unstable();
    Ok(Row {
        calls: u64::from(extent.starts),
        p50_us: times.get(times.len() / 2).copied(),
        p99_us: times.last().copied(),
        rounds: times.len(),
        ..Row::empty(load, target)
    })
}

/// Long polls on many connections; memory is read while all of them wait.
fn polls(stand: &Stand, load: Load, target: Target, each: u32) -> Result<Row, BenchError> {
    let running = stand.start(target)?;
    // Nobody opens thousands of calls in less than this; the server holds each a little longer than callers begin them.
    let settle = Duration::from_millis(2000 + u64::from(CONNECTIONS * each) / 2);
    let hold = settle + Duration::from_secs(2);
    let arguments = [
        format!("--connections={CONNECTIONS}"),
        format!("--polls={each}"),
        format!("--hold-ms={}", hold.as_millis()),
        format!(
            "--duration-ms={}",
            (settle + Duration::from_millis(500)).as_millis()
        ),
        format!("--grace-ms={}", GRACE.as_millis()),
    ];
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut callers = stand.callers_apart(&running, &arguments)?;
    callers.hear("ready", GRACE * 2)?;
    callers.tell("go")?;
    pause(settle);
    let pss_kib = pss(&running);
    let report = callers.hear("a report", GRACE * 3)?;
    let report: Report = serde_json::from_str(&report)?;
    Ok(Row {
        calls: report.polls,
        failed: report.failures(),
        failures: report.polls_failed.keys().cloned().collect(),
        pss_kib,
        ..Row::empty(load, target)
    })
}
