//! Who presents what, by proxies, by Temporal and by people.

use std::net::Ipv4Addr;

use jiff::SignedDuration;
use newleaf_identity::directory;
use newleaf_rotation::{
    Goal, HolderId, Sight,
    sight::{Census, Presence, Sighting, Source},
};
use newleaf_systems::{
    Systems,
    domain::{EvidenceSource, Holder, Point, PointKind},
};
use newleaf_x509::Fingerprint;
use temporalio_protos::protos::temporal::api::{
    taskqueue::v1::TaskQueue,
    workflowservice::v1::{
        PollWorkflowTaskQueueRequest, workflow_service_client::WorkflowServiceClient,
    },
};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::desk::{
    Desk, OLD, Play, Try, answering_locally, eventually, now, point_id, proxy, stored,
};

const DISUSED: Goal = Goal::Disused { generation: OLD };

fn manual() -> Point {
    Point {
        id: point_id(),
        kind: PointKind::Manual,
        endpoints: Vec::new(),
    }
}

fn systems(desk: &Desk, point: Point, holders: Vec<Holder>) -> Systems {
    desk.systems(desk.domain(vec![point], holders))
}

async fn census(systems: &Systems) -> Census {
    let Sight::Census(census) = Try::first(systems, DISUSED).look().await.unwrap() else {
        panic!("another sight")
    };
    census
}

fn presence<'c>(census: &'c Census, holder: &str) -> &'c Presence {
    &census.holders[&HolderId::new(holder)]
}

fn why(census: &Census, holder: &str) -> String {
    match presence(census, holder) {
        Presence::Unknown(why) => why.clone(),
        Presence::Seen(seen) => panic!("{seen:?}"),
    }
}

/// Gives a holder a leaf of the first CA, and returns its fingerprint.
pub(crate) async fn given(desk: &Desk, systems: &Systems, holder: &str) -> Fingerprint {
    Try::first(systems, stored(holder, OLD))
        .act()
        .await
        .unwrap();
    directory::load(desk.path(holder), now())
        .unwrap()
        .fingerprint()
}

#[tokio::test]
async fn a_proxy_tells_every_leaf_that_it_presents() {
    let (desk, _ca) = Desk::with_ca();
    let path = desk.path("worker-a");
    let stranger = Fingerprint::of(b"somebody else's");
    let source = proxy(move || {
        let ours = directory::load(&path, now())
            .ok()
            .map(|identity| identity.fingerprint());
        ours.into_iter().chain([stranger]).collect()
    });
    let holder = desk.holder("worker-a", vec![source.await]);
    let systems = systems(&desk, manual(), vec![holder]);
    let leaf = given(&desk, &systems, "worker-a").await;
    let census = census(&systems).await;
    let Presence::Seen(seen) = presence(&census, "worker-a") else {
        panic!("{census:?}")
    };
    let ours = Sighting {
        generation: Some(OLD),
        leaf: Some(leaf),
        of_rotation: true,
        source: Source::Proxy,
    };
    let theirs = Sighting {
        generation: None,
        leaf: Some(stranger),
        of_rotation: false,
        ..ours
    };
    assert_eq!(seen.len(), 2);
    assert!(seen.contains(&ours) && seen.contains(&theirs), "{seen:?}");
}

