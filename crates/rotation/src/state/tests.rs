//! How events are folded: what counts, what is late, what is known after a crash.

use super::{apply::backoff, *};
use crate::{
    event::{Again, Decision, Doing, Trouble, Verb},
    next::{Command, Wait, next},
    sight::Sight,
    sight::{CaFact, CaSight, PreflightSight, ProbeSight, Verdict},
    simulator::{HolderKind, Scenario},
    spec::Kind,
};

fn at() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A rollover at the step that makes the new CA, and what is seen there.
fn at_prepared() -> (Plan, State) {
    let kind = Kind::CaRollover {
        old: Generation(1),
        new: Generation(2),
    };
    let plan = crate::plan(&Scenario::calm(kind, 1, &[HolderKind::Hot]).spec).unwrap();
    let mut state = State::new(at());
    let pass = crate::sight::Check {
        about: "room".to_owned(),
        verdict: Verdict::Pass,
        detail: String::new(),
    };
    observe(
        &plan,
        &mut state,
        Sight::Preflight(PreflightSight { checks: vec![pass] }),
    );
    let probe = crate::sight::Probe {
        point: crate::id::TrustPointId::new("ns-0"),
        address: "ns-0:7233".to_owned(),
        outcome: crate::sight::ProbeOutcome::Accepted { passes: 3 },
    };
    let probes = ProbeSight {
        have_leaf: true,
        probes: vec![probe],
        accepted_at: BTreeMap::new(),
    };
    observe(&plan, &mut state, Sight::Probes(probes));
    assert_eq!(state.step(&plan).unwrap().id.as_str(), "prepared/ca");
    (plan, state)
}

fn observe(plan: &Plan, state: &mut State, sight: Sight) {
    let step = state.step(plan).unwrap().id.clone();
    state.apply(plan, at(), &Event::Observed { step, sight });
}

fn no_ca() -> Sight {
    Sight::Ca(CaSight {
        ca: None,
        key: false,
        findings: Vec::new(),
        accepted_at: BTreeMap::new(),
    })
}

fn a_ca() -> Sight {
    let fact = CaFact {
        fingerprint: newleaf_x509::Fingerprint::of(b"ca"),
        subject: "CN=ca g2".to_owned(),
        not_after: Timestamp::MAX,
    };
    let accepted_at = BTreeMap::new();
    Sight::Ca(CaSight {
        ca: Some(fact),
        key: true,
        findings: Vec::new(),
        accepted_at,
    })
}

fn pursue(plan: &Plan, state: &State) -> (StepId, u32, String) {
    let Command::Pursue(deed) = next(plan, state) else {
        panic!("expected a deed, found {:?}", next(plan, state));
    };
    (deed.step, deed.attempt, deed.request.as_str().to_owned())
}

#[test]
fn after_a_crash_in_a_deed_it_looks_first_and_then_asks_the_same() {
    let (plan, mut state) = at_prepared();
    observe(&plan, &mut state, no_ca());
    let (step, attempt, request) = pursue(&plan, &state);
    state.apply(&plan, at(), &Event::Intended { step, attempt });
    assert!(
        matches!(next(&plan, &state), Command::Observe(_)),
        "it must look before it acts again"
    );
    observe(&plan, &mut state, no_ca());
    assert_eq!(
        pursue(&plan, &state).2,
        request,
        "the same request after a crash"
    );
}

#[test]
fn what_was_accepted_is_waited_for_and_not_asked_again() {
    let (plan, mut state) = at_prepared();
    observe(&plan, &mut state, no_ca());
    let (step, attempt, _) = pursue(&plan, &state);
    state.apply(
        &plan,
        at(),
        &Event::Intended {
            step: step.clone(),
            attempt,
        },
    );
    state.apply(
        &plan,
        at(),
        &Event::Acted {
            step,
            attempt,
            note: String::new(),
        },
    );
    observe(&plan, &mut state, no_ca());
    assert!(matches!(
        next(&plan, &state),
        Command::Wait(Wait::Elapse { .. })
    ));
}

#[test]
fn a_deed_without_effect_is_asked_again_under_another_name() {
    let (plan, mut state) = at_prepared();
    observe(&plan, &mut state, no_ca());
    let (step, attempt, request) = pursue(&plan, &state);
    state.apply(
        &plan,
        at(),
        &Event::Intended {
            step: step.clone(),
            attempt,
        },
    );
    let trouble = Trouble {
        again: Again::Anew,
        what: "moved".to_owned(),
    };
    state.apply(
        &plan,
        at(),
        &Event::Failed {
            step,
            doing: Doing::Pursuing,
            trouble,
        },
    );
    let wait = state.wait;
    state.apply(&plan, at(), &Event::Elapsed { wait });
    observe(&plan, &mut state, no_ca());
    assert_ne!(pursue(&plan, &state).2, request);
}

