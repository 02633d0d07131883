//! Raises the stage: listeners first, then what they serve; and strikes it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use newleaf_x509::{
    certificate::CertificatesError,
    filter::{FilterError, FilterText},
};
use rustls::{ServerConfig, sign::SingleCertAndKey};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::{
    MtlsAuthSpec, NamespaceSpec, ReplicaSpec,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_rustls::TlsAcceptor;

use crate::{
    account::{Account, Rollout},
    clock,
    cloud::{Cloud, REGION},
    connection::{self, HANDSHAKE, Line},
    endpoint::{self, Backend, Endpoint, Trusted},
    faults::Faults,
    frontend::Frontend,
    gate::Gate,
    ledger::{Ledger, Seen},
    options::{NamespaceOptions, Options},
    pki::{self, PkiError, ServerPki},
    trust::{Trust, TrustError, filter_spec},
};

/// How many changes of one namespace can be on their way to its endpoint. One operation runs at a time, so that more
/// are under way only if propagation takes that many operations' time.
const MAX_ROLLOUTS: usize = 64;

/// A running sandbox. Dropping it stops it, in the middle of whatever it does.
#[derive(Debug)]
pub struct Sandbox {
    cloud_address: SocketAddr,
    server_ca_pem: String,
    namespaces: BTreeMap<String, Running>,
    faults: Arc<Faults>,
    tasks: JoinSet<()>,
}

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    ledger: Ledger,
}

/// Why a sandbox did not start. Nothing listens then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// No server certificate.
    #[error("cannot make the sandbox's server certificate")]
    Pki(#[from] PkiError),
    /// A namespace's accepted client CAs cannot be read.
    #[error("cannot read the accepted client CAs of namespace `{namespace}`")]
    AcceptedClientCas {
        /// The namespace.
        namespace: String,
        /// Why.
        source: CertificatesError,
    },
    /// A namespace's filters cannot be.
    #[error("cannot use the certificate filters of namespace `{namespace}`")]
    Filters {
        /// The namespace.
        namespace: String,
        /// Why.
        source: FilterError,
    },
    /// Two namespaces of one name.
    #[error("expected each namespace once, found `{namespace}` twice")]
    NamespaceTwice {
        /// The name.
        namespace: String,
    },
    /// A name that is not a namespace's.
    #[error("expected a namespace with its account, such as `payments.a2dd6`, found `{found}`")]
    NamespaceName {
        /// What was given.
        found: String,
    },
}

/// Starts a sandbox, and returns when all its listeners accept connections.
pub async fn start(options: Options) -> Result<Sandbox, StartError> {
    let now = clock::now();
    let cloud_listener = listen(options.cloud).await?;
    let cloud_address = local_address(&cloud_listener, options.cloud)?;
    let names: Vec<&str> = options.namespaces.iter().map(|n| n.name.as_str()).collect();
    let pki = ServerPki::issue(&names, &addresses(&options), now)?;
    let mut stage = Stage {
        account: Account::new(options.timing, options.quirks, options.limits),
        rollouts: BTreeMap::new(),
        namespaces: BTreeMap::new(),
        tasks: JoinSet::new(),
    };
    for namespace in &options.namespaces {
        stage.raise(namespace, &options, &pki, now).await?;
    }
    let faults = Arc::new(Faults::default());
    let cloud = Arc::new(Cloud {
        account: Mutex::new(stage.account),
        gate: Gate::new(options.api_keys, options.limits),
        faults: Arc::clone(&faults),
        rollouts: stage.rollouts,
    });
    let mut tasks = stage.tasks;
    let acceptor = TlsAcceptor::from(Arc::new(cloud_tls(&pki)?));
    tasks.spawn(connection::accept_each(cloud_listener, move |stream, _| {
        serve_cloud(Arc::clone(&cloud), acceptor.clone(), stream)
    }));
    Ok(Sandbox {
        cloud_address,
        server_ca_pem: pki.ca.to_pem(),
        namespaces: stage.namespaces,
        faults,
        tasks,
    })
}

impl Sandbox {
    /// Returns where the Cloud Ops API listens (gRPC over TLS).
    pub fn cloud_address(&self) -> SocketAddr {
        self.cloud_address
    }

    /// Returns where a namespace's mTLS endpoint listens.
    pub fn namespace_address(&self, namespace: &str) -> Option<SocketAddr> {
        self.namespaces.get(namespace).map(|n| n.address)
    }

    /// Returns the CA of the sandbox's server certificates, which clients must be told to trust.
    pub fn server_ca_pem(&self) -> &str {
        &self.server_ca_pem
    }

