//! The demo keeps its promises: with a crash, with many, under somebody else's `kill -9`, and when it is stopped.

#![expect(
    clippy::disallowed_methods,
    reason = "another process is waited for, by its own clock and within a bound"
)]

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, ChildStderr, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{bench::Bench, chance::Chance};

/// The longest that one demo may take, on a machine that is busy with other tests.
const LIMIT: Duration = Duration::from_mins(2);

/// The longest that a demo may take to end, once it has a reason to: much less than it waits for traffic.
const AT_ONCE: Duration = Duration::from_secs(10);

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

/// A demo that took too long.
struct Late {
    /// What was seen of it before it was ended.
    scene: String,
    /// What it told.
    output: Output,
}

/// Waits for the end of a demo.
#[track_caller]
fn finish(bench: &Bench, child: Child) -> Output {
    end(bench, child).unwrap_or_else(|late| {
        let told = String::from_utf8_lossy(&late.output.stderr);
        panic!("it took too long:\n{told}{}", late.scene)
    })
}

/// Waits for the end of a demo; one that takes too long is looked at, and ended.
fn end(bench: &Bench, child: Child) -> Result<Output, Late> {
    let pid = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output().unwrap()));
    ended.recv_timeout(LIMIT).map_err(|_late| {
        let scene = scene(bench, pid);
        kill_process(pid, Signal::TERM).unwrap();
        let output = ended.recv().unwrap();
        Late { scene, output }
    })
}

/// Tells what a demo is about: how its rotation stands, what the controllers said, and which processes there are.
fn scene(bench: &Bench, demo: Pid) -> String {
    let directory = fs_err::read_dir(bench.path("")).unwrap().next();
    let Some(directory) = directory.map(|entry| entry.unwrap().path()) else {
        return "there is no directory of a demo".to_owned();
    };
    let config = directory.join("newleaf.yaml");
    let status = bench
        .newleaf(&format!("--config {} status --json", config.display()))
        .output()
        .unwrap();
    let log = fs_err::read_to_string(directory.join("controller.log")).unwrap_or_default();
    // Children of the demo that know nothing of its directory, such as the dev server, and what controllers have started.
    let all = processes(&directory, "").into_iter().chain(children(demo));
    let lines = all.map(|pid| format!("{pid} {}", command_line(pid)));
    let processes: BTreeSet<String> = lines.collect();
    let processes: Vec<String> = processes.into_iter().collect();
    format!(
        "status: {}{}\ncontrollers: {log}\nprocesses:\n{}",
        String::from_utf8_lossy(&status.stdout),
        String::from_utf8_lossy(&status.stderr),
        processes.join("\n")
    )
}

/// Checks the last line of stdout, which is the object that the README promises.
#[track_caller]
fn check(output: &Output, crashes: u64) -> serde_json::Value {
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
    assert!(
        early.contains("of 3 identities still present g1"),
        "{early}"
    );
    // Whatever was killed, the world is left like this.
    let end = serde_json::json!({
        "accepted": ["O=acme, CN=payments-ca g2"],
        "keys": ["g2"],
        "presented": {"proxied": "g2", "reloading": "g2", "restarted": "g2"},
    });
    assert_eq!(report["end"], end);
    report
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
    let fits = |pid: &Pid| {
        let line = command_line(*pid);
        line.contains(&directory) && line.contains(word)
    };
    all_processes().filter(fits).collect()
}

/// Returns the processes that this one started.
fn children(parent: Pid) -> Vec<Pid> {
    let is_child = |pid: &Pid| {
        let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Behind the name, which may hold anything: the state, and the parent.
        let after_name = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        after_name.split(' ').nth(1) == Some(&parent.to_string())
    };
    all_processes().filter(is_child).collect()
}

fn all_processes() -> impl Iterator<Item = Pid> {
    let entries = fs_err::read_dir("/proc").unwrap();
    entries.filter_map(|entry| Pid::from_raw(entry.ok()?.file_name().to_str()?.parse().ok()?))
}

/// Returns how a process was started; nothing if it is gone, or dead and not yet waited for.
fn command_line(pid: Pid) -> String {
    let line = fs_err::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).replace('\0', " ")
}

#[test]
fn every_promise_is_kept() {
    let (_stage, bench) = (stage(), Bench::new());
    let output = finish(&bench, start(&bench, "demo --json"));
    check(&output, 1);
    check_cleaned_up(&bench);
}

#[test]
fn five_crashes_change_nothing() {
    let (_stage, bench) = (stage(), Bench::new());
    let output = finish(&bench, start(&bench, "demo --json --crashes 5 --seed 5"));
    check(&output, 5);
}

/// How often an outsider kills the controller in every run of the tests, and in the slow ones.
const KILLS: u64 = 5;
const SLOW_KILLS: u64 = 50;

