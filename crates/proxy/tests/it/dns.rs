//! A DNS server: dnsmasq, which nobody here wrote.
//!
//! It is found in the directory that `NEWLEAF_PARTS` names, which `cargo xtask test` prepares.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use newleaf_proxy::{Resolver, ResolverOptions};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::rig::eventually;

/// The server. What it knows lies below `test`, and is found with this TTL.
pub(crate) struct Dnsmasq {
    pub(crate) address: SocketAddr,
    program: PathBuf,
    directory: TempDir,
    ttl: u32,
    child: Option<Child>,
}

impl Dnsmasq {
    /// Starts a server that knows nothing yet. None: there is no dnsmasq here, which is said.
    pub(crate) async fn start(ttl: u32) -> Option<Self> {
        let port = free_port();
        Self::start_at(SocketAddr::from((Ipv4Addr::LOCALHOST, port)), ttl).await
    }

    pub(crate) async fn start_at(address: SocketAddr, ttl: u32) -> Option<Self> {
        let mut server = Self {
            address,
            program: newleaf_parts::program("dnsmasq")?,
            directory: tempfile::tempdir().unwrap(),
            ttl,
            child: None,
        };
        fs_err::write(server.hosts(), "").unwrap();
        server.start_again(&["--local=/test/"]).await;
        Some(server)
    }

    /// Starts with other arguments, in place of what runs.
    pub(crate) async fn start_again(&mut self, arguments: &[&str]) {
        self.end();
        let log = self.log();
        drop(fs_err::remove_file(&log));
        let child = Command::new(&self.program)
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--pid-file",
            ])
            // As root it would become another user, who cannot write here.
            .args([
                "--user=root",
                "--no-resolv",
                "--no-hosts",
                "--bind-interfaces",
            ])
            .args(["--log-queries", "--cache-size=0"])
            .arg(format!("--port={}", self.address.port()))
            .arg(format!("--listen-address={}", self.address.ip()))
            .arg(format!("--local-ttl={}", self.ttl))
            .arg(argument("--addn-hosts=", &self.hosts()))
            .arg(argument("--log-facility=", &log))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        eventually("dnsmasq has begun", || self.said().contains(" started")).await;
    }

    /// Changes what it knows.
    pub(crate) fn know(&self, records: &[(&str, &str)]) {
        let text = records
            .iter()
            .fold(String::new(), |mut text, (name, address)| {
                writeln!(text, "{address} {name}").unwrap();
                text
            });
        fs_err::write(self.hosts(), text).unwrap();
        self.signal(Signal::HUP);
    }

    /// Changes what it knows while it is down.
    pub(crate) async fn know_from_the_start(&mut self, records: &[(&str, &str)]) {
        self.start_again(&["--local=/test/"]).await;
        self.know(records);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_child(self.child.as_ref().unwrap());
        kill_process(id, signal).unwrap();
    }

    /// Returns how often it was asked for addresses of this name.
    pub(crate) fn n_asked(&self, name: &str) -> usize {
        self.said()
            .matches(&format!("query[A] {name} from"))
            .count()
    }

    /// A resolver that asks it.
    pub(crate) fn resolver(&self) -> Resolver {
        resolver([self.address])
    }

    fn said(&self) -> String {
        fs_err::read_to_string(self.log()).unwrap_or_default()
    }

    fn hosts(&self) -> PathBuf {
        self.directory.path().join("hosts")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub(crate) fn end(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        self.end();
    }
}

/// A resolver that asks these servers, and knows nothing itself.
pub(crate) fn resolver(servers: impl IntoIterator<Item = SocketAddr>) -> Resolver {
    Resolver::new(ResolverOptions {
        servers: servers.into_iter().collect(),
        hosts: PathBuf::new(),
        ..ResolverOptions::system()
    })
}

/// A port that is free for UDP and TCP alike, on all of loopback.
pub(crate) fn free_port() -> u16 {
    let any = IpAddr::from(Ipv4Addr::UNSPECIFIED);
    loop {
        let tcp = TcpListener::bind((any, 0)).unwrap();
        let port = tcp.local_addr().unwrap().port();
        if UdpSocket::bind((any, port)).is_ok() {
            return port;
        }
    }
}

fn argument(flag: &str, path: &Path) -> String {
    format!("{flag}{}", path.display())
}
