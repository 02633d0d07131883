//! Rules about the way back of a rollover.

use super::{
    Course, Lives, destroys, distrusts, distrusts_at, disuses, generations, shows, stores,
    stores_for, trusts,
};
use crate::{
    goal::Goal,
    plan::{Plan, Step},
};

pub(super) fn exists(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let index = |id| plan.forward.iter().position(|step| step.id == id);
    let unknown = plan
        .backward
        .iter()
        .filter(|undo| index(undo.since.clone()).is_none());
    let mut found: Vec<String> = unknown
        .map(|undo| {
            format!(
                "expected `{}` to begin with a step of the way there, found `{}`",
                undo.step.id, undo.since
            )
        })
        .collect();
    let (new, Some(old)) = generations(plan) else {
        return found;
    };
    for (at, step) in plan.forward.iter().enumerate() {
        let undoes = |is: &dyn Fn(&Goal) -> bool| {
            let taken = |since| index(since).is_some_and(|since| since <= at);
            plan.backward
                .iter()
                .any(|undo| is(&undo.step.goal) && taken(undo.since.clone()))
        };
        let is_undone = match &step.goal {
            Goal::CaExists { .. } => undoes(&|goal| destroys(goal, new)),
            Goal::Trust { point, .. } if distrusts(&step.goal, old) => {
                undoes(&|goal| trusts(goal, point, old) && trusts(goal, point, new))
            }
            Goal::Trust { point, .. } => {
                undoes(&|goal| distrusts_at(goal, point, new)) && undoes(&|goal| disuses(goal, new))
            }
            Goal::Stored { holder, .. } => {
                undoes(&|goal| stores_for(goal, holder, old))
                    && undoes(&|goal| shows(goal, holder, old))
            }
            Goal::Preflight
            | Goal::Accepted { .. }
            | Goal::Refused { .. }
            | Goal::Presented { .. }
            | Goal::Disused { .. }
            | Goal::Baseline { .. }
            | Goal::Steady { .. }
            | Goal::KeyDestroyed { .. } => true,
        };
        if !is_undone {
            found.push(format!(
                "expected steps of the way back that undo `{}`, found none or too few",
                step.id
            ));
        }
    }
    found
}

pub(super) fn in_order(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let (new, Some(old)) = generations(plan) else {
        return Vec::new();
    };
    let steps: Vec<&Step> = plan.backward.iter().map(|undo| &undo.step).collect();
    let course = Course(&steps);
    let trusted = course.last(|goal| {
        matches!(goal, Goal::Trust { accept, refuse, .. } if accept.contains(&old) && refuse.is_empty())
    });
    let shown = course.last(|goal| matches!(goal, Goal::Presented { .. }));
    let order = [
        (trusted, course.first(|goal| stores(goal, old))),
        (course.last(|goal| stores(goal, old)), shown),
        (shown, course.first(|goal| disuses(goal, new))),
        (
            course.last(|goal| disuses(goal, new)),
            course.first(|goal| distrusts(goal, new)),
        ),
        (
            course.last(|goal| distrusts(goal, new)),
            course.first(|goal| destroys(goal, new)),
        ),
    ];
    let turned = order.into_iter().filter_map(|pair| match pair {
        (Some(before), Some(after)) if before >= after => Some(format!(
            "expected {} before {}, found it after",
            course.name(before),
            course.name(after)
        )),
        (Some(_) | None, Some(_) | None) => None,
    });
    let wrong = course.positions(|goal| distrusts(goal, old) || destroys(goal, old));
    let wrong = wrong.into_iter().map(|at| {
        format!(
            "expected the way back to spare {old}, found {}",
            course.name(at)
        )
    });
    turned.chain(wrong).collect()
}
