//! The seam between a rotation and what drives it.
//!
//! A program starts rotations, decides about them and looks at them through [`Engine`], and does not know whether a
//! journal in a file or a Temporal workflow remembers them.

use std::{sync::Arc, time::Duration};

use newleaf_rotation::{Ask, Command, Decision, Plan, RotationId, Trouble, Verb, Wait, next};
use newleaf_systems::World;
use tokio::time::sleep;

use crate::{
    decide::{DecideError, decide},
    drive::{Ended, Means, OnAsk, drive},
    journal::{Journal, JournalError},
    snapshot::Snapshot,
};

/// How often a rotation that somebody else drives is looked at.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// What drives rotations.
pub trait Engine {
    /// Starts a rotation. Refused while another rotation of the same trust domain has not ended.
    fn start(&self, plan: &Plan) -> impl Future<Output = Result<(), EngineError>> + Send;

    /// Brings a person's decision into force, and returns the number of its event.
    fn decide(
        &self,
        rotation: &RotationId,
        decision: &Decision,
    ) -> impl Future<Output = Result<u64, DecideError>> + Send;

    /// Turns a rotation round: the old identity comes back into use. To stop where it stands is to pause it.
    fn cancel(
        &self,
        rotation: &RotationId,
        by: &str,
        reason: &str,
    ) -> impl Future<Output = Result<u64, DecideError>> + Send
    where
        Self: Sync,
    {
        async move {
            let decision = Decision {
                by: by.to_owned(),
                reason: reason.to_owned(),
                verb: Verb::RollBack,
            };
            self.decide(rotation, &decision).await
        }
    }

    /// Returns the picture of a rotation.
    fn status(
        &self,
        rotation: &RotationId,
    ) -> impl Future<Output = Result<Snapshot, EngineError>> + Send;

    /// Waits until a rotation is over, a person is asked, or this program is told to stop.
    fn wait(
        &self,
        rotation: &RotationId,
    ) -> impl Future<Output = Result<Ended, EngineError>> + Send;
}

/// Why an engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The journal refused.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The world of a plan cannot be met: the configuration no longer fits the plan, for example.
    #[error("cannot go on with `{rotation}`: {what}")]
    Meet {
        /// The rotation.
        rotation: RotationId,
        /// Why.
        what: String,
    },
}

/// The engine that needs nothing installed: a journal in one file, driven by whichever process waits for the rotation.
#[derive(Debug)]
pub struct Local<F> {
    journal: Arc<Journal>,
    meet: F,
    means: Means,
}

impl<F> Local<F> {
    /// Makes an engine over a journal. `meet` opens the world that a plan speaks of.
    pub fn new(journal: Arc<Journal>, meet: F, means: Means) -> Self {
        Self {
            journal,
            meet,
            means,
        }
    }
}

impl<F, W> Engine for Local<F>
where
    F: Fn(&Plan) -> Result<W, Trouble> + Send + Sync,
    W: World,
{
    async fn start(&self, plan: &Plan) -> Result<(), EngineError> {
        let writer = self.journal.writer(&plan.domain).await?;
        Ok(writer.begin(plan, self.means.clock.now())?)
    }

    async fn decide(&self, rotation: &RotationId, decision: &Decision) -> Result<u64, DecideError> {
        decide(&self.journal, rotation, decision, &self.means.clock).await
    }

    async fn status(&self, rotation: &RotationId) -> Result<Snapshot, EngineError> {
        Ok(Snapshot::take(&self.journal, rotation)?)
    }

    /// Drives it, unless another process does; then watches.
    async fn wait(&self, rotation: &RotationId) -> Result<Ended, EngineError> {
        let plan = self.journal.record(rotation)?.plan;
        let world = (self.meet)(&plan).map_err(|trouble| EngineError::Meet {
            rotation: rotation.clone(),
            what: trouble.what,
        })?;
        loop {
            match drive(&world, &self.journal, rotation, self.means.clone()).await {
                Err(JournalError::Driven { .. }) => {}
                ended => return Ok(ended?),
            }
            if let Some(ended) = self.watched(rotation)? {
                return Ok(ended);
            }
            sleep(BETWEEN_LOOKS).await;
        }
    }
}

impl<F> Local<F> {
    fn watched(&self, rotation: &RotationId) -> Result<Option<Ended>, JournalError> {
        if *self.means.stop.borrow() {
            return Ok(Some(Ended::Stopped));
        }
        let record = self.journal.record(rotation)?;
        Ok(match next(&record.plan, &record.state()) {
            Command::Finish(outcome) => Some(Ended::Over(outcome)),
            Command::Wait(Wait::Person(ask @ Ask::Release(_))) => Some(Ended::Asked(ask)),
            Command::Wait(Wait::Person(ask)) => {
                (self.means.on_ask == OnAsk::Leave).then_some(Ended::Asked(ask))
            }
            Command::Observe(_) | Command::Pursue(_) | Command::Wait(Wait::Elapse { .. }) => None,
        })
    }
}
