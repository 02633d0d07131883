//! Told to stop, a drive finishes the deed in hand, begins no other, and the next drive goes on from there.

use newleaf_controller::{Ended, Means, OnAsk, Snapshot, drive};
use newleaf_rotation::{Event, Generation, Outcome, Phase};
use tokio::sync::watch;

use crate::{
    stage::{Stage, means, rotation},
    world::TestWorld,
};

#[tokio::test(start_paused = true)]
async fn the_deed_in_hand_is_finished_and_no_other_begun() {
    let (stage, mut world) = (Stage::set(&[]).await, TestWorld::new());
    // The third call is the first deed: preflight and the old leaf are only looked at.
    world.hold_deed = Some(3);
    let (order, stop) = watch::channel(false);
    let means = means(stage.clock.clone(), stop, OnAsk::Stay);
    let rotation = rotation();
    let drive = drive(&world, &stage.journal, &rotation, means);
    let person = async {
        world.begun.notified().await;
        order.send_replace(true);
        world.go.notify_one();
    };
    let (ended, ()) = tokio::join!(drive, person);
    assert_eq!(ended.unwrap(), Ended::Stopped);
    let events = stage.journal.record(&rotation).unwrap().events;
    assert!(matches!(events.last().unwrap().event, Event::Acted { .. }));
    assert_eq!(world.facts().requests.len(), 1);
    let ended = stage.drive(&world).await.unwrap();
    assert_eq!(ended, Ended::Over(Outcome::Rotated));
    assert!(world.facts().is_all(Generation(2)));
}

/// Stops at the first event that follows the entry into each phase, and goes on.
#[tokio::test(start_paused = true)]
async fn in_every_phase() {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let mut stopped_in = Vec::new();
    for phase in Phase::ALL {
        let (order, stop) = watch::channel(false);
        let tell = move |told: newleaf_controller::Told<'_>| {
            if told.state.phase(told.plan) == Some(phase) {
                order.send_replace(true);
            }
        };
        let means = Means {
            tell: std::sync::Arc::new(tell),
            ..means(stage.clock.clone(), stop, OnAsk::Stay)
        };
        let ended = drive(&world, &stage.journal, &rotation(), means).await;
        let picture = Snapshot::take(&stage.journal, &rotation()).unwrap();
        assert_eq!(picture.driver, None, "nobody drives after a stop");
        match ended.unwrap() {
            Ended::Stopped => stopped_in.push(picture.phase.unwrap()),
            Ended::Over(Outcome::Rotated) => break,
            ended @ (Ended::Over(_) | Ended::Asked(_)) => panic!("{ended:?}"),
        }
    }
    let all_but_the_last: Vec<Phase> = Phase::ALL.into_iter().take(7).collect();
    assert_eq!(stopped_in, all_but_the_last);
    let ended = stage.drive(&world).await.unwrap();
    assert_eq!(ended, Ended::Over(Outcome::Rotated));
    assert!(world.facts().is_all(Generation(2)));
}
