//! The Cloud Ops API as the sandbox plays it, with what can go wrong in it.

use newleaf_rotation::{
    Again, Goal, RequestId, Sight, StepId, Trouble,
    sight::{BundleSight, ChangeSight, TrustSight, Verdict},
};
use newleaf_sandbox::{BadEnding, Quirks};
use newleaf_systems::{
    Systems,
    domain::{ApiKey, CloudOptions, Point, PointKind},
    temporal_cloud::{Change, CloudNamespace},
};
use newleaf_x509::Certificate;
use zeroize::Zeroizing;

use crate::desk::{API_KEY, Desk, NEW, OLD, Play, Try, eventually, now, trust};

/// A desk with two CAs, and a sandbox that accepts the first.
async fn stage() -> (Desk, Play) {
    let (desk, old) = Desk::with_ca();
    desk.ca().make(NEW, now()).unwrap();
    let play = Play::accepting(old.to_pem()).await;
    (desk, play)
}

fn systems(desk: &Desk, point: Point) -> Systems {
    desk.systems(desk.domain(vec![point], vec![desk.holder("worker-a", Vec::new())]))
}

/// A trust point whose options are not quite the right ones.
fn changed(play: &Play, change: impl FnOnce(&mut CloudOptions)) -> Point {
    let mut options = play.cloud();
    change(&mut options);
    Point {
        kind: PointKind::TemporalCloud(options),
        ..play.point()
    }
}

fn both() -> Goal {
    trust(&[OLD, NEW], &[])
}

async fn look(attempt: &Try<'_>) -> TrustSight {
    let Sight::Trust(sight) = attempt.look().await.unwrap() else {
        panic!("another sight")
    };
    sight
}

/// Waits until no change is under way, and returns what was then seen.
async fn settled(attempt: &Try<'_>) -> TrustSight {
    eventually(|| async {
        let sight = look(attempt).await;
        (!matches!(sight.change, ChangeSight::Underway(_))).then_some(sight)
    })
    .await
}

fn accepts(sight: &TrustSight) -> Vec<u32> {
    let BundleSight::Read { accepts, .. } = &sight.bundle else {
        panic!("{sight:?}")
    };
    accepts.iter().map(|generation| generation.0).collect()
}

#[tokio::test]
async fn a_change_is_asked_for_underway_and_then_read_back() {
    let (desk, old) = Desk::with_ca();
    desk.ca().make(NEW, now()).unwrap();
    let slow = std::time::Duration::from_secs(2);
    let play = Play::with(old.to_pem(), |options| options.timing.operation = slow).await;
    let systems = systems(&desk, play.point());
    let attempt = Try::first(&systems, both());
    let before = look(&attempt).await;
    assert_eq!(
        (accepts(&before), &before.change),
        (vec![1], &ChangeSight::Settled)
    );
    attempt.act().await.unwrap();
    assert!(matches!(
        look(&attempt).await.change,
        ChangeSight::Underway(_)
    ));
    let after = settled(&attempt).await;
    assert_eq!(
        (accepts(&after), after.change),
        (vec![1, 2], ChangeSight::Settled)
    );
}

#[tokio::test]
async fn the_same_deed_twice_is_one_change() {
    let (desk, play) = stage().await;
    let systems = systems(&desk, play.point());
    let attempt = Try::first(&systems, both());
    attempt.act().await.unwrap();
    // Whatever the second one is answered while the first is under way, it must not be an end.
    if let Err(trouble) = attempt.act().await {
        assert_ne!(trouble.again, Again::Never, "{trouble:?}");
    }
    assert_eq!(accepts(&settled(&attempt).await), [1, 2]);
    assert_eq!(attempt.act().await.unwrap(), "nothing to change");
}

#[tokio::test]
async fn strangers_are_left_alone() {
    let (desk, _play) = stage().await;
    let (_their_desk, theirs) = Desk::with_ca();
    let play = Play::accepting(theirs.to_pem() + &desk.ca().existing(OLD).unwrap().to_pem()).await;
    let systems = systems(&desk, play.point());
    let attempt = Try::first(&systems, both());
    attempt.act().await.unwrap();
    let sight = settled(&attempt).await;
    assert!(
        matches!(sight.bundle, BundleSight::Read { strangers: 1, .. }),
        "{sight:?}"
    );
    assert_eq!(accepts(&sight), [1, 2]);
}

