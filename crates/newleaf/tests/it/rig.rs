//! A trust domain at work: a namespace on the sandbox, a holder behind newleaf-proxy, and newleaf to rotate their
//! certificates. newleaf runs as processes of its own, as anybody would run it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::Stdio,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use newleaf_sandbox::{
    ApiKey, Limits, NamespaceOptions, Options, Owner, Quirks, Sandbox, SeenLeaf, Timing, start,
};
use newleaf_systems::{
    domain::{self, CloudOptions},
    temporal_cloud::CloudNamespace,
};
use newleaf_x509::{Chain, TrustBundle};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

use crate::{bench::Bench, road::Road, run::Run};

pub(crate) const NAMESPACE: &str = "payments.a2dd6";
const API_KEY: &str = "key-of-the-rig";

/// The longest that a test waits for one thing: far above what each takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// How long to rest between two looks.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The sandbox's spans: short, with a grace that outlasts every poll.
const TIMING: Timing = Timing {
    operation: Duration::from_millis(400),
    propagation: Duration::from_millis(200),
    check: Duration::from_millis(100),
    connection_age: Duration::from_secs(CONNECTION_AGE),
    age_grace: Duration::from_secs(8),
    long_poll: Duration::from_millis(1_500),
};

/// In seconds; Temporal's connections live 5 minutes.
const CONNECTION_AGE: u64 = 2;

/// Everything that a rotation needs, and a proxy that carries calls.
pub(crate) struct Rig {
    pub(crate) bench: Bench,
    pub(crate) sandbox: Sandbox,
    /// newleaf's own ways to the Cloud Ops API and to the namespace. The proxy has a way of its own.
    pub(crate) roads: [Road; 2],
    /// Where the proxy accepts callers.
    pub(crate) proxy: SocketAddr,
    _proxy: Child,
}

/// How a rotation left the world.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// What the journal says.
    pub(crate) outcome: Value,
    /// The phases whose every step was reached.
    pub(crate) phases: Vec<Value>,
    /// Who signed the leaf in the store.
    pub(crate) leaf_of: String,
    /// What is in the store's directory, versions counted.
    pub(crate) store: Vec<String>,
    /// Whom the namespace accepts.
    pub(crate) accepted: Vec<String>,
    /// The generations whose key is there.
    pub(crate) keys: Vec<String>,
}

impl Rig {
    /// Sets everything up, with CA g1 and a leaf of it; the proxy carries calls when this returns.
    pub(crate) async fn set(upstream: Option<SocketAddr>) -> Self {
        let bench = Bench::new();
        // The sandbox wants the CA before it says where it listens; until then a port stands there that nobody uses.
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        bench.write("newleaf.yaml", &config(nowhere, nowhere, nowhere));
        bench.done("ca new payments");
        bench.done("leaf issue payments worker-a");
        let sandbox = start(options(bench.read("ca/g1/ca.crt"), upstream));
        let sandbox = sandbox.await.unwrap();
        bench.write("server-ca.crt", sandbox.server_ca_pem());
        bench.write("api-key", API_KEY);
        let endpoint = sandbox.namespace_address(NAMESPACE).unwrap();
        let (process, proxy, admin) = start_proxy(&bench, endpoint).await;
        let roads = [
            Road::to(sandbox.cloud_address()).await,
            Road::to(endpoint).await,
        ];
        let [cloud, endpoint] = &roads;
        let text = config(cloud.address, endpoint.address, admin);
        bench.write("newleaf.yaml", &text);
        Self {
            bench,
            sandbox,
            roads,
            proxy,
            _proxy: process,
        }
    }

    /// Changes a line of the configuration.
    pub(crate) fn amend(&self, from: &str, to: &str) {
        let text = self.bench.read("newleaf.yaml");
        assert!(text.contains(from), "{text}");
        self.bench.write("newleaf.yaml", &text.replace(from, to));
    }

    /// Starts newleaf, split at white space.
    pub(crate) fn start(&self, arguments: &str) -> Run {
        Run::start(&self.bench, arguments)
    }

