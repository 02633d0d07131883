//! The stored form: a line that was written once must be read for ever.

use super::*;
use crate::{plan::Plan, state::State};

#[track_caller]
fn check(event: &Event, line: &str) {
    assert_eq!(serde_json::to_string(event).unwrap(), line);
    assert_eq!(serde_json::from_str::<Event>(line).unwrap(), *event);
}

#[test]
fn an_intent_is_stored_so() {
    let event = Event::Intended {
        step: StepId::new("prepared/ca"),
        attempt: 2,
    };
    check(
        &event,
        r#"{"event":"intended","step":"prepared/ca","attempt":2}"#,
    );
}

#[test]
fn a_failure_is_stored_so() {
    let event = Event::Failed {
        step: StepId::new("trusted/ns"),
        doing: Doing::Pursuing,
        trouble: Trouble {
            again: Again::Anew,
            what: "moved".to_owned(),
        },
    };
    check(
        &event,
        r#"{"event":"failed","step":"trusted/ns","doing":"pursuing","trouble":{"again":"anew","what":"moved"}}"#,
    );
}

#[test]
fn a_decision_is_stored_so() {
    let verb = Verb::Override {
        step: StepId::new("soaking/disuse"),
    };
    let event = Event::Decided(Decision {
        by: "ana".to_owned(),
        reason: "lost".to_owned(),
        verb,
    });
    check(
        &event,
        r#"{"event":"decided","by":"ana","reason":"lost","verb":{"verb":"override","step":"soaking/disuse"}}"#,
    );
}

/// A whole journal, with its plan, reads back to the same state.
#[test]
fn a_journal_survives_its_store() {
    let scenario = crate::simulator::Scenario::random(7);
    let report = crate::simulator::run(&scenario);
    let plan = crate::plan(&scenario.spec).unwrap();
    let stored: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(stored, plan);
    let lines: Vec<String> = report
        .journal
        .iter()
        .map(|(_, event)| serde_json::to_string(event).unwrap())
        .collect();
    let read: Vec<Event> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let times = report.journal.iter().map(|(at, _)| *at);
    let started_at = report.journal[0].0;
    let state = State::replay(&stored, started_at, times.zip(&read));
    let again: State = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(again, state);
    assert!(state.outcome.is_some());
}
