//! The mTLS endpoint on the wire.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::SignedDuration;
use newleaf_sandbox::quirks::{Established, FilterDenial, Resumption};
use newleaf_x509::filter::{Filter, FilterText};
use rustls::{
    SignatureScheme,
    client::{ResolvesClientCert, Resumption as ClientResumption},
    sign::CertifiedKey,
};
use temporalio_protos::protos::temporal::api::{
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        DescribeNamespaceRequest, DescribeTaskQueueRequest, ListNamespacesRequest,
        PollWorkflowTaskQueueRequest, StartWorkflowExecutionRequest,
    },
};
use tokio::time::Instant;
use tonic::{Code, Request};

use crate::{
    client::{Wire, canary, tls_of},
    pki::{Ca, Leaf},
    play::{NAMESPACE, Play, eventually, options, replacing_bundle, update},
};

#[tokio::test]
async fn a_leaf_of_an_accepted_ca_is_served_and_seen() {
    let g1 = Ca::new("payments g1");
    let leaf = g1.leaf("worker-1");
    let play = Play::new(options(&[&g1])).await;
    let wire = canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .unwrap();
    wire.ping().await.unwrap();

    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    let seen = &seen.leaves[&leaf.certificate.fingerprint()];
    assert_eq!((seen.n_connections, seen.n_calls, seen.n_denied), (1, 2, 0));
    assert_eq!(seen.issuer, "O=acme, CN=payments g1");
    assert!(seen.authority_key_id.is_some());

    drop(wire);
    eventually("the connection is seen to be closed", async || {
        let seen = play.sandbox.seen(NAMESPACE).unwrap();
        seen.leaves[&leaf.certificate.fingerprint()].n_connections == 0
    })
    .await;
}

#[tokio::test]
async fn a_leaf_of_a_foreign_ca_is_refused_in_the_handshake() {
    let (g1, foreign) = (Ca::new("payments g1"), Ca::new("mallory"));
    let leaf = foreign.leaf("worker-1");
    let play = Play::new(options(&[&g1])).await;
    canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .map(|_wire| ())
        .unwrap_err();
    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    assert!(seen.leaves.is_empty());
    assert_eq!(seen.refusals.len(), 1);
    assert_eq!(seen.refusals[0].leaf, Some(leaf.certificate.fingerprint()));
    assert!(seen.refusals[0].reason.contains("mallory"));
}

#[tokio::test]
async fn expired_leaves_and_no_leaves_are_refused() {
    let g1 = Ca::new("payments g1");
    let expired = g1.expired_leaf("worker-1");
    let play = Play::new(options(&[&g1])).await;
    let error = |result: Result<Wire, tonic::Status>| result.map(|_wire| ()).unwrap_err();
    error(canary(play.endpoint(), play.presenting(Some(&expired))).await);
    error(canary(play.endpoint(), play.presenting(None)).await);
    let seen = play.sandbox.seen(NAMESPACE).unwrap();
    assert_eq!(seen.n_refused, 2);
    assert!(seen.refusals[0].reason.contains("expected a leaf valid at"));
    assert_eq!(seen.refusals[1].leaf, None);
}

#[tokio::test]
async fn both_versions_of_tls_are_judged() {
    let (g1, foreign) = (Ca::new("payments g1"), Ca::new("mallory"));
    let play = Play::new(options(&[&g1])).await;
    for version in rustls::ALL_VERSIONS {
        let config = |ca: &Ca| {
            let leaf = ca.leaf("worker-1");
            tls_of(&[version], play.sandbox.server_ca_pem(), Some(&leaf))
        };
        canary(play.endpoint(), config(&g1)).await.unwrap();
        let refused = canary(play.endpoint(), config(&foreign)).await;
        refused.map(|_wire| ()).unwrap_err();
    }
    assert_eq!(play.sandbox.seen(NAMESPACE).unwrap().n_refused, 2);
}

#[tokio::test]
async fn a_leaf_of_an_expired_ca_is_refused() {
    let (g1, old) = (Ca::new("payments g1"), Ca::expired("payments g0"));
    let leaf = old.leaf("worker-1");
    let play = Play::new(options(&[&g1, &old])).await;
    let refused = canary(play.endpoint(), play.presenting(Some(&leaf))).await;
    refused.map(|_wire| ()).unwrap_err();
}

