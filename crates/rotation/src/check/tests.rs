//! Each rule, broken on purpose; and the plans that we make, which break none.

use jiff::SignedDuration;

use super::*;
use crate::{
    Phase, StepId, plan,
    simulator::{HolderKind, Scenario},
};

const OLD: Generation = Generation(1);
const NEW: Generation = Generation(2);

fn rollover() -> Plan {
    let kind = Kind::CaRollover { old: OLD, new: NEW };
    plan(&Scenario::calm(kind, 2, &[HolderKind::Hot, HolderKind::Hot]).spec).unwrap()
}

fn renewal() -> Plan {
    let kind = Kind::LeafRenewal { generation: OLD };
    plan(&Scenario::calm(kind, 2, &[HolderKind::Hot]).spec).unwrap()
}

fn codes(plan: &Plan) -> Vec<&'static str> {
    let mut codes: Vec<_> = check(plan, None).iter().map(|f| f.code).collect();
    codes.dedup();
    codes
}

/// Changes a good plan; it must break just this rule, or these.
#[track_caller]
fn broken(mut plan: Plan, change: impl FnOnce(&mut Plan), expected: &[&str]) {
    assert_eq!(codes(&plan), [""; 0]);
    change(&mut plan);
    assert_eq!(codes(&plan), expected, "{:#?}", check(&plan, None));
}

fn at(plan: &Plan, id: &str) -> usize {
    let steps = &plan.forward;
    steps.iter().position(|s| s.id.as_str() == id).unwrap()
}

fn remove(plan: &mut Plan, id: &str) -> Step {
    let at = at(plan, id);
    plan.forward.remove(at)
}

fn move_before(plan: &mut Plan, id: &str, before: &str) {
    let step = remove(plan, id);
    let at = at(plan, before);
    plan.forward.insert(at, step);
}

fn remove_back(plan: &mut Plan, id: &str) {
    plan.backward.retain(|undo| undo.step.id.as_str() != id);
}

#[test]
fn the_plans_that_we_make_are_sound() {
    assert_eq!(check(&rollover(), None), []);
    assert_eq!(check(&renewal(), None), []);
    for seed in 0..500 {
        let plan = plan(&Scenario::random(seed).spec).unwrap();
        assert_eq!(check(&plan, None), [], "seed {seed}");
    }
}

#[test]
fn codes_are_in_order_and_found_whatever_their_case() {
    let codes: Vec<_> = table().map(|rule| rule.code).collect();
    let expected: Vec<_> = (1..=17).map(|n| format!("P{n:03}")).collect();
    assert_eq!(codes, expected);
    assert_eq!(find("p003").unwrap().name, "SignedBeforeTrusted");
    assert!(find("P999").is_none());
}

#[test]
fn names_and_phases() {
    let twin = |p: &mut Plan| p.forward[3].id = StepId::new("prepared/ca");
    // Where a name means two steps, the way back cannot tell where it begins.
    broken(rollover(), twin, &["P001", "P014"]);
    let turned = |p: &mut Plan| p.forward[1].phase = Phase::Canary;
    broken(rollover(), turned, &["P001"]);
    let unchecked = |p: &mut Plan| drop(remove(p, "preflight/checks"));
    broken(rollover(), unchecked, &["P002"]);
}

#[test]
fn trust_then_canary_then_leaves() {
    let early = |p: &mut Plan| {
        let mut step = p.forward[at(p, "canary/new-accepted")].clone();
        (step.id, step.phase) = (StepId::new("prepared/early"), Phase::Prepared);
        p.forward.insert(3, step);
    };
    broken(rollover(), early, &["P003", "P011", "P012"]);
    let no_canary = |p: &mut Plan| drop(remove(p, "canary/new-accepted"));
    broken(rollover(), no_canary, &["P004"]);
    let no_canary = |p: &mut Plan| drop(remove(p, "preflight/accepted"));
    broken(renewal(), no_canary, &["P004"]);
}

#[test]
fn proof_then_distrust() {
    let unproven = |p: &mut Plan| drop(remove(p, "soaking/disuse"));
    broken(rollover(), unproven, &["P005"]);
    let alone = |p: &mut Plan| {
        let step = at(p, "trusted/ns-0");
        p.forward[step].goal = p.forward[at(p, "distrusted/ns-0")].goal.clone();
    };
    broken(rollover(), alone, &["P005", "P007", "P014"]);
    let forgotten = |p: &mut Plan| drop(remove(p, "distrusted/ns-1"));
    broken(rollover(), forgotten, &["P007"]);
    let untrusted = |p: &mut Plan| drop(remove(p, "trusted/ns-1"));
    broken(rollover(), untrusted, &["P003", "P007", "P011", "P012"]);
}

#[test]
fn everybody_moves_once_and_in_time() {
    let no_leaf = |p: &mut Plan| drop(remove(p, "issuing/stored/worker-1"));
    broken(rollover(), no_leaf, &["P006"]);
    let unseen = |p: &mut Plan| drop(remove(p, "issuing/wave-2"));
    broken(rollover(), unseen, &["P006"]);
    let late = |p: &mut Plan| {
        let step = remove(p, "soaking/disuse");
        let wave = at(p, "issuing/stored/worker-1");
        p.forward.insert(
            wave,
            Step {
                phase: Phase::Issuing,
                ..step
            },
        );
    };
    broken(rollover(), late, &["P006"]);
}

