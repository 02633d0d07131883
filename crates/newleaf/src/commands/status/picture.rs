//! A snapshot as a person reads it. Colour helps; nothing is told by colour alone.

use std::fmt;

use newleaf_controller::snapshot::{Approval, Asks, Doing, Ending, Gate, HeldKind, Mark, Snapshot};

use crate::console::{BAD, Console, FAINT, GOOD, HEAD, WARN};

/// A snapshot, ready to print.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    snapshot: &'a Snapshot,
    console: Console,
}

impl<'a> Picture<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, console: Console) -> Self {
        Self { snapshot, console }
    }

    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.snapshot;
        let name = self.console.paint(HEAD, &s.rotation);
        writeln!(f, "{name}  {} of `{}`", s.kind, s.domain)?;
        let (started, ended) = (s.started_at, s.ended_at);
        let end = ended.map_or_else(String::new, |at| format!(", ended {at:.0}"));
        writeln!(f, "time    started {started:.0}{end}")?;
        let driver = match (s.driver, ended) {
            (Some(pid), _) => format!("driven by process {pid}"),
            (None, Some(_)) => "over".to_owned(),
            (None, None) => format!("nobody drives it; `newleaf resume {}` does", s.rotation),
        };
        writeln!(f, "engine  {driver}")?;
        let phase = s.phase.map_or("none yet", |phase| phase.name());
        writeln!(f, "phase   {phase}")
    }

    fn state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, console) = (self.snapshot, self.console);
        match s.outcome {
            Some(Ending::Rotated) => writeln!(f, "end     {}", console.paint(GOOD, "rotated"))?,
            Some(Ending::RolledBack) => {
                writeln!(f, "end     {}", console.paint(WARN, "rolled back"))?;
            }
            None => {}
        }
        if let Some(because) = &s.back_because {
            writeln!(f, "back    {because}")?;
        }
        if let Some(held) = &s.hold {
            let kind = match held.kind {
                HeldKind::Paused => console.paint(WARN, "paused"),
                HeldKind::Blocked => console.paint(BAD, "blocked"),
            };
            writeln!(f, "held    {kind}: {}", held.why)?;
        }
        if let Some(asks) = &s.asks {
            let command = match asks {
                Asks::Approve { step } | Asks::Confirm { step } => {
                    format!("newleaf approve {} {step}", s.rotation)
                }
                Asks::Release => format!("newleaf resume {}", s.rotation),
            };
            writeln!(f, "asks    {}", console.paint(WARN, command))?;
        }
        self.now(f)
    }

    fn now(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(now) = &self.snapshot.now else {
            return Ok(());
        };
        let doing = match now.doing {
            Doing::Looking => "is looked at",
            Doing::Pursuing => "is pursued",
            Doing::Resting => "rests",
            Doing::Soaking => "soaks",
            Doing::Asking => "waits for a person",
        };
        let until = now
            .until
            .map_or_else(String::new, |until| format!(" until {until:.0}"));
        let (step, since) = (&now.step, now.since);
        writeln!(f, "now     {step} {doing} since {since:.0}{until}")
    }

    fn gate(&self, f: &mut fmt::Formatter<'_>, gate: &Gate) -> fmt::Result {
        let mark = match gate.mark {
            Mark::Reached => self.console.paint(GOOD, "[x]"),
            Mark::Current => self.console.paint(HEAD, "[>]"),
            Mark::Ahead => self.console.paint(FAINT, "[ ]"),
        };
        write!(f, "  {mark} {}: {}", gate.step, gate.goal)?;
        match gate.approval {
            Approval::NotNeeded => {}
            Approval::Needed => f.write_str(" (a person must approve)")?,
            Approval::Given => f.write_str(" (approved)")?,
        }
        f.write_str("\n")?;
        match &gate.evidence {
            Some(evidence) => writeln!(f, "        {}", self.console.paint(FAINT, evidence)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        self.state(f)?;
        writeln!(f, "{}", self.console.paint(HEAD, "gates"))?;
        for gate in &self.snapshot.gates {
            self.gate(f, gate)?;
        }
        if !self.snapshot.census.is_empty() {
            writeln!(f, "{}", self.console.paint(HEAD, "census"))?;
        }
        for seen in &self.snapshot.census {
            writeln!(f, "  {}", seen.text)?;
        }
        writeln!(f, "{}", self.console.paint(HEAD, "last events"))?;
        for line in &self.snapshot.events {
            writeln!(f, "  {:>4} {:.0} {}", line.rev, line.at, line.what)?;
        }
        Ok(())
    }
}
