//! Killed at any instant, a rotation goes on and ends where it would have ended.

use std::{
    env,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use newleaf_controller::{Clock, Ended, Journal, OnAsk, drive};
use newleaf_rotation::{Event, Generation, Outcome};
use tokio::{process::Command, sync::watch, task::JoinSet};

use crate::{
    stage::{Stage, a_plan, clock, domain, means, rotation, scratch},
    world::{Place, Strike, TestWorld},
};

/// Every call of the world in a rotation that nothing strikes, before and after its effect. Between two calls
/// lie the event boundaries: an event is written after a call and before the next.
async fn places() -> Vec<Place> {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    assert_eq!(
        stage.drive(&world).await.unwrap(),
        Ended::Over(Outcome::Rotated)
    );
    assert!(world.facts().is_all(Generation(2)), "{:?}", world.facts());
    let at = |call| [false, true].map(|after| Place { call, after });
    (0..world.calls()).flat_map(at).collect()
}

#[tokio::test(start_paused = true)]
async fn dropped_at_every_place_it_ends_the_same() {
    let places = places().await;
    assert!(places.len() > 60, "{} places", places.len());
    for place in places {
        let stage = Stage::set(&[]).await;
        let world = TestWorld::new().striking(place, Strike::Drop);
        tokio::select! {
            ended = stage.drive(&world) => panic!("not struck at {place:?}: {ended:?}"),
            () = world.struck.notified() => {}
        }
        let ended = stage.drive(&world).await.unwrap();
        assert_eq!(ended, Ended::Over(Outcome::Rotated), "at {place:?}");
        assert!(world.facts().is_all(Generation(2)), "at {place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deed_whose_reply_was_lost_is_the_same_request_again() {
    for place in places().await.into_iter().filter(|place| place.after) {
        let stage = Stage::set(&[]).await;
        let world = TestWorld::new().striking(place, Strike::Lose);
        let ended = stage.drive(&world).await.unwrap();
        assert_eq!(ended, Ended::Over(Outcome::Rotated), "at {place:?}");
        let facts = world.facts();
        assert!(facts.is_all(Generation(2)), "at {place:?}");
        // A second attempt would have another name: every request is a first attempt.
        assert!(
            facts.requests.keys().all(|request| request.ends_with("-1")),
            "at {place:?}: {:?}",
            facts.requests
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_blocks_the_rotation_and_loses_nothing() {
    for place in places().await {
        let stage = Stage::set(&[]).await;
        let world = TestWorld::new().striking(place, Strike::Panic);
        let ended = stage.drive(&world).await.unwrap();
        assert!(
            matches!(&ended, Ended::Asked(ask) if format!("{ask:?}").contains("panicked")),
            "at {place:?}: {ended:?}"
        );
        let resume = crate::stage::decision(newleaf_rotation::Verb::Resume);
        newleaf_controller::decide(&stage.journal, &rotation(), &resume, &stage.clock)
            .await
            .unwrap();
        let ended = stage.drive(&world).await.unwrap();
        assert_eq!(ended, Ended::Over(Outcome::Rotated), "at {place:?}");
        assert!(world.facts().is_all(Generation(2)), "at {place:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_crash_does_not_begin_a_soak_anew() {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let began = tokio::time::Instant::now();
    // Four fifths of the first soak, then the engine dies, and nobody drives for a long while.
    let short = std::time::Duration::from_secs(48);
    tokio::time::timeout(short, stage.drive(&world))
        .await
        .unwrap_err();
    tokio::time::sleep(std::time::Duration::from_hours(1)).await;
    let resumed = tokio::time::Instant::now();
    stage.drive(&world).await.unwrap();
    // Six soaks in all, the baseline's among them; the first was over when the engine came back.
    let rest = resumed.elapsed().as_secs();
    assert!((300..310).contains(&rest), "{rest} s after the crash");
    assert!(began.elapsed().as_secs() > 3600);
}

/// The child of the next test: begins the rotation if nobody has, and drives it. Without its environment it is a test
/// like any other, and drives in a directory of its own.
#[tokio::test(start_paused = true)]
async fn child_drives() {
    let own = scratch();
    let given = env::var_os("NEWLEAF_TEST_DIRECTORY");
    let directory = given.map_or_else(|| own.path().to_owned(), PathBuf::from);
    let world = TestWorld::in_file(directory.join("world.json"));
    let world = match env::var_os("NEWLEAF_TEST_PLACE") {
        None => world,
        Some(place) => {
            let place: usize = place.to_str().unwrap().parse().unwrap();
            let (call, after) = (place / 2, place % 2 == 1);
            world.striking(Place { call, after }, Strike::Kill)
        }
    };
    let journal = Journal::open(directory.join("journal.db")).unwrap();
    if journal.rotations().unwrap().is_empty() {
        let writer = journal.writer(&domain()).await.unwrap();
        writer.begin(&a_plan(&[]), clock().now()).unwrap();
    }
    let ended = drive(&world, &journal, &rotation(), means_of_child()).await;
    assert_eq!(ended.unwrap(), Ended::Over(Outcome::Rotated));
    assert!(world.facts().is_all(Generation(2)), "{:?}", world.facts());
}

/// Each child's clock begins where the journal cannot have been yet, as a machine's clock would.
fn means_of_child() -> newleaf_controller::Means {
    let child = clock();
    let offset = jiff::SignedDuration::from_hours(1);
    let later = Clock::of(move || child.now() + offset);
    means(later, watch::channel(false).1, OnAsk::Stay)
}

#[tokio::test]
async fn killed_at_every_place_it_ends_the_same() {
    let n_places = places_in_real_time().await;
    // A few at a time: what takes long is waiting for processes.
    let mut lanes = JoinSet::new();
    for place in 0..n_places {
        while lanes.len() >= 4 {
            lanes.join_next().await.unwrap().unwrap();
        }
        lanes.spawn(killed_at(place));
    }
    while let Some(done) = lanes.join_next().await {
        done.unwrap();
    }
}

async fn killed_at(place: usize) {
    let directory = scratch();
    let mut killed = child(directory.path());
    killed.env("NEWLEAF_TEST_PLACE", place.to_string());
    let status = killed.status().await.unwrap();
    assert_eq!(status.signal(), Some(9), "not killed at {place}");
    let world = TestWorld::in_file(directory.path().join("world.json"));
    let n_done = world.facts().requests.len();
    let n_intended = {
        let journal = Journal::open_read_only(directory.path().join("journal.db")).unwrap();
        let record = journal.record(&rotation()).unwrap();
        let events = record.events.iter();
        let intended = events.filter(|line| matches!(line.event, Event::Intended { .. }));
        intended.count()
    };
    assert!(n_done <= n_intended, "a deed without an intent at {place}");
    let status = child(directory.path()).status().await.unwrap();
    assert!(status.success(), "not resumed after {place}");
}

async fn places_in_real_time() -> usize {
    let directory = scratch();
    assert!(child(directory.path()).status().await.unwrap().success());
    let journal = Journal::open_read_only(directory.path().join("journal.db")).unwrap();
    let record = journal.record(&rotation()).unwrap();
    let called = record.events.iter().filter(|line| match line.event {
        Event::Observed { .. } | Event::Acted { .. } | Event::Failed { .. } => true,
        Event::Intended { .. } | Event::Elapsed { .. } | Event::Decided(_) => false,
    });
    called.count() * 2
}

fn child(directory: &Path) -> Command {
    let mut child = Command::new(env::current_exe().unwrap());
    child
        .args(["--exact", "crash::child_drives", "--test-threads=1"])
        .env("NEWLEAF_TEST_DIRECTORY", directory)
        .env_remove("NEWLEAF_TEST_PLACE")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    child
}
