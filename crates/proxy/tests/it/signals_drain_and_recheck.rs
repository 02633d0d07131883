//! The binary: SIGTERM lets calls finish, SIGHUP looks at the files now, wrong arguments exit with 2.

use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};

use rustix::process::Signal;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
};

use crate::{
    caller::Caller,
    pki::Ca,
    rig::{self, Rig, eventually, signal},
    server::Server,
};

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_newleaf-proxy"));
    command.kill_on_drop(true).stdin(Stdio::null());
    command
}

/// An address that was free a moment ago.
async fn free_address() -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    free.local_addr().unwrap()
}

/// Starts the binary, and waits until it is ready.
async fn start(server: &Server, directory: &Path) -> (Child, SocketAddr) {
    let address = free_address().await;
    let child = rig::binary(server, directory)
        .args(["--listen", &address.to_string()])
        .spawn()
        .unwrap();
    eventually("the identity is adopted", || {
        server.seen(|s| s.connections.len()) == 1
    })
    .await;
    (child, address)
}

/// Starts the binary with an identity that a shell prints.
async fn start_with_helper(server: &Server, directory: &Path, script: &str) -> (Child, SocketAddr) {
    let address = free_address().await;
    let server_ca = directory.join("server-ca.pem");
    fs_err::write(&server_ca, server.ca.certificate.to_pem()).unwrap();
    let child = binary()
        .args(["--upstream", &server.address.to_string()])
        .args(["--server-name", "temporal.test", "--server-ca"])
        .arg(server_ca)
        .args(["--identity-command", "sh", "--identity-every", "86400"])
        .args(["--identity-argument", "-c", "--identity-argument", script])
        .args(["--listen", &address.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    (child, address)
}

#[tokio::test]
async fn sigterm_drains_and_sighup_during_the_drain_is_ignored() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let (mut child, address) = start(&server, directory.path()).await;
    let mut caller = Caller::connect(address).await;
    assert!(caller.echo().await.is_ok());
    let mut poller = caller.clone();
    let poll = tokio::spawn(async move { poller.hold(1500).await });
    eventually("the poll is held", || server.seen(|s| s.n_holding) == 1).await;

    signal(&child, Signal::TERM);
    let refused = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(rig::PATIENCE, refused).await.unwrap();
    signal(&child, Signal::HUP);
    assert!(
        poll.await.unwrap().is_ok(),
        "the poll finished during the drain"
    );
    assert!(child.wait().await.unwrap().success());
}

/// The identity comes from a program, which by itself is run once a day.
#[tokio::test]
async fn sighup_rechecks() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").write_into(directory.path());
    let script = format!("cd '{}' && cat tls.crt tls.key", directory.path().display());
    let (child, address) = start_with_helper(&server, directory.path(), &script).await;
    eventually("the identity is adopted", || {
        server.seen(|s| s.connections.len()) == 1
    })
    .await;
    let second = g1.leaf("worker two");
    second.write_into(directory.path());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.seen(|s| s.connections.len()), 1);
    signal(&child, Signal::HUP);
    eventually("the second is adopted", || {
        server.seen(|s| s.connections.last() == Some(&second.fingerprint()))
    })
    .await;
    assert!(Caller::connect(address).await.echo().await.is_ok());
}

/// Nor is a disk that hangs.
#[tokio::test]
async fn a_program_that_takes_its_time_is_not_waited_for_at_the_end() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    let running = directory.path().join("running");
    let script = format!("touch '{}' && exec sleep 25", running.display());
    let (mut child, _) = start_with_helper(&server, directory.path(), &script).await;
    eventually("the program runs", || running.exists()).await;
    signal(&child, Signal::TERM);
    let ended = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    assert!(ended.unwrap().unwrap().success());
}

#[tokio::test]
async fn wrong_arguments_exit_with_2_and_say_why() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("no-such-file").display().to_string();
    let identity = directory.path().display().to_string();
    let good = ["--upstream", "localhost:7233", "--identity", &identity];
    let check = async |args: &[&str], expected: &str| {
        let output = binary().args(args).output().await.unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains(expected), "{told}");
    };
    check(&[], "--upstream").await;
    check(&["--upstream", "localhost:7233"], "--identity").await;
    check(
        &["--upstream", "localhost", "--identity", &identity],
        "`host:port`",
    )
    .await;
    check(&[&good[..], &["--listen", "nowhere"]].concat(), "unix:PATH").await;
    check(
        &[&good[..], &["--listen", "0.0.0.0:0"]].concat(),
        "--allow-non-loopback",
    )
    .await;
    check(
        &[&good[..], &["--cert", &missing, "--key", &missing]].concat(),
        "--identity",
    )
    .await;
}

/// As for the identity of a listener: the same arguments may do later.
#[tokio::test]
async fn cas_that_are_not_there_yet_exit_with_1_whomever_they_judge() {
    let ours = Ca::new("ours");
    let directory = ours.directory_of_worker();
    let identity = directory.path().display().to_string();
    let listener = tempfile::tempdir().unwrap();
    ours.server_leaf().write_into(listener.path());
    let in_listener = |name| listener.path().join(name).display().to_string();
    let (cert, key) = (in_listener("tls.crt"), in_listener("tls.key"));
    let file = in_listener("cas.pem");
    let good = ["--upstream", "localhost:7233", "--identity", &identity];
    let tls = ["--listen-cert", &cert, "--listen-key", &key];
    let of_servers = [&good[..], &["--server-ca", &file]].concat();
    let of_callers = [&good[..], &tls[..], &["--listen-client-ca", &file]].concat();
    for text in [None, Some("no certificate")] {
        if let Some(text) = text {
            fs_err::write(&file, text).unwrap();
        }
        for args in [&of_servers, &of_callers] {
            let output = binary().args(args).output().await.unwrap();
            let told = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{told}");
            assert!(told.contains("the CAs"), "{told}");
        }
    }
}

#[tokio::test]
async fn shutdown_as_a_library_ends_when_the_last_call_has() {
    let mut rig = Rig::start().await;
    let caller = rig.caller().await;
    let mut poller = caller.clone();
    let poll = tokio::spawn(async move { poller.hold(500).await });
    eventually("the poll is held", || rig.server.seen(|s| s.n_holding) == 1).await;
    assert!(rig.proxy.readiness.is_ready());
    rig.proxy.shut_down();
    eventually("no new calls are to come", || {
        !rig.proxy.readiness.is_ready() && !rig.proxy.status().ready
    })
    .await;
    assert!(!rig.proxy.has_ended());
    assert!(poll.await.unwrap().is_ok());
    eventually("the proxy ends", || rig.proxy.has_ended()).await;
    eventually("its connections are closed", || {
        rig.server.seen(|s| s.n_open) == 0
    })
    .await;
}

#[tokio::test]
async fn the_drain_is_bounded() {
    let bound = Duration::from_millis(300);
    let mut rig = Rig::start_with(|options| options.drain_timeout = bound).await;
    let mut poller = rig.caller().await;
    let poll = tokio::spawn(async move { poller.hold(60_000).await });
    eventually("the poll is held", || rig.server.seen(|s| s.n_holding) == 1).await;
    rig.proxy.shut_down();
    eventually("the proxy ends", || rig.proxy.has_ended()).await;
    assert!(!poll.await.unwrap().is_ok(), "it was cut, and can tell");
}
