//! What the tests share: a directory, a ledger in memory, a domain, and a sandbox to try them on.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::generate::KeyKind;
use newleaf_rotation::{
    Deed, Freshness, Generation, Goal, HolderId, Kind, Look, Plan, RequestId, RotationId, Sight,
    Spec, StepId, Timing, Trouble, TrustDomainId, TrustPointId, plan,
};
use newleaf_sandbox::{
    ApiKey as SandboxKey, Limits, NamespaceOptions, Options, Owner, Quirks, Sandbox,
    Timing as SandboxTiming,
};
use newleaf_systems::{
    Domain, Ledger, LedgerEntry, Systems, World as _,
    domain::{
        ApiKey, CloudOptions, Custody, Delivery, Endpoint, EvidenceSource, Holder, IssuerOptions,
        LeafOptions, Point, PointKind, Store,
    },
    issuer::LocalCa,
    ledger::{Attestation, LedgerError},
};
use newleaf_x509::{Certificate, TrustBundle, issue::Subject};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use zeroize::Zeroizing;

pub(crate) const NAMESPACE: &str = "payments.a2dd6";
pub(crate) const API_KEY: &str = "the-secret-of-the-desk";
pub(crate) const OLD: Generation = Generation(1);
pub(crate) const NEW: Generation = Generation(2);

/// The sandbox judges by the real clock, so the tests must live in the same time.
#[expect(clippy::disallowed_methods, reason = "the only clock of these tests")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// A ledger in memory, which can be told to fail.
#[derive(Default)]
pub(crate) struct Memory {
    entries: Mutex<Vec<LedgerEntry>>,
    attestations: Mutex<Vec<Attestation>>,
    fails: AtomicBool,
}

impl Memory {
    pub(crate) fn all(&self) -> Vec<LedgerEntry> {
        self.entries.lock().unwrap().clone()
    }

    pub(crate) fn lose_everything(&self) {
        self.entries.lock().unwrap().clear();
    }

    pub(crate) fn fail(&self) {
        self.fails.store(true, Ordering::Relaxed);
    }

    pub(crate) fn attest(&self, holder: &str, at: Timestamp) {
        self.attestations.lock().unwrap().push(Attestation {
            holder: HolderId::new(holder),
            at,
            by: "a tester".to_owned(),
            reason: "I saw it".to_owned(),
        });
    }
}

impl Ledger for Memory {
    fn record(&self, entry: &LedgerEntry) -> Result<(), LedgerError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(LedgerError("the disk is full".into()));
        }
        self.entries.lock().unwrap().push(entry.clone());
        Ok(())
    }

    fn entries(&self, _domain: &TrustDomainId) -> Result<Vec<LedgerEntry>, LedgerError> {
        Ok(self.all())
    }

    fn attestations(&self, _rotation: &RotationId) -> Result<Vec<Attestation>, LedgerError> {
        Ok(self.attestations.lock().unwrap().clone())
    }
}