    /// Returns what a namespace's endpoint saw until now.
    pub fn seen(&self, namespace: &str) -> Option<Seen> {
        self.namespaces.get(namespace).map(|n| n.ledger.seen())
    }

    /// Returns the desk where bad luck is ordered.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening and cuts every connection.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// The stage while it is raised.
struct Stage {
    account: Account,
    rollouts: BTreeMap<String, mpsc::Sender<(Instant, Rollout)>>,
    namespaces: BTreeMap<String, Running>,
    tasks: JoinSet<()>,
}

impl Stage {
    async fn raise(
        &mut self,
        namespace: &NamespaceOptions,
        options: &Options,
        pki: &ServerPki,
        now: Timestamp,
    ) -> Result<(), StartError> {
        let name = namespace.name.clone();
        if self.namespaces.contains_key(&name) {
            return Err(StartError::NamespaceTwice { namespace: name });
        }
        let spec = first_spec(namespace)?;
        let trust = Trust::of(&spec).map_err(|error| match error {
            TrustError::AcceptedClientCas(source) => StartError::AcceptedClientCas {
                namespace: name.clone(),
                source,
            },
            TrustError::Filters(source) => StartError::Filters {
                namespace: name.clone(),
                source,
            },
        })?;
        let listener = listen(namespace.listen).await?;
        let address = local_address(&listener, namespace.listen)?;
        self.account.insert(&name, spec, address.to_string(), now);

        let quirks = options.quirks;
        let (publish, trusted) = watch::channel(Arc::new(Trusted::new(trust, quirks)));
        let (send, receive) = mpsc::channel(MAX_ROLLOUTS);
        self.tasks
            .spawn(endpoint::roll_out(receive, publish, quirks));
        self.rollouts.insert(name.clone(), send);

        let ledger = Ledger::default();
        let endpoint = Arc::new(Endpoint {
            presented: Arc::clone(&pki.presented),
            trusted,
            timing: options.timing,
            quirks,
            ledger: ledger.clone(),
            backend: namespace.upstream.map_or_else(
                || Backend::Frontend(Frontend::new(name.clone(), options.timing.long_poll)),
                Backend::Upstream,
            ),
        });
        self.tasks
            .spawn(connection::accept_each(listener, move |stream, number| {
                Arc::clone(&endpoint).serve(stream, number)
            }));
        self.namespaces.insert(name, Running { address, ledger });
        Ok(())
    }
}

fn first_spec(namespace: &NamespaceOptions) -> Result<NamespaceSpec, StartError> {
    let Some((name, _account)) = namespace.name.rsplit_once('.') else {
        return Err(StartError::NamespaceName {
            found: namespace.name.clone(),
        });
    };
    let filters = namespace
        .filters
        .iter()
        .map(FilterText::from)
        .map(filter_spec);
    Ok(NamespaceSpec {
        name: name.to_owned(),
        retention_days: 30,
        mtls_auth: Some(MtlsAuthSpec {
            accepted_client_ca: namespace.accepted_client_cas.clone().into_bytes(),
            certificate_filters: filters.collect(),
            enabled: true,
            ..MtlsAuthSpec::default()
        }),
        replicas: vec![ReplicaSpec {
            region: REGION.to_owned(),
        }],
        ..NamespaceSpec::default()
    })
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })
}

fn local_address(listener: &TcpListener, address: SocketAddr) -> Result<SocketAddr, StartError> {
    listener
        .local_addr()
        .map_err(|source| StartError::Listen { address, source })
}

fn addresses(options: &Options) -> BTreeSet<IpAddr> {
    let listened = options.namespaces.iter().map(|n| n.listen);
    std::iter::once(options.cloud)
        .chain(listened)
        .map(|address| address.ip())
        .filter(|ip| !ip.is_unspecified())
        .chain([IpAddr::V4(Ipv4Addr::LOCALHOST)])
        .collect()
}

fn cloud_tls(pki: &ServerPki) -> Result<ServerConfig, PkiError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(pki::provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&pki.presented))));
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

async fn serve_cloud(cloud: Arc<Cloud>, acceptor: TlsAcceptor, stream: TcpStream) {
    let stream = match timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return tracing::debug!(%error, "refused a handshake of the Cloud Ops API");
        }
        Err(_elapsed) => return tracing::debug!("a handshake of the Cloud Ops API took too long"),
    };
    let line = Line::default();
    let of_calls = line.clone();
    let service = move |request| Arc::clone(&cloud).answer(request, of_calls.clone());
    connection::serve(stream, service, None, line.is_cut()).await;
}