#[tokio::test]
async fn filters_deny_calls_and_not_handshakes() {
    let g1 = Ca::new("payments g1");
    let (worker, other) = (g1.leaf("worker-1"), g1.leaf("batch-1"));
    for (quirk, code) in [
        (FilterDenial::PermissionDenied, Code::PermissionDenied),
        (FilterDenial::Unauthenticated, Code::Unauthenticated),
    ] {
        let mut options = options(&[&g1]);
        options.quirks.filter_denial = quirk;
        let text = FilterText {
            common_name: "Worker-*".to_owned(),
            ..FilterText::default()
        };
        options.namespaces[0].filters = vec![Filter::try_from(text).unwrap()];
        let play = Play::new(options).await;
        let admitted = canary(play.endpoint(), play.presenting(Some(&worker))).await;
        let admitted = admitted.map_err(|status| status.code()).unwrap();
        let denied = canary(play.endpoint(), play.presenting(Some(&other))).await;
        let denied = denied.map(|_wire| ()).unwrap_err();
        assert_eq!(denied.code(), code);
        assert_eq!(denied.message(), "Request unauthorized.");
        let seen = play.sandbox.seen(NAMESPACE).unwrap();
        assert_eq!(seen.leaves[&other.certificate.fingerprint()].n_denied, 1);
        assert_eq!(seen.n_refused, 0);

        let mut admitted = admitted.workflow();
        let listed = admitted
            .list_namespaces(ListNamespacesRequest::default())
            .await;
        assert_eq!(listed.unwrap_err().message(), "Request unauthorized.");
    }
}

#[tokio::test]
async fn a_removed_ca_is_refused_after_propagation_and_not_before() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let old = g1.leaf("worker-1");
    for quirk in Established::ALL {
        let mut options = options(&[&g1, &g2]);
        options.quirks.established = *quirk;
        options.timing.propagation = Duration::from_millis(700);
        let until_refused = options.timing.operation + options.timing.propagation;
        let play = Play::new(options).await;
        let established = canary(play.endpoint(), play.presenting(Some(&old)))
            .await
            .unwrap();
        let cloud = play.cloud().await;
        let request = replacing_bundle(&cloud, &g2.pem(), "distrust").await;
        let asked_at = Instant::now();
        update(&cloud, request).await.unwrap();
        eventually("new handshakes of the old leaf are refused", async || {
            canary(play.endpoint(), play.presenting(Some(&old)))
                .await
                .is_err()
        })
        .await;
        // Fulfilled is not enough: the data plane has to hear of it.
        assert!(asked_at.elapsed() >= until_refused);
        canary(play.endpoint(), play.presenting(Some(&g2.leaf("worker-1"))))
            .await
            .unwrap();
        match quirk {
            Established::Kept => established.ping().await.unwrap(),
            Established::Cut => {
                eventually("the old connection is cut", async || {
                    established.is_closed()
                })
                .await;
            }
        }
    }
}

/// Makes the same client connect before and after its CA is removed, with its sessions kept; and returns whether
/// the second connection was accepted.
async fn resumes_after_removal(quirk: Resumption) -> bool {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let leaf = g1.leaf("worker-1");
    let mut options = options(&[&g1, &g2]);
    options.quirks.resumption = quirk;
    let play = Play::new(options).await;
    let mut config = play.presenting(Some(&leaf));
    config.resumption = ClientResumption::default();
    for n_resumed in 0..2 {
        let wire = canary(play.endpoint(), config.clone()).await.unwrap();
        let seen = &play.sandbox.seen(NAMESPACE).unwrap().leaves[&leaf.certificate.fingerprint()];
        let expected = if quirk == Resumption::Off {
            0
        } else {
            n_resumed
        };
        assert_eq!(seen.n_resumed, expected, "{quirk}");
        drop(wire);
    }
    let cloud = play.cloud().await;
    let request = replacing_bundle(&cloud, &g2.pem(), "distrust").await;
    update(&cloud, request).await.unwrap();
    let refused = || canary(play.endpoint(), play.presenting(Some(&leaf)));
    eventually("full handshakes are refused", async || {
        refused().await.is_err()
    })
    .await;
    canary(play.endpoint(), config).await.is_ok()
}

