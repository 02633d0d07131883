//! The play: steady traffic, a leaf renewal, a CA rollover with a crash and an early "distrust it now", and the proof.

use std::time::Duration;

use jiff::Timestamp;
use newleaf_controller::{Snapshot, snapshot::Mark};
use tokio::time::{Instant, sleep, timeout};

use crate::demo::{
    channel::{DialError, Presented},
    end::{End, EndError},
    mischief::{self, Crash},
    probe::{self, Answer},
    product::ProductError,
    screen::Screen,
    settings::{DOMAIN, PARTS, RELOADING},
    stage::Stage,
    supervisor::{SuperviseError, Supervisor},
    troupe,
    watch::{
        Looks, asked, distrust, does_first_wave_soak, is_over, is_rollover, phase_mark, wait_for,
    },
};

/// How many calls each client must have made, none of them failed, before anything is touched.
const STEADY_CALLS: u64 = 25;

/// How many calls the server must have seen under the new CA from each client after the end.
const CALLS_AFTER: u64 = 25;

/// How long traffic may take to become steady, at the start and at the end.
const STEADY_LIMIT: Duration = Duration::from_secs(20);

/// How long to rest between two looks at the counts.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// The CA that goes.
const OLD: &str = "g1";

/// The CA that comes.
pub(crate) const NEW: &str = "g2";

/// What an early distrust must be refused with, before and after the number of those that are left: usually 2; on a
/// very busy machine the second wave may have gone before the answer.
const TOO_EARLY: [&str; 2] = [
    "cannot distrust g1 yet: ",
    " of 3 identities still present g1",
];

/// Who and what plays.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    /// Where.
    pub(crate) stage: &'a Stage,
    /// Who runs the controller.
    pub(crate) supervisor: &'a Supervisor,
    /// What the journal says.
    pub(crate) looks: Looks,
    /// Where to tell.
    pub(crate) screen: &'a Screen,
    /// The instant of the start.
    pub(crate) now: Timestamp,
}

/// What the play showed, as far as it got.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// The phases of the rollover that were reached, in order.
    pub(crate) phases: Vec<&'static str>,
    /// What the early distrust was refused with.
    pub(crate) early_distrust: Option<String>,
    /// Whether the old leaf was let in before, and is refused now, by the client's and by the server's account.
    pub(crate) old_leaf_refused: bool,
    /// Whether every call after the end was made under the new CA.
    pub(crate) is_new_ca_only: bool,
    /// How the world was left.
    pub(crate) end: Option<End>,
}

/// What newleaf said to a person.
#[derive(Debug)]
enum Said {
    /// It was admitted.
    Yes,
    /// It was refused, with this sentence.
    No(String),
    /// It was killed.
    Nothing,
}

