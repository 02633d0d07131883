//! The stage: a directory, a CA, the sandbox with Temporal behind it, the proxy, three clients. And its end.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use newleaf_sandbox::{
    ApiKey, DevServer, Limits, NamespaceOptions, Options as SandboxOptions, Owner, Quirks, Sandbox,
    Seen, StartError, Timing,
};
use newleaf_systems::{
    domain::{self, CloudOptions},
    temporal_cloud::{CloudError, CloudNamespace},
};
use newleaf_x509::TrustBundle;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::process::Child;
use zeroize::Zeroizing;

use crate::demo::{
    channel::Endpoint,
    hook::Door,
    product::{Product, ProductError},
    screen::Screen,
    settings::{API_KEY_FILE, DOMAIN, NAMESPACE, PROXIED, SERVER_CA_FILE, Settings},
    temporal,
    troupe::Troupe,
};

/// What the demo's own sandbox takes as its API key. It opens nothing else.
const API_KEY: &str = "demo";

/// How long connections live, in seconds; Temporal's live 5 minutes. A client that reads its files at each connection
/// takes a new leaf up when its connection has aged, so this is most of what a wave of such clients waits for.
const CONNECTION_AGE: u64 = 1;

/// The sandbox's spans: short, with a grace that outlasts every poll.
const TIMING: Timing = Timing {
    operation: Duration::from_millis(400),
    propagation: Duration::from_millis(200),
    check: Duration::from_millis(100),
    connection_age: Duration::from_secs(CONNECTION_AGE),
    age_grace: Duration::from_secs(8),
    long_poll: Duration::from_secs(1),
};

/// Where the restart hook knocks.
const DOOR_FILE: &str = "restart";

/// Everything that the rotation is played on.
#[derive(Debug)]
pub(crate) struct Stage {
    /// newleaf, over this stage's configuration.
    pub(crate) product: Product,
    /// Where clients meet the server.
    pub(crate) endpoint: Endpoint,
    /// The clients.
    pub(crate) troupe: Troupe,
    /// Where the proxy's callers are accepted, and where it tells about itself.
    pub(crate) proxy: ProxyAddresses,
    sandbox: Sandbox,
    dev_server: Option<DevServer>,
    directory: PathBuf,
}

/// The proxy's two addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProxyAddresses {
    /// Plaintext gRPC.
    pub(crate) listen: SocketAddr,
    /// `/status` and `/ready`.
    pub(crate) admin: SocketAddr,
}

