//! A self-hosted server's slot files, as a trust point: written, read back, and obeyed by a real server.

use std::time::Duration;

use jiff::SignedDuration;
use newleaf_rotation::{
    Generation, Goal, Sight,
    sight::{BundleSight, ChangeSight, ProbeOutcome, TrustSight},
};
use newleaf_systems::{
    Systems,
    domain::{Point, PointKind, SlotOptions},
};
use tokio::time::{Instant, sleep};

use crate::{
    desk::{Desk, NEW, OLD, Try, now, point_id, trust},
    server::{REFRESH, Server},
};

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

/// The longest that a test waits for the server: it starts in 2 to 10 s, and reads its files every second.
const PATIENCE: Duration = Duration::from_mins(1);

/// A real server that reads two slots, which both hold the old CA.
struct Real {
    desk: Desk,
    server: Server,
    slots: SlotOptions,
}

impl Real {
    async fn start() -> Option<Self> {
        let program = newleaf_parts::program("temporal-server")?;
        let (desk, old) = Desk::with_ca();
        desk.ca().make(NEW, now()).unwrap();
        let slots = vec![desk.path("ca-1.pem"), desk.path("ca-2.pem")];
        for slot in &slots {
            fs_err::write(slot, old.to_pem()).unwrap();
        }
        let real = Self {
            server: Server::start(&program, desk.directory.path(), &slots),
            slots: SlotOptions {
                slots,
                refresh_interval: REFRESH,
            },
            desk,
        };
        for generation in [OLD, NEW] {
            // The canary leaf of this generation.
            let systems = real.systems();
            Try::first(&systems, accepted(generation))
                .act()
                .await
                .unwrap();
        }
        real.comes_to(OLD, is_accepted).await;
        Some(real)
    }

    fn systems(&self) -> Systems {
        let point = Point {
            id: point_id(),
            kind: PointKind::SelfHosted(self.slots.clone()),
            endpoints: vec![self.server.endpoint()],
        };
        let holder = self.desk.holder("worker-a", Vec::new());
        self.desk
            .systems(self.desk.domain(vec![point], vec![holder]))
    }

    /// What happens to a leaf of this generation at the server's door.
    async fn knock(&self, generation: Generation) -> ProbeOutcome {
        let systems = self.systems();
        let attempt = Try::first(&systems, accepted(generation));
        let Sight::Probes(sight) = attempt.look().await.unwrap() else {
            panic!("another sight")
        };
        let [probe] = &sight.probes[..] else {
            panic!("{:?}", sight.probes)
        };
        probe.outcome.clone()
    }

    /// Waits until the server does this with a leaf of this generation.
    async fn comes_to(&self, generation: Generation, is_it: impl Fn(&ProbeOutcome) -> bool) {
        let by = Instant::now() + PATIENCE;
        loop {
            let found = self.knock(generation).await;
            if is_it(&found) {
                return;
            }
            assert!(Instant::now() < by, "{found:?}\n{}", self.server.log());
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Changes whom the server accepts, as a rotation does: the deed, and then looks until it has settled.
    async fn change(&self, accept: &[Generation], refuse: &[Generation]) -> TrustSight {
        let systems = self.systems();
        let attempt = Try::first(&systems, trust(accept, refuse));
        attempt.act().await.unwrap();
        loop {
            let sight = look(&attempt).await;
            let ChangeSight::Underway(rest) = sight.change else {
                assert_eq!(sight.change, ChangeSight::Settled);
                return sight;
            };
            sleep(rest.try_into().unwrap()).await;
        }
    }
}

fn accepted(generation: Generation) -> Goal {
    Goal::Accepted {
        generation,
        passes: 1,
    }
}

fn is_accepted(outcome: &ProbeOutcome) -> bool {
    matches!(outcome, ProbeOutcome::Accepted { .. })
}

fn is_refused(outcome: &ProbeOutcome) -> bool {
    matches!(outcome, ProbeOutcome::Refused { .. })
}

#[tokio::test]
async fn a_real_server_follows_the_slots_without_a_restart() {
    let Some(real) = Real::start().await else {
        return;
    };
    assert!(is_refused(&real.knock(NEW).await));

    let sight = real.change(&[OLD, NEW], &[]).await;
    let accepts = [OLD, NEW].into_iter().collect();
    let both = BundleSight::Read {
        accepts,
        strangers: 0,
    };
    assert_eq!(sight.bundle, both);
    // The server may need an instant more than its interval to read.
    real.comes_to(NEW, is_accepted).await;
    assert!(is_accepted(&real.knock(OLD).await));

    real.change(&[NEW], &[OLD]).await;
    real.comes_to(OLD, is_refused).await;
    assert!(is_accepted(&real.knock(NEW).await));
}

/// Why there are slots at all (temporal issue #11230): of a file with two CAs the server compares the first one only.
/// When this fails, the server has learned to look at all, and slots may become one file.
#[tokio::test]
async fn a_real_server_overlooks_a_second_ca_in_one_file() {
    let Some(real) = Real::start().await else {
        return;
    };
    let [old, new] = [OLD, NEW].map(|generation| real.desk.ca().existing(generation).unwrap());
    fs_err::write(&real.slots.slots[0], old.to_pem() + &new.to_pem()).unwrap();
    // Nothing happens, for three times as long as a change would need.
    let by = Instant::now() + Duration::try_from(REFRESH * 3).unwrap();
    while Instant::now() < by {
        assert!(is_refused(&real.knock(NEW).await));
        sleep(Duration::from_millis(100)).await;
    }
    // It does look: a change of a first certificate is seen, and brings the second one of the other file with it.
    fs_err::write(&real.slots.slots[1], new.to_pem()).unwrap();
    real.comes_to(NEW, is_accepted).await;
}
