//! A real worker of a real Temporal behind newleaf-proxy: its leaf is renewed, then its CA is rolled over, and it does not
//! notice. It is never restarted, and every workflow completes.
//!
//! The Python SDK and the `temporal` command are found in the venv that `NEWLEAF_PARTS` names, which `cargo xtask test`
//! prepares. Without it the test says so and passes; with `CI=true` it fails.

use std::{net::SocketAddr, path::Path, process::Stdio};

use newleaf_sandbox::DevServer;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::{
    probe::{Answer, present},
    rig::{End, LOOK_AGAIN, NAMESPACE, PATIENCE, Rig},
};

/// The slowest that a workflow may be, on a machine that is busy with other tests; alone it takes 0.1 s. The SDK hides a
/// failed call behind retries, whose pauses grow to 10 s: a call that failed more than once would show here.
const SLOWEST: f64 = 10.0;

/// How many workflows must have completed in the time of both rotations.
const ENOUGH: u64 = 50;

#[tokio::test]
async fn a_real_worker_lives_through_a_renewal_and_a_rollover() {
    let (Some(temporal), Some(python)) = (
        newleaf_parts::program("temporal"),
        newleaf_parts::program("python"),
    ) else {
        return;
    };
    let temporal = DevServer::start(Command::new(temporal), NAMESPACE).await;
    let temporal = temporal.unwrap();
    let rig = Rig::set(Some(temporal.address())).await;
    let worker = Worker::start(&python, rig.proxy).await;

    let first_leaf = rig.bench.read("worker-a/tls.crt");
    rig.start("rotate leaf payments --yes").succeeds().await;
    assert_ne!(rig.bench.read("worker-a/tls.crt"), first_leaf);

    rig.bench.copy_identity("worker-a", "old");
    assert_eq!(present(&rig, "old").await, Answer::LetIn);
    rig.start("rotate ca payments --yes").succeeds().await;
    assert_eq!(rig.end().await, End::of_generation(2));

    only_the_new_ca_calls(&rig).await;
    assert_eq!(present(&rig, "old").await, Answer::Refused);
    assert_eq!(present(&rig, "worker-a").await, Answer::LetIn);
    worker.finish().await;
}

/// A process of the Python SDK: a worker, and a client that starts workflows.
struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stdin: Option<ChildStdin>,
}

impl Worker {
    /// Starts it, and returns when its first workflow has completed.
    async fn start(python: &Path, proxy: SocketAddr) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/worker.py");
        let mut child = Command::new(python)
            .arg(script)
            .args([&proxy.to_string(), NAMESPACE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stdin = child.stdin.take();
        let mut worker = Self {
            child,
            lines,
            stdin,
        };
        let began = worker.tells().await;
        assert_eq!(began["failed"], serde_json::json!([]), "{began}");
        worker
    }

    /// Waits for the next line, which must come from the process that was started.
    async fn tells(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        let told: Value = serde_json::from_str(&line.unwrap().unwrap().unwrap()).unwrap();
        assert_eq!(told["pid"].as_u64(), self.child.id().map(u64::from));
        told
    }

    /// Lets it finish its workflows, and judges what it tells.
    async fn finish(mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it still runs");
        drop(self.stdin.take());
        let told = self.tells().await;
        let ended = timeout(PATIENCE, self.child.wait()).await;
        assert!(ended.unwrap().unwrap().success());
        eprintln!(
            "workflows completed: {}, failed: {}, slowest: {:.3} s, warnings of the SDK: {}",
            told["completed"],
            told["failed"].as_array().unwrap().len(),
            told["slowest"].as_f64().unwrap(),
            told["warnings"],
        );
        assert_eq!(told["failed"], serde_json::json!([]), "{told}");
        assert!(told["completed"].as_u64().unwrap() >= ENOUGH, "{told}");
        assert!(told["slowest"].as_f64().unwrap() < SLOWEST, "{told}");
    }
}

/// Waits until the server has seen calls under the new CA while no connection under the old one was open.
async fn only_the_new_ca_calls(rig: &Rig) {
    let calls = |generation| -> u64 { rig.seen_under(generation).iter().map(|l| l.n_calls).sum() };
    let open = |generation| -> u64 {
        let leaves = rig.seen_under(generation);
        leaves.iter().map(|l| l.n_connections).sum()
    };
    assert_eq!(open("g1"), 0, "{:?}", rig.seen_under("g1"));
    let (old, new) = (calls("g1"), calls("g2"));
    let going = async {
        while calls("g2") < new + 50 {
            sleep(LOOK_AGAIN).await;
        }
    };
    timeout(PATIENCE, going).await.unwrap();
    assert_eq!((calls("g1"), open("g1")), (old, 0));
}
