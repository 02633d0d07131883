//! Servers that are away in the middle of a rotation: it waits, says what it waits for, and goes on.

use std::time::Duration;

use crate::{
    caller::Caller,
    rig::{End, Rig},
    road::Road,
};

/// While the network is away only for newleaf, traffic goes on.
#[tokio::test]
async fn a_rotation_waits_for_servers_that_cannot_be_reached() {
    let rig = Rig::set(None).await;
    let caller = Caller::start(rig.proxy).await;
    let mut run = rig.start("rotate ca payments --yes");
    for phase in ["prepared", "trusted", "soaking"] {
        rig.reaches(phase).await;
        rig.roads.iter().for_each(Road::close);
        sees_trouble(&rig).await;
        rig.roads.iter().for_each(Road::open);
    }
    run.succeeds().await;
    assert_eq!(rig.end().await, End::of_generation(2));
    caller.goes_on(50).await;
    caller.finish().await.must_be_clean(Duration::from_secs(5));
}

#[tokio::test]
async fn a_rotation_waits_for_a_service_that_is_unavailable() {
    let rig = Rig::set(None).await;
    let mut run = rig.start("rotate ca payments --yes");
    rig.reaches("prepared").await;
    rig.sandbox.faults().be_unavailable(usize::MAX);
    sees_trouble(&rig).await;
    rig.sandbox.faults().be_unavailable(0);
    run.succeeds().await;
    assert_eq!(rig.end().await, End::of_generation(2));
}

/// Waits until newleaf has said, more than once, that it could not reach a server.
async fn sees_trouble(rig: &Rig) {
    let before = rig.status().await.unwrap()["rev"].as_u64().unwrap();
    rig.sees("trouble", |status| {
        let finding = status["now"]["finding"].as_str().unwrap_or_default();
        // A look or a deed and a rest are two events.
        finding.contains("could not") && status["rev"].as_u64().unwrap() >= before + 6
    })
    .await;
}
