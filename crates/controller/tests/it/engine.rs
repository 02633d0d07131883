//! The local engine behind the seam: whoever waits drives, and whoever cannot drive watches.

use std::sync::Arc;

use newleaf_controller::{Ended, Engine, EngineError, Journal, JournalError, Local, OnAsk};
use newleaf_rotation::{Generation, Outcome, Plan, Trouble};
use newleaf_systems::World;
use tokio::{
    sync::watch,
    time::{Duration, sleep},
};

use crate::{
    stage::{Stage, a_plan, means, rotation},
    world::{Facts, TestWorld},
};

/// A world that several engines share.
struct Shared(Arc<TestWorld>);

impl World for Shared {
    async fn observe(
        &self,
        look: &newleaf_rotation::Look,
        now: jiff::Timestamp,
    ) -> Result<newleaf_rotation::Sight, Trouble> {
        self.0.observe(look, now).await
    }

    async fn pursue(
        &self,
        deed: &newleaf_rotation::Deed,
        now: jiff::Timestamp,
    ) -> Result<String, Trouble> {
        self.0.pursue(deed, now).await
    }
}

fn engine(stage: &Stage, world: &Arc<TestWorld>) -> impl Engine + Sync + use<> {
    let journal = Arc::new(Journal::open(stage.path()).unwrap());
    let means = means(stage.clock.clone(), watch::channel(false).1, OnAsk::Stay);
    let world = Arc::clone(world);
    let meet = move |_: &Plan| Ok::<_, Trouble>(Shared(Arc::clone(&world)));
    Local::new(journal, meet, means)
}

#[tokio::test(start_paused = true)]
async fn two_that_wait_see_the_same_end() {
    let (stage, world) = (Stage::empty(), Arc::new(TestWorld::new()));
    let (one, other) = (engine(&stage, &world), engine(&stage, &world));
    one.start(&a_plan(&[])).await.unwrap();
    let refused = other.start(&a_plan(&[])).await;
    assert!(matches!(
        refused,
        Err(EngineError::Journal(JournalError::NotEnded { .. }))
    ));
    let id = rotation();
    let (first, second) = tokio::join!(one.wait(&id), other.wait(&id));
    assert_eq!(first.unwrap(), Ended::Over(Outcome::Rotated));
    assert_eq!(second.unwrap(), Ended::Over(Outcome::Rotated));
    assert!(world.facts().is_all(Generation(2)));
    assert!(one.status(&id).await.unwrap().ended_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_second_takes_over_when_the_first_dies() {
    let (stage, world) = (Stage::empty(), Arc::new(TestWorld::new()));
    let (one, other) = (engine(&stage, &world), engine(&stage, &world));
    one.start(&a_plan(&[])).await.unwrap();
    let id = rotation();
    let first = tokio::time::timeout(Duration::from_secs(100), one.wait(&id));
    let second = async {
        sleep(Duration::from_secs(1)).await;
        other.wait(&id).await
    };
    let (first, second) = tokio::join!(first, second);
    first.unwrap_err();
    assert_eq!(second.unwrap(), Ended::Over(Outcome::Rotated));
}

#[tokio::test(start_paused = true)]
async fn to_cancel_is_to_turn_round() {
    let (stage, world) = (Stage::empty(), Arc::new(TestWorld::new()));
    let (one, other) = (engine(&stage, &world), engine(&stage, &world));
    one.start(&a_plan(&[])).await.unwrap();
    let id = rotation();
    let person = async {
        sleep(Duration::from_secs(150)).await;
        other.cancel(&id, "olga", "a mistake").await
    };
    let (ended, cancelled) = tokio::join!(one.wait(&id), person);
    cancelled.unwrap();
    let because = "a mistake".to_owned();
    assert_eq!(ended.unwrap(), Ended::Over(Outcome::RolledBack { because }));
    let facts: Facts = world.facts();
    assert!(facts.is_all(Generation(1)), "{facts:?}");
}
