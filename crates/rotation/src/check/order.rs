//! Rules about the order of the way there: trust, sign, move, prove, distrust, destroy.

use std::collections::BTreeSet;

use super::{
    Course, Lives, accepts, destroys, distrusts, distrusts_at, disuses, generations, shows, stores,
    stores_for, trusts,
};
use crate::{
    goal::Goal,
    plan::{Plan, Step},
};

fn forward(plan: &Plan) -> Vec<&Step> {
    plan.forward.iter().collect()
}

pub(super) fn in_place(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let back = plan.backward.iter().map(|undo| &undo.step);
    let twice = plan
        .forward
        .iter()
        .chain(back)
        .filter(|step| !seen.insert(&step.id))
        .map(|step| format!("expected one step `{}`, found two", step.id));
    let turns = plan.forward.windows(2).filter_map(|pair| match pair {
        [before, after] if after.phase < before.phase => Some(format!(
            "expected `{}` before `{}`, found it after",
            after.id, before.id
        )),
        _ => None,
    });
    twice.chain(turns).collect()
}

pub(super) fn preflight_first(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    match plan.forward.first() {
        Some(first) if first.goal == Goal::Preflight => Vec::new(),
        Some(first) => vec![format!(
            "expected the preflight first, found `{}`",
            first.id
        )],
        None => vec!["expected the preflight first, found no step".to_owned()],
    }
}

pub(super) fn trusted_before_signed(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let (new, Some(_)) = generations(plan) else {
        return Vec::new();
    };
    let steps = forward(plan);
    let course = Course(&steps);
    let Some(signed) = course.first(|goal| stores(goal, new) || accepts(goal, new)) else {
        return Vec::new();
    };
    let trusted = |point| {
        course
            .first(|goal| trusts(goal, point, new))
            .is_some_and(|at| at < signed)
    };
    let missing = plan.trust_points.iter().filter(|point| !trusted(point));
    missing
        .map(|point| {
            format!(
                "expected `{point}` to accept {new} before {}, found no such step",
                course.name(signed)
            )
        })
        .collect()
}

pub(super) fn canary_before_issued(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let (new, _) = generations(plan);
    let steps = forward(plan);
    let course = Course(&steps);
    let canary = course.first(|goal| accepts(goal, new));
    match (canary, course.first(|goal| stores(goal, new))) {
        (Some(canary), Some(issued)) if canary < issued => Vec::new(),
        (_, None) => Vec::new(),
        (_, Some(issued)) => vec![format!(
            "expected a {new} leaf to be tried before {}, found no such step",
            course.name(issued)
        )],
    }
}

pub(super) fn proof_before_distrust(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let (_, Some(old)) = generations(plan) else {
        return Vec::new();
    };
    let steps = forward(plan);
    let course = Course(&steps);
    let proof = course.first(|goal| disuses(goal, old));
    let is_without_old =
        |goal: &Goal| matches!(goal, Goal::Trust { accept, .. } if !accept.contains(&old));
    let early = course.positions(|goal| distrusts(goal, old) || is_without_old(goal));
    let early = early
        .into_iter()
        .filter(|at| proof.is_none_or(|proof| *at < proof))
        .map(|at| {
            format!(
                "expected the proof that nobody presents {old} before {}, found it after, or not at all",
                course.name(at)
            )
        });
    let again = course.positions(|goal| stores(goal, old)).into_iter();
    let again = again
        .filter(|at| proof.is_some_and(|proof| *at > proof))
        .map(|at| {
            format!(
                "expected no leaf of {old} after the proof of its disuse, found {}",
                course.name(at)
            )
        });
    early.chain(again).collect()
}

pub(super) fn everybody_moves(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let (new, old) = generations(plan);
    let steps = forward(plan);
    let course = Course(&steps);
    let proof = old.and_then(|old| course.first(|goal| disuses(goal, old)));
    let mut found = Vec::new();
    for holder in &plan.holders {
        let stored = course.positions(|goal| stores_for(goal, holder, new));
        let shown = course.positions(|goal| shows(goal, holder, new));
        match (stored.as_slice(), shown.as_slice()) {
            ([stored], [shown]) if stored < shown && proof.is_none_or(|at| *shown < at) => {}
            ([_], [_]) => found.push(format!(
                "expected `{holder}` to get its leaf, then to be seen presenting it, before the proof of disuse; found another order"
            )),
            (stored, shown) => found.push(format!(
                "expected `{holder}` to get one leaf and to be in one wave, found {} and {}",
                stored.len(),
                shown.len()
            )),
        }
    }
    found
}

pub(super) fn everywhere(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let steps = forward(plan);
    let course = Course(&steps);
    let (new, Some(old)) = generations(plan) else {
        let changes = course.positions(|goal| matches!(goal, Goal::Trust { .. }));
        let changes = changes.into_iter();
        return changes
            .map(|at| {
                format!(
                    "expected no trust point to change, found {}",
                    course.name(at)
                )
            })
            .collect();
    };
    let mut found = Vec::new();
    for point in &plan.trust_points {
        let both = course.positions(|g| trusts(g, point, old) && trusts(g, point, new));
        let alone = course.positions(|g| trusts(g, point, new) && distrusts_at(g, point, old));
        if (both.len(), alone.len()) != (1, 1) {
            found.push(format!(
                "expected `{point}` to accept {old} and {new} in one step and {new} alone in another, found {} and {}",
                both.len(),
                alone.len()
            ));
        }
    }
    found
}

pub(super) fn key_last(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let steps = forward(plan);
    let course = Course(&steps);
    let keys = course.positions(|goal| matches!(goal, Goal::KeyDestroyed { .. }));
    let (_, old) = generations(plan);
    let Some(old) = old else {
        let keys = keys.into_iter();
        return keys
            .map(|at| format!("expected every key to stay, found {}", course.name(at)))
            .collect();
    };
    let is_last = |at: &usize| *at + 1 == steps.len();
    let is_old = course.last(|goal| destroys(goal, old)) == keys.last().copied();
    match keys.as_slice() {
        [at] if is_last(at) && is_old => Vec::new(),
        _ => vec![format!(
            "expected the end of the key of {old} as the last step and no other key's, found {}",
            keys.iter()
                .map(|at| course.name(*at))
                .collect::<Vec<_>>()
                .join(", ")
        )],
    }
}

pub(super) fn proved_afterwards(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let (new, Some(old)) = generations(plan) else {
        return Vec::new();
    };
    let steps = forward(plan);
    let course = Course(&steps);
    let Some(last) = course.last(|goal| distrusts(goal, old)) else {
        return Vec::new();
    };
    let is_refused =
        |goal: &Goal| matches!(goal, Goal::Refused { generation } if *generation == old);
    let missing = |at: Option<usize>| at.is_none_or(|at| at < last);
    let mut found = Vec::new();
    if missing(course.last(is_refused)) {
        found.push(format!(
            "expected a {old} leaf to be tried and refused after {}, found no such step",
            course.name(last)
        ));
    }
    if missing(course.last(|goal| accepts(goal, new))) {
        found.push(format!(
            "expected a {new} leaf to be tried after {}, found no such step",
            course.name(last)
        ));
    }
    found
}
