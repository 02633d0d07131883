//! The sandbox plays until it is told to stop.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::bench::Bench;

#[test]
fn it_says_where_everything_is_and_ends_on_sigterm() {
    let bench = Bench::with_identity();
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
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = told["namespaces"]["payments.a2dd6"].as_str().unwrap();
    assert!(std::net::TcpStream::connect(address).is_ok());
    assert!(
        told["cloud"]
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
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_it_cannot_play_is_refused() {
    let bench = Bench::with_identity();
    bench.fails("sandbox --namespace no-account", 1, "W001");
    bench.fails("sandbox --namespace a.b --quirk busy=never", 2, "W002");
    bench.fails("sandbox --namespace a.b --client-ca missing.pem", 2, "F001");
}