#[tokio::test]
async fn a_resumed_session_is_judged_as_the_quirk_says() {
    assert!(!resumes_after_removal(Resumption::Rechecks).await);
    assert!(!resumes_after_removal(Resumption::Off).await);
    assert!(resumes_after_removal(Resumption::IgnoresCaRemoval).await);
}

/// Presents whatever leaf it holds at the moment, as clients that rotate in place do.
#[derive(Debug)]
struct Rotating(Mutex<Arc<CertifiedKey>>);

impl Rotating {
    fn certified(leaf: &Leaf) -> Arc<CertifiedKey> {
        let (chain, key) = leaf.for_tls();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        Arc::new(CertifiedKey::from_der(chain, key, &provider).unwrap())
    }
}

impl ResolvesClientCert for Rotating {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().unwrap()))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The trap for clients that resume: the old leaf is seen after the swap, until its CA is removed; then the
/// session is forgotten, and the full handshake presents the new leaf.
#[tokio::test]
async fn a_resumed_session_presents_the_old_leaf_until_its_ca_is_removed() {
    let (g1, g2) = (Ca::new("payments g1"), Ca::new("payments g2"));
    let (old, new) = (g1.leaf("worker-1"), g2.leaf("worker-1"));
    let play = Play::new(options(&[&g1, &g2])).await;
    let handshakes = |leaf: &Leaf| {
        let seen = play.sandbox.seen(NAMESPACE).unwrap();
        let seen = seen.leaves.get(&leaf.certificate.fingerprint());
        seen.map_or((0, 0), |seen| (seen.n_handshakes, seen.n_resumed))
    };
    let resolver = Arc::new(Rotating(Mutex::new(Rotating::certified(&old))));
    let mut config = play.presenting(None);
    config.client_auth_cert_resolver = Arc::<Rotating>::clone(&resolver);
    config.resumption = ClientResumption::default();

    drop(canary(play.endpoint(), config.clone()).await.unwrap());
    *resolver.0.lock().unwrap() = Rotating::certified(&new);
    drop(canary(play.endpoint(), config.clone()).await.unwrap());
    assert_eq!((handshakes(&old), handshakes(&new)), ((2, 1), (0, 0)));

    let cloud = play.cloud().await;
    let request = replacing_bundle(&cloud, &g2.pem(), "distrust").await;
    update(&cloud, request).await.unwrap();
    eventually("full handshakes of the old leaf are refused", async || {
        canary(play.endpoint(), play.presenting(Some(&old)))
            .await
            .is_err()
    })
    .await;
    canary(play.endpoint(), config).await.unwrap();
    assert_eq!((handshakes(&old).1, handshakes(&new)), (1, (1, 0)));
}

#[tokio::test]
async fn a_session_ends_with_its_leaf_where_resumption_rechecks() {
    let g1 = Ca::new("payments g1");
    for (quirk, is_accepted) in [
        (Resumption::Rechecks, false),
        (Resumption::IgnoresCaRemoval, true),
    ] {
        let mut options = options(&[&g1]);
        options.quirks.resumption = quirk;
        let play = Play::new(options).await;
        let leaf = g1.leaf_for("worker-1", SignedDuration::from_secs(4));
        let mut config = play.presenting(Some(&leaf));
        config.resumption = ClientResumption::default();
        drop(canary(play.endpoint(), config.clone()).await.unwrap());
        eventually("the leaf has expired", async || {
            canary(play.endpoint(), play.presenting(Some(&leaf)))
                .await
                .is_err()
        })
        .await;
        let resumed = canary(play.endpoint(), config).await;
        assert_eq!(resumed.is_ok(), is_accepted, "{quirk}");
    }
}

fn poll(identity: &str) -> PollWorkflowTaskQueueRequest {
    PollWorkflowTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: Some(TaskQueue {
            name: "payments".to_owned(),
            ..TaskQueue::default()
        }),
        identity: identity.to_owned(),
        ..PollWorkflowTaskQueueRequest::default()
    }
}

