//! `newleaf proxy` is newleaf-proxy: refused by the same rules, ended by the same signals.

use std::{
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use crate::bench::Bench;

#[test]
fn what_it_cannot_run_is_refused() {
    let bench = Bench::with_identity();
    bench.fails(
        "proxy --upstream localhost:1 --identity worker --server-ca missing.pem",
        1,
        "W001",
    );
    bench.fails(
        "proxy --upstream localhost:1 --identity worker --server-ca ca/ca.crt --listen 0.0.0.0:0",
        2,
        "W003",
    );
    bench.write("newleaf.sock", "in the way");
    assert_eq!(bench.run("proxy --upstream localhost:1").code, 2);
}

#[test]
fn it_ends_on_sigterm() {
    let bench = Bench::with_identity();
    let mut child = bench
        .newleaf("proxy --upstream localhost:1 --identity worker --server-ca ca/ca.crt --listen 127.0.0.1:0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let coloured = |line: &str| line.contains('\x1b');
    assert!(lines.any(|line| {
        let line = line.unwrap();
        assert!(!coloured(&line), "stderr is no terminal: {line:?}");
        line.contains("accepting callers")
    }));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    // What it still says must be read, or it would wait for a reader.
    let rest = std::thread::spawn(move || {
        let mut lines = lines.map_while(Result::ok);
        lines.find(|line| coloured(line))
    });
    assert!(child.wait().unwrap().success());
    assert_eq!(rest.join().unwrap(), None);
}