/// Why the play broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScriptError {
    /// The clients' calls do not succeed by themselves.
    #[error("expected steady traffic within {STEADY_LIMIT:?}, found {found}")]
    NotSteady {
        /// The counts.
        found: String,
    },
    /// A rotation was not seen through.
    #[error("could not finish the {what}")]
    Rotation {
        /// Which.
        what: &'static str,
        /// Why.
        source: SuperviseError,
    },
    /// The old identity cannot be kept aside.
    #[error("could not keep the old identity aside")]
    KeepAside(#[from] DialError),
    /// The probe tells nothing, because the old leaf is not let in while it should be.
    #[error("expected the old leaf to be let in before the rollover, found {found:?}")]
    ProbeIsBlind {
        /// The answer.
        found: Answer,
    },
    /// newleaf cannot be asked.
    #[error("could not ask newleaf")]
    Ask(#[from] ProductError),
    /// The early distrust was not refused, or not for the right reason.
    #[error("expected an early distrust to be refused with who still presents g1, found: {found}")]
    EarlyDistrust {
        /// What newleaf said.
        found: String,
    },
    /// How the world was left cannot be seen.
    #[error("could not see how the rollover left the world")]
    End(#[from] EndError),
    /// Nobody reads the journal any more.
    #[error("could not follow the rotation")]
    LostSight,
}

impl Play<'_> {
    /// Plays everything, and notes what it shows in `findings`.
    pub(crate) async fn perform(
        &mut self,
        crashes: Vec<Crash>,
        findings: &mut Findings,
    ) -> Result<(), ScriptError> {
        self.enrol().await?;
        self.steady().await?;
        self.screen.tell("traffic is steady on all three clients");
        self.renew_leaves().await?;
        let old = Presented::read(&self.stage.endpoint, &self.stage.store(RELOADING.name))?;
        match probe::present(&self.stage.endpoint, &old).await {
            Answer::Accepted => {}
            found @ (Answer::Refused { .. } | Answer::Unclear { .. }) => {
                return Err(ScriptError::ProbeIsBlind { found });
            }
        }
        self.screen
            .tell("kept a g1 identity aside; the endpoint lets it in");
        self.roll_over(crashes, findings).await?;
        findings.old_leaf_refused = self.old_leaf_is_refused(&old).await;
        findings.is_new_ca_only = self.only_the_new_ca_calls().await?;
        findings.end = Some(End::of(self.stage, self.now).await?);
        Ok(())
    }

    /// Has newleaf issue the first leaves; each client begins as soon as it has one.
    async fn enrol(&self) -> Result<(), ScriptError> {
        self.screen
            .tell("newleaf rotate leaf: the first leaves of CA g1");
        self.rotate_leaves("first leaves").await
    }

    /// Waits until every client has made some calls.
    async fn steady(&self) -> Result<(), ScriptError> {
        let counts = || self.stage.troupe.counts(Instant::now());
        self.within(
            || {
                counts()
                    .iter()
                    .all(|(_, c)| c.calls >= STEADY_CALLS && c.failed == 0)
            },
            || format!("{:?}", counts()),
        )
        .await
    }

    async fn within(
        &self,
        holds: impl Fn() -> bool + Send + Sync,
        found: impl Fn() -> String + Send + Sync,
    ) -> Result<(), ScriptError> {
        let until = async {
            while !holds() {
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(STEADY_LIMIT, until)
            .await
            .map_err(|_elapsed| ScriptError::NotSteady { found: found() })
    }

    async fn renew_leaves(&self) -> Result<(), ScriptError> {
        self.screen
            .tell("newleaf rotate leaf: new leaves of the same CA for everybody");
        self.rotate_leaves("leaf renewal").await?;
        self.screen.tell("every client presents its new leaf");
        Ok(())
    }

    async fn rotate_leaves(&self, what: &'static str) -> Result<(), ScriptError> {
        self.supervisor
            .see_through(&["rotate", "leaf", DOMAIN, "--yes"])
            .await
            .map_err(|source| ScriptError::Rotation { what, source })
    }

    async fn roll_over(
        &mut self,
        crashes: Vec<Crash>,
        findings: &mut Findings,
    ) -> Result<(), ScriptError> {
        self.screen
            .tell("newleaf rotate ca: from g1 to g2, wave by wave");
        let rotated = async {
            let arguments = ["rotate", "ca", DOMAIN, "--yes"];
            let rotated = self.supervisor.see_through(&arguments).await;
            rotated.map_err(|source| ScriptError::Rotation {
                what: "CA rollover",
                source,
            })
        };
        let mischief = mischief::make(crashes, self.supervisor, self.looks.clone(), self.screen);
        let both = async { tokio::try_join!(rotated, self.decide()) };
        let ((), refusal) = finish_first(both, mischief).await?;
        findings.early_distrust = Some(refusal);
        let last = wait_for(&mut self.looks, |look| is_rollover(look) && is_over(look)).await;
        findings.phases = phases_reached(&*last.ok_or(ScriptError::LostSight)?);
        self.screen
            .tell("the rollover is over: nobody trusts g1, its key is destroyed");
        Ok(())
    }

    /// Plays the person: too hasty first, and then on time.
    async fn decide(&self) -> Result<String, ScriptError> {
        let refusal = self.distrust_too_early().await?;
        let mut looks = self.looks.clone();
        loop {
            let asked_or_over =
                |look: &Snapshot| is_rollover(look) && (asked(look).is_some() || is_over(look));
            let look = wait_for(&mut looks, asked_or_over).await;
            let look = look.ok_or(ScriptError::LostSight)?;
            let Some(step) = asked(&look) else {
                return Ok(refusal);
            };
            match self.approve(&look, step, "every gate is green").await? {
                Said::Yes => self.screen.tell(format_args!("a person approves `{step}`")),
                // Whether a crash swallowed it or it was in force already: the journal tells, and is asked again.
                Said::No(why) => tracing::debug!(why, "an approval was refused"),
                Said::Nothing => {}
            }
            // The look that asked is old news now.
            looks.mark_unchanged();
            looks
                .changed()
                .await
                .map_err(|_closed| ScriptError::LostSight)?;
        }
    }

    /// Tries to distrust g1 when one client of three has moved.
    ///
    /// Whoever answers may be killed over it, or may just have begun and know of nobody yet: then it is asked again, until
    /// the rotation itself asks for the approval. That would be too late to refuse.
    async fn distrust_too_early(&self) -> Result<String, ScriptError> {
        let mut looks = self.looks.clone();
        let first_moved = |look: &Snapshot| is_rollover(look) && does_first_wave_soak(look);
        let mut look = wait_for(&mut looks, first_moved).await;
        let mut found = "no answer".to_owned();
        while let Some(now) = look.filter(|look| asked(look).is_none() && !is_over(look)) {
            let step = distrust(&now).ok_or(ScriptError::LostSight)?;
            match self.approve(&now, step, "in a hurry").await? {
                Said::Yes => {
                    let found = "it was admitted".to_owned();
                    return Err(ScriptError::EarlyDistrust { found });
                }
                Said::No(refusal) if says_who_is_left(&refusal) => {
                    self.screen
                        .tell(format_args!("an early distrust is refused: {refusal}"));
                    return Ok(refusal);
                }
                Said::No(refusal) => found = refusal,
                Said::Nothing => {}
            }
            looks.mark_unchanged();
            look = wait_for(&mut looks, is_rollover).await;
        }
        Err(ScriptError::EarlyDistrust { found })
    }

    /// Runs `newleaf approve`.
    async fn approve(
        &self,
        look: &Snapshot,
        step: &str,
        reason: &str,
    ) -> Result<Said, ScriptError> {
        let arguments = ["approve", look.rotation.as_str(), step, "--reason", reason];
        let output = self.stage.product.output(&arguments).await?;
        let said = String::from_utf8_lossy(&output.stderr);
        Ok(match output.status.code() {
            Some(0) => Said::Yes,
            Some(_) => Said::No(said.lines().next().unwrap_or_default().to_owned()),
            None => Said::Nothing,
        })
    }

    /// Presents the old leaf once more: refused by the client's account, and by the server's.
    async fn old_leaf_is_refused(&self, old: &Presented) -> bool {
        let answer = probe::present(&self.stage.endpoint, old).await;
        let seen = self.stage.seen();
        let is_written_down = seen
            .refusals
            .iter()
            .any(|refusal| refusal.leaf == Some(old.leaf()));
        match &answer {
            Answer::Refused { alert } => self
                .screen
                .tell(format_args!("the old leaf is refused: alert {alert}")),
            Answer::Accepted | Answer::Unclear { .. } => self
                .screen
                .tell(format_args!("the old leaf is not refused: {answer:?}")),
        }
        matches!(answer, Answer::Refused { .. }) && is_written_down
    }

    /// Lets the traffic go on, and looks at it with the server's eyes: calls under the new CA, none under the old.
    async fn only_the_new_ca_calls(&self) -> Result<bool, ScriptError> {
        let before = self.stage.seen();
        let more = |part, ca| {
            let now = troupe::calls_under(&self.stage.seen(), part, ca);
            now.saturating_sub(troupe::calls_under(&before, part, ca))
        };
        self.within(
            || PARTS.iter().all(|part| more(*part, NEW) >= CALLS_AFTER),
            || format!("{:?}", PARTS.map(|part| (part.name, more(part, NEW)))),
        )
        .await?;
        Ok(PARTS.iter().all(|part| more(*part, OLD) == 0))
    }
}

/// Returns whether a refusal tells how many of the three are left, as `2 of 3 identities still present g1` does.
fn says_who_is_left(refusal: &str) -> bool {
    let [before, after] = TOO_EARLY;
    let number = refusal
        .split_once(before)
        .and_then(|(_, evidence)| evidence.split_once(after))
        .and_then(|(number, _)| number.parse::<usize>().ok());
    number.is_some_and(|number| (1..=PARTS.len()).contains(&number))
}

fn phases_reached(look: &Snapshot) -> Vec<&'static str> {
    let phases = look.phases.iter();
    phases
        .filter(|phase| phase_mark(look, **phase) == Some(Mark::Reached))
        .map(|phase| phase.name())
        .collect()
}

/// Returns what `first` returns; `aside` goes on beside it, and may end whenever it likes.
async fn finish_first<T>(first: impl Future<Output = T>, aside: impl Future<Output = ()>) -> T {
    let mut first = std::pin::pin!(first);
    tokio::select! {
        done = &mut first => done,
        () = aside => first.await,
    }
}

#[cfg(test)]
mod tests;
