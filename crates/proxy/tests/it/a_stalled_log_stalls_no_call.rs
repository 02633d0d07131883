//! The binary: whoever reads its log may stall, and calls go on.

use std::{process::Stdio, time::Duration};

use bytes::Bytes;
use rustix::process::Signal;
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
    time::timeout,
};

use crate::{
    caller::{Caller, End},
    pki::Ca,
    rig,
    server::Server,
};

/// A pipe holds 64 KiB (`pipe(7)`), so a few lines of this length fill it.
const PATH_BYTES: usize = 30_000;

#[tokio::test]
async fn calls_are_answered_while_nobody_reads_and_the_lines_are_there_afterwards() {
    let server = Server::start(&[&Ca::new("g1")]).await;
    // No identity is there, so every call fails at its deadline, and is a line.
    let directory = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut child = rig::binary(&server, directory.path())
        .args(["--listen", &address.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = child.stderr.take().unwrap();
    let listening = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(rig::PATIENCE, listening).await.unwrap();

    let mut caller = Caller::connect(address).await;
    for nth in 0..20 {
        let path = format!("/{nth}-{}", "x".repeat(PATH_BYTES));
        let call = caller.call(&path, Bytes::new(), &[("grpc-timeout", "20m")]);
        let end = timeout(rig::PATIENCE, call).await.expect("it is answered");
        assert!(matches!(end, End::Status(14, _)), "{end:?}");
    }

    rig::signal(&child, Signal::TERM);
    let mut text = String::new();
    let read = log.read_to_string(&mut text);
    timeout(rig::PATIENCE, read).await.unwrap().unwrap();
    for nth in 0..20 {
        assert!(text.contains(&format!("/{nth}-x")), "call {nth}");
    }
    assert!(child.wait().await.unwrap().success());
}