/// Why the stage does not stand.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StageError {
    /// The directory cannot be used.
    #[error("could not prepare `{}`", directory.display())]
    Prepare {
        /// The directory.
        directory: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// newleaf did not do its part.
    #[error("could not set the stage")]
    Product(#[from] ProductError),
    /// The sandbox does not start.
    #[error("could not start the sandbox")]
    Sandbox(#[from] StartError),
    /// The sandbox's CA cannot be used.
    #[error("cannot trust the sandbox's server certificate")]
    Trust(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What the stage is set up with.
#[derive(Debug)]
pub(crate) struct Options<'a> {
    /// An empty directory.
    pub(crate) directory: &'a Path,
    /// The `temporal` command, if one was found.
    pub(crate) temporal: Option<PathBuf>,
    /// The instant of the start.
    pub(crate) now: Timestamp,
}

impl Stage {
    /// Sets everything up; the clients are at work when this returns. Beside the stage it returns the proxy's process, which
    /// is killed when that is dropped.
    pub(crate) async fn set(
        options: Options<'_>,
        screen: &Screen,
    ) -> Result<(Self, Child), StageError> {
        let directory = options.directory;
        let prepare = |source| StageError::Prepare {
            directory: directory.to_owned(),
            source,
        };
        let config = directory.join("newleaf.yaml");
        let log = directory.join("controller.log");
        let product = Product::new(config.clone(), log).map_err(prepare)?;
        // The sandbox wants the CA before it says where it listens; until then a port stands there that nobody uses.
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);
        let mut settings = Settings {
            cloud: nowhere,
            endpoint: nowhere,
            proxy_admin: nowhere,
            restart: restart_command(&product, directory),
        };
        settings.write(&config).map_err(prepare)?;
        let ca = make_ca(&product, directory).await?;
        screen.tell("made CA g1");
        let temporal = options.temporal.as_deref();
        let dev_server = temporal::start(product.program(), temporal, screen).await;
        let upstream = dev_server.as_ref().map(DevServer::address);
        let sandbox = newleaf_sandbox::start(sandbox_options(ca, upstream, options.now)).await?;
        let endpoint = endpoint_of(&sandbox)?;
        let proxy = ProxyAddresses {
            listen: free_address().map_err(prepare)?,
            admin: free_address().map_err(prepare)?,
        };
        settings.cloud = sandbox.cloud_address();
        settings.endpoint = endpoint.address;
        settings.proxy_admin = proxy.admin;
        settings.write(&config).map_err(prepare)?;
        fs_err::write(directory.join(SERVER_CA_FILE), sandbox.server_ca_pem()).map_err(prepare)?;
        fs_err::write(directory.join(API_KEY_FILE), API_KEY).map_err(prepare)?;
        let door = Door::open(&directory.join(DOOR_FILE)).map_err(prepare)?;
        let child = start_proxy(&product, &endpoint, proxy, directory)?;
        let troupe = Troupe::gather(proxy.listen, &endpoint, directory, door);
        let stage = Self {
            product,
            endpoint,
            troupe,
            proxy,
            sandbox,
            dev_server,
            directory: directory.to_owned(),
        };
        Ok((stage, child))
    }

    /// Returns what the namespace's endpoint saw.
    pub(crate) fn seen(&self) -> Seen {
        self.sandbox.seen(NAMESPACE).unwrap_or_default()
    }

    /// Returns whether a real Temporal answers.
    pub(crate) fn has_real_temporal(&self) -> bool {
        self.dev_server.is_some()
    }

    /// Returns where the Cloud Ops API listens.
    pub(crate) fn cloud_address(&self) -> SocketAddr {
        self.sandbox.cloud_address()
    }

    /// Returns whom the namespace accepts, as the Cloud Ops API tells it to anybody.
    pub(crate) async fn accepted(&self, now: Timestamp) -> Result<Vec<String>, CloudError> {
        let server_ca = TrustBundle::from_pem(self.sandbox.server_ca_pem()).ok();
        let namespace = CloudNamespace::new(&CloudOptions {
            namespace: NAMESPACE.to_owned(),
            address: format!("https://localhost:{}", self.cloud_address().port()),
            api_key: domain::ApiKey::new(&Zeroizing::new(API_KEY.to_owned())),
            server_ca,
        })?;
        let reading = namespace.read(now).await?;
        let members = reading.bundle.members().iter();
        Ok(members.map(|ca| ca.subject().to_string()).collect())
    }

    /// Returns the generations whose CA still has its key, sorted.
    pub(crate) fn keys(&self) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        for generation in fs_err::read_dir(self.directory.join("ca"))? {
            let generation = generation?;
            if generation.path().join("ca.key").exists() {
                keys.push(generation.file_name().to_string_lossy().into_owned());
            }
        }
        keys.sort();
        Ok(keys)
    }

    /// Returns the identity directory of a client.
    pub(crate) fn store(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Returns the directory of everything.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

fn sandbox_options(ca: String, upstream: Option<SocketAddr>, now: Timestamp) -> SandboxOptions {
    let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    SandboxOptions {
        cloud: loopback,
        api_keys: vec![ApiKey {
            secret: API_KEY.to_owned(),
            name: "demo".to_owned(),
            owner: Owner::ServiceAccount,
            expires_at: now
                .saturating_add(SignedDuration::from_hours(24))
                .unwrap_or(now),
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

fn endpoint_of(sandbox: &Sandbox) -> Result<Endpoint, StageError> {
    let trust = |error: Box<dyn std::error::Error + Send + Sync>| StageError::Trust(error);
    let ca = CertificateDer::from_pem_slice(sandbox.server_ca_pem().as_bytes())
        .map_err(|error| trust(error.into()))?;
    let mut roots = RootCertStore::empty();
    roots.add(ca).map_err(|error| trust(error.into()))?;
    let address = sandbox
        .namespace_address(NAMESPACE)
        .ok_or_else(|| trust("the sandbox does not know its namespace".into()))?;
    let name = ServerName::try_from("localhost").map_err(|error| trust(error.into()))?;
    Ok(Endpoint {
        address,
        name,
        roots: Arc::new(roots),
    })
}

/// Returns the restart hook: this program, which knocks at the stage's door.
fn restart_command(product: &Product, directory: &Path) -> [String; 4] {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    [
        text(product.program()),
        "demo".to_owned(),
        "restart-client".to_owned(),
        text(&directory.join(DOOR_FILE)),
    ]
}

async fn make_ca(product: &Product, directory: &Path) -> Result<String, StageError> {
    product.run(&["ca", "new", DOMAIN]).await?;
    let path = directory.join("ca/g1/ca.crt");
    fs_err::read_to_string(path).map_err(|source| StageError::Prepare {
        directory: directory.to_owned(),
        source,
    })
}

/// Asks the system for a free port. Between this and its use somebody else might take it; then the proxy does not
/// start, and the demo ends and says so.
fn free_address() -> io::Result<SocketAddr> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Starts the proxy as a process of its own. It carries calls as soon as it has an identity.
fn start_proxy(
    product: &Product,
    endpoint: &Endpoint,
    addresses: ProxyAddresses,
    directory: &Path,
) -> Result<Child, ProductError> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    product.start(&[
        "proxy",
        "--listen",
        &addresses.listen.to_string(),
        "--admin",
        &addresses.admin.to_string(),
        "--upstream",
        &endpoint.address.to_string(),
        "--server-name",
        "localhost",
        "--server-ca",
        &text(directory.join(SERVER_CA_FILE)),
        "--identity",
        &text(directory.join(PROXIED.name)),
        "--namespace",
        NAMESPACE,
        "--connection-age",
        &CONNECTION_AGE.to_string(),
    ])
}
