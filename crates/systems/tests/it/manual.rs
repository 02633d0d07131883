//! A trust point that a person keeps.

use newleaf_rotation::{
    Look, RequestId, Sight, StepId,
    sight::{BundleSight, ChangeSight, TrustSight},
};
use newleaf_systems::{
    Systems, World as _,
    domain::{Point, PointKind},
};

use crate::desk::{Desk, NEW, OLD, Try, now, point_id, rotation, trust};

fn desk() -> (Desk, Systems) {
    let (desk, _old) = Desk::with_ca();
    desk.ca().make(NEW, now()).unwrap();
    let point = Point {
        id: point_id(),
        kind: PointKind::Manual,
        endpoints: Vec::new(),
    };
    let holder = desk.holder("worker-a", Vec::new());
    let systems = desk.systems(desk.domain(vec![point], vec![holder]));
    (desk, systems)
}

async fn look(systems: &Systems, confirmed: bool) -> TrustSight {
    let look = Look {
        rotation: rotation(),
        step: Try::step(),
        goal: trust(&[OLD, NEW], &[]),
        attempt: 1,
        request: RequestId::derive(&rotation(), &StepId::new("a/step"), 1),
        confirmed,
    };
    let Sight::Trust(sight) = systems.observe(&look, now()).await.unwrap() else {
        panic!("another sight")
    };
    sight
}

#[tokio::test]
async fn a_person_is_asked_waited_for_and_believed() {
    let (desk, systems) = desk();
    let before = look(&systems, false).await;
    assert_eq!(
        (before.bundle, before.change),
        (BundleSight::Unread, ChangeSight::Settled)
    );
    Try::first(&systems, trust(&[OLD, NEW], &[]))
        .act()
        .await
        .unwrap();
    let asked = look(&systems, false).await;
    assert_eq!(
        (asked.bundle, asked.change),
        (BundleSight::Unread, ChangeSight::WithPerson)
    );
    let done = look(&systems, true).await;
    assert_eq!(
        (done.bundle, done.change),
        (BundleSight::Attested, ChangeSight::Settled)
    );
    let said = fs_err::read_to_string(desk.path("state/handover/payments.a2dd6.accepts")).unwrap();
    assert_eq!(said, "g1\ng2\n");
}

#[tokio::test]
async fn the_note_holds_the_certificates_and_no_key() {
    let (desk, systems) = desk();
    let said = Try::first(&systems, trust(&[OLD, NEW], &[]))
        .act()
        .await
        .unwrap();
    let note = desk.path("state/handover/newleaf-r-1-a-step-1.txt");
    assert!(said.contains(note.to_str().unwrap()), "{said}");
    let text = fs_err::read_to_string(&note).unwrap();
    for generation in [OLD, NEW] {
        assert!(
            text.contains(&desk.ca().existing(generation).unwrap().to_pem()),
            "{text}"
        );
    }
    assert!(!text.contains("PRIVATE"), "{text}");
    // Asked twice is asked once.
    Try::first(&systems, trust(&[OLD, NEW], &[]))
        .act()
        .await
        .unwrap();
    assert_eq!(fs_err::read_dir(note.parent().unwrap()).unwrap().count(), 1);
}

#[tokio::test]
async fn before_anybody_said_anything_a_point_accepts_the_oldest_ca() {
    let (_desk, systems) = desk();
    let accepted = async |generation| {
        let goal = crate::desk::stored("worker-a", generation);
        let Sight::Stored(sight) = Try::first(&systems, goal).look().await.unwrap() else {
            panic!("another sight")
        };
        sight.accepted_at[&point_id()]
    };
    assert!(accepted(OLD).await);
    assert!(!accepted(NEW).await);
    look(&systems, true).await;
    assert!(accepted(NEW).await);
}
