//! One rotation in hand: its plan, its state, and the right to write.

use jiff::Timestamp;
use newleaf_rotation::{Event, Outcome, Plan, RotationId, State, decide::admit};

use crate::{
    clock::Clock,
    journal::{Journal, JournalError, Recorded, Writer},
};

/// A rotation whose events only the owner of this value can append to. State and journal never differ: an
/// event is applied after it is on the disk.
#[derive(Debug)]
pub(crate) struct Run<'j> {
    journal: &'j Journal,
    writer: Writer<'j>,
    clock: Clock,
    plan: Plan,
    state: State,
    /// When the last event was written.
    last_at: Timestamp,
    /// Whether the journal knows that the rotation is over.
    ended: bool,
}

impl<'j> Run<'j> {
    /// Takes up a rotation where its journal ends.
    pub(crate) fn take_up(
        journal: &'j Journal,
        writer: Writer<'j>,
        rotation: &RotationId,
        clock: Clock,
    ) -> Result<Self, JournalError> {
        let record = journal.record(rotation)?;
        let state = record.state();
        let last_at = record.events.last().map_or(record.started_at, |l| l.at);
        Ok(Self {
            journal,
            writer,
            clock,
            plan: record.plan,
            state,
            last_at,
            ended: record.ended_at.is_some(),
        })
    }

    pub(crate) fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Writes an event, then applies it.
    pub(crate) fn record(&mut self, event: Event) -> Result<Recorded, JournalError> {
        let line = self.line(event);
        self.writer.append(&self.plan.rotation, &line)?;
        self.apply(&line);
        Ok(line)
    }

    /// Returns whether a decision waits. Nobody can decide where the journal was taken away.
    pub(crate) fn is_asked(&self) -> Result<bool, JournalError> {
        self.writer.is_here()?;
        self.journal.is_asked(&self.plan.rotation)
    }

    /// Judges every decision that waits, writes those that are admitted, and answers all.
    pub(crate) fn take_decisions(&mut self) -> Result<Vec<Recorded>, JournalError> {
        let mut taken = Vec::new();
        while let Some(asked) = self.journal.asked(&self.plan.rotation)? {
            if let Err(refusal) = admit(&self.plan, &self.state, &asked.decision) {
                self.writer.refuse(&asked, refusal.to_string())?;
                continue;
            }
            let line = self.line(Event::Decided(asked.decision.clone()));
            let rotation = &self.plan.rotation;
            if self.writer.append_asked(rotation, &line, &asked)? {
                self.apply(&line);
                taken.push(line);
            }
        }
        Ok(taken)
    }

    /// Writes that the rotation is over. Written once; a crash just before is made good by the next engine.
    pub(crate) fn end(&mut self, outcome: &Outcome) -> Result<(), JournalError> {
        if !self.ended {
            self.writer
                .end(&self.plan.rotation, self.last_at, outcome)?;
            self.ended = true;
        }
        Ok(())
    }

    /// A journal never goes back in time, even where the machine's clock does.
    fn line(&self, event: Event) -> Recorded {
        Recorded {
            rev: self.state.rev + 1,
            at: self.clock.now().max(self.last_at),
            event,
        }
    }

    fn apply(&mut self, line: &Recorded) {
        self.state.apply(&self.plan, line.at, &line.event);
        self.last_at = line.at;
    }
}
