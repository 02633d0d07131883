//! A real self-hosted Temporal server with an mTLS frontend, whose CA files are read again every second.
//!
//! It is found where `NEWLEAF_PARTS` says, which `cargo xtask test` prepares. Without it the tests say so and pass; with
//! `CI=true` they fail.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use jiff::SignedDuration;
use newleaf_identity::generate::{self, KeyKind};
use newleaf_systems::domain::Endpoint;
use newleaf_x509::{
    TrustBundle,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
};
use tokio::process::{Child, Command};

use crate::desk::now;

/// How often the server reads its files.
pub(crate) const REFRESH: SignedDuration = SignedDuration::from_secs(1);

/// A namespace that every server has from its start.
const NAMESPACE: &str = "temporal-system";

/// A running server. It ends when this is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    vouched_for_by: TrustBundle,
    log: PathBuf,
    _process: Child,
}

impl Server {
    /// Starts a server that keeps everything in memory, in a directory of its own. It serves some seconds later.
    pub(crate) fn start(program: &Path, directory: &Path, slots: &[PathBuf]) -> Self {
        let certified = certify(directory);
        // Between this and its use somebody else might take a port: then nothing serves, and the test fails.
        let free: Vec<TcpListener> = (0..6)
            .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        let ports: Vec<u16> = free
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        drop(free);
        fs_err::write(directory.join("server.yaml"), config(&ports, slots)).unwrap();
        let log = directory.join("server.log");
        let output = fs_err::File::create(&log).unwrap().into_file();
        let process = Command::new(program)
            .args(["--config-file", "server.yaml", "--allow-no-auth", "start"])
            // Without the worker service, which would need an identity of its own.
            .args(["--service", "frontend", "--service", "history"])
            .args(["--service", "matching"])
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::from(output))
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, ports[0])),
            vouched_for_by: certified,
            log,
            _process: process,
        }
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self.address.to_string(),
            server_name: Some("localhost".to_owned()),
            server_ca: Some(self.vouched_for_by.clone()),
            namespace: NAMESPACE.to_owned(),
        }
    }

    /// What the server has said.
    pub(crate) fn log(&self) -> String {
        fs_err::read_to_string(&self.log).unwrap()
    }
}

/// Writes the server's own certificate and key, and returns the CA that vouches for it.
fn certify(directory: &Path) -> TrustBundle {
    let validity = Validity {
        not_before: now() - SignedDuration::from_hours(1),
        not_after: now() + SignedDuration::from_hours(24),
    };
    let ca_key = generate::key(KeyKind::EcdsaP256).unwrap();
    let template = CaTemplate {
        subject: Subject::new("the server's own CA", None, None).unwrap(),
        serial: generate::serial().unwrap(),
        validity,
    };
    let ca = issue::ca(&template, &ca_key).unwrap();
    let key = generate::key(KeyKind::EcdsaP256).unwrap();
    let template = LeafTemplate {
        subject: Subject::new("frontend", None, None).unwrap(),
        sans: vec![San::Dns("localhost".to_owned())],
        serial: generate::serial().unwrap(),
        validity: Validity {
            not_before: ca.not_before(),
            not_after: ca.not_after(),
        },
        usage: LeafUse::Server,
    };
    let leaf = issue::leaf(&template, &key, &Issuer::new(&ca, &ca_key).unwrap()).unwrap();
    let write = |name: &str, text: &str| fs_err::write(directory.join(name), text).unwrap();
    write("server.crt", &leaf.to_pem());
    write("server.key", &key.to_pem());
    write("server-ca.crt", &ca.to_pem());
    TrustBundle::new([ca])
}

fn config(ports: &[u16], slots: &[PathBuf]) -> String {
    let rpc = |grpc: u16, membership: u16| {
        format!(
            "{{ rpc: {{ grpcPort: {grpc}, membershipPort: {membership}, bindOnLocalHost: true }} }}"
        )
    };
    let store = "{ sql: { pluginName: sqlite, databaseName: default, connectAddr: localhost, connectProtocol: tcp, \
                 connectAttributes: { mode: memory, cache: private }, maxConns: 1, maxIdleConns: 1, maxConnLifetime: 1h } }";
    let slots: Vec<String> = slots
        .iter()
        .map(|slot| slot.display().to_string())
        .collect();
    format!(
        r#"
log: {{ stdout: true, level: info }}
persistence:
  defaultStore: main
  visibilityStore: visibility
  numHistoryShards: 1
  datastores:
    main: {store}
    visibility: {store}
global:
  membership: {{ maxJoinDuration: 30s, broadcastAddress: 127.0.0.1 }}
  tls:
    refreshInterval: {refresh}s
    frontend:
      server: {{ certFile: server.crt, keyFile: server.key, requireClientAuth: true, clientCaFiles: {slots:?} }}
      client: {{ serverName: localhost, rootCaFiles: [server-ca.crt] }}
services:
  frontend: {frontend}
  history: {history}
  matching: {matching}
clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: {{ enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: "localhost:{port}" }}
"#,
        refresh = REFRESH.as_secs(),
        frontend = rpc(ports[0], ports[1]),
        history = rpc(ports[2], ports[3]),
        matching = rpc(ports[4], ports[5]),
        port = ports[0],
    )
}
