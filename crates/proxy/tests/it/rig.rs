//! What most tests stand on: a server, a proxy, an identity on disk, and load.

use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use newleaf_identity::Source;
use newleaf_proxy::{
    CredentialsOptions, Exposure, Listen, ListenerOptions, Options, Plane, Proxy, Resolver,
    ResolverOptions, Route, ServerTrust, Status, UpstreamOptions,
    status::{LookupStatus, Readiness},
};
use newleaf_x509::TrustBundle;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::{
    caller::{Caller, End},
    pki::{Ca, Leaf},
    server::Server,
};

/// Within this, everything that is to happen happens, even on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy that runs in the test's own runtime.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    /// Of every listener.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) admin: SocketAddr,
    pub(crate) readiness: Readiness,
    status: Box<dyn Fn() -> Status + Send + Sync>,
    shutdown: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

/// CA g1, a server that accepts it, and a proxy with a leaf of it.
pub(crate) struct Rig {
    pub(crate) g1: Ca,
    pub(crate) first: Leaf,
    pub(crate) server: Server,
    pub(crate) directory: TempDir,
    pub(crate) proxy: Running,
}

pub(crate) fn options(server: SocketAddr, ca: &Ca, directory: &Path) -> Options {
    Options {
        listeners: vec![listener(Route::Upstream("temporal".to_owned()))],
        upstreams: vec![upstream("temporal", server, ca, directory)],
        exposure: Exposure::Loopback,
        admin: Some(Listen::Tcp("127.0.0.1:0".parse().unwrap())),
        drain_timeout: Duration::from_secs(10),
    }
}

/// A plaintext listener on a port that the system chooses.
pub(crate) fn listener(route: Route) -> ListenerOptions {
    ListenerOptions {
        listen: Listen::Tcp("127.0.0.1:0".parse().unwrap()),
        tls: None,
        route,
    }
}

/// A server to which the identity in `directory` is presented.
pub(crate) fn upstream(
    name: &str,
    server: SocketAddr,
    ca: &Ca,
    directory: &Path,
) -> UpstreamOptions {
    UpstreamOptions {
        name: name.to_owned(),
        address: server.to_string(),
        server_name: Some("temporal.test".to_owned()),
        resolver: Resolver::new(ResolverOptions::system()),
        connect_proxy: None,
        server_trust: ServerTrust::Bundle(TrustBundle::new([ca.certificate.clone()])),
        credentials: CredentialsOptions::Identity(Source::Directory(directory.to_owned())),
        namespace: Some("payments.a2dd6".to_owned()),
        connection_age: Duration::from_mins(5),
    }
}

/// Has the proxy find its server under a name that `resolver` knows, at the port that it has.
pub(crate) fn look_up(options: &mut Options, name: &str, resolver: Resolver) {
    let upstream = options.upstreams.first_mut().unwrap();
    let (_, port) = upstream.address.rsplit_once(':').unwrap();
    upstream.address = format!("{name}:{port}");
    upstream.resolver = resolver;
}

/// The binary as its users start it, with the identity in `directory` for this server; where it listens is still to be said.
/// It is killed when it is dropped.
pub(crate) fn binary(server: &Server, directory: &Path) -> Command {
    let server_ca = directory.join("server-ca.pem");
    fs_err::write(&server_ca, server.ca.certificate.to_pem()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_newleaf-proxy"));
    command
        .args(["--upstream", &server.address.to_string()])
        .args(["--server-name", "temporal.test"])
        .arg("--server-ca")
        .arg(server_ca)
        .arg("--identity")
        .arg(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Sends a signal to a process.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id().unwrap()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

/// Starts the binary, and returns the first line of its log in which these words are.
pub(crate) async fn logged(command: &mut Command, words: &str) -> (Child, String) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return line;
            }
        }
        panic!("the log ended");
    };
    let line = timeout(PATIENCE, found).await.unwrap();
    (child, line)
}