/// tcld's `TestUpdateRemoveCA`: the first or the second of several goes, and nothing else does.
#[tokio::test]
async fn one_of_several_is_removed_and_the_others_stay() {
    let (_their_desk, theirs) = Desk::with_ca();
    for (goes, stays) in [(OLD, NEW), (NEW, OLD)] {
        let (desk, old) = Desk::with_ca();
        let new = desk.ca().make(NEW, now()).unwrap();
        let play = Play::accepting(old.to_pem() + &theirs.to_pem() + &new.to_pem()).await;
        let systems = systems(&desk, play.point());
        let attempt = Try::first(&systems, trust(&[stays], &[goes]));
        assert_eq!(accepts(&look(&attempt).await), [1, 2]);
        attempt.act().await.unwrap();
        let sight = settled(&attempt).await;
        assert_eq!(accepts(&sight), [stays.0]);
        assert!(
            matches!(sight.bundle, BundleSight::Read { strangers: 1, .. }),
            "{sight:?}"
        );
    }
}

#[tokio::test]
async fn a_lost_reply_is_made_up_for_by_looking() {
    let (desk, play) = stage().await;
    let systems = systems(&desk, play.point());
    let attempt = Try::first(&systems, both());
    play.sandbox.faults().lose_next_reply();
    let trouble = attempt.act().await.unwrap_err();
    assert_eq!(trouble.again, Again::Same, "{trouble:?}");
    assert_eq!(accepts(&settled(&attempt).await), [1, 2]);
}

#[tokio::test]
async fn an_operation_that_ends_badly_is_told_and_only_of_its_own_attempt() {
    for (ending, word) in [
        (BadEnding::Failed, "failed"),
        (BadEnding::Rejected, "rejected"),
    ] {
        let (desk, play) = stage().await;
        let systems = systems(&desk, play.point());
        let first = Try::first(&systems, both());
        play.sandbox.faults().end_next_operation(ending);
        first.act().await.unwrap();
        let sight = settled(&first).await;
        assert!(
            matches!(&sight.change, ChangeSight::Failed(why) if why.contains(word)),
            "{sight:?}"
        );
        assert_eq!(accepts(&sight), [1]);
        let second = Try {
            attempt: 2,
            ..first
        };
        assert_eq!(look(&second).await.change, ChangeSight::Settled);
        second.act().await.unwrap();
        assert_eq!(accepts(&settled(&second).await), [1, 2]);
    }
}

#[tokio::test]
async fn a_change_beside_another_one_is_tried_anew_and_undoes_nothing() {
    // While an operation is in flight, the version that we read is not the one that our update meets: how the
    // service says so is documented nowhere, so each way in which the sandbox can say it is tried.
    for quirks in Quirks::each_alone() {
        let (desk, old) = Desk::with_ca();
        desk.ca().make(NEW, now()).unwrap();
        let (_their_desk, theirs) = Desk::with_ca();
        let play = Play::with(old.to_pem() + &theirs.to_pem(), |options| {
            options.quirks = quirks;
        })
        .await;
        let systems = systems(&desk, play.point());
        let theirs = Try {
            attempt: 7,
            ..Try::first(&systems, trust(&[NEW], &[]))
        };
        let ours = Try::first(&systems, both());
        theirs.act().await.unwrap();
        if let Err(trouble) = ours.act().await {
            assert_ne!(trouble.again, Again::Never, "{quirks:?}: {trouble:?}");
        }
        let sight = settled(&ours).await;
        assert_eq!(accepts(&sight), [1, 2], "{quirks:?}");
        assert!(
            matches!(sight.bundle, BundleSight::Read { strangers: 1, .. }),
            "{sight:?}"
        );
    }
}

/// How the service says that a version is stale is documented nowhere: each way that the sandbox knows is tried.
#[tokio::test]
async fn a_stale_version_changes_nothing_and_is_read_again() {
    for quirks in Quirks::each_alone() {
        let (desk, old) = Desk::with_ca();
        let new = desk.ca().make(NEW, now()).unwrap();
        let play = Play::with(old.to_pem(), |options| options.quirks = quirks).await;
        let systems = systems(&desk, play.point());
        let cloud = CloudNamespace::new(&play.cloud()).unwrap();
        let stale = cloud.read(now()).await.unwrap();
        let meanwhile = Try::first(&systems, both());
        meanwhile.act().await.unwrap();
        assert_eq!(accepts(&settled(&meanwhile).await), [1, 2]);
        let (accept, refuse) = ([new.clone()], [old.fingerprint()]);
        let change = Change {
            accept: &accept,
            refuse: &refuse,
        };
        let request = RequestId::derive(&crate::desk::rotation(), &StepId::new("late"), 1);
        let error = cloud
            .write(stale, change, &request, now())
            .await
            .unwrap_err();
        assert_eq!(error.again(), Again::Anew, "{quirks:?}: {error:?}");
        assert_eq!(accepts(&look(&meanwhile).await), [1, 2]);
    }
}

