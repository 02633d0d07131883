//! A sandbox with one namespace, as most tests want it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use jiff::SignedDuration;
use newleaf_sandbox::{
    ApiKey, Limits, NamespaceOptions, Options, Owner, Quirks, Sandbox, Timing, start,
};
use rustls::ClientConfig;
use temporalio_protos::protos::temporal::api::cloud::{
    cloudservice::v1::{GetAsyncOperationRequest, GetNamespaceRequest, UpdateNamespaceRequest},
    namespace::v1::Namespace,
    operation::v1::{AsyncOperation, async_operation::State},
};
use tokio::time::{Instant, sleep, timeout};
use tonic::Status;

use crate::{
    client::{Wire, tls},
    pki::{Ca, Leaf, now},
};

pub(crate) const NAMESPACE: &str = "payments.a2dd6";
pub(crate) const API_KEY: &str = "key-of-the-desk";

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// What most tests start from: free ports, fast operations, connections that do not age.
pub(crate) fn options(accepted: &[&Ca]) -> Options {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Options {
        cloud: loopback,
        api_keys: vec![ApiKey {
            secret: API_KEY.to_owned(),
            name: "tester".to_owned(),
            owner: Owner::User,
            expires_at: now() + SignedDuration::from_hours(24),
        }],
        namespaces: vec![NamespaceOptions {
            name: NAMESPACE.to_owned(),
            listen: loopback,
            accepted_client_cas: accepted.iter().map(|ca| ca.pem()).collect(),
            filters: Vec::new(),
            upstream: None,
        }],
        timing: Timing {
            operation: Duration::from_millis(100),
            propagation: Duration::from_millis(100),
            check: Duration::from_millis(10),
            connection_age: Duration::from_mins(5),
            age_grace: Duration::from_mins(1),
            long_poll: Duration::from_mins(1),
        },
        quirks: Quirks::LIKELIEST,
        limits: Limits {
            user_rps: 10_000,
            account_rps: 10_000,
            ..Limits::DOCUMENTED
        },
    }
}

/// A running sandbox, and how its clients reach it.
pub(crate) struct Play {
    pub(crate) sandbox: Sandbox,
}

impl Play {
    pub(crate) async fn new(options: Options) -> Self {
        let sandbox = start(options).await.unwrap();
        Self { sandbox }
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.sandbox.namespace_address(NAMESPACE).unwrap()
    }

    /// A client configuration that presents a leaf, or nothing.
    pub(crate) fn presenting(&self, leaf: Option<&Leaf>) -> ClientConfig {
        tls(self.sandbox.server_ca_pem(), leaf)
    }

    /// A connection to the Cloud Ops API without any header.
    pub(crate) async fn bare_cloud(&self) -> Wire {
        let config = Arc::new(self.presenting(None));
        Wire::connect(self.sandbox.cloud_address(), &config)
            .await
            .unwrap()
    }

    /// A connection to the Cloud Ops API that is let in.
    pub(crate) async fn cloud(&self) -> Wire {
        self.bare_cloud()
            .await
            .with("authorization", &format!("Bearer {API_KEY}"))
            .with("temporal-cloud-api-version", "v0.17.0")
    }
}

pub(crate) async fn namespace(cloud: &Wire) -> Namespace {
    let request = GetNamespaceRequest {
        namespace: NAMESPACE.to_owned(),
    };
    let answer = cloud.cloud().get_namespace(request).await.unwrap();
    answer.into_inner().namespace.unwrap()
}

/// The update that replaces the namespace's bundle, by compare-and-swap.
pub(crate) async fn replacing_bundle(cloud: &Wire, pem: &str, id: &str) -> UpdateNamespaceRequest {
    let current = namespace(cloud).await;
    let mut spec = current.spec.unwrap();
    spec.mtls_auth.as_mut().unwrap().accepted_client_ca = pem.as_bytes().to_vec();
    UpdateNamespaceRequest {
        namespace: NAMESPACE.to_owned(),
        spec: Some(spec),
        resource_version: current.resource_version,
        async_operation_id: id.to_owned(),
    }
}

pub(crate) async fn update(
    cloud: &Wire,
    request: UpdateNamespaceRequest,
) -> Result<AsyncOperation, Status> {
    let mut client = cloud.cloud();
    let answer = timeout(PATIENCE, client.update_namespace(request));
    let answer = answer.await.unwrap()?;
    Ok(answer.into_inner().async_operation.unwrap())
}

pub(crate) async fn operation(cloud: &Wire, id: &str) -> AsyncOperation {
    let request = GetAsyncOperationRequest {
        async_operation_id: id.to_owned(),
    };
    let answer = cloud.cloud().get_async_operation(request).await.unwrap();
    answer.into_inner().async_operation.unwrap()
}

/// Waits for an operation to end, and returns it.
pub(crate) async fn ended(cloud: &Wire, id: &str) -> AsyncOperation {
    let gives_up_at = Instant::now() + PATIENCE;
    loop {
        let operation = operation(cloud, id).await;
        let is_over = !matches!(operation.state(), State::Pending | State::InProgress);
        if is_over || Instant::now() >= gives_up_at {
            return operation;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a condition holds.
pub(crate) async fn eventually<F, Held>(what: &str, mut holds: F)
where
    F: FnMut() -> Held,
    Held: Future<Output = bool>,
{
    let gives_up_at = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < gives_up_at, "never happened: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