/// A directory and a ledger: what newleaf itself keeps.
pub(crate) struct Desk {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) ledger: Arc<Memory>,
    pub(crate) id: TrustDomainId,
    pub(crate) issuer: IssuerOptions,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let issuer = IssuerOptions {
            directory: directory.path().join("ca"),
            common_name: "payments-ca".to_owned(),
            organization: Some("acme".to_owned()),
            key: KeyKind::EcdsaP256,
            lifetime: SignedDuration::from_hours(24 * 365),
            custody: Custody::Plain,
        };
        Self {
            directory,
            ledger: Arc::default(),
            id: TrustDomainId::new("payments"),
            issuer,
        }
    }

    pub(crate) fn ca(&self) -> LocalCa<'_> {
        LocalCa::new(&self.id, &self.issuer)
    }

    /// A desk whose first CA exists.
    pub(crate) fn with_ca() -> (Self, Certificate) {
        let desk = Self::new();
        let ca = desk.ca().make(OLD, now()).unwrap();
        (desk, ca)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn holder(&self, name: &str, evidence: Vec<EvidenceSource>) -> Holder {
        Holder {
            id: HolderId::new(name),
            store: Store::Directory(self.path(name)),
            subject: Subject::new(name, Some("acme".to_owned()), None).unwrap(),
            sans: Vec::new(),
            delivery: Delivery::Reload,
            evidence,
        }
    }

    pub(crate) fn domain(&self, points: Vec<Point>, holders: Vec<Holder>) -> Domain {
        Domain {
            id: self.id.clone(),
            state: self.path("state"),
            issuer: self.issuer.clone(),
            leaf: LeafOptions {
                lifetime: SignedDuration::from_hours(24 * 30),
                key: KeyKind::EcdsaP256,
            },
            points,
            holders,
            evidence_window: SignedDuration::from_mins(15),
            skew: SignedDuration::from_mins(5),
            reserve: SignedDuration::from_hours(24 * 7),
        }
    }

    /// The real world of a rollover from the first CA to the second.
    pub(crate) fn systems(&self, domain: Domain) -> Systems {
        let plan = rollover(&domain);
        let ledger: Arc<dyn Ledger> = Arc::<Memory>::clone(&self.ledger);
        Systems::new(plan, domain, ledger)
    }
}

pub(crate) fn rotation() -> RotationId {
    RotationId::new("r-1")
}

pub(crate) fn point_id() -> TrustPointId {
    TrustPointId::new(NAMESPACE)
}

/// A plan without a wait in it.
pub(crate) fn rollover(domain: &Domain) -> Plan {
    let none = SignedDuration::ZERO;
    plan(&Spec {
        rotation: rotation(),
        domain: domain.id.clone(),
        kind: Kind::CaRollover { old: OLD, new: NEW },
        trust_points: domain.points.iter().map(|point| point.id.clone()).collect(),
        waves: domain
            .holders
            .iter()
            .map(|holder| vec![holder.id.clone()])
            .collect(),
        watched: domain
            .holders
            .iter()
            .filter(|holder| holder.is_watched())
            .map(|holder| holder.id.clone())
            .collect(),
        timing: Timing {
            trusted_soak: none,
            propagation: none,
            wave_soak: none,
            disused_soak: none,
            final_soak: none,
            poll: SignedDuration::from_millis(20),
            patience: SignedDuration::from_mins(1),
            passes: 2,
            attempts: 5,
        },
        approvals: std::collections::BTreeSet::new(),
    })
    .unwrap()
}

/// A sandbox with one namespace.
pub(crate) struct Play {
    pub(crate) sandbox: Sandbox,
}

impl Play {
    pub(crate) async fn accepting(pem: String) -> Self {
        Self::with(pem, |_options| {}).await
    }

    pub(crate) async fn with(pem: String, change: impl FnOnce(&mut Options)) -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut options = Options {
            cloud: loopback,
            api_keys: vec![SandboxKey {
                secret: API_KEY.to_owned(),
                name: "tester".to_owned(),
                owner: Owner::ServiceAccount,
                expires_at: now() + SignedDuration::from_hours(24),
            }],
            namespaces: vec![NamespaceOptions {
                name: NAMESPACE.to_owned(),
                listen: loopback,
                accepted_client_cas: pem,
                filters: Vec::new(),
                upstream: None,
            }],
            timing: SandboxTiming {
                operation: Duration::from_millis(50),
                propagation: Duration::from_millis(50),
                check: Duration::from_millis(10),
                ..SandboxTiming::USUAL
            },
            quirks: Quirks::LIKELIEST,
            limits: Limits::DOCUMENTED,
        };
        change(&mut options);
        Self {
            sandbox: newleaf_sandbox::start(options).await.unwrap(),
        }
    }

    pub(crate) fn server_ca(&self) -> TrustBundle {
        TrustBundle::from_pem(self.sandbox.server_ca_pem()).unwrap()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint {
            address: self
                .sandbox
                .namespace_address(NAMESPACE)
                .unwrap()
                .to_string(),
            server_name: None,
            server_ca: Some(self.server_ca()),
            namespace: NAMESPACE.to_owned(),
        }
    }

    pub(crate) fn cloud(&self) -> CloudOptions {
        CloudOptions {
            namespace: NAMESPACE.to_owned(),
            address: format!("https://localhost:{}", self.sandbox.cloud_address().port()),
            api_key: ApiKey::new(&Zeroizing::new(API_KEY.to_owned())),
            server_ca: Some(self.server_ca()),
        }
    }

    pub(crate) fn point(&self) -> Point {
        Point {
            id: point_id(),
            kind: PointKind::TemporalCloud(self.cloud()),
            endpoints: vec![self.endpoint()],
        }
    }
}

