//! Watches the rotation as anybody may: by reading its journal, in nobody's way.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use newleaf_controller::{
    Journal, JournalError, Snapshot,
    snapshot::{Asks, Doing, Gate, Mark},
};
use newleaf_rotation::Phase;
use tokio::sync::watch;

/// How often the journal is read.
const BETWEEN_LOOKS: Duration = Duration::from_millis(80);

/// Where pictures of the newest rotation arrive. None before the first.
pub(crate) type Looks = watch::Receiver<Option<Arc<Snapshot>>>;

/// What the journal says about how many rotations there are, and whether the newest goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register {
    /// How many there are.
    pub(crate) rotations: usize,
    /// Whether the newest has not ended.
    pub(crate) is_open: bool,
}

/// Reads what the journal says about the rotations. Without a journal there are none.
pub(crate) fn register(path: &Path) -> Result<Register, JournalError> {
    let rotations = match Journal::open_read_only(path) {
        Ok(journal) => journal.rotations()?,
        Err(JournalError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error),
    };
    let newest = rotations.first();
    Ok(Register {
        rotations: rotations.len(),
        is_open: newest.is_some_and(|newest| newest.ended_at.is_none()),
    })
}

/// Reads the journal again and again, and publishes what it says, for ever.
pub(crate) async fn keep_looking(journal: PathBuf, publish: watch::Sender<Option<Arc<Snapshot>>>) {
    loop {
        let path = journal.clone();
        // Reading is quick, and still too slow for the thread that carries the clients' calls.
        match tokio::task::spawn_blocking(move || look(&path)).await {
            Ok(Ok(look)) => drop(publish.send_replace(look.map(Arc::new))),
            Ok(Err(error)) => {
                tracing::debug!(error = crate::demo::causes(&error), "could not look");
            }
            Err(error) => tracing::debug!(%error, "could not look"),
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
}

fn look(path: &Path) -> Result<Option<Snapshot>, JournalError> {
    let journal = match Journal::open_read_only(path) {
        Ok(journal) => journal,
        Err(JournalError::Missing { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let newest = journal.rotations()?.into_iter().next();
    newest
        .map(|entry| Snapshot::take(&journal, &entry.rotation))
        .transpose()
}

/// Waits for a picture that fits; none if nobody looks any more.
pub(crate) async fn wait_for(
    looks: &mut Looks,
    fits: impl Fn(&Snapshot) -> bool + Send + Sync,
) -> Option<Arc<Snapshot>> {
    let found = looks
        .wait_for(|look| look.as_deref().is_some_and(&fits))
        .await
        .ok()?;
    found.clone()
}

/// Returns whether a CA is rolled over: only then somebody is distrusted.
pub(crate) fn is_rollover(look: &Snapshot) -> bool {
    look.phases.contains(&Phase::Distrusted)
}

/// Returns whether it is over.
pub(crate) fn is_over(look: &Snapshot) -> bool {
    look.ended_at.is_some()
}

/// Returns how many steps are reached.
pub(crate) fn reached(look: &Snapshot) -> usize {
    look.gates
        .iter()
        .take_while(|gate| gate.mark == Mark::Reached)
        .count()
}

/// Returns how many steps there are, up to the one that takes trust away. Those behind it clean up, and can be over before
/// anybody has looked: whoever waits for one of them may find that the rotation has ended.
pub(crate) fn n_long_steps(look: &Snapshot) -> usize {
    let distrusts = |gate: &Gate| gate.phase == Phase::Distrusted;
    let last = look.gates.iter().rposition(distrusts);
    last.map_or(0, |index| index + 1)
}

/// Returns whether the first wave was seen presenting its new leaves, and the second has none yet: the first soaks.
pub(crate) fn does_first_wave_soak(look: &Snapshot) -> bool {
    look.now
        .as_ref()
        .is_some_and(|now| now.step == "issuing/wave-1" && now.doing == Doing::Soaking)
}

/// Returns the step that takes trust away: the one that a person must approve.
pub(crate) fn distrust(look: &Snapshot) -> Option<&str> {
    let gate = look
        .gates
        .iter()
        .find(|gate| gate.phase == Phase::Distrusted)?;
    Some(&gate.step)
}

/// Returns the step that a person is asked to approve, if one is.
pub(crate) fn asked(look: &Snapshot) -> Option<&str> {
    match look.asks.as_ref()? {
        Asks::Approve { step } => Some(step),
        Asks::Confirm { .. } | Asks::Release => None,
    }
}

/// Returns how far a phase is; none if the rotation does not have it.
pub(crate) fn phase_mark(look: &Snapshot, phase: Phase) -> Option<Mark> {
    let mut marks = look
        .gates
        .iter()
        .filter(|gate| gate.phase == phase)
        .map(|gate| gate.mark);
    let first = marks.next()?;
    let rest: Vec<Mark> = marks.collect();
    let is_all = |mark| first == mark && rest.iter().all(|other| *other == mark);
    Some(if is_all(Mark::Reached) {
        Mark::Reached
    } else if is_all(Mark::Ahead) {
        Mark::Ahead
    } else {
        Mark::Current
    })
}