/// The longest that an outsider lets a controller live, in turns. A demo drives for some 25 s, most of it soaks and waits
/// for evidence: long lives spread the kills over all of it, short ones strike at starts and first deeds.
const LONGEST_PEACE: [Duration; 2] = [Duration::from_millis(300), Duration::from_secs(4)];

/// Whoever likes kills the controller, at any instant, as often as he likes: the demo resumes it, no call fails, and the
/// world is left the same.
#[test]
fn somebody_elses_kills_change_nothing() {
    let is_slow = std::env::var_os("RUN_SLOW_TESTS").is_some();
    let wanted = if is_slow { SLOW_KILLS } else { KILLS };
    let _stage = stage();
    let mut chance = Chance::new(0x6b69_6c6c);
    let (mut killed, mut demos) = (0, 0);
    while killed < wanted {
        let bench = Bench::new();
        let mut child = start(&bench, "demo --json --crashes 0");
        let stderr = child.stderr.take().unwrap();
        let (ended, told) = thread::scope(|scope| {
            let killer = scope.spawn(|| kill_controllers(stderr, &mut chance, wanted - killed));
            (end(&bench, child), killer.join().unwrap())
        });
        let output = ended.unwrap_or_else(|late| panic!("it took too long:\n{told}{}", late.scene));
        demos += 1;
        let output = Output {
            stderr: told.into_bytes(),
            ..output
        };
        let report = check(&output, 0);
        let survived = report["crashes_survived"].as_u64().unwrap();
        assert!(survived > 0, "{report}");
        killed += survived;
    }
    eprintln!("an outsider killed the controller {killed} times in {demos} demos");
}

/// Kills each controller that a demo tells of, after a random span. Returns all that the demo told.
fn kill_controllers(stderr: ChildStderr, chance: &mut Chance, most: u64) -> String {
    let (mut told, mut lives, mut killed) = (String::new(), 0, 0);
    for line in BufReader::new(stderr).lines() {
        let line = line.unwrap();
        let event: Option<serde_json::Value> = serde_json::from_str(&line).ok();
        told += &(line + "\n");
        let pid = event.and_then(|event| event["controller_pid"].as_i64());
        let Some(pid) = pid.filter(|_| killed < most) else {
            continue;
        };
        // No condition is waited for: the span is the instant of the kill.
        thread::sleep(chance.span(LONGEST_PEACE[lives % 2]));
        lives += 1;
        let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
        // It may have come to its own end just before.
        killed += u64::from(kill_process(pid, Signal::KILL).is_ok());
    }
    told
}

#[test]
fn a_demo_that_is_killed_leaves_no_process_behind() {
    let (_stage, bench) = (stage(), Bench::new());
    let mut child = start(&bench, "demo --json");
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("traffic is steady")));
    assert!(!processes(&bench.path(""), " proxy ").is_empty());
    // A dev server knows nothing of the directory.
    let children = children(Pid::from_child(&child));
    child.kill().unwrap();
    child.wait().unwrap();
    let left = || -> Vec<String> {
        let of_demo = processes(&bench.path(""), "").into_iter();
        let lines = of_demo.chain(children.clone()).map(command_line);
        lines.filter(|line| !line.is_empty()).collect()
    };
    let by = Instant::now() + LIMIT;
    while !left().is_empty() {
        assert!(Instant::now() < by, "{:?}", left());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing_behind() {
    let (_stage, bench) = (stage(), Bench::new());
    let mut child = start(&bench, "demo");
    let pid = Pid::from_child(&child);
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("traffic is steady")));
    kill_process(pid, Signal::TERM).unwrap();
    let output = finish(&bench, child);
    assert_eq!(output.status.code(), Some(1));
    check_cleaned_up(&bench);
}

/// There is nothing to show without it, and nothing to wait for.
#[test]
fn a_demo_whose_proxy_ends_ends_at_once_and_says_so() {
    let (_stage, bench) = (stage(), Bench::new());
    let mut child = start(&bench, "demo --json");
    let mut told = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("traffic is steady")));
    let killed_at = Instant::now();
    let [proxy] = processes(&bench.path(""), " proxy ")[..] else {
        panic!("expected one proxy");
    };
    kill_process(proxy, Signal::KILL).unwrap();
    let rest: String = told.map(|line| line.unwrap() + "\n").collect();
    let output = finish(&bench, child);
    assert_eq!(output.status.code(), Some(1), "{rest}");
    assert!(rest.contains("error[D001]: "), "{rest}");
    assert!(
        rest.contains(
            "expected the demo's proxy to run until the end, found that it ended with signal: 9"
        ),
        "{rest}"
    );
    assert!(killed_at.elapsed() < AT_ONCE, "{rest}");
    check_cleaned_up(&bench);
}