#[test]
fn the_key_goes_last_and_after_the_proofs() {
    let early = |p: &mut Plan| {
        let step = remove(p, "retired/key");
        let distrust = at(p, "distrusted/ns-0");
        p.forward.insert(
            distrust,
            Step {
                phase: Phase::Soaking,
                ..step
            },
        );
    };
    broken(rollover(), early, &["P008", "P010", "P011"]);
    for proof in ["distrusted/old-refused", "distrusted/new-accepted"] {
        let mut plan = rollover();
        // Without the step its soak is missing too, and with it the place where traffic is asked about a second time.
        remove(&mut plan, proof);
        assert!(codes(&plan).contains(&"P009"), "{proof}");
    }
    let stray = |p: &mut Plan| {
        let goal = Goal::KeyDestroyed { generation: OLD };
        let last = p.forward.last().unwrap().clone();
        let id = StepId::new("issuing/key");
        p.forward.push(Step { id, goal, ..last });
    };
    broken(renewal(), stray, &["P008"]);
}

#[test]
fn traffic_is_asked_about_at_every_gate() {
    for gate in [
        "canary/baseline",
        "issuing/steady-1",
        "issuing/steady-2",
        "distrusted/steady",
        "retired/steady",
    ] {
        broken(rollover(), |p| drop(remove(p, gate)), &["P010"]);
    }
    let late = |p: &mut Plan| {
        p.forward.iter_mut().for_each(|s| s.phase = Phase::Issuing);
        move_before(p, "canary/baseline", "issuing/wave-1");
    };
    broken(rollover(), late, &["P010"]);
    let mut unwatched = Scenario::calm(rollover().kind, 1, &[HolderKind::Hot]).spec;
    unwatched.watched.clear();
    assert_eq!(codes(&plan(&unwatched).unwrap()), [""; 0]);
}

#[test]
fn soaks_are_there_and_long_enough() {
    for step in [
        "trusted/old-accepted",
        "issuing/wave-1",
        "canary/baseline",
        "soaking/disuse",
    ] {
        let mut plan = rollover();
        let step = at(&plan, step);
        plan.forward[step].soak = SignedDuration::ZERO;
        assert_eq!(codes(&plan)[0], "P011");
    }
    let hurried = |p: &mut Plan| {
        let step = at(p, "distrusted/new-accepted");
        p.forward[step].soak = SignedDuration::from_secs(1);
    };
    broken(rollover(), hurried, &["P011"]);
    let slow = |p: &mut Plan| p.timing.propagation = SignedDuration::from_mins(90);
    broken(rollover(), slow, &["P012"]);
}

#[test]
fn counts_count_something() {
    broken(rollover(), |p| p.timing.attempts = 0, &["P013"]);
    broken(rollover(), |p| p.timing.patience = p.timing.poll, &["P013"]);
    let untried = |p: &mut Plan| {
        let (step, generation) = (at(p, "canary/new-accepted"), NEW);
        p.forward[step].goal = Goal::Accepted {
            generation,
            passes: 0,
        };
    };
    broken(rollover(), untried, &["P013"]);
}

#[test]
fn each_change_has_its_way_back() {
    for step in [
        "trust/ns-1",
        "stored/worker-1",
        "presented",
        "disuse",
        "distrust/ns-0",
        "key",
    ] {
        let forget = |p: &mut Plan| remove_back(p, &format!("back/{step}"));
        broken(rollover(), forget, &["P014"]);
    }
    let nowhere = |p: &mut Plan| p.backward[0].since = StepId::new("distrusted/ns-9");
    broken(rollover(), nowhere, &["P014"]);
    let late = |p: &mut Plan| p.backward.last_mut().unwrap().since = StepId::new("retired/key");
    broken(rollover(), late, &["P014"]);
}

#[test]
fn the_way_back_keeps_its_order() {
    broken(rollover(), |p| p.backward.reverse(), &["P015"]);
    let cruel = |p: &mut Plan| {
        let (old, new) = (vec![OLD], vec![NEW]);
        let (point, accept, refuse) = (p.trust_points[0].clone(), new, old);
        p.backward[3].step.goal = Goal::Trust {
            point,
            accept,
            refuse,
        };
    };
    let mut plan = rollover();
    cruel(&mut plan);
    assert!(codes(&plan).contains(&"P015"));
}

#[test]
fn what_is_in_use_outlives_its_turn() {
    let plan = rollover();
    let now: jiff::Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
    let lives = |ca: SignedDuration, leaf: SignedDuration| Lives {
        now,
        ca: now + ca,
        reserve: SignedDuration::from_hours(1),
        leaves: [(plan.holders[1].clone(), now + leaf)].into(),
    };
    let codes = |ca: i64, leaf: i64| -> Vec<&str> {
        let lives = lives(
            SignedDuration::from_mins(ca),
            SignedDuration::from_mins(leaf),
        );
        check(&plan, Some(&lives)).iter().map(|f| f.code).collect()
    };
    // Nine minutes of soaks and the reserve; three minutes until the second wave.
    assert_eq!(plan.soaks(), SignedDuration::from_mins(9));
    assert_eq!(codes(69, 3), [""; 0]);
    assert_eq!(codes(68, 3), ["P016"]);
    assert_eq!(codes(69, 2), ["P017"]);
    assert_eq!(
        codes(69, -1),
        [""; 0],
        "a leaf that has ended loses nothing by a rotation"
    );
}
