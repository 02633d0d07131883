//! A self-hosted server's slot files, as a trust point.

use jiff::SignedDuration;
use newleaf_rotation::{
    Sight,
    sight::{BundleSight, ChangeSight, TrustSight},
};
use newleaf_systems::{
    Systems,
    domain::{Point, PointKind, SlotOptions},
};

use crate::desk::{Desk, NEW, OLD, Try, now, point_id, trust};

/// Two slots that both hold the old CA, read by a server every so often.
fn stage(desk: &Desk, refresh_interval: SignedDuration) -> Systems {
    let old = desk.ca().existing(OLD).unwrap();
    let slots = vec![desk.path("ca-1.pem"), desk.path("ca-2.pem")];
    for slot in slots.iter().filter(|slot| !slot.exists()) {
        fs_err::write(slot, old.to_pem()).unwrap();
    }
    let kind = PointKind::SelfHosted(SlotOptions {
        slots,
        refresh_interval,
    });
    let point = Point {
        id: point_id(),
        kind,
        endpoints: Vec::new(),
    };
    desk.systems(desk.domain(vec![point], vec![desk.holder("worker-a", Vec::new())]))
}

async fn look(attempt: &Try<'_>) -> TrustSight {
    let Sight::Trust(sight) = attempt.look().await.unwrap() else {
        panic!("another sight")
    };
    sight
}

#[tokio::test]
async fn a_change_is_written_waited_for_and_read_back() {
    let (desk, _old) = Desk::with_ca();
    desk.ca().make(NEW, now()).unwrap();
    let systems = stage(&desk, SignedDuration::from_mins(1));
    let attempt = Try::first(&systems, trust(&[OLD, NEW], &[]));
    assert_eq!(attempt.act().await.unwrap(), "wrote 1 of 2 slot files");
    assert_eq!(attempt.act().await.unwrap(), "wrote 0 of 2 slot files");
    assert!(matches!(
        look(&attempt).await.change,
        ChangeSight::Underway(_)
    ));
    // The same files, beside a server that looks at each instant.
    let systems = stage(&desk, SignedDuration::ZERO);
    let sight = look(&Try::first(&systems, trust(&[OLD, NEW], &[]))).await;
    assert_eq!(sight.change, ChangeSight::Settled);
    let accepts = [OLD, NEW].into_iter().collect();
    assert_eq!(
        sight.bundle,
        BundleSight::Read {
            accepts,
            strangers: 0
        }
    );
}

#[tokio::test]
async fn the_last_ca_is_never_taken_away() {
    let (desk, _old) = Desk::with_ca();
    let systems = stage(&desk, SignedDuration::ZERO);
    let trouble = Try::first(&systems, trust(&[], &[OLD]))
        .act()
        .await
        .unwrap_err();
    assert!(trouble.what.contains("locked out"), "{}", trouble.what);
}
