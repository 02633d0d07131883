//! The demo keeps its promises: with a crash, with many, under somebody else's `kill -9`, and when it is stopped.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::bench::Bench;

/// The longest that one demo may take, on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_mins(2);

/// One demo at a time: each has three clients that count gaps.
static STAGE: Mutex<()> = Mutex::new(());

fn stage() -> MutexGuard<'static, ()> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts a demo whose temporary directory lies in the bench.
fn start(bench: &Bench, arguments: &str) -> Child {
    bench
        .newleaf(arguments)
        .env("TMPDIR", bench.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end of a demo; one that takes too long is ended.
#[track_caller]
fn finish(child: Child) -> Output {
    let pid = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    std::thread::spawn(move || send.send(child.wait_with_output().unwrap()));
    ended.recv_timeout(LIMIT).unwrap_or_else(|_late| {
        kill_process(pid, Signal::TERM).unwrap();
        let output = ended.recv().unwrap();
        panic!(
            "it took too long:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    })
}

/// Checks the last line of stdout, which is the object that the README promises.
#[track_caller]
fn check(output: &Output, crashes: u64) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let out = String::from_utf8_lossy(&output.stdout);
    let report: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert!(report["calls"].as_u64().unwrap() > 500, "{report}");
    assert_eq!(report["failed"], 0, "{report}");
    assert!(report["longest_gap_ms"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(report["old_leaf_refused"], true, "{report}");
    assert!(
        report["crashes_survived"].as_u64().unwrap() >= crashes,
        "{report}"
    );
    let phases: Vec<&str> = report["phases"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|phase| phase.as_str())
        .collect();
    assert_eq!(
        phases,
        [
            "preflight",
            "prepared",
            "trusted",
            "canary",
            "issuing",
            "soaking",
            "distrusted",
            "retired"
        ]
    );
    let early = report["early_distrust_refused"].as_str().unwrap();
    assert!(early.contains("identities still present g1"), "{early}");
}

/// Checks that nothing is left: no file in the temporary directory, no process that knows it.
#[track_caller]
fn check_cleaned_up(bench: &Bench) {
    let left: Vec<_> = fs_err::read_dir(bench.path("")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(processes(&bench.path(""), ""), []);
}

/// Returns the processes whose command line names this directory and this word.
fn processes(directory: &Path, word: &str) -> Vec<Pid> {
    let directory = directory.to_string_lossy().into_owned();
    fs_err::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let line = fs_err::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            (line.contains(&directory) && line.contains(word)).then_some(pid)
        })
        .collect()
}

#[test]
fn every_promise_is_kept() {
    let (_stage, bench) = (stage(), Bench::new());
    let output = finish(start(&bench, "demo --json"));
    check(&output, 1);
    check_cleaned_up(&bench);
}

#[test]
fn five_crashes_change_nothing() {
    let (_stage, bench) = (stage(), Bench::new());
    let output = finish(start(&bench, "demo --json --crashes 5 --seed 5"));
    check(&output, 5);
}

#[test]
fn somebody_elses_kill_is_survived_too() {
    let (_stage, bench) = (stage(), Bench::new());
    let mut child = start(&bench, "demo --json --crashes 0");
    let mut told = BufReader::new(child.stderr.take().unwrap());
    // Each time the demo tells something the controller that runs then is killed, if one does.
    let killer = std::thread::spawn({
        let directory = bench.path("");
        move || {
            let mut lines = String::new();
            while told.read_line(&mut lines).unwrap() > 0 {
                let controllers = [" rotate ", " resume"].map(|word| processes(&directory, word));
                for pid in controllers.into_iter().flatten() {
                    if lines.matches("died by signal").count() < 3 {
                        // It may have ended meanwhile.
                        let _gone = kill_process(pid, Signal::KILL);
                    }
                }
            }
            lines
        }
    });
    let mut output = finish(child);
    output.stderr = killer.join().unwrap().into_bytes();
    check(&output, 1);
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing_behind() {
    let (_stage, bench) = (stage(), Bench::new());
    let mut child = start(&bench, "demo");
    let pid = Pid::from_child(&child);
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("traffic is steady")));
    kill_process(pid, Signal::TERM).unwrap();
    let output = finish(child);
    assert_eq!(output.status.code(), Some(1));
    check_cleaned_up(&bench);
}
