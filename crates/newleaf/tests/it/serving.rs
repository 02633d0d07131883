//! `newleaf leaf serve`: a leaf and its successors over a socket, and no key on the disk.
#![expect(
    clippy::disallowed_methods,
    reason = "waits for another process, which has no clock that a test could pause"
)]

use std::{
    io::{BufRead as _, BufReader, Read as _},
    os::unix::net::UnixStream,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use newleaf_identity::{Identity, Source};

use crate::bench::{Bench, mode};

/// Within this, everything that is to happen happens, even on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Serving {
    child: Child,
    bench: Bench,
}

fn start(flags: &str) -> Serving {
    let bench = Bench::new();
    bench.done("ca new --unencrypted --out ca --common-name ca-g1");
    let mut child = bench
        .newleaf(&format!(
            "leaf serve --ca ca --socket leaf.sock --common-name worker-a {flags}"
        ))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("serving")));
    // What it still says must be read, or it would wait for a reader.
    std::thread::spawn(move || lines.count());
    Serving { child, bench }
}

impl Serving {
    fn load(&self) -> Identity {
        let source = Source::Socket(self.bench.path("leaf.sock"));
        source.load(now()).unwrap_or_else(|error| panic!("{error}"))
    }

    fn stop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until whoever serves now certifies somebody as wanted.
    fn wait_for(&self, what: &str, wanted: impl Fn(&Identity) -> bool) -> Identity {
        let by = Instant::now() + PATIENCE;
        loop {
            let source = Source::Socket(self.bench.path("leaf.sock"));
            if let Ok(identity) = source.load(now())
                && wanted(&identity)
            {
                return identity;
            }
            assert!(Instant::now() < by, "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A test that fails leaves nobody behind.
impl Drop for Serving {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.kill();
        }
    }
}

fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[test]
fn a_leaf_and_its_key_come_over_the_socket_and_lie_nowhere() {
    let mut serving = start("--organization acme --san dns:a.x --lifetime 2h");
    let identity = serving.load();
    assert_eq!(identity.leaf().subject().to_string(), "O=acme, CN=worker-a");
    assert_eq!(
        identity.fingerprint(),
        serving.load().fingerprint(),
        "the same for everybody"
    );
    assert_eq!(mode(&serving.bench.path("leaf.sock")), 0o600);

    let mut text = String::new();
    let socket = UnixStream::connect(serving.bench.path("leaf.sock")).unwrap();
    (&socket).read_to_string(&mut text).unwrap();
    assert!(text.contains("PRIVATE KEY"), "the connection carries it");
    assert_eq!(serving.bench.names("."), ["ca", "leaf.sock"]);
    let ca = serving.bench.names("ca");
    assert_eq!(
        ca,
        ["ca.crt", "ca.key", "issued.jsonl"],
        "the leaf is in the CA's record"
    );

    serving.stop();
    assert!(!serving.bench.path("leaf.sock").exists());
}

#[test]
fn the_next_leaf_comes_in_time() {
    let mut serving = start("--lifetime 3s");
    let first = serving.load();
    let second = serving.wait_for("the next leaf", |leaf| {
        leaf.fingerprint() != first.fingerprint()
    });
    assert!(second.not_after() > first.not_after());
    assert_ne!(second.leaf().public_key(), first.leaf().public_key());
    serving.stop();
}

#[test]
fn a_socket_that_somebody_serves_is_left_alone_and_a_stale_one_is_not() {
    let mut serving = start("--lifetime 1h");
    let path = serving.bench.path("leaf.sock").display().to_string();
    let ca = serving.bench.path("ca").display().to_string();
    let other = Bench::new();
    let again = format!("leaf serve --ca {ca} --socket {path} --common-name worker-b");
    other.fails(&again, 1, "W001");
    assert_eq!(serving.load().leaf().subject().to_string(), "CN=worker-a");
    serving.kill();
    assert!(serving.bench.path("leaf.sock").exists());
    serving.child = other.newleaf(&again).stderr(Stdio::null()).spawn().unwrap();
    serving.wait_for("the second server", |leaf| {
        leaf.leaf().subject().to_string() == "CN=worker-b"
    });
}
