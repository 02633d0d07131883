//! A decision that nobody asked for is refused, with the evidence.

use jiff::Timestamp;

use super::*;
use crate::{
    event::Event,
    sight::{Presence, Sighting, Source},
    simulator::{HolderKind, Scenario},
    spec::Kind,
    state::{Hold, Outcome},
};

fn at() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn rollover() -> Plan {
    let kind = Kind::CaRollover {
        old: Generation(1),
        new: Generation(2),
    };
    crate::plan(&Scenario::calm(kind, 1, &[HolderKind::Hot; 3]).spec).unwrap()
}

fn decision(verb: Verb, reason: &str) -> Decision {
    Decision {
        by: "ana".to_owned(),
        reason: reason.to_owned(),
        verb,
    }
}

fn presents(generation: u32) -> Presence {
    Presence::Seen(vec![Sighting {
        generation: Some(Generation(generation)),
        leaf: None,
        of_rotation: generation == 2,
        source: Source::Proxy,
    }])
}

fn census(generations: [u32; 3]) -> Census {
    let name = |i: usize| HolderId::new(format!("worker-{i}"));
    let holders = generations
        .into_iter()
        .enumerate()
        .map(|(i, g)| (name(i), presents(g)));
    Census {
        holders: holders.collect(),
        ..Census::default()
    }
}

#[test]
fn an_early_distrust_is_refused_with_the_evidence() {
    let plan = rollover();
    let mut state = State::new(at());
    state.census = Some(census([2, 1, 1]));
    let step = StepId::new("distrusted/ns-0");
    let refusal = admit(&plan, &state, &decision(Verb::Approve { step }, "")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "cannot distrust g1 yet: 2 of 3 identities still present g1"
    );
}

#[test]
fn an_early_distrust_without_any_evidence_is_refused() {
    let plan = rollover();
    let step = StepId::new("distrusted/ns-0");
    let refusal = admit(
        &plan,
        &State::new(at()),
        &decision(Verb::Approve { step }, ""),
    )
    .unwrap_err();
    assert!(matches!(refusal, Refusal::StillUsed { .. }), "{refusal}");
}

#[test]
fn an_approval_that_nobody_asked_for_is_refused() {
    let plan = rollover();
    let step = StepId::new("prepared/ca");
    let refusal = admit(
        &plan,
        &State::new(at()),
        &decision(Verb::Approve { step }, ""),
    )
    .unwrap_err();
    assert!(matches!(refusal, Refusal::NotAsked { .. }), "{refusal}");
}

#[test]
fn only_the_proof_of_disuse_can_be_overridden_and_only_with_a_reason() {
    let plan = rollover();
    let state = State::new(at());
    let verb = |step: &str| Verb::Override {
        step: StepId::new(step),
    };
    assert_eq!(
        admit(&plan, &state, &decision(verb("soaking/disuse"), " ")),
        Err(Refusal::NoReason)
    );
    assert_eq!(
        admit(
            &plan,
            &state,
            &decision(verb("soaking/disuse"), "the last one is lost")
        ),
        Ok(())
    );
    let refusal = admit(&plan, &state, &decision(verb("preflight/checks"), "hurry")).unwrap_err();
    assert!(
        matches!(refusal, Refusal::NotOverridable { .. }),
        "{refusal}"
    );
}

#[test]
fn there_is_no_way_back_once_the_key_may_be_gone() {
    let plan = rollover();
    let mut state = State::new(at());
    let back = decision(Verb::RollBack, "doubts");
    state.reach = plan.forward.len() - 1;
    assert_eq!(admit(&plan, &state, &back), Ok(()));
    state.reach = plan.forward.len();
    assert_eq!(
        admit(&plan, &state, &back),
        Err(Refusal::TooLate {
            generation: Generation(1)
        })
    );
}

#[test]
fn what_is_over_is_over() {
    let plan = rollover();
    let mut state = State::new(at());
    state.outcome = Some(Outcome::Rotated);
    assert_eq!(
        admit(&plan, &state, &decision(Verb::Pause, "")),
        Err(Refusal::Over)
    );
}

#[test]
fn only_what_is_held_can_be_resumed() {
    let plan = rollover();
    let mut state = State::new(at());
    assert_eq!(
        admit(&plan, &state, &decision(Verb::Resume, "")),
        Err(Refusal::NotHeld)
    );
    state.apply(&plan, at(), &Event::Decided(decision(Verb::Pause, "lunch")));
    assert_eq!(
        state.hold,
        Some(Hold::Paused {
            why: "lunch".to_owned()
        })
    );
    assert_eq!(admit(&plan, &state, &decision(Verb::Resume, "")), Ok(()));
}
