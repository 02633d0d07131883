//! One writer for a trust domain, one rotation of it at a time; readers are in nobody's way.

use newleaf_controller::{Ended, Journal, JournalError, Snapshot, drive};
use newleaf_rotation::{Outcome, TrustDomainId};
use tokio::time::{Duration, sleep};

use crate::{
    stage::{Stage, domain, rotation},
    world::TestWorld,
};

#[tokio::test(start_paused = true)]
async fn a_second_driver_is_told_who_drives() {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let second = async {
        sleep(Duration::from_secs(30)).await;
        let journal = Journal::open(stage.path()).unwrap();
        let refused = drive(&world, &journal, &rotation(), stage.means()).await;
        let picture = Snapshot::take(&journal, &rotation()).unwrap();
        (refused, picture)
    };
    let (first, (refused, picture)) = tokio::join!(stage.drive(&world), second);
    assert_eq!(first.unwrap(), Ended::Over(Outcome::Rotated));
    let me = std::process::id();
    let text = refused.unwrap_err().to_string();
    assert_eq!(
        text,
        format!("trust domain `payments` is driven by process {me}")
    );
    assert_eq!(picture.driver, Some(me));
}

#[tokio::test(start_paused = true)]
async fn a_second_rotation_of_a_domain_is_refused() {
    let stage = Stage::set(&[]).await;
    let refused = stage.begin(&[]).await.unwrap_err();
    assert!(matches!(&refused, JournalError::NotEnded { rotation: r, .. } if *r == rotation()));
    stage.drive(&TestWorld::new()).await.unwrap();
    assert_eq!(stage.journal.current(&domain()).unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn another_domain_is_another_lock() {
    let stage = Stage::empty();
    let strange = TrustDomainId::new("../orders & more");
    let one = stage.journal.writer(&domain()).await.unwrap();
    let other = stage.journal.writer(&strange).await.unwrap();
    let again = stage.journal.writer(&strange).await;
    assert!(matches!(again, Err(JournalError::Driven { .. })));
    drop((one, other));
    stage.journal.writer(&strange).await.unwrap();
    let names = fs_err::read_dir(stage.directory.path()).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let name = "journal.db.%2e%2e%2forders%20%26%20more.lock";
    assert!(names.iter().any(|n| n == name), "{names:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reader_reads_while_the_engine_writes_and_cannot_write() {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let reader = async {
        let journal = Journal::open_read_only(stage.path()).unwrap();
        let mut revs = Vec::new();
        loop {
            let picture = Snapshot::take(&journal, &rotation()).unwrap();
            revs.push(picture.rev);
            if picture.ended_at.is_some() {
                return (journal, revs);
            }
            sleep(Duration::from_secs(7)).await;
        }
    };
    let (ended, (journal, revs)) = tokio::join!(stage.drive(&world), reader);
    ended.unwrap();
    assert!(revs.is_sorted() && revs.len() > 10, "{revs:?}");
    let writer = journal.writer(&TrustDomainId::new("other")).await.unwrap();
    let refused = writer.begin(&crate::stage::a_plan(&[]), stage.clock.now());
    assert!(matches!(refused, Err(JournalError::Sqlite { .. })));
}
