//! Decisions: how a person's word reaches a rotation, whether somebody drives it or not.

use std::time::Duration;

use newleaf_rotation::{Decision, RotationId};
use tokio::time::{Instant, sleep};

use crate::{
    clock::Clock,
    journal::{Answer, Journal, JournalError},
    run::Run,
};

/// How long a driving process may take to answer. It answers between two deeds, and most deeds take seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// How often the answer is looked for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Why a decision did not come into force. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum DecideError {
    /// It was judged and refused.
    #[error("{why}")]
    Refused {
        /// Why, with the evidence.
        why: String,
    },
    /// The process that drives did not answer.
    #[error("could not reach the process that drives `{rotation}` within {PATIENCE:?}")]
    Unheard {
        /// The rotation.
        rotation: RotationId,
    },
    /// The journal could not be used.
    #[error("could not decide about `{rotation}`")]
    Journal {
        /// The rotation.
        rotation: RotationId,
        /// Why.
        source: JournalError,
    },
}

/// Brings a decision into force, and returns the number of its event.
///
/// The decision goes into the inbox. Where a process drives, that process judges it; where none does, or where it dies
/// meanwhile, this one takes the writer's lock and judges it by the same rules. A decision that nobody
/// answers in time is withdrawn, so that it cannot come into force when nobody thinks of it any more.
pub async fn decide(
    journal: &Journal,
    rotation: &RotationId,
    decision: &Decision,
    clock: &Clock,
) -> Result<u64, DecideError> {
    let answer = ask(journal, rotation, decision, clock)
        .await
        .map_err(|source| DecideError::Journal {
            rotation: rotation.clone(),
            source,
        })?;
    match answer {
        Some(Answer::Recorded { rev }) => Ok(rev),
        Some(Answer::Refused { why }) => Err(DecideError::Refused { why }),
        None => Err(DecideError::Unheard {
            rotation: rotation.clone(),
        }),
    }
}

async fn ask(
    journal: &Journal,
    rotation: &RotationId,
    decision: &Decision,
    clock: &Clock,
) -> Result<Option<Answer>, JournalError> {
    let domain = journal.record(rotation)?.plan.domain;
    let seq = journal.ask(rotation, clock.now(), decision)?;
    let by = Instant::now() + PATIENCE;
    while Instant::now() < by {
        if let Some(answer) = journal.answer(seq)? {
            return Ok(Some(answer));
        }
        if let Some(writer) = journal.try_writer(&domain)? {
            Run::take_up(journal, writer, rotation, clock.clone())?.take_decisions()?;
            return journal.answer(seq);
        }
        sleep(BETWEEN_LOOKS).await;
    }
    if journal.withdraw(seq)? {
        return Ok(None);
    }
    journal.answer(seq)
}