#[test]
fn a_wait_is_ended_by_its_own_number_only() {
    let (plan, mut state) = at_prepared();
    let step = state.step(&plan).unwrap().id.clone();
    let trouble = Trouble {
        again: Again::Same,
        what: "timed out".to_owned(),
    };
    state.apply(
        &plan,
        at(),
        &Event::Failed {
            step,
            doing: Doing::Observing,
            trouble,
        },
    );
    let resting = state.clone();
    state.apply(
        &plan,
        at(),
        &Event::Elapsed {
            wait: resting.wait - 1,
        },
    );
    state.apply(
        &plan,
        at(),
        &Event::Elapsed {
            wait: resting.wait + 1,
        },
    );
    assert_eq!(
        State {
            rev: resting.rev,
            ..state.clone()
        },
        resting
    );
    state.apply(&plan, at(), &Event::Elapsed { wait: resting.wait });
    assert_eq!(state.stage, Stage::Look);
}

#[test]
fn an_event_for_another_step_changes_nothing_but_the_count() {
    let (plan, mut state) = at_prepared();
    let before = state.clone();
    let step = StepId::new("preflight/checks");
    state.apply(
        &plan,
        at(),
        &Event::Observed {
            step,
            sight: no_ca(),
        },
    );
    assert_eq!(
        State {
            rev: before.rev,
            ..state
        },
        before
    );
}

#[test]
fn what_cannot_succeed_is_left_to_a_person() {
    let (plan, mut state) = at_prepared();
    let step = state.step(&plan).unwrap().id.clone();
    let trouble = Trouble {
        again: Again::Never,
        what: "wrong API key".to_owned(),
    };
    state.apply(
        &plan,
        at(),
        &Event::Failed {
            step,
            doing: Doing::Observing,
            trouble,
        },
    );
    assert_eq!(
        state.hold,
        Some(Hold::Blocked {
            why: "wrong API key".to_owned()
        })
    );
}

#[test]
fn turning_round_undoes_what_was_intended_and_nothing_else() {
    let (plan, mut state) = at_prepared();
    observe(&plan, &mut state, no_ca());
    let (step, attempt, _) = pursue(&plan, &state);
    state.apply(&plan, at(), &Event::Intended { step, attempt });
    let verb = Verb::RollBack;
    let decision = Decision {
        by: "ana".to_owned(),
        reason: "doubts".to_owned(),
        verb,
    };
    state.apply(&plan, at(), &Event::Decided(decision));
    let left: Vec<_> = state
        .steps(&plan)
        .iter()
        .map(|step| step.id.as_str())
        .collect();
    assert_eq!(left, ["back/key"], "only the CA was made");
}

#[test]
fn a_step_that_was_reached_moves_on() {
    let (plan, mut state) = at_prepared();
    observe(&plan, &mut state, a_ca());
    assert_eq!(state.step(&plan).unwrap().id.as_str(), "trusted/ns-0");
    assert_eq!(state.phase(&plan), Some(Phase::Prepared));
}

#[test]
fn rests_grow_and_have_an_end() {
    let first = SignedDuration::from_secs(5);
    let spans: Vec<i64> = [1, 2, 3, 4, 20].map(|n| backoff(first, n).as_secs()).into();
    assert_eq!(spans, [5, 10, 20, 40, 300]);
}

/// A rollover whose last trust point accepts both CAs, at the look after the soak of `trusted/old-accepted`.
#[test]
fn evidence_that_lapses_in_a_soak_begins_it_again() {
    let (plan, mut state) = at_prepared();
    let name = "trusted/old-accepted";
    state.cursor = plan
        .forward
        .iter()
        .position(|step| step.id.as_str() == name)
        .unwrap();
    let probes = |outcome| {
        let probe = crate::sight::Probe {
            point: crate::id::TrustPointId::new("ns-0"),
            address: "ns-0:7233".to_owned(),
            outcome,
        };
        let accepted_at = BTreeMap::new();
        Sight::Probes(ProbeSight {
            have_leaf: true,
            probes: vec![probe],
            accepted_at,
        })
    };
    let good = || probes(crate::sight::ProbeOutcome::Accepted { passes: 3 });
    let bad = probes(crate::sight::ProbeOutcome::Unreachable {
        reason: "timed out".to_owned(),
    });
    observe(&plan, &mut state, good());
    assert!(matches!(state.stage, Stage::Soaking { .. }));
    let wait = state.wait;
    state.apply(&plan, at(), &Event::Elapsed { wait });
    observe(&plan, &mut state, bad);
    assert_eq!(state.hold, None);
    let wait = state.wait;
    state.apply(&plan, at(), &Event::Elapsed { wait });
    observe(&plan, &mut state, good());
    assert!(
        matches!(state.stage, Stage::Soaking { .. }),
        "it must hold for a whole soak"
    );
}