async fn served_play(age: Duration, grace: Duration, long_poll: Duration) -> (Play, Leaf) {
    let g1 = Ca::new("payments g1");
    let mut options = options(&[&g1]);
    options.timing.connection_age = age;
    options.timing.age_grace = grace;
    options.timing.long_poll = long_poll;
    (Play::new(options).await, g1.leaf("worker-1"))
}

#[tokio::test]
async fn an_old_connection_is_asked_to_go_and_its_calls_finish() {
    let (age, poll_time) = (Duration::from_millis(1_500), Duration::from_secs(6));
    let (play, leaf) = served_play(age, Duration::from_secs(10), poll_time).await;
    let wire = canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .unwrap();
    let mut client = wire.workflow();
    let held = tokio::spawn(async move { client.poll_workflow_task_queue(poll("w")).await });
    eventually("the connection takes no more calls", async || {
        wire.ping().await.is_err()
    })
    .await;
    assert!(!held.is_finished());
    let empty = held.await.unwrap().unwrap().into_inner();
    assert!(empty.task_token.is_empty());
}

#[tokio::test]
async fn a_connection_is_closed_when_its_grace_is_over() {
    let (age, grace) = (Duration::from_secs(1), Duration::from_millis(300));
    let (play, leaf) = served_play(age, grace, Duration::from_mins(1)).await;
    let wire = canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .unwrap();
    let asked_at = Instant::now();
    wire.workflow()
        .poll_workflow_task_queue(poll("w"))
        .await
        .unwrap_err();
    assert!(asked_at.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn pollers_are_held_and_told() {
    let (play, leaf) = served_play(
        Duration::from_mins(5),
        Duration::from_mins(1),
        Duration::from_mins(1),
    )
    .await;
    let wire = canary(play.endpoint(), play.presenting(Some(&leaf)))
        .await
        .unwrap();
    let asked_at = Instant::now();
    let mut request = Request::new(poll("worker-1@leaf-abc"));
    request.set_timeout(Duration::from_millis(800));
    let empty = wire
        .workflow()
        .poll_workflow_task_queue(request)
        .await
        .unwrap();
    assert!(empty.into_inner().task_token.is_empty());
    // Half of a short deadline, and not the minute that a poll may be held.
    assert!((400..30_000).contains(&asked_at.elapsed().as_millis()));

    let mut describe = DescribeTaskQueueRequest {
        namespace: NAMESPACE.to_owned(),
        task_queue: poll("").task_queue,
        ..DescribeTaskQueueRequest::default()
    };
    let told = wire
        .workflow()
        .describe_task_queue(describe.clone())
        .await
        .unwrap();
    let pollers = told.into_inner().pollers;
    assert_eq!(pollers.len(), 1);
    assert_eq!(pollers[0].identity, "worker-1@leaf-abc");
    assert!(pollers[0].last_access_time.is_some());
    describe.task_queue.as_mut().unwrap().name = "another".to_owned();
    let told = wire.workflow().describe_task_queue(describe).await.unwrap();
    assert!(told.into_inner().pollers.is_empty());
}

#[tokio::test]
async fn unknown_namespaces_and_methods_are_told_apart() {
    let g1 = Ca::new("payments g1");
    let play = Play::new(options(&[&g1])).await;
    let wire = canary(play.endpoint(), play.presenting(Some(&g1.leaf("worker-1"))))
        .await
        .unwrap();
    let describe = |name: &str| DescribeNamespaceRequest {
        namespace: name.to_owned(),
        ..DescribeNamespaceRequest::default()
    };
    let mut client = wire.workflow();
    client
        .describe_namespace(describe(NAMESPACE))
        .await
        .unwrap();
    let unknown = client
        .describe_namespace(describe("nobody.a2dd6"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let start = StartWorkflowExecutionRequest::default();
    let unimplemented = client.start_workflow_execution(start).await.unwrap_err();
    assert_eq!(unimplemented.code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_client_that_says_nothing_does_not_hold_up_others() {
    let g1 = Ca::new("payments g1");
    let play = Play::new(options(&[&g1])).await;
    let _silent = tokio::net::TcpStream::connect(play.endpoint())
        .await
        .unwrap();
    let config = Arc::new(play.presenting(Some(&g1.leaf("worker-1"))));
    Wire::connect(play.endpoint(), &config)
        .await
        .unwrap()
        .ping()
        .await
        .unwrap();
}
