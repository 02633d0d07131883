//! Soaks keep their length, whatever the clock does.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use jiff::SignedDuration;
use newleaf_controller::{Clock, Ended, OnAsk, drive};
use newleaf_rotation::Outcome;
use tokio::{
    sync::watch,
    time::{Duration, Instant, sleep},
};

use crate::{
    stage::{Stage, means, rotation},
    world::TestWorld,
};

/// Drives a rotation whose clock jumps by `jump` after 30 seconds, in the middle of the first soak; returns the seconds
/// that the rotation took.
async fn with_a_jump(jump: SignedDuration) -> u64 {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let offset = Arc::new(AtomicI64::new(0));
    let (clock, moved) = (stage.clock.clone(), Arc::clone(&offset));
    let clock =
        Clock::of(move || clock.now() + SignedDuration::from_secs(moved.load(Ordering::SeqCst)));
    let means = means(clock, watch::channel(false).1, OnAsk::Stay);
    let jumps = async {
        sleep(Duration::from_secs(30)).await;
        offset.store(jump.as_secs(), Ordering::SeqCst);
    };
    let began = Instant::now();
    let id = rotation();
    let (ended, ()) = tokio::join!(drive(&world, &stage.journal, &id, means), jumps);
    assert_eq!(ended.unwrap(), Ended::Over(Outcome::Rotated));
    let events = stage.journal.record(&id).unwrap().events;
    assert!(events.iter().map(|line| line.at).is_sorted());
    began.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_stands_right_takes_six_soaks() {
    let seconds = with_a_jump(SignedDuration::ZERO).await;
    assert!((360..370).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_clock_set_back_does_not_stretch_a_soak() {
    let seconds = with_a_jump(SignedDuration::from_hours(-24)).await;
    assert!((360..370).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_has_soaked_meanwhile() {
    let seconds = with_a_jump(SignedDuration::from_hours(8)).await;
    assert!((330..340).contains(&seconds), "{seconds} s");
}
