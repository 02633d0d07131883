//! The sandbox plays until it is told to stop.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use serde_json::Value;

use crate::bench::Bench;

/// A sandbox that ends with the test.
pub(crate) struct Sandbox {
    child: Child,
    pub(crate) told: Value,
}

impl Sandbox {
    pub(crate) fn start(bench: &Bench) -> Self {
        let mut child = bench
            .newleaf("sandbox --namespace payments.a2dd6 --client-ca ca/ca.crt --timing quick --directory sandbox --json")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let told = serde_json::from_str(&line).unwrap();
        Self { child, told }
    }

    pub(crate) fn address(&self) -> String {
        let address = &self.told["namespaces"]["payments.a2dd6"];
        address.as_str().unwrap().to_owned()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn it_says_where_everything_is_and_ends_on_sigterm() {
    let bench = Bench::with_identity();
    let mut sandbox = Sandbox::start(&bench);
    assert!(std::net::TcpStream::connect(sandbox.address()).is_ok());
    assert!(
        sandbox.told["cloud"]
            .as_str()
            .unwrap()
            .starts_with("https://127.0.0.1:")
    );
    assert_eq!(crate::bench::mode(&bench.path("sandbox/api-key")), 0o600);
    assert!(
        bench
            .read("sandbox/server-ca.pem")
            .starts_with("-----BEGIN CERTIFICATE-----")
    );
    let pid = rustix::process::Pid::from_child(&sandbox.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(sandbox.child.wait().unwrap().success());
}

#[test]
fn what_it_cannot_play_is_refused() {
    let bench = Bench::with_identity();
    bench.fails("sandbox --namespace no-account", 1, "W001");
    bench.fails("sandbox --namespace a.b --quirk busy=never", 2, "W002");
    bench.fails("sandbox --namespace a.b --client-ca missing.pem", 2, "F001");
}
