//! A traffic gate: it rests, pauses by itself, and asks a person only for what it cannot see.

use std::collections::BTreeMap;

use super::*;
use crate::{
    event::{Decision, Event, Verb},
    id::{Generation, HolderId},
    sight::{Calls, Reading},
    simulator::{HolderKind, Scenario},
    spec::Kind,
};

fn at() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn seen(pollers: u64, answered: u64, failed: u64) -> Sight {
    let answered = Some(answered);
    let calls = Reading::Calls(Calls { answered, failed });
    told(&[("queue", Reading::Pollers(pollers)), ("proxy", calls)])
}

fn told(readings: &[(&str, Reading)]) -> Sight {
    let sources = readings
        .iter()
        .map(|(source, reading)| ((*source).to_owned(), reading.clone()));
    let holder = HolderId::new("worker-0");
    Sight::Traffic(Traffic {
        holders: BTreeMap::from([(holder, sources.collect())]),
    })
}

/// A renewal with a baseline of 3 pollers and 100 calls, at the gate after its first wave.
fn at_the_gate() -> (Plan, State) {
    let kind = Kind::LeafRenewal {
        generation: Generation(1),
    };
    let plan = crate::plan(&Scenario::calm(kind, 1, &[HolderKind::Hot]).spec).unwrap();
    let mut state = State::new(at());
    go_to(&plan, &mut state, "preflight/baseline");
    look(&plan, &mut state, seen(5, 100, 0));
    assert!(matches!(state.stage, Stage::Soaking { .. }));
    elapse(&plan, &mut state);
    look(&plan, &mut state, seen(3, 200, 0));
    assert_eq!(
        state.evidence[&StepId::new("preflight/baseline")],
        "counted 3 pollers and the calls of 1 proxies"
    );
    go_to(&plan, &mut state, "issuing/steady-1");
    (plan, state)
}

fn go_to(plan: &Plan, state: &mut State, step: &str) {
    let mut steps = plan.forward.iter();
    state.cursor = steps.position(|s| s.id.as_str() == step).unwrap();
}

fn look(plan: &Plan, state: &mut State, sight: Sight) {
    let step = state.step(plan).unwrap().id.clone();
    state.apply(plan, at(), &Event::Observed { step, sight });
}

fn elapse(plan: &Plan, state: &mut State) {
    let wait = state.wait;
    state.apply(plan, at(), &Event::Elapsed { wait });
}

fn decide(plan: &Plan, state: &mut State, verb: Verb) {
    let decision = Decision {
        by: "ana".to_owned(),
        reason: "I have looked".to_owned(),
        verb,
    };
    crate::decide::admit(plan, state, &decision).unwrap();
    state.apply(plan, at(), &Event::Decided(decision));
}

/// Looks until it pauses, and returns why.
fn until_paused(plan: &Plan, state: &mut State, sight: &Sight) -> String {
    for _ in 1..plan.timing.attempts {
        look(plan, state, sight.clone());
        assert_eq!(state.hold, None, "one look may fall into a restart");
        elapse(plan, state);
    }
    look(plan, state, sight.clone());
    match &state.hold {
        Some(Hold::Paused { why }) => why.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn steady_traffic_opens_the_gate() {
    let (plan, mut state) = at_the_gate();
    look(&plan, &mut state, seen(3, 300, 0));
    assert_eq!(state.step(&plan), None);
    assert_eq!(
        state.evidence[&StepId::new("issuing/steady-1")],
        "3 pollers, 3 before; 0 of 100 calls failed"
    );
}

#[test]
fn worse_traffic_pauses_the_rotation_and_says_what_to_do() {
    let (plan, mut state) = at_the_gate();
    let why = until_paused(&plan, &mut state, &seen(1, 300, 2));
    assert!(why.contains("1 of 3 pollers of queue"), "{why}");
    assert!(
        why.contains("2 of 102 calls failed by proxy, 0 of 100 in the baseline"),
        "{why}"
    );
    assert!(
        why.contains("roll back, or override `issuing/steady-1`"),
        "{why}"
    );
}

#[test]
fn what_comes_back_opens_the_gate_by_itself() {
    let (plan, mut state) = at_the_gate();
    look(&plan, &mut state, seen(1, 300, 0));
    elapse(&plan, &mut state);
    look(&plan, &mut state, seen(3, 310, 0));
    assert_eq!(state.step(&plan), None);
}

#[test]
fn what_is_not_known_is_waited_for_and_named() {
    let (plan, mut state) = at_the_gate();
    let silent = Reading::Unknown("could not connect".to_owned());
    for _ in 0..20 {
        look(&plan, &mut state, told(&[("queue", silent.clone())]));
        assert!(matches!(state.stage, Stage::Resting { .. }));
        elapse(&plan, &mut state);
    }
    let finding = state.finding.clone().unwrap();
    assert!(finding.contains("queue: could not connect"), "{finding}");
    assert!(
        finding.contains("proxy: it tells nothing any more"),
        "{finding}"
    );
}

#[test]
fn after_a_person_has_looked_calls_are_counted_anew_and_pollers_are_still_missed() {
    let (plan, mut state) = at_the_gate();
    until_paused(&plan, &mut state, &seen(1, 300, 2));
    decide(&plan, &mut state, Verb::Resume);
    look(&plan, &mut state, seen(1, 400, 2));
    assert_eq!(
        state.finding.as_deref(),
        Some("`worker-0`: 1 of 3 pollers of queue")
    );
    elapse(&plan, &mut state);
    look(&plan, &mut state, seen(3, 400, 2));
    assert_eq!(state.step(&plan), None);
}

#[test]
fn an_override_makes_what_was_last_seen_the_new_baseline() {
    let (plan, mut state) = at_the_gate();
    until_paused(&plan, &mut state, &seen(1, 300, 0));
    let step = StepId::new("issuing/steady-1");
    decide(&plan, &mut state, Verb::Override { step });
    decide(&plan, &mut state, Verb::Resume);
    look(&plan, &mut state, seen(1, 400, 0));
    assert_eq!(state.step(&plan), None);
    assert_eq!(
        state.evidence[&StepId::new("issuing/steady-1")],
        "1 pollers, 1 before; 0 of 100 calls failed"
    );
}

#[test]
fn a_gate_is_overridden_only_where_the_rotation_stands() {
    let (plan, mut state) = at_the_gate();
    go_to(&plan, &mut state, "issuing/wave-1");
    let decision = Decision {
        by: "ana".to_owned(),
        reason: "early".to_owned(),
        verb: Verb::Override {
            step: StepId::new("issuing/steady-1"),
        },
    };
    let refused = crate::decide::admit(&plan, &state, &decision);
    assert!(
        matches!(refused, Err(crate::decide::Refusal::NotThere { .. })),
        "{refused:?}"
    );
}

#[test]
fn without_a_baseline_a_person_must_look() {
    let (plan, mut state) = at_the_gate();
    state.baseline = None;
    look(&plan, &mut state, seen(3, 300, 0));
    assert!(matches!(state.hold, Some(Hold::Blocked { .. })));
}
