//! What pollers and calls are like, by proxies and by Temporal.

use std::{collections::BTreeMap, net::Ipv4Addr};

use newleaf_rotation::{
    Goal, HolderId, Sight,
    sight::{Calls, Reading, Traffic},
};
use newleaf_systems::{
    Systems,
    domain::{EvidenceSource, Point, PointKind},
};

use crate::{
    desk::{Desk, OLD, Play, Try, answering, eventually, point_id},
    evidence::{connect, given, poll},
};

async fn traffic(systems: &Systems, holders: &[&str]) -> Traffic {
    let holders = holders.iter().copied().map(HolderId::new).collect();
    let goal = Goal::Steady { holders };
    let Sight::Traffic(seen) = Try::first(systems, goal).look().await.unwrap() else {
        panic!("another sight")
    };
    seen
}

fn told<'t>(traffic: &'t Traffic, holder: &str) -> &'t BTreeMap<String, Reading> {
    &traffic.holders[&HolderId::new(holder)]
}

fn only(traffic: &Traffic, holder: &str) -> Reading {
    let told = told(traffic, holder);
    assert_eq!(told.len(), 1, "{told:?}");
    told.values().next().unwrap().clone()
}

fn manual() -> Point {
    Point {
        id: point_id(),
        kind: PointKind::Manual,
        endpoints: Vec::new(),
    }
}

#[tokio::test]
async fn a_proxy_tells_how_many_calls_failed() {
    let (desk, _ca) = Desk::with_ca();
    let status = |text: &'static str| answering(move || text.to_owned());
    let new = status(r#"{"connections":[],"failed":9,"calls":{"answered":120,"failed":2}}"#);
    let holders = vec![
        desk.holder("new", vec![new.await]),
        desk.holder(
            "old",
            vec![status(r#"{"connections":[],"failed":7}"#).await],
        ),
        desk.holder("mute", vec![status(r#"{"connections":[]}"#).await]),
        desk.holder("attested", vec![EvidenceSource::Attested]),
    ];
    let systems = desk.systems(desk.domain(vec![manual()], holders));
    let seen = traffic(&systems, &["new", "old", "mute", "attested"]).await;
    let calls = |answered, failed| Reading::Calls(Calls { answered, failed });
    assert_eq!(only(&seen, "new"), calls(Some(120), 2));
    assert_eq!(only(&seen, "old"), calls(None, 7));
    let Reading::Unknown(why) = only(&seen, "mute") else {
        panic!("{seen:?}")
    };
    assert!(why.contains("no count of calls"), "{why}");
    assert_eq!(told(&seen, "attested").len(), 0, "a person counts nothing");
}

#[tokio::test]
async fn a_source_that_cannot_be_asked_is_unknown_and_no_error_of_the_look() {
    let (desk, _ca) = Desk::with_ca();
    let free = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let admin = free.local_addr().unwrap().to_string();
    drop(free);
    let pollers = EvidenceSource::Pollers {
        point: point_id(),
        task_queue: "orders".to_owned(),
        identity_prefix: "away@".to_owned(),
    };
    let holder = desk.holder("away", vec![EvidenceSource::Proxy { admin }, pollers]);
    let systems = desk.systems(desk.domain(vec![manual()], vec![holder]));
    let seen = traffic(&systems, &["away"]).await;
    let told = told(&seen, "away");
    assert_eq!(told.len(), 2);
    assert!(
        told.values().all(|r| matches!(r, Reading::Unknown(_))),
        "{told:?}"
    );
}

/// A worker that reloads says another leaf in its identity, and is the same worker; another worker is another one.
#[tokio::test]
async fn temporal_tells_how_many_pollers_there_are() {
    let (desk, ca) = Desk::with_ca();
    let play = Play::accepting(ca.to_pem()).await;
    let pollers = |prefix: &str| EvidenceSource::Pollers {
        point: point_id(),
        task_queue: "orders".to_owned(),
        identity_prefix: prefix.to_owned(),
    };
    let holders = vec![
        desk.holder("worker-a", vec![pollers("worker-a@")]),
        desk.holder("worker-b", vec![pollers("worker-b@")]),
    ];
    let systems = desk.systems(desk.domain(vec![play.point()], holders));
    let canary = Goal::Accepted {
        generation: OLD,
        passes: 1,
    };
    Try::first(&systems, canary).act().await.unwrap();
    let leaf = given(&desk, &systems, "worker-a").await;
    let channel = connect(&desk, &play, "worker-a").await;
    poll(&channel, "worker-a@1").await;
    poll(&channel, &format!("worker-a@1 newleaf:{leaf}")).await;
    poll(&channel, "worker-a@2").await;
    poll(&channel, "somebody else").await;
    let seen = eventually(|| async {
        let seen = traffic(&systems, &["worker-a", "worker-b"]).await;
        (only(&seen, "worker-a") == Reading::Pollers(2)).then_some(seen)
    })
    .await;
    assert_eq!(only(&seen, "worker-b"), Reading::Pollers(0));
}