#[tokio::test]
async fn a_wrong_api_key_needs_a_person_and_is_never_shown() {
    let (desk, play) = stage().await;
    let wrong = changed(&play, |options| {
        options.api_key = ApiKey::new(&Zeroizing::new("wrong-key-1234".to_owned()));
    });
    let systems = systems(&desk, wrong);
    let attempt = Try::first(&systems, both());
    for trouble in [
        attempt.look().await.unwrap_err(),
        attempt.act().await.unwrap_err(),
    ] {
        assert_eq!(trouble.again, Again::Never);
        assert!(trouble.what.contains("Unauthenticated"), "{}", trouble.what);
        assert!(!trouble.what.contains("wrong-key-1234"), "{}", trouble.what);
    }
}

#[tokio::test]
async fn an_api_key_that_no_header_can_carry_is_not_quoted() {
    let (desk, play) = stage().await;
    let wrong = changed(&play, |options| {
        options.api_key = ApiKey::new(&Zeroizing::new("line\nbreak".to_owned()));
    });
    let trouble = Try::first(&systems(&desk, wrong), both())
        .look()
        .await
        .unwrap_err();
    assert_eq!(trouble.again, Again::Never);
    assert!(!trouble.what.contains("break"), "{}", trouble.what);
}

#[tokio::test]
async fn a_namespace_that_is_not_there_needs_a_person() {
    let (desk, play) = stage().await;
    let wrong = changed(&play, |options| {
        "nobody.a2dd6".clone_into(&mut options.namespace);
    });
    let trouble = Try::first(&systems(&desk, wrong), both())
        .look()
        .await
        .unwrap_err();
    assert_eq!(trouble.again, Again::Never, "{trouble:?}");
    assert!(trouble.what.contains("nobody.a2dd6"), "{}", trouble.what);
}

#[tokio::test]
async fn a_service_that_is_away_is_tried_again() {
    let (desk, play) = stage().await;
    let (away, ours) = (systems(&desk, play.point()), systems(&desk, play.point()));
    play.sandbox.faults().be_unavailable(1);
    let trouble = Try::first(&ours, both()).look().await.unwrap_err();
    assert_eq!(trouble.again, Again::Same, "{trouble:?}");
    Try::first(&ours, both()).look().await.unwrap();
    play.sandbox.stop().await;
    let trouble: Trouble = Try::first(&away, both()).act().await.unwrap_err();
    assert_eq!(trouble.again, Again::Same, "{trouble:?}");
}

#[tokio::test]
async fn a_service_whose_certificate_is_not_trusted_gets_no_api_key() {
    let (desk, play) = stage().await;
    let old: Certificate = desk.ca().existing(OLD).unwrap();
    let wrong = changed(&play, |options| {
        options.server_ca = Some(newleaf_x509::TrustBundle::new([old]));
    });
    let trouble = Try::first(&systems(&desk, wrong), both())
        .look()
        .await
        .unwrap_err();
    assert!(trouble.what.contains("UnknownIssuer"), "{}", trouble.what);
    assert!(!trouble.what.contains(API_KEY), "{}", trouble.what);
}

#[tokio::test]
async fn an_expired_member_goes_in_the_same_change() {
    let (desk, old) = Desk::with_ca();
    desk.ca().make(NEW, now()).unwrap();
    let mut forgotten = Desk::new();
    forgotten.issuer.lifetime = jiff::SignedDuration::from_hours(1);
    let expired = forgotten
        .ca()
        .make(OLD, now() - jiff::SignedDuration::from_hours(2))
        .unwrap();
    let play = Play::accepting(old.to_pem() + &expired.to_pem()).await;
    let systems = systems(&desk, play.point());
    let attempt = Try::first(&systems, both());
    attempt.act().await.unwrap();
    let sight = settled(&attempt).await;
    assert_eq!(accepts(&sight), [1, 2]);
    assert!(
        matches!(sight.bundle, BundleSight::Read { strangers: 0, .. }),
        "{sight:?}"
    );
}

#[tokio::test]
async fn every_check_before_the_first_change_passes_on_a_good_stage() {
    let (desk, play) = stage().await;
    let systems = systems(&desk, play.point());
    let Sight::Preflight(sight) = Try::first(&systems, Goal::Preflight).look().await.unwrap()
    else {
        panic!("another sight")
    };
    let mut others = sight.checks.iter().filter(|c| c.verdict != Verdict::Pass);
    // The stage has neither a proxy nor pollers: of its traffic nobody can tell, and that is said.
    let traffic = others.next().unwrap();
    assert_eq!(
        (traffic.about.as_str(), traffic.verdict),
        ("traffic", Verdict::NotAsked)
    );
    assert_eq!(others.next(), None);
    assert!(
        sight
            .checks
            .iter()
            .any(|check| check.about.contains("certificate filters"))
    );
}
