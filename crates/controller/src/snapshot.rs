//! The picture of a rotation: for a person's eyes, for `--json`, and for pages.
//!
//! A snapshot is made from one read of the journal and never changes. Its types are its own, so that what is
//! shown can keep its form while the stored form moves on.

mod census;
mod words;

use jiff::Timestamp;
use newleaf_rotation::{
    Ask, Command, Course, Event, Hold, Outcome, Phase, Plan, RotationId, Stage, State, Step,
    TrustDomainId, Wait, next,
};
use serde::Serialize;

use self::{
    census::seen,
    words::{event_in_words, kind_in_words},
};
use crate::journal::{Journal, JournalError, Record};

/// How many of the last events that changed something are shown. The journal has them all.
const LAST_EVENTS: usize = 12;

/// A rotation, as it stood when the journal was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// The rotation.
    pub rotation: RotationId,
    /// Whose identities it rotates.
    pub domain: TrustDomainId,
    /// What is rotated, for example "CA rollover g1 to g2".
    pub kind: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// The process that drives it now, if one does.
    pub driver: Option<u32>,
    /// How many events there are.
    pub rev: u64,
    /// The phase that was last entered.
    pub phase: Option<Phase>,
    /// Every phase that its plan has, in order.
    pub phases: Vec<Phase>,
    /// Why it turned round, if it did.
    pub back_because: Option<String>,
    /// How it ended, if it has.
    pub outcome: Option<Ending>,
    /// Why it does not go on by itself, if it does not.
    pub hold: Option<Held>,
    /// What a person is asked, if one is.
    pub asks: Option<Asks>,
    /// What is being done now, unless it is over.
    pub now: Option<Now>,
    /// Each step of the course, in order.
    pub gates: Vec<Gate>,
    /// Who was last seen presenting what.
    pub census: Vec<Seen>,
    /// The last events that changed something, the newest last.
    pub events: Vec<Line>,
}

/// How a rotation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The new identity is in use.
    Rotated,
    /// The old identity is in use again.
    RolledBack,
}

/// Why a rotation does not go on by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Which kind of hold.
    pub kind: HeldKind,
    /// Why.
    pub why: String,
}

/// The kinds of hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// A person paused it, or patience or attempts ran out.
    Paused,
    /// Going on could do harm, or cannot succeed.
    Blocked,
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Asks {
    /// May this step be pursued?
    Approve {
        /// The step.
        step: String,
    },
    /// Is this step, which a person does, done?
    Confirm {
        /// The step.
        step: String,
    },
    /// It is held: go on, or turn round?
    Release,
}

/// What is being done now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Now {
    /// About which step.
    pub step: String,
    /// What.
    pub doing: Doing,
    /// Since when.
    pub since: Timestamp,
    /// Until when, where that is known.
    pub until: Option<Timestamp>,
    /// Which attempt.
    pub attempt: u32,
    /// What was last found out.
    pub finding: Option<String>,
}

/// What is being done about a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// It is looked at.
    Looking,
    /// It is pursued, or about to be.
    Pursuing,
    /// It rests before the next look.
    Resting,
    /// It is reached and must hold.
    Soaking,
    /// A person is asked.
    Asking,
}

/// A step, and the gate that it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// The step's name.
    pub step: String,
    /// The phase that it leads to.
    pub phase: Phase,
    /// What must be seen.
    pub goal: String,
    /// How it stands.
    pub mark: Mark,
    /// What was seen: the evidence with which it was reached, or what is missing.
    pub evidence: Option<String>,
    /// Whether a person must approve, and has.
    pub approval: Approval,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was seen reached.
    Reached,
    /// It is the current one.
    Current,
    /// Its turn has not come.
    Ahead,
}

/// Whether a person must approve a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// Nobody must.
    NotNeeded,
    /// Somebody must, and has not.
    Needed,
    /// Somebody has.
    Given,
}

/// What was last seen of one holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// The holder; none for leaves that belong to nobody that is registered.
    pub holder: Option<String>,
    /// The generations that it presents, for example `["g2"]`; empty if nothing is known.
    pub presents: Vec<String>,
    /// The same as a sentence, for example "worker-a presents g2 (proxy)".
    pub text: String,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The event's number.
    pub rev: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened, as a sentence.
    pub what: String,
}

impl Snapshot {
    /// Reads the journal and makes the picture of one rotation.
    pub fn take(journal: &Journal, rotation: &RotationId) -> Result<Self, JournalError> {
        let record = journal.record(rotation)?;
        let driver = match record.ended_at {
            None => journal.driver(&record.plan.domain),
            Some(_) => None,
        };
        Ok(Self::of(&record, driver))
    }

