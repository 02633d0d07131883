//! A decision is judged by the same rules whether somebody drives or not, and its answer comes back.

use newleaf_controller::{DecideError, Ended, Journal, OnAsk, decide, drive};
use newleaf_rotation::{
    Ask, Event, Generation, Hold, HolderId, Outcome, Phase, RotationId, StepId, Verb,
};
use newleaf_systems::ledger::Ledger as _;
use tokio::{sync::watch, time::sleep};

use crate::{
    stage::{Stage, approve, decision, means, rotation},
    world::TestWorld,
};

const DISTRUST: &str = "distrusted/payments.a2dd6";

#[tokio::test(start_paused = true)]
async fn an_approval_reaches_the_engine_that_drives() {
    let (stage, world) = (Stage::set(&[Phase::Distrusted]).await, TestWorld::new());
    let person = async {
        // Another connection, as another process has it.
        let journal = Journal::open(stage.path()).unwrap();
        loop {
            match decide(&journal, &rotation(), &approve(DISTRUST), &stage.clock).await {
                Ok(rev) => return rev,
                Err(DecideError::Refused { .. }) => sleep(std::time::Duration::from_secs(1)).await,
                Err(error) => panic!("{error:?}"),
            }
        }
    };
    let (ended, rev) = tokio::join!(stage.drive(&world), person);
    assert_eq!(ended.unwrap(), Ended::Over(Outcome::Rotated));
    let record = stage.journal.record(&rotation()).unwrap();
    let line = record.events.iter().find(|line| line.rev == rev).unwrap();
    assert_eq!(line.event, Event::Decided(approve(DISTRUST)));
    assert!(world.facts().is_all(Generation(2)));
}

#[tokio::test(start_paused = true)]
async fn an_early_distrust_is_refused_with_the_evidence() {
    let (stage, world) = (Stage::set(&[Phase::Distrusted]).await, TestWorld::new());
    // Into the soak of the first wave: worker-a has moved, the other two have not.
    tokio::time::timeout(std::time::Duration::from_secs(150), stage.drive(&world))
        .await
        .unwrap_err();
    let refused = decide(
        &stage.journal,
        &rotation(),
        &approve(DISTRUST),
        &stage.clock,
    )
    .await;
    let Err(DecideError::Refused { why }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        why,
        "cannot distrust g1 yet: 2 of 3 identities still present g1"
    );
    let events = stage.journal.record(&rotation()).unwrap().events;
    assert!(!events.iter().any(|l| matches!(l.event, Event::Decided(_))));
}

#[tokio::test(start_paused = true)]
async fn without_an_engine_the_asker_judges_by_itself() {
    let (stage, world) = (Stage::set(&[Phase::Trusted]).await, TestWorld::new());
    let leave = means(stage.clock.clone(), watch::channel(false).1, OnAsk::Leave);
    let ended = drive(&world, &stage.journal, &rotation(), leave).await;
    let step = StepId::new("trusted/payments.a2dd6");
    assert_eq!(ended.unwrap(), Ended::Asked(Ask::Approve(step.clone())));
    let yes = approve(step.as_str());
    decide(&stage.journal, &rotation(), &yes, &stage.clock)
        .await
        .unwrap();
    let ended = stage.drive(&world).await.unwrap();
    assert_eq!(ended, Ended::Over(Outcome::Rotated));
}

#[tokio::test(start_paused = true)]
async fn a_pause_holds_and_a_rollback_turns_round() {
    let (stage, world) = (Stage::set(&[]).await, TestWorld::new());
    let pause = async {
        sleep(std::time::Duration::from_secs(90)).await;
        let journal = Journal::open(stage.path()).unwrap();
        let verb = decision(Verb::Pause);
        decide(&journal, &rotation(), &verb, &stage.clock).await
    };
    let (ended, paused) = tokio::join!(stage.drive(&world), pause);
    paused.unwrap();
    assert!(matches!(
        ended.unwrap(),
        Ended::Asked(Ask::Release(Hold::Paused { .. }))
    ));
    let back = decision(Verb::RollBack);
    decide(&stage.journal, &rotation(), &back, &stage.clock)
        .await
        .unwrap();
    let ended = stage.drive(&world).await.unwrap();
    assert!(matches!(ended, Ended::Over(Outcome::RolledBack { .. })));
    assert!(world.facts().is_all(Generation(1)), "{:?}", world.facts());
    let late = decide(&stage.journal, &rotation(), &back, &stage.clock).await;
    assert!(matches!(late, Err(DecideError::Refused { why }) if why == "the rotation is over"));
}

#[tokio::test(start_paused = true)]
async fn a_decision_that_nobody_answers_is_withdrawn() {
    let stage = Stage::set(&[]).await;
    // Somebody holds the lock and never looks into the inbox.
    let writer = stage.journal.writer(&crate::stage::domain()).await.unwrap();
    let journal = Journal::open(stage.path()).unwrap();
    let unheard = decide(&journal, &rotation(), &decision(Verb::Pause), &stage.clock).await;
    assert!(matches!(unheard, Err(DecideError::Unheard { .. })));
    drop(writer);
    let ended = stage.drive(&TestWorld::new()).await.unwrap();
    assert_eq!(ended, Ended::Over(Outcome::Rotated));
}

#[tokio::test(start_paused = true)]
async fn an_attestation_is_kept_for_the_census() {
    let stage = Stage::set(&[]).await;
    let holder = HolderId::new("worker-b");
    let attest = decision(Verb::Attest {
        holder: holder.clone(),
    });
    decide(&stage.journal, &rotation(), &attest, &stage.clock)
        .await
        .unwrap();
    let attested = stage.journal.attestations(&rotation()).unwrap();
    assert_eq!(attested.len(), 1);
    assert_eq!(attested[0].holder, holder);
    assert_eq!(attested[0].by, "olga");
    let nobody = stage.journal.attestations(&RotationId::new("r-2")).unwrap();
    assert!(nobody.is_empty());
}
