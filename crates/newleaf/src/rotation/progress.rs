//! What a person is told while a rotation is driven: a line for each thing that changed.

use std::sync::{Mutex, PoisonError};

use newleaf_controller::{Told, snapshot};
use newleaf_rotation::{Ask, Command, Event, Stage, StepId, Wait, next};

use crate::console::{BAD, Console, FAINT, GOOD, WARN};

/// Tells of progress on stderr. Says nothing twice in a row: a rotation that waits looks often and finds the same.
#[derive(Debug)]
pub(super) struct Progress {
    console: Console,
    last: Mutex<String>,
}

impl Progress {
    pub(super) fn new(console: Console) -> Self {
        Self {
            console,
            last: Mutex::default(),
        }
    }

    pub(super) fn tell(&self, told: Told<'_>) {
        for line in self.lines(told).into_iter().flatten() {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if *last != line {
                self.console.note(&line);
                *last = line;
            }
        }
    }

    fn lines(&self, told: Told<'_>) -> [Option<String>; 2] {
        let console = self.console;
        let what = match &told.line.event {
            Event::Observed { step, .. } => Some(self.seen(told, step)),
            Event::Failed { .. } => Some(format!(
                "{} {}",
                console.paint_err(WARN, "trouble"),
                snapshot::in_words(&told.line.event)
            )),
            Event::Acted { .. } | Event::Decided(_) => Some(format!(
                "{}    {}",
                console.paint_err(FAINT, "done"),
                snapshot::in_words(&told.line.event)
            )),
            Event::Intended { .. } | Event::Elapsed { .. } => None,
        };
        [what, self.asked(told)]
    }

    fn seen(&self, told: Told<'_>, step: &StepId) -> String {
        let state = told.state;
        let finding = state.finding.clone().unwrap_or_default();
        let is_current = state.step(told.plan).is_some_and(|s| s.id == *step);
        match (state.evidence.get(step), state.stage) {
            (Some(evidence), _) if !is_current => {
                let reached = self.console.paint_err(GOOD, "reached");
                format!("{reached} {step}: {evidence}")
            }
            (_, Stage::Soaking { span }) => format!(
                "{}   {step} for {span:#}: {finding}",
                self.console.paint_err(FAINT, "soaks")
            ),
            (_, Stage::Look | Stage::Open | Stage::Resting { .. } | Stage::Asking) => {
                let open = self.console.paint_err(FAINT, "open");
                format!("{open}    {step}: {finding}")
            }
        }
    }

    fn asked(&self, told: Told<'_>) -> Option<String> {
        let rotation = &told.plan.rotation;
        match next(told.plan, told.state) {
            Command::Wait(Wait::Person(Ask::Approve(step) | Ask::Confirm(step))) => Some(format!(
                "{}    a person is asked: newleaf approve {rotation} {step}",
                self.console.paint_err(WARN, "asks")
            )),
            Command::Wait(Wait::Person(Ask::Release(_))) => Some(format!(
                "{}    it is held",
                self.console.paint_err(BAD, "held")
            )),
            Command::Wait(Wait::Elapse { .. })
            | Command::Observe(_)
            | Command::Pursue(_)
            | Command::Finish(_) => None,
        }
    }
}