    /// Makes the picture from what the journal holds.
    pub fn of(record: &Record, driver: Option<u32>) -> Self {
        let (plan, state) = (&record.plan, record.state());
        let (outcome, hold) = (ending(&state), held(&state));
        Self {
            rotation: plan.rotation.clone(),
            domain: plan.domain.clone(),
            kind: kind_in_words(plan.kind),
            started_at: record.started_at,
            ended_at: record.ended_at,
            driver,
            rev: state.rev,
            phase: state.phase(plan),
            phases: phases(plan),
            back_because: match &state.course {
                Course::Forward => None,
                Course::Back { because } => Some(because.clone()),
            },
            outcome,
            hold,
            asks: asks(plan, &state),
            now: now(plan, &state),
            gates: gates(plan, &state),
            census: state.census.as_ref().map(seen).unwrap_or_default(),
            events: last_events(record),
        }
    }
}

fn phases(plan: &Plan) -> Vec<Phase> {
    let mut phases: Vec<Phase> = plan.forward.iter().map(|step| step.phase).collect();
    phases.dedup();
    phases
}

fn ending(state: &State) -> Option<Ending> {
    state.outcome.as_ref().map(|outcome| match outcome {
        Outcome::Rotated => Ending::Rotated,
        Outcome::RolledBack { .. } => Ending::RolledBack,
    })
}

fn held(state: &State) -> Option<Held> {
    state.hold.as_ref().map(|hold| match hold {
        Hold::Paused { why } => Held {
            kind: HeldKind::Paused,
            why: why.clone(),
        },
        Hold::Blocked { why } => Held {
            kind: HeldKind::Blocked,
            why: why.clone(),
        },
    })
}

fn asks(plan: &Plan, state: &State) -> Option<Asks> {
    match next(plan, state) {
        Command::Wait(Wait::Person(Ask::Approve(step))) => Some(Asks::Approve {
            step: step.to_string(),
        }),
        Command::Wait(Wait::Person(Ask::Confirm(step))) => Some(Asks::Confirm {
            step: step.to_string(),
        }),
        Command::Wait(Wait::Person(Ask::Release(_))) => Some(Asks::Release),
        Command::Wait(Wait::Elapse { .. })
        | Command::Observe(_)
        | Command::Pursue(_)
        | Command::Finish(_) => None,
    }
}

fn now(plan: &Plan, state: &State) -> Option<Now> {
    if state.outcome.is_some() {
        return None;
    }
    let step = state.step(plan)?;
    let asked = asks(plan, state).is_some();
    let (doing, span) = match state.stage {
        Stage::Look | Stage::Open if asked => (Doing::Asking, None),
        Stage::Look => (Doing::Looking, None),
        Stage::Open => (Doing::Pursuing, None),
        Stage::Resting { span } => (Doing::Resting, Some(span)),
        Stage::Soaking { span } => (Doing::Soaking, Some(span)),
        Stage::Asking => (Doing::Asking, None),
    };
    Some(Now {
        step: step.id.to_string(),
        doing,
        since: state.since,
        until: span.and_then(|span| state.since.checked_add(span).ok()),
        attempt: state.attempt,
        finding: state.finding.clone(),
    })
}

fn gates(plan: &Plan, state: &State) -> Vec<Gate> {
    let steps = state.steps(plan);
    steps
        .iter()
        .enumerate()
        .map(|(index, step)| gate(step, index, state))
        .collect()
}

fn gate(step: &Step, index: usize, state: &State) -> Gate {
    let mark = match index.cmp(&state.cursor) {
        std::cmp::Ordering::Less => Mark::Reached,
        std::cmp::Ordering::Equal => Mark::Current,
        std::cmp::Ordering::Greater => Mark::Ahead,
    };
    let evidence = match mark {
        Mark::Reached => state.evidence.get(&step.id).cloned(),
        Mark::Current => state.finding.clone(),
        Mark::Ahead => None,
    };
    let approval = match (step.approval, state.approved.contains(&step.id)) {
        (false, _) => Approval::NotNeeded,
        (true, false) => Approval::Needed,
        (true, true) => Approval::Given,
    };
    Gate {
        step: step.id.to_string(),
        phase: step.phase,
        goal: step.goal.to_string(),
        mark,
        evidence,
        approval,
    }
}

/// Leaves out what a rotation that waits does again and again: ends of waits, and looks that find the same.
fn last_events(record: &Record) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for line in &record.events {
        if matches!(line.event, Event::Elapsed { .. }) {
            continue;
        }
        let what = event_in_words(&line.event);
        if lines.last().is_none_or(|last| last.what != what) {
            let (rev, at) = (line.rev, line.at);
            lines.push(Line { rev, at, what });
        }
    }
    lines.split_off(lines.len().saturating_sub(LAST_EVENTS))
}

/// Says in one line what an event says.
pub fn in_words(event: &Event) -> String {
    event_in_words(event)
}