#[tokio::test]
async fn a_proxy_may_be_asked_on_a_unix_socket() {
    let (desk, _ca) = Desk::with_ca();
    let leaf = Fingerprint::of(b"a leaf of somebody");
    let status = move || format!(r#"{{"connections":[{{"leaf":"{leaf}"}}],"failed":0}}"#);
    let source = answering_locally(&desk.path("admin.sock"), status);
    let holders = vec![
        desk.holder("there", vec![source]),
        desk.holder(
            "away",
            vec![EvidenceSource::Proxy {
                admin: "unix:/nowhere/admin.sock".to_owned(),
            }],
        ),
    ];
    let census = census(&systems(&desk, manual(), holders)).await;
    let Presence::Seen(seen) = presence(&census, "there") else {
        panic!("{census:?}");
    };
    assert!(seen.iter().any(|seen| seen.leaf == Some(leaf)), "{seen:?}");
    let why = why(&census, "away");
    assert!(
        why.contains("could not connect to the proxy's admin endpoint `unix:/nowhere/admin.sock`"),
        "{why}"
    );
}

#[tokio::test]
async fn a_proxy_that_cannot_be_asked_or_has_no_connection_tells_nothing() {
    let (desk, _ca) = Desk::with_ca();
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = EvidenceSource::Proxy {
        admin: free.local_addr().unwrap().to_string(),
    };
    drop(free);
    let holders = vec![
        desk.holder("away", vec![nobody]),
        desk.holder("idle", vec![proxy(Vec::new).await]),
        desk.holder("unwatched", Vec::new()),
    ];
    let census = census(&systems(&desk, manual(), holders)).await;
    assert!(
        why(&census, "away").contains("could not connect"),
        "{census:?}"
    );
    assert!(why(&census, "idle").contains("no connection"), "{census:?}");
    assert!(
        why(&census, "unwatched").contains("no source"),
        "{census:?}"
    );
}

#[tokio::test]
async fn an_attestation_speaks_of_the_leaf_that_was_the_newest_when_it_was_said() {
    let (desk, _ca) = Desk::with_ca();
    let holder = desk.holder("worker-a", vec![EvidenceSource::Attested]);
    let systems = systems(&desk, manual(), vec![holder]);
    assert!(why(&census(&systems).await, "worker-a").contains("nobody has attested"));
    desk.ledger
        .attest("worker-a", now() - SignedDuration::from_mins(1));
    let leaf = given(&desk, &systems, "worker-a").await;
    // Said before the leaf was issued: it says nothing of it.
    assert!(matches!(
        presence(&census(&systems).await, "worker-a"),
        Presence::Unknown(_)
    ));
    desk.ledger.attest("worker-a", now());
    let census = census(&systems).await;
    let Presence::Seen(seen) = presence(&census, "worker-a") else {
        panic!("{census:?}")
    };
    assert_eq!(seen[0].leaf, Some(leaf));
}

/// A worker's connection to the sandbox, under the identity in its store.
pub(crate) async fn connect(desk: &Desk, play: &Play, holder: &str) -> Channel {
    let read = |file: &str| fs_err::read_to_string(desk.path(holder).join(file)).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(play.sandbox.server_ca_pem()))
        .identity(Identity::from_pem(read("tls.crt"), read("tls.key")));
    let address = format!("https://{}", play.endpoint().address);
    Endpoint::from_shared(address)
        .unwrap()
        .tls_config(tls)
        .unwrap()
        .connect()
        .await
        .unwrap()
}

/// Polls once, and gives up: the sandbox remembers who polled.
pub(crate) async fn poll(channel: &Channel, identity: &str) {
    let mut request = PollWorkflowTaskQueueRequest::default();
    crate::desk::NAMESPACE.clone_into(&mut request.namespace);
    identity.clone_into(&mut request.identity);
    let mut queue = TaskQueue::default();
    "orders".clone_into(&mut queue.name);
    request.task_queue = Some(queue);
    let mut client = WorkflowServiceClient::new(channel.clone());
    let poll = client.poll_workflow_task_queue(request);
    let gave_up = tokio::time::timeout(std::time::Duration::from_millis(200), poll).await;
    assert!(gave_up.is_err() || gave_up.unwrap().is_ok());
}

#[tokio::test]
async fn temporal_tells_the_leaf_that_a_pollers_identity_names() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let source = |prefix: &str| EvidenceSource::Pollers {
        point: point_id(),
        task_queue: "orders".to_owned(),
        identity_prefix: prefix.to_owned(),
    };
    let holders = vec![
        desk.holder("worker-a", vec![source("worker-a@")]),
        desk.holder("worker-b", vec![source("worker-b@")]),
    ];
    let systems = systems(&desk, play.point(), holders);
    assert!(why(&census(&systems).await, "worker-a").contains("no canary leaf"));
    Try::first(
        &systems,
        Goal::Accepted {
            generation: OLD,
            passes: 1,
        },
    )
    .act()
    .await
    .unwrap();
    let leaf = given(&desk, &systems, "worker-a").await;
    let channel = connect(&desk, &play, "worker-a").await;
    poll(&channel, &format!("worker-a@host newleaf:{leaf}")).await;
    poll(&channel, "an intruder").await;
    let census = eventually(|| async {
        let census = census(&systems).await;
        (!census.unregistered.is_empty()).then_some(census)
    })
    .await;
    let Presence::Seen(seen) = presence(&census, "worker-a") else {
        panic!("{census:?}")
    };
    let [sighting] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert_eq!(
        (sighting.leaf, sighting.generation, sighting.source),
        (Some(leaf), Some(OLD), Source::Pollers)
    );
    assert!(
        why(&census, "worker-b").contains("begins with `worker-b@`"),
        "{census:?}"
    );
    let [intruder] = &census.unregistered[..] else {
        panic!("{census:?}")
    };
    assert_eq!((intruder.leaf, intruder.generation), (None, None));
}

#[tokio::test]
async fn our_own_canary_is_nobodys_leaf_and_keeps_nothing_in_use() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let systems = systems(
        &desk,
        play.point(),
        vec![desk.holder("worker-a", Vec::new())],
    );
    Try::first(
        &systems,
        Goal::Accepted {
            generation: OLD,
            passes: 1,
        },
    )
    .act()
    .await
    .unwrap();
    assert!(census(&systems).await.expired.contains(&OLD));
    given(&desk, &systems, "worker-a").await;
    assert!(!census(&systems).await.expired.contains(&OLD));
    // The ledger is lost: what it does not hold may still be out there.
    desk.ledger.lose_everything();
    assert!(!census(&systems).await.expired.contains(&OLD));
}