impl Rig {
    /// Starts everything, and waits until the first identity is adopted.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_options| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let g1 = Ca::new("g1");
        let first = g1.leaf("worker one");
        let server = Server::start(&[&g1]).await;
        let directory = tempfile::tempdir().unwrap();
        first.swap_into(directory.path());
        let mut options = options(server.address, &server.ca, directory.path());
        change(&mut options);
        let proxy = Running::adopted(options).await;
        Self {
            g1,
            first,
            server,
            directory,
            proxy,
        }
    }

    pub(crate) async fn caller(&self) -> Caller {
        Caller::connect(self.proxy.address).await
    }
}

impl Running {
    /// Starts, and waits until the first identity is adopted.
    pub(crate) async fn adopted(options: Options) -> Self {
        let proxy = Self::start(options).await;
        eventually("the first identity is adopted", || {
            proxy.status().adopted == 1
        })
        .await;
        proxy
    }

    pub(crate) async fn start(options: Options) -> Self {
        let plane = Plane::start().unwrap();
        let proxy = Proxy::bind_on(options, plane.handle()).await.unwrap();
        let (shutdown, stopped) = oneshot::channel();
        let addresses: Vec<_> = proxy.addresses().iter().map(|a| a.unwrap()).collect();
        let admin = proxy.admin_address().unwrap();
        let status = Box::new(proxy.status());
        let readiness = proxy.readiness();
        let serving = tokio::spawn(async move {
            let until = async { drop(stopped.await) };
            proxy.serve(until).await;
            drop(plane);
        });
        Self {
            address: *addresses.first().unwrap(),
            addresses,
            admin,
            readiness,
            status,
            shutdown: Some(shutdown),
            serving,
        }
    }

    pub(crate) fn status(&self) -> Status {
        (self.status)()
    }

    /// Returns whether what it has in use is what it read last.
    pub(crate) fn is_current(&self) -> bool {
        self.status()
            .upstreams
            .iter()
            .all(|upstream| upstream.current)
    }

    /// What it knows of the name of its first server.
    pub(crate) fn name_lookup(&self) -> LookupStatus {
        let upstream = self.status().upstreams.into_iter().next().unwrap();
        upstream.name_lookup.unwrap()
    }

    /// Begins the shutdown.
    pub(crate) fn shut_down(&mut self) {
        drop(self.shutdown.take());
    }

    /// Returns whether the proxy has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.serving.is_finished()
    }
}

/// Waits until a condition holds; a test that waits in vain fails.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let asked_at = std::panic::Location::caller();
    async move {
        let by = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < by, "{asked_at}: waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Calls all the time, until it is stopped.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<Vec<End>>>,
}

impl Load {
    /// `n` callers on one connection that echo without a pause, and `n` that hold for 150 ms each.
    pub(crate) fn start(caller: &Caller, n: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut running = Vec::new();
        for number in 0..2 * n {
            let (mut caller, stop) = (caller.clone(), Arc::clone(&stop));
            running.push(tokio::spawn(async move {
                let mut ends = Vec::new();
                while !stop.load(Relaxed) {
                    let end = if number < n {
                        caller.echo().await
                    } else {
                        caller.hold(150).await
                    };
                    ends.push(end);
                    // A pace at which two cores can run these tests side by side.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                ends
            }));
        }
        Self { stop, running }
    }

    /// Stops, and returns how many calls there were; any that did not end with OK fails the test.
    pub(crate) async fn stop(self) -> usize {
        self.stop.store(true, Relaxed);
        let mut n_calls = 0;
        for caller in self.running {
            let ends = caller.await.unwrap();
            let failed: Vec<_> = ends.iter().filter(|end| !end.is_ok()).collect();
            assert!(failed.is_empty(), "{failed:?} of {} calls", ends.len());
            n_calls += ends.len();
        }
        n_calls
    }
}