/// The goal that a trust point accepts and refuses these.
pub(crate) fn trust(accept: &[Generation], refuse: &[Generation]) -> Goal {
    Goal::Trust {
        point: point_id(),
        accept: accept.to_vec(),
        refuse: refuse.to_vec(),
    }
}

pub(crate) fn stored(holder: &str, generation: Generation) -> Goal {
    Goal::Stored {
        holder: HolderId::new(holder),
        generation,
        freshness: Freshness::OfGeneration,
    }
}

/// One attempt at one goal.
pub(crate) struct Try<'a> {
    pub(crate) systems: &'a Systems,
    pub(crate) goal: Goal,
    pub(crate) attempt: u32,
}

impl<'a> Try<'a> {
    pub(crate) fn first(systems: &'a Systems, goal: Goal) -> Self {
        Self {
            systems,
            goal,
            attempt: 1,
        }
    }

    pub(crate) fn step() -> StepId {
        StepId::new("a/step")
    }

    pub(crate) async fn look(&self) -> Result<Sight, Trouble> {
        let look = Look {
            rotation: rotation(),
            step: Self::step(),
            goal: self.goal.clone(),
            attempt: self.attempt,
            request: RequestId::derive(&rotation(), &Self::step(), self.attempt),
            confirmed: false,
        };
        self.systems.observe(&look, now()).await
    }

    pub(crate) async fn act(&self) -> Result<String, Trouble> {
        let deed = Deed {
            rotation: rotation(),
            step: Self::step(),
            goal: self.goal.clone(),
            attempt: self.attempt,
            request: RequestId::derive(&rotation(), &Self::step(), self.attempt),
        };
        self.systems.pursue(&deed, now()).await
    }
}

/// Repeats a look until it shows what is waited for.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut look: impl FnMut() -> F) -> T {
    let gives_up_at = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < gives_up_at, "never happened");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The admin endpoint of a proxy that presents what a function tells; it answers until the test ends.
pub(crate) async fn proxy(
    presents: impl Fn() -> Vec<newleaf_x509::Fingerprint> + Send + 'static,
) -> EvidenceSource {
    answering(move || {
        let connection = |leaf| format!(r#"{{"leaf":"{leaf}","streams":1,"draining":false}}"#);
        let mut connections: Vec<_> = presents().into_iter().map(connection).collect();
        // To another upstream it only says an API key: of leaves that tells nothing.
        connections.push(r#"{"leaf":null,"streams":0,"draining":false}"#.to_owned());
        format!(
            r#"{{"identity":null,"connections":[{}],"failed":0}}"#,
            connections.join(",")
        )
    })
    .await
}

/// The admin endpoint of a proxy whose status is what a function tells.
pub(crate) async fn answering(status: impl Fn() -> String + Send + 'static) -> EvidenceSource {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let admin = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, status()).await;
        }
    });
    EvidenceSource::Proxy { admin }
}

/// The same, on a Unix socket.
pub(crate) fn answering_locally(
    path: &Path,
    status: impl Fn() -> String + Send + 'static,
) -> EvidenceSource {
    let admin = format!("unix:{}", path.display());
    let listener = tokio::net::UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            answer(stream, status()).await;
        }
    });
    EvidenceSource::Proxy { admin }
}

async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin, body: String) {
    let mut request = [0; 1024];
    let read = stream.read(&mut request).await.unwrap();
    assert!(request[..read].starts_with(b"GET /status HTTP/1.1\r\n"));
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).await.unwrap();
}
