//! The order of the steps is the product's promise.

use super::*;
use crate::simulator::{HolderKind, Scenario};

fn spec(kind: Kind) -> Spec {
    let mut spec = Scenario::calm(kind, 2, &[HolderKind::Hot, HolderKind::Restarting]).spec;
    spec.approvals.insert(Phase::Distrusted);
    spec
}

fn print(steps: &[&Step]) -> String {
    let line = |s: &&Step| {
        format!(
            "{}: {}{}\n",
            s.id,
            s.goal,
            if s.approval { " (approval)" } else { "" }
        )
    };
    steps.iter().map(line).collect()
}

#[test]
fn a_rollover_goes_there_in_this_order() {
    let plan = plan(&spec(Kind::CaRollover {
        old: Generation(1),
        new: Generation(2),
    }))
    .unwrap();
    insta::assert_snapshot!(print(&plan.forward.iter().collect::<Vec<_>>()), @r"
    preflight/checks: every check before the first change passes
    preflight/old-accepted: a g1 leaf is accepted at every address, 3 times in a row
    prepared/ca: CA g2 exists and lints clean
    trusted/ns-0: `ns-0` accepts g1 and g2
    trusted/ns-1: `ns-1` accepts g1 and g2
    trusted/old-accepted: a g1 leaf is accepted at every address
    canary/new-accepted: a g2 leaf is accepted at every address, 3 times in a row
    canary/baseline: the traffic of worker-0, worker-1 is known
    issuing/stored/worker-0: `worker-0` holds a g2 leaf
    issuing/wave-1: worker-0 presents g2 and nothing else
    issuing/steady-1: the traffic of worker-0 is steady
    issuing/stored/worker-1: `worker-1` holds a g2 leaf
    issuing/wave-2: worker-1 presents g2 and nothing else
    issuing/steady-2: the traffic of worker-1 is steady
    soaking/disuse: nobody presents g1
    distrusted/ns-0: `ns-0` accepts g2 and no longer g1 (approval)
    distrusted/ns-1: `ns-1` accepts g2 and no longer g1
    distrusted/old-refused: a g1 leaf is refused at every address
    distrusted/steady: the traffic of worker-0, worker-1 is steady
    distrusted/new-accepted: a g2 leaf is accepted at every address, 3 times in a row
    retired/steady: the traffic of worker-0, worker-1 is steady
    retired/key: the key of CA g1 is destroyed
    ");
}

#[test]
fn a_rollover_goes_back_in_this_order() {
    let plan = plan(&spec(Kind::CaRollover {
        old: Generation(1),
        new: Generation(2),
    }))
    .unwrap();
    let steps: Vec<_> = plan.backward.iter().map(|undo| &undo.step).collect();
    insta::assert_snapshot!(print(&steps), @r"
    back/trust/ns-0: `ns-0` accepts g1 and g2
    back/trust/ns-1: `ns-1` accepts g1 and g2
    back/stored/worker-0: `worker-0` holds a g1 leaf
    back/stored/worker-1: `worker-1` holds a g1 leaf
    back/presented: worker-0, worker-1 present g1 and nothing else
    back/disuse: nobody presents g2
    back/distrust/ns-0: `ns-0` accepts g1 and no longer g2
    back/distrust/ns-1: `ns-1` accepts g1 and no longer g2
    back/old-accepted: a g1 leaf is accepted at every address, 3 times in a row
    back/key: the key of CA g2 is destroyed
    ");
}

#[test]
fn a_renewal_goes_there_in_this_order() {
    let plan = plan(&spec(Kind::LeafRenewal {
        generation: Generation(1),
    }))
    .unwrap();
    insta::assert_snapshot!(print(&plan.forward.iter().collect::<Vec<_>>()), @r"
    preflight/checks: every check before the first change passes
    preflight/accepted: a g1 leaf is accepted at every address, 3 times in a row
    preflight/baseline: the traffic of worker-0, worker-1 is known
    issuing/stored/worker-0: `worker-0` holds a new g1 leaf
    issuing/wave-1: worker-0 presents g1 and nothing else
    issuing/steady-1: the traffic of worker-0 is steady
    issuing/stored/worker-1: `worker-1` holds a new g1 leaf
    issuing/wave-2: worker-1 presents g1 and nothing else
    issuing/steady-2: the traffic of worker-1 is steady
    ");
}

/// Every step of the way back names a step of the way there, or it would never be taken.
#[test]
fn the_way_back_knows_where_it_begins() {
    let plan = plan(&spec(Kind::CaRollover {
        old: Generation(1),
        new: Generation(2),
    }))
    .unwrap();
    for undo in &plan.backward {
        assert!(
            plan.forward.iter().any(|step| step.id == undo.since),
            "{}",
            undo.since
        );
    }
}

#[test]
fn without_a_registered_identity_there_is_no_plan() {
    let mut spec = spec(Kind::LeafRenewal {
        generation: Generation(1),
    });
    spec.waves.clear();
    assert!(matches!(plan(&spec), Err(PlanError::NoHolder { .. })));
}

#[test]
fn nobody_is_in_two_waves() {
    let mut spec = spec(Kind::LeafRenewal {
        generation: Generation(1),
    });
    spec.waves.push(spec.waves[0].clone());
    assert!(matches!(plan(&spec), Err(PlanError::Twice { .. })));
}

#[test]
fn a_generation_is_followed_by_a_newer_one() {
    let same = Kind::CaRollover {
        old: Generation(2),
        new: Generation(2),
    };
    assert!(matches!(plan(&spec(same)), Err(PlanError::NotNewer { .. })));
}

/// A gate that nobody can answer is left out, and whoever reads the plan can tell.
#[test]
fn who_is_not_watched_is_asked_by_no_gate() {
    let mut spec = spec(Kind::CaRollover {
        old: Generation(1),
        new: Generation(2),
    });
    let first = spec.watched.pop_first().unwrap();
    let partly = plan(&spec).unwrap();
    assert_eq!(partly.unwatched(), [&first]);
    let gates: Vec<&str> = partly
        .forward
        .iter()
        .filter(|s| matches!(s.goal, Goal::Baseline { .. } | Goal::Steady { .. }))
        .map(|s| s.id.as_str())
        .collect();
    assert_eq!(
        gates,
        [
            "canary/baseline",
            "issuing/steady-2",
            "distrusted/steady",
            "retired/steady"
        ]
    );
    spec.watched.clear();
    let blind = plan(&spec).unwrap();
    assert_eq!(blind.unwatched().len(), 2);
    assert!(
        !blind
            .forward
            .iter()
            .any(|s| matches!(s.goal, Goal::Steady { .. }))
    );
}
