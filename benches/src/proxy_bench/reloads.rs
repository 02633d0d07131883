//! Many identities in a row under load: no call may fail, and neither memory nor open files may grow.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use rustix::process::Signal;
use tokio::time::Instant;

use super::{
    Load, Row,
    loads::Extent,
    stand::{BenchError, Stand},
};
use crate::{
    load::Report,
    pki::Leaf,
    process::{Process, pause},
    targets::Target,
    usage,
};

/// The load beside the reloads: unary calls at even distances, and polls that are open across many reloads.
const CALLERS: &[&str] = &[
    "--connections=8",
    "--rate=500",
    "--even",
    "--polls=5",
    "--hold-ms=1000",
    "--grace-ms=5000",
];

/// For one identity to be adopted.
const ADOPTED: Duration = Duration::from_secs(10);

/// For the connections of the identities before to end.
const SETTLED: Duration = Duration::from_secs(3);

/// For the process to start, and for the last calls to end.
const UP: Duration = Duration::from_secs(20);

/// How often memory is read on the way: a leak grows with each quarter, a heap that has found its size does not.
const QUARTERS: u32 = 4;

/// How many reloads are made before memory is read for the first time: caches and allocators fill once.
const WARM: u32 = 50;

/// Swaps between two identities as often as the extent says.
pub(super) fn measure(stand: &Stand, extent: &Extent) -> Result<Row, BenchError> {
    let running = stand.start(Target::Newleaf)?;
    let Some(process) = &running.process else {
        return Ok(Row::empty(Load::Reloads, Target::Newleaf));
    };
    let limit = Duration::from_millis(100) * extent.reloads + SETTLED * QUARTERS + UP;
    let duration = format!("--duration-ms={}", limit.as_millis());
    let arguments: Vec<_> = CALLERS.iter().copied().chain([duration.as_str()]).collect();
    let mut callers = stand.callers_apart(&running, &arguments)?;
    callers.hear("ready", ADOPTED)?;
    callers.tell("go")?;
    let began = Instant::now();
    let mut times = Vec::new();
    let swap = |version: u32| -> Result<Option<u32>, BenchError> {
        let leaf = if version.is_multiple_of(2) {
            Leaf::Old
        } else {
            Leaf::New
        };
        let asked = Instant::now();
        stand.stage.pki.put(leaf, version)?;
        process.signal(Signal::HUP)?;
        let adopted = wait_until_adopted(running.admin, u64::from(version) + 1);
        Ok(adopted.then(|| u32::try_from(asked.elapsed().as_micros()).unwrap_or(u32::MAX)))
    };
    let (mut before, mut quarters) = (State::default(), Vec::new());
    for version in 1..=extent.reloads {
        if began.elapsed() + SETTLED * 3 > limit {
            break;
        }
        if let Some(time) = swap(version)? {
            times.push(time);
        }
        if version == WARM {
            pause(SETTLED);
            before = State::of(process);
        }
        if version.is_multiple_of((extent.reloads / QUARTERS).max(1)) {
            pause(SETTLED);
            quarters.push(State::of(process).pss_kib);
        }
    }
    pause(SETTLED);
    let after = State::of(process);
    let report = callers.hear("a report", limit + ADOPTED)?;
    let report: Report = serde_json::from_str(&report)?;
    // The others go on with the old one.
    stand.stage.pki.put(Leaf::Old, extent.reloads + 2)?;
    times.sort_unstable();
    let failures = report.failed.keys().chain(report.polls_failed.keys());
    Ok(Row {
        calls: report.calls + report.polls,
        failed: report.failures(),
        failures: failures.cloned().collect(),
        p50_us: Some(report.p50_us),
        p99_us: Some(report.p99_us),
        pss_kib: Some(after.pss_kib),
        more: Some(serde_json::json!({
            "reloads": times.len(),
            "adopted_p50_us": times.get(times.len() / 2),
            "adopted_max_us": times.last(),
            "longest_gap_ms": report.longest_gap_ms.round(),
            "pss_kib_before": before.pss_kib,
            "pss_kib_quarters": quarters,
            "files_before": before.files,
            "files_after": after.files,
        })),
        ..Row::empty(Load::Reloads, Target::Newleaf)
    })
}

/// What a process holds.
#[derive(Clone, Debug, Default)]
struct State {
    pss_kib: u64,
    files: usize,
}

impl State {
    fn of(process: &Process) -> Self {
        Self {
            pss_kib: usage::pss_kib(process.id()),
            files: usage::files(process.id()),
        }
    }
}

/// Asks the proxy's admin endpoint until it has adopted so many identities.
fn wait_until_adopted(admin: SocketAddr, count: u64) -> bool {
    let until = Instant::now() + ADOPTED;
    while Instant::now() < until {
        if adopted(admin).is_ok_and(|adopted| adopted >= count) {
            return true;
        }
        pause(Duration::from_millis(2));
    }
    false
}

fn adopted(admin: SocketAddr) -> io::Result<u64> {
    let mut socket = TcpStream::connect(admin)?;
    socket.set_read_timeout(Some(ADOPTED))?;
    socket.write_all(b"GET /status HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let status: serde_json::Value = serde_json::from_str(body)?;
    let count = status.get("adopted").and_then(serde_json::Value::as_u64);
    Ok(count.unwrap_or(0))
}
