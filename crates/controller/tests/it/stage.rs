//! What the tests have in common: a plan, a clock that tests can pause, and ways to drive.

use std::{path::PathBuf, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use newleaf_controller::{Clock, Ended, Journal, JournalError, Means, OnAsk, drive};
use newleaf_rotation::{
    Decision, Generation, HolderId, Kind, Phase, Plan, RotationId, Spec, StepId, Timing,
    TrustDomainId, TrustPointId, Verb, plan,
};
use tokio::{sync::watch, time::Instant};

use crate::world::TestWorld;

pub(crate) const POINTS: [&str; 2] = ["payments.a2dd6", "orders.a2dd6"];
pub(crate) const HOLDERS: [&str; 3] = ["worker-a", "worker-b", "worker-c"];
pub(crate) const SOAK: SignedDuration = SignedDuration::from_secs(60);

/// The instant at which every test begins.
pub(crate) fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A clock that goes with tokio's, so that a test that pauses the one pauses the other.
pub(crate) fn clock() -> Clock {
    let began = Instant::now();
    Clock::of(move || noon() + SignedDuration::try_from(began.elapsed()).unwrap())
}

pub(crate) fn rotation() -> RotationId {
    RotationId::new("r-1")
}

pub(crate) fn domain() -> TrustDomainId {
    TrustDomainId::new("payments")
}

pub(crate) fn a_plan(approvals: &[Phase]) -> Plan {
    let holder = |name: &str| HolderId::new(name);
    plan(&Spec {
        rotation: rotation(),
        domain: domain(),
        kind: Kind::CaRollover {
            old: Generation(1),
            new: Generation(2),
        },
        trust_points: POINTS.map(TrustPointId::new).to_vec(),
        waves: vec![
            vec![holder("worker-a")],
            vec![holder("worker-b"), holder("worker-c")],
        ],
        watched: HOLDERS.map(HolderId::new).into(),
        timing: Timing {
            trusted_soak: SOAK,
            propagation: SignedDuration::ZERO,
            wave_soak: SOAK,
            disused_soak: SOAK,
            final_soak: SOAK,
            poll: SignedDuration::from_secs(1),
            patience: SignedDuration::from_hours(1),
            passes: 3,
            attempts: 5,
        },
        approvals: approvals.iter().copied().collect(),
    })
    .unwrap()
}

/// A directory that is removed at the end; in memory where the machine has such a place, because the tests ask what is
/// written, not how fast a disk is.
pub(crate) fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// A journal in a directory that is removed at the end, with one rotation begun.
pub(crate) struct Stage {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) journal: Arc<Journal>,
    pub(crate) clock: Clock,
}

impl Stage {
    pub(crate) async fn set(approvals: &[Phase]) -> Self {
        let stage = Self::empty();
        stage.begin(approvals).await.unwrap();
        stage
    }

    pub(crate) fn empty() -> Self {
        let directory = scratch();
        let journal = Arc::new(Journal::open(directory.path().join("journal.db")).unwrap());
        Self {
            directory,
            journal,
            clock: clock(),
        }
    }

    pub(crate) async fn begin(&self, approvals: &[Phase]) -> Result<(), JournalError> {
        let writer = self.journal.writer(&domain()).await?;
        writer.begin(&a_plan(approvals), self.clock.now())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("journal.db")
    }

    /// Means that nobody stops.
    pub(crate) fn means(&self) -> Means {
        means(self.clock.clone(), watch::channel(false).1, OnAsk::Stay)
    }

    pub(crate) async fn drive(&self, world: &TestWorld) -> Result<Ended, JournalError> {
        drive(world, &self.journal, &rotation(), self.means()).await
    }
}

pub(crate) fn means(clock: Clock, stop: watch::Receiver<bool>, on_ask: OnAsk) -> Means {
    Means {
        clock,
        stop,
        on_ask,
        tell: Arc::new(|_| {}),
    }
}

pub(crate) fn decision(verb: Verb) -> Decision {
    Decision {
        by: "olga".to_owned(),
        reason: "because the test says so".to_owned(),
        verb,
    }
}

pub(crate) fn approve(step: &str) -> Decision {
    decision(Verb::Approve {
        step: StepId::new(step),
    })
}
