//! Canaries at the sandbox's endpoints, and at servers that are none.

use std::net::Ipv4Addr;

use newleaf_rotation::{
    Goal, Sight,
    sight::{ProbeOutcome, ProbeSight},
};
use newleaf_sandbox::NamespaceOptions;
use newleaf_systems::{Systems, domain::Point};
use newleaf_x509::{
    TrustBundle,
    filter::{Filter, FilterText},
};

use crate::desk::{Desk, OLD, Play, Try, trust};

const ACCEPTED: Goal = Goal::Accepted {
    generation: OLD,
    passes: 3,
};

fn systems(desk: &Desk, point: Point) -> Systems {
    desk.systems(desk.domain(vec![point], vec![desk.holder("worker-a", Vec::new())]))
}

async fn probes(systems: &Systems, goal: Goal) -> ProbeSight {
    let Sight::Probes(sight) = Try::first(systems, goal).look().await.unwrap() else {
        panic!("another sight")
    };
    sight
}

/// What happens to a canary at the one address of a point.
async fn outcome(desk: &Desk, point: Point) -> ProbeOutcome {
    let systems = systems(desk, point);
    Try::first(&systems, ACCEPTED).act().await.unwrap();
    let sight = probes(&systems, ACCEPTED).await;
    assert!(sight.have_leaf);
    let [probe] = &sight.probes[..] else {
        panic!("{:?}", sight.probes)
    };
    probe.outcome.clone()
}

#[tokio::test]
async fn without_a_leaf_it_is_told_where_its_ca_is_accepted() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let systems = systems(&desk, play.point());
    let sight = probes(&systems, ACCEPTED).await;
    assert!(!sight.have_leaf);
    assert_eq!(sight.accepted_at.into_values().collect::<Vec<_>>(), [true]);
}

#[tokio::test]
async fn a_leaf_of_an_accepted_ca_passes_as_often_as_asked() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    assert_eq!(
        outcome(&desk, play.point()).await,
        ProbeOutcome::Accepted { passes: 3 }
    );
}

#[tokio::test]
async fn the_same_deed_twice_signs_one_leaf() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let systems = systems(&desk, play.point());
    for _ in 0..2 {
        Try::first(&systems, ACCEPTED).act().await.unwrap();
    }
    assert_eq!(desk.ledger.all().len(), 1);
}

#[tokio::test]
async fn a_leaf_of_another_ca_is_refused_in_the_handshake() {
    let (desk, _ca) = Desk::with_ca();
    let (_other_desk, other) = Desk::with_ca();
    let play = Play::accepting(other.to_pem()).await;
    let outcome = outcome(&desk, play.point()).await;
    assert!(
        matches!(outcome, ProbeOutcome::Refused { .. }),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_leaf_that_the_filters_refuse_is_refused_the_call() {
    let (desk, ca) = Desk::with_ca();
    let filter = FilterText {
        common_name: "somebody-else".to_owned(),
        ..FilterText::default()
    };
    let filter = Filter::try_from(filter).unwrap();
    let play = Play::with(ca.to_pem(), |options| {
        let NamespaceOptions { filters, .. } = &mut options.namespaces[0];
        filters.push(filter);
    })
    .await;
    let outcome = outcome(&desk, play.point()).await;
    assert!(
        matches!(&outcome, ProbeOutcome::Unauthorized { reason } if reason.contains("Request unauthorized")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_we_do_not_trust_has_not_refused_us() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let mut point = play.point();
    point.endpoints[0].server_ca = Some(TrustBundle::new([ca]));
    let outcome = outcome(&desk, point).await;
    assert!(
        matches!(&outcome, ProbeOutcome::Unreachable { reason } if reason.contains("UnknownIssuer")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_asks_for_no_leaf_has_not_accepted_it() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let mut point = play.point();
    // The Cloud Ops API speaks the same TLS and HTTP/2, and wants API keys instead of certificates.
    point.endpoints[0].address = format!("localhost:{}", play.sandbox.cloud_address().port());
    let outcome = outcome(&desk, point).await;
    assert!(
        matches!(&outcome, ProbeOutcome::Unreachable { reason } if reason.contains("ask for a client certificate")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unreachable() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut point = play.point();
    point.endpoints[0].address = free.local_addr().unwrap().to_string();
    drop(free);
    let outcome = outcome(&desk, point).await;
    assert!(
        matches!(&outcome, ProbeOutcome::Unreachable { reason } if reason.contains("could not connect")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_says_nothing_is_unreachable_and_not_waited_for_for_ever() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let silent = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut point = play.point();
    point.endpoints[0].address = silent.local_addr().unwrap().to_string();
    let outcome = outcome(&desk, point).await;
    assert!(
        matches!(&outcome, ProbeOutcome::Unreachable { reason } if reason.contains("waited in vain")),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn every_address_of_every_endpoint_is_tried() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let mut point = play.point();
    let mut second = play.endpoint();
    second.server_name = Some("localhost".to_owned());
    point.endpoints.push(second);
    let systems = systems(&desk, point);
    Try::first(&systems, ACCEPTED).act().await.unwrap();
    let sight = probes(&systems, ACCEPTED).await;
    assert_eq!(sight.probes.len(), 2);
    let accepted = |probe: &newleaf_rotation::sight::Probe| {
        probe.outcome == ProbeOutcome::Accepted { passes: 3 }
    };
    assert!(sight.probes.iter().all(accepted), "{:?}", sight.probes);
}

#[tokio::test]
async fn after_its_ca_is_removed_a_leaf_is_refused() {
    let (desk, ca) = Desk::with_ca();
    let (_other_desk, other) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem() + &other.to_pem()).await;
    desk.ca()
        .make(crate::desk::NEW, crate::desk::now())
        .unwrap();
    let systems = systems(&desk, play.point());
    Try::first(&systems, ACCEPTED).act().await.unwrap();
    Try::first(&systems, trust(&[], &[OLD]))
        .act()
        .await
        .unwrap();
    crate::desk::eventually(|| async {
        let sight = probes(&systems, Goal::Refused { generation: OLD }).await;
        matches!(sight.probes[0].outcome, ProbeOutcome::Refused { .. }).then_some(())
    })
    .await;
}
