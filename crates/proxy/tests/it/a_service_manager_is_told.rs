//! What systemd hears from the binary: a real socket for datagrams, as it opens one for every service.

use std::path::Path;

use rustix::process::Signal;
use tokio::{net::UnixDatagram, process::Child, time::timeout};

use crate::{
    pki::Ca,
    rig::{PATIENCE, Rig, binary, signal},
    server::Server,
};

/// The manager's end of the socket.
struct Manager {
    socket: UnixDatagram,
    heard: Vec<String>,
}

impl Manager {
    fn listen(path: &Path) -> Self {
        Self {
            socket: UnixDatagram::bind(path).unwrap(),
            heard: Vec::new(),
        }
    }

    /// Listens until a line fits, and returns all that has come up to it.
    async fn hears(&mut self, fits: impl Fn(&str) -> bool) -> Vec<String> {
        loop {
            if let Some(last) = self.heard.iter().position(|line| fits(line)) {
                return self.heard.drain(..=last).collect();
            }
            let mut datagram = Vec::with_capacity(4096);
            let received = timeout(PATIENCE, self.socket.recv_buf(&mut datagram)).await;
            assert!(received.is_ok(), "waited in vain; heard {:?}", self.heard);
            let text = String::from_utf8(datagram).unwrap();
            self.heard.extend(text.lines().map(str::to_owned));
        }
    }
}

fn start(server: &Server, directory: &Path, socket: &Path) -> Child {
    binary(server, directory)
        .args(["--listen", "127.0.0.1:0"])
        .env("NOTIFY_SOCKET", socket)
        .env("WATCHDOG_USEC", "200000")
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn from_the_first_proof_to_the_last_call() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notify.sock");
    let mut manager = Manager::listen(&path);
    let mut child = start(&server, directory.path(), &path);

    let why = |line: &str| line.starts_with("STATUS=temporal: no credentials are proved yet: ");
    let before = manager.hears(why).await;
    assert!(!before.contains(&"READY=1".to_owned()), "{before:?}");
    assert!(before.last().unwrap().contains("tls.crt"), "{before:?}");

    // A look is not a proof: nobody is told that calls can be carried.
    signal(&child, Signal::HUP);
    let looked = manager.hears(|line| line == "WATCHDOG=1").await;
    let said = |word: &str| looked.iter().any(|line| line.starts_with(word));
    assert!(!said("RELOADING=1") && !said("READY=1"), "{looked:?}");

    let first = g1.leaf("worker");
    first.swap_into(directory.path());
    manager.hears(|line| line == "READY=1").await;
    let expected = format!("under identity 1, leaf {}", first.fingerprint().short());
    manager
        .hears(|line| {
            line.starts_with("STATUS=temporal: carrying calls") && line.contains(&expected)
        })
        .await;
    manager.hears(|line| line == "WATCHDOG=1").await;

    let second = g1.leaf("worker two");
    second.swap_into(directory.path());
    signal(&child, Signal::HUP);
    let reload = manager.hears(|line| line == "READY=1").await;
    let said = |word: &str| reload.iter().any(|line| line.starts_with(word));
    assert!(said("RELOADING=1") && said("MONOTONIC_USEC="), "{reload:?}");
    manager
        .hears(|line| line.contains("under identity 2"))
        .await;

    signal(&child, Signal::TERM);
    manager.hears(|line| line == "STOPPING=1").await;
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn readiness_wakes_whoever_waits_for_it() {
    let rig = Rig::start().await;
    let mut readiness = rig.proxy.readiness.clone();
    assert!(timeout(PATIENCE, readiness.ready()).await.unwrap());
    assert!(readiness.is_ready());
}
