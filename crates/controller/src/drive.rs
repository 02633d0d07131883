//! The drive: goes on with one rotation from wherever its journal ends.
//!
//! Replay, ask what is next, do it, write what came of it, again. What is next is not decided here. Whatever kills this
//! process, at whatever instant: the journal holds the intent of the deed in hand, the next drive looks at the
//! world before it acts, and a deed done twice has the effect of one.

mod guard;
mod wait;

use std::{fmt, sync::Arc};

use newleaf_rotation::{
    Ask, Command, Deed, Doing, Event, Look, Outcome, Plan, RotationId, State, Wait, next,
};
use newleaf_systems::World;
use tokio::sync::watch;

use self::{
    guard::guard,
    wait::{Woken, elapse, for_a_person, stopped},
};
use crate::{
    clock::Clock,
    journal::{Journal, JournalError, Recorded},
    run::Run,
};

/// What a drive needs besides the world and the journal.
#[derive(Clone)]
pub struct Means {
    /// Tells the time.
    pub clock: Clock,
    /// Turns true when the drive is to stop: the deed in hand is finished, another is not begun.
    pub stop: watch::Receiver<bool>,
    /// What to do when a person is asked.
    pub on_ask: OnAsk,
    /// Is told of each event after it is written.
    pub tell: Arc<dyn Fn(Told<'_>) + Send + Sync>,
}

impl fmt::Debug for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means")
            .field("on_ask", &self.on_ask)
            .finish_non_exhaustive()
    }
}

/// An event that was just written, with the state that it led to.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The state after the event.
    pub state: &'a State,
    /// The event.
    pub line: &'a Recorded,
}

/// What a drive does when a person is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAsk {
    /// Wait for an approval or a confirmation; leave when the rotation is held, because then something is wrong.
    Stay,
    /// Leave whatever is asked.
    Leave,
}

/// How a drive ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The rotation is over.
    Over(Outcome),
    /// A person is asked.
    Asked(Ask),
    /// It was told to stop. Another drive goes on from here.
    Stopped,
}

/// Drives a rotation until it is over, a person is asked, or it is told to stop.
///
/// An error means that the journal could not be read or written. Then nothing more is done: a deed whose intent could not
/// be written is not begun.
pub async fn drive<W: World>(
    world: &W,
    journal: &Journal,
    rotation: &RotationId,
    means: Means,
) -> Result<Ended, JournalError> {
    let domain = journal.record(rotation)?.plan.domain;
    let writer = journal.writer(&domain).await?;
    let run = Run::take_up(journal, writer, rotation, means.clock.clone())?;
    let mut drive = Drive { world, run, means };
    loop {
        if let Some(ended) = drive.turn().await? {
            return Ok(ended);
        }
    }
}

struct Drive<'a, W> {
    world: &'a W,
    run: Run<'a>,
    means: Means,
}

impl<W: World> Drive<'_, W> {
    /// Does one thing. Returns how the drive ended, if it did.
    async fn turn(&mut self) -> Result<Option<Ended>, JournalError> {
        for line in self.run.take_decisions()? {
            self.told(&line);
        }
        match next(self.run.plan(), self.run.state()) {
            Command::Finish(outcome) => {
                self.run.end(&outcome)?;
                return Ok(Some(Ended::Over(outcome)));
            }
            Command::Observe(_) | Command::Pursue(_) | Command::Wait(_)
                if *self.means.stop.borrow() =>
            {
                return Ok(Some(Ended::Stopped));
            }
            Command::Observe(look) => self.observe(look).await?,
            Command::Pursue(deed) => self.pursue(deed).await?,
            Command::Wait(Wait::Elapse { wait, span }) => {
                match elapse(&self.run, span, &mut self.means.stop).await? {
                    Woken::Elapsed => self.record(Event::Elapsed { wait })?,
                    Woken::Asked | Woken::Stopped => {}
                }
            }
            Command::Wait(Wait::Person(ask)) if self.leaves(&ask) => {
                return Ok(Some(Ended::Asked(ask)));
            }
            Command::Wait(Wait::Person(_)) => {
                for_a_person(&self.run, &mut self.means.stop).await?;
            }
        }
        Ok(None)
    }

    /// A look changes nothing, so it may be dropped halfway when the drive is to stop.
    async fn observe(&mut self, look: Look) -> Result<(), JournalError> {
        let now = self.run.now();
        let sight = tokio::select! {
            biased;
            () = stopped(&mut self.means.stop) => return Ok(()),
            sight = guard(self.world.observe(&look, now)) => sight,
        };
        let step = look.step;
        self.record(match sight {
            Ok(sight) => Event::Observed { step, sight },
            Err(trouble) => Event::Failed {
                step,
                doing: Doing::Observing,
                trouble,
            },
        })
    }

    /// Writes the intent, acts, writes the reply. Once begun, it is not interrupted by a wish to stop.
    async fn pursue(&mut self, deed: Deed) -> Result<(), JournalError> {
        self.record(Event::Intended {
            step: deed.step.clone(),
            attempt: deed.attempt,
        })?;
        let reply = guard(self.world.pursue(&deed, self.run.now())).await;
        let step = deed.step;
        self.record(match reply {
            Ok(note) => Event::Acted {
                step,
                attempt: deed.attempt,
                note,
            },
            Err(trouble) => Event::Failed {
                step,
                doing: Doing::Pursuing,
                trouble,
            },
        })
    }

    fn leaves(&self, ask: &Ask) -> bool {
        match (ask, self.means.on_ask) {
            (Ask::Release(_), _) | (_, OnAsk::Leave) => true,
            (Ask::Approve(_) | Ask::Confirm(_), OnAsk::Stay) => false,
        }
    }

    fn record(&mut self, event: Event) -> Result<(), JournalError> {
        let line = self.run.record(event)?;
        self.told(&line);
        Ok(())
    }

    fn told(&self, line: &Recorded) {
        (self.means.tell)(Told {
            plan: self.run.plan(),
            state: self.run.state(),
            line,
        });
    }
}