    /// Returns what `newleaf status` shows; nothing before the first rotation.
    pub(crate) async fn status(&self) -> Option<Value> {
        let mut command = Command::from(self.bench.newleaf("status --json"));
        let output = command.kill_on_drop(true).output().await.unwrap();
        let is_there = output.status.success();
        is_there.then(|| serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Waits until the newest rotation looks like this.
    pub(crate) async fn sees(
        &self,
        what: &str,
        fits: impl Fn(&Value) -> bool + Send + Sync,
    ) -> Value {
        let mut last = None;
        let looking = async {
            loop {
                last = self.status().await;
                match &last {
                    Some(status) if fits(status) => return status.clone(),
                    Some(_) | None => sleep(LOOK_AGAIN).await,
                }
            }
        };
        let seen = timeout(PATIENCE, looking).await;
        seen.unwrap_or_else(|_| panic!("never seen: {what}\n{last:?}\n{}", self.bench.log()))
    }

    /// Waits until the newest rotation has entered this phase. A busy machine may see it only when it is in a later one.
    pub(crate) async fn reaches(&self, phase: &str) -> Value {
        let at = |status: &Value, phase: &Value| {
            let phases = status["phases"].as_array().unwrap();
            phases.iter().position(|one| one == phase)
        };
        let wanted = Value::from(phase);
        self.sees(phase, |status| {
            at(status, &status["phase"]) >= at(status, &wanted)
        })
        .await
    }

    /// Returns how the newest rotation left the world.
    pub(crate) async fn end(&self) -> End {
        let status = self.status().await.unwrap();
        let gates = status["gates"].as_array().unwrap();
        let is_reached = |phase: &&Value| {
            let of_phase = gates.iter().filter(|gate| gate["phase"] == **phase);
            of_phase.into_iter().all(|gate| gate["mark"] == "reached")
        };
        let phases = status["phases"].as_array().unwrap().iter();
        let chain = Chain::from_pem(&self.bench.read("worker-a/tls.crt")).unwrap();
        let keys = self.bench.names("ca").into_iter();
        let has_key = |generation: &String| {
            let key = self.bench.path("ca").join(generation).join("ca.key");
            key.exists()
        };
        End {
            outcome: status["outcome"].clone(),
            phases: phases.filter(is_reached).cloned().collect(),
            leaf_of: chain.leaf().issuer().to_string(),
            store: shape(self.bench.names("worker-a")),
            accepted: self.accepted().await,
            keys: keys.filter(has_key).collect(),
        }
    }

    /// Returns whom the namespace accepts, as the Cloud Ops API tells it.
    async fn accepted(&self) -> Vec<String> {
        let options = CloudOptions {
            namespace: NAMESPACE.to_owned(),
            address: format!("https://localhost:{}", self.sandbox.cloud_address().port()),
            api_key: domain::ApiKey::new(&Zeroizing::new(API_KEY.to_owned())),
            server_ca: Some(TrustBundle::from_pem(self.sandbox.server_ca_pem()).unwrap()),
        };
        let namespace = CloudNamespace::new(&options).unwrap();
        let reading = namespace.read(now()).await.unwrap();
        let members = reading.bundle.members().iter();
        members.map(|ca| ca.subject().to_string()).collect()
    }

    /// Returns what the namespace's endpoint saw of the worker's leaves, under one generation of the CA.
    pub(crate) fn seen_under(&self, generation: &str) -> Vec<SeenLeaf> {
        let seen = self.sandbox.seen(NAMESPACE).unwrap();
        let issuer = format!("payments-ca {generation}");
        let leaves = seen.leaves.into_values();
        leaves
            .filter(|leaf| leaf.subject.contains("CN=worker-a") && leaf.issuer.contains(&issuer))
            .collect()
    }
}

impl End {
    /// How every rotation to this generation must end, whatever happened on the way.
    pub(crate) fn of_generation(new: u32) -> Self {
        let phases = [
            "preflight",
            "prepared",
            "trusted",
            "canary",
            "issuing",
            "soaking",
            "distrusted",
            "retired",
        ];
        let ca = format!("O=acme, CN=payments-ca g{new}");
        Self {
            outcome: "rotated".into(),
            phases: phases.map(Value::from).to_vec(),
            leaf_of: ca.clone(),
            store: ["..data", "2 versions", "tls.crt", "tls.key"]
                .map(str::to_owned)
                .to_vec(),
            accepted: vec![ca],
            keys: vec![format!("g{new}")],
        }
    }
}

/// Puts the number of versions in the place of their names.
fn shape(names: Vec<String>) -> Vec<String> {
    let is_version = |name: &String| name.starts_with("..") && name != "..data";
    let (versions, mut others): (Vec<_>, Vec<_>) = names.into_iter().partition(is_version);
    others.push(format!("{} versions", versions.len()));
    others.sort();
    others
}

/// A sandbox with one namespace, which accepts the leaves of `ca`.
pub(crate) fn options(ca: String, upstream: Option<SocketAddr>) -> Options {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Options {
        cloud: loopback,
        api_keys: vec![ApiKey {
            secret: API_KEY.to_owned(),
            name: "rig".to_owned(),
            owner: Owner::ServiceAccount,
            expires_at: now() + SignedDuration::from_hours(24),
        }],
        namespaces: vec![NamespaceOptions {
            name: NAMESPACE.to_owned(),
            listen: loopback,
            accepted_client_cas: ca,
            filters: Vec::new(),
            upstream,
        }],
        timing: TIMING,
        quirks: Quirks::LIKELIEST,
        limits: Limits::DOCUMENTED,
    }
}

fn config(cloud: SocketAddr, endpoint: SocketAddr, admin: SocketAddr) -> String {
    let cloud_port = cloud.port();
    format!(
        r#"
domains:
  payments:
    issuer: {{ organization: acme, key: ecdsa-p256, unencrypted: true }}
    trust_points:
      {NAMESPACE}:
        temporal_cloud: {{ address: "https://localhost:{cloud_port}", api_key: "file:api-key", server_ca: server-ca.crt }}
        endpoints: [{{ address: "{endpoint}", server_name: localhost, server_ca: server-ca.crt }}]
    holders:
      worker-a:
        store: {{ directory: worker-a }}
        organization: acme
        evidence: [{{ proxy: "{admin}" }}]
    approvals: []
    evidence_window: 3s
    timing: {{ trusted_soak: 500ms, wave_soak: 300ms, disused_soak: 500ms, final_soak: 1s, poll: 200ms, patience: 2m }}
"#
    )
}

/// Starts the proxy as a process of its own, and reads from its log where it listens: callers, then admin.
async fn start_proxy(bench: &Bench, upstream: SocketAddr) -> (Child, SocketAddr, SocketAddr) {
    let flags = "--admin 127.0.0.1:0 --identity worker-a";
    let (child, proxy, admin) = spawn_proxy(bench, upstream, flags).await;
    (child, proxy, admin.parse().unwrap())
}

/// The same, with these flags more; where the admin endpoint answers is told as the log tells it.
pub(crate) async fn spawn_proxy(
    bench: &Bench,
    upstream: SocketAddr,
    flags: &str,
) -> (Child, SocketAddr, String) {
    let mut command = Command::from(bench.newleaf(&format!(
        "proxy --listen 127.0.0.1:0 --upstream {upstream} --server-name localhost --server-ca server-ca.crt \
         --namespace {NAMESPACE} --connection-age {CONNECTION_AGE} {flags}"
    )));
    let mut child = command
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut address_after = async |said: &str| loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if line.contains(said) {
            let (_, address) = line.rsplit_once("address=").unwrap();
            return address.to_owned();
        }
    };
    let proxy = timeout(PATIENCE, address_after("accepting callers"));
    let proxy = proxy.await.unwrap().parse().unwrap();
    let admin = timeout(PATIENCE, address_after("answering on the admin endpoint"));
    let admin = admin.await.unwrap();
    // What it still says must be read, or it would wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_line)) = lines.next_line().await {} });
    (child, proxy, admin)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox is judged by the clock of the machine"
)]
fn now() -> Timestamp {
    Timestamp::now()
}
