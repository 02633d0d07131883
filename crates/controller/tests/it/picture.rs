//! The picture says what a person needs: where it stands, why, until when, and what is asked of whom.

use newleaf_controller::{
    Ended, OnAsk, Snapshot, drive,
    snapshot::{Approval, Asks, Doing, Ending, Mark},
};
use newleaf_rotation::{Ask, Generation, Outcome, Phase};
use tokio::{
    sync::watch,
    time::{Duration, timeout},
};

use crate::{
    stage::{SOAK, Stage, means, rotation},
    world::TestWorld,
};

#[tokio::test(start_paused = true)]
async fn in_the_soak_of_a_wave() {
    let (stage, world) = (Stage::set(&[Phase::Distrusted]).await, TestWorld::new());
    timeout(Duration::from_secs(150), stage.drive(&world))
        .await
        .unwrap_err();
    let picture = Snapshot::take(&stage.journal, &rotation()).unwrap();
    assert_eq!(picture.phase, Some(Phase::Canary));
    assert_eq!(picture.kind, "CA rollover g1 to g2");
    let now = picture.now.unwrap();
    assert_eq!(
        (now.step.as_str(), now.doing),
        ("issuing/wave-1", Doing::Soaking)
    );
    assert_eq!(now.until, Some(now.since + SOAK));
    let census: Vec<&str> = picture
        .census
        .iter()
        .map(|seen| seen.text.as_str())
        .collect();
    assert_eq!(
        census,
        [
            "worker-a presents g2 (proxy)",
            "worker-b presents g1 (proxy)",
            "worker-c presents g1 (proxy)"
        ]
    );
    let current: Vec<_> = picture
        .gates
        .iter()
        .filter(|g| g.mark == Mark::Current)
        .collect();
    assert_eq!(current.len(), 1);
    assert_eq!(current[0].evidence.as_deref(), Some("1 of 1 seen"));
    let reached = picture.gates.iter().filter(|g| g.mark == Mark::Reached);
    assert!(reached.clone().count() > 3);
    assert!(reached.clone().all(|gate| gate.evidence.is_some()));
    let needed = picture
        .gates
        .iter()
        .filter(|g| g.approval == Approval::Needed);
    assert_eq!(needed.count(), 1);
    assert_eq!(picture.driver, None);
}

#[tokio::test(start_paused = true)]
async fn where_a_person_is_asked() {
    let (stage, world) = (Stage::set(&[Phase::Distrusted]).await, TestWorld::new());
    let leave = means(stage.clock.clone(), watch::channel(false).1, OnAsk::Leave);
    let ended = drive(&world, &stage.journal, &rotation(), leave)
        .await
        .unwrap();
    assert!(matches!(ended, Ended::Asked(Ask::Approve(_))));
    let picture = Snapshot::take(&stage.journal, &rotation()).unwrap();
    let step = "distrusted/payments.a2dd6".to_owned();
    assert_eq!(picture.asks, Some(Asks::Approve { step }));
    assert_eq!(picture.now.unwrap().doing, Doing::Asking);
}

#[tokio::test(start_paused = true)]
async fn at_the_end() {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let ended = stage.drive(&world).await.unwrap();
    assert_eq!(ended, Ended::Over(Outcome::Rotated));
    let picture = Snapshot::take(&stage.journal, &rotation()).unwrap();
    assert_eq!(picture.outcome, Some(Ending::Rotated));
    assert_eq!(picture.phase, Some(Phase::Retired));
    assert_eq!(picture.phases, Phase::ALL);
    assert!(picture.now.is_none() && picture.asks.is_none());
    assert!(picture.gates.iter().all(|gate| gate.mark == Mark::Reached));
    assert!(picture.census.iter().all(|seen| seen.presents == ["g2"]));
    let json = serde_json::to_value(&picture).unwrap();
    assert_eq!(json["outcome"], "rotated");
    assert_eq!(json["gates"][0]["mark"], "reached");
    assert!(world.facts().is_all(Generation(2)));
}
