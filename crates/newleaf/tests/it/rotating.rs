//! Rotations from the command line, against the sandbox: seen through, refused, stopped, killed, resumed.
#![expect(clippy::indexing_slicing, reason = "a failed test should panic")]

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::bench::Bench;

pub(crate) const DISTRUST: &str = "distrusted/payments.a2dd6";

/// A bench with a sandbox that plays, a CA, and two holders whose evidence is a person's word.
pub(crate) struct Stage {
    pub(crate) bench: Bench,
    sandbox: Child,
}

/// A driver that ends with its test, however that ends.
pub(crate) struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended long ago, as it should.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.sandbox.kill().unwrap();
        self.sandbox.wait().unwrap();
    }
}

impl Stage {
    pub(crate) fn set() -> Self {
        let bench = Bench::new();
        bench.write(
            "newleaf.yaml",
            &config("https://127.0.0.1:1", "127.0.0.1:1"),
        );
        bench.done("ca new payments");
        bench.done("leaf issue payments worker-a");
        bench.done("leaf issue payments worker-b");
        let mut sandbox = bench
            .newleaf("sandbox --namespace payments.a2dd6 --client-ca ca/g1/ca.crt --timing quick --directory sandbox --json")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(sandbox.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told: Value = serde_json::from_str(&line).unwrap();
        let cloud = told["cloud"].as_str().unwrap();
        let endpoint = told["namespaces"]["payments.a2dd6"].as_str().unwrap();
        bench.write("newleaf.yaml", &config(cloud, endpoint));
        Self { bench, sandbox }
    }

    pub(crate) fn start(&self, arguments: &str) -> Driver {
        let mut command: Command = self.bench.newleaf(arguments);
        let quiet = command.stdout(Stdio::null()).stderr(Stdio::null());
        Driver(quiet.spawn().unwrap())
    }

    pub(crate) fn status(&self) -> Value {
        self.bench.done("status --json").json()
    }

    /// Waits until the current step is this one, and returns the rotation's name.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "another process is waited for, by its own clock and within a bound"
    )]
    pub(crate) fn at(&self, step: &str) -> String {
        let by = Instant::now() + Duration::from_mins(1);
        loop {
            let said = self.bench.run("status --json");
            if said.code == 0 {
                let status = said.json();
                if status["now"]["step"] == step {
                    return status["rotation"].as_str().unwrap().to_owned();
                }
                assert!(Instant::now() < by, "not at {step}: {status}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub(crate) fn attest(&self, rotation: &str, holders: &[&str]) {
        for holder in holders {
            self.bench
                .done(&format!("attest {rotation} {holder} --reason seen"));
        }
    }
}

fn config(cloud: &str, endpoint: &str) -> String {
    let holder = |name: &str| {
        format!(
            "{name}: {{ store: {{ directory: {name} }}, common_name: {name}, delivery: reload, evidence: [attested] }}"
        )
    };
    let (a, b) = (holder("worker-a"), holder("worker-b"));
    format!(
        r#"state: state
domains:
  payments:
    issuer: {{ directory: ca, common_name: payments-ca, organization: acme, unencrypted: true }}
    trust_points:
      payments.a2dd6:
        temporal_cloud: {{ namespace: payments.a2dd6, address: "{cloud}", api_key: "file:sandbox/api-key", server_ca: sandbox/server-ca.pem }}
        endpoints:
          - {{ address: "{endpoint}", server_ca: sandbox/server-ca.pem, namespace: payments.a2dd6 }}
    holders:
      {a}
      {b}
    waves: [[worker-a], [worker-b]]
    timing: {{ trusted_soak: 100ms, wave_soak: 100ms, disused_soak: 100ms, final_soak: 100ms, poll: 100ms, passes: 1 }}
"#
    )
}

pub(crate) fn exit(mut driver: Driver) -> Option<i32> {
    driver.0.wait().unwrap().code()
}

#[test]
fn a_rollover_is_refused_early_stopped_killed_and_seen_through() {
    let stage = Stage::set();
    let bench = &stage.bench;
    let driver = stage.start("rotate ca payments --yes");
    let id = stage.at("issuing/wave-1");

    bench.fails("rotate leaf payments --yes", 1, "J002");
    bench.fails("plan ca payments", 1, "J002");
    let driven = bench.fails(&format!("resume {id}"), 1, "R003");
    assert!(
        driven.err.contains(&format!("process {}", driver.0.id())),
        "{}",
        driven.err
    );
    let early = bench.fails(&format!("approve {id} {DISTRUST}"), 1, "R005");
    assert!(
        early.err.contains("cannot distrust g1 yet: 2 of 2"),
        "{}",
        early.err
    );

    kill_process(Pid::from_child(&driver.0), Signal::TERM).unwrap();
    assert_eq!(exit(driver), Some(4), "stopped by SIGTERM");

    let mut killed = stage.start("resume");
    stage.attest(&id, &["worker-a"]);
    stage.at("issuing/wave-2");
    killed.0.kill().unwrap();
    assert_eq!(exit(killed), None, "killed");
    assert_eq!(stage.status()["driver"], Value::Null);

    let resumed = stage.start("resume");
    stage.attest(&id, &["worker-a", "worker-b"]);
    stage.at(DISTRUST);
    bench.done(&format!("approve {id} {DISTRUST} --reason green"));
    assert_eq!(exit(resumed), Some(0));

    let status = stage.status();
    assert_eq!(status["outcome"], "rotated");
    assert_eq!(status["phase"], "retired");
    assert!(!bench.path("ca/g1/ca.key").exists() && bench.path("ca/g2/ca.key").exists());
    let picture = bench.done("status").out;
    assert!(
        picture.contains("worker-a presents g2 (attested)"),
        "{picture}"
    );
    bench.fails("resume", 2, "R002");
}

#[test]
fn a_rollback_ends_where_it_began() {
    let stage = Stage::set();
    let bench = &stage.bench;
    let asked = stage.start("rotate ca payments --yes --until-asked");
    let id = stage.at("issuing/wave-1");
    bench.done(&format!("pause {id}"));
    assert_eq!(exit(asked), Some(4), "paused");
    bench.done(&format!("rollback {id} --reason mistake"));
    let back = stage.start("resume");
    stage.at("back/presented");
    stage.attest(&id, &["worker-a", "worker-b"]);
    assert_eq!(
        exit(back),
        Some(1),
        "to have come back is not what was asked for"
    );
    assert_eq!(stage.status()["outcome"], "rolled_back");
    assert!(bench.path("ca/g1/ca.key").exists() && !bench.path("ca/g2/ca.key").exists());
}

#[test]
fn nothing_starts_that_nobody_confirmed_or_that_cannot_work() {
    let bench = Bench::new();
    bench.write(
        "newleaf.yaml",
        &config("https://127.0.0.1:1", "127.0.0.1:1"),
    );
    bench.fails("plan ca payments", 1, "I004");
    bench.fails("status", 2, "R002");
    bench.fails("resume", 2, "R002");
    bench.done("ca new payments");
    bench.fails("plan ca nowhere", 2, "C005");
    let plan = bench.done("plan ca payments").out;
    assert!(plan.contains("accepts g2 and no longer g1"), "{plan}");
    assert_eq!(
        bench.done("plan leaf payments --json").json()["domain"],
        "payments"
    );
    // The API key's file is not there: said before anything is begun.
    bench.fails("rotate ca payments --yes", 2, "C004");
    assert!(!bench.path("state/journal.db").exists());
}
