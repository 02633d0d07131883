//! Rules about gates: traffic, soaks, counts.

use jiff::SignedDuration;

use super::{Course, Lives, accepts, destroys, distrusts, disuses, generations, stores, trusts};
use crate::{
    goal::Goal,
    id::HolderId,
    plan::{Plan, Step},
};

pub(super) fn traffic_asked(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    if plan.watched.is_empty() {
        return Vec::new();
    }
    let steps: Vec<&Step> = plan.forward.iter().collect();
    let course = Course(&steps);
    let mut found = Vec::new();
    let issued = course.first(|goal| matches!(goal, Goal::Stored { .. }));
    let baseline = course.first(|goal| {
        matches!(goal, Goal::Baseline { holders } if plan.watched.iter().all(|w| holders.contains(w)))
    });
    if baseline.is_none_or(|at| issued.is_some_and(|issued| issued < at)) {
        found.push(
            "expected the baseline of all who are watched before the first leaf, found no such step"
                .to_owned(),
        );
    }
    for (at, step) in steps.iter().enumerate() {
        let Goal::Presented { holders, .. } = &step.goal else {
            continue;
        };
        let ends = |goal: &Goal| matches!(goal, Goal::Stored { .. } | Goal::Disused { .. });
        let next = steps.iter().skip(at).position(|step| ends(&step.goal));
        let until = next.map_or(steps.len(), |next| at + next);
        let watched = plan.watched.iter().filter(|w| holders.contains(w));
        if !watched.clone().all(|w| is_steady(&steps, w, at..until)) {
            found.push(format!(
                "expected the traffic of `{}` to be asked about before the next step that changes something, found no such step",
                step.id
            ));
        }
    }
    found.extend(before_the_key(plan, &steps));
    found
}

fn is_steady(steps: &[&Step], who: &HolderId, range: std::ops::Range<usize>) -> bool {
    let is = |goal: &Goal| matches!(goal, Goal::Steady { holders } if holders.contains(who));
    steps
        .iter()
        .take(range.end)
        .skip(range.start)
        .any(|step| is(&step.goal))
}

/// After the distrust, so that the final soak is counted from there; and after that soak.
fn before_the_key(plan: &Plan, steps: &[&Step]) -> Option<String> {
    let (_, old) = generations(plan);
    let old = old?;
    let course = Course(steps);
    let distrusted = course.last(|goal| distrusts(goal, old))?;
    let key = course.last(|goal| destroys(goal, old))?;
    let soaked = steps
        .iter()
        .rposition(|step| step.soak > SignedDuration::ZERO)
        .filter(|at| *at > distrusted)
        .unwrap_or(distrusted);
    let is_asked = |w: &HolderId| {
        is_steady(steps, w, distrusted..soaked) && is_steady(steps, w, soaked..key)
            || soaked == distrusted && is_steady(steps, w, distrusted..key)
    };
    (!plan.watched.iter().all(is_asked)).then(|| {
        "expected the traffic of all who are watched to be asked about before and after the final soak, found no such step"
            .to_owned()
    })
}

pub(super) fn soaks(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let steps: Vec<&Step> = plan.forward.iter().collect();
    let course = Course(&steps);
    let timing = &plan.timing;
    let mut found = Vec::new();
    let mut expect = |what: &str, found_soak: SignedDuration, wanted: SignedDuration| {
        if found_soak < wanted {
            found.push(format!(
                "expected {what} to hold for {wanted:#}, found {found_soak:#}"
            ));
        }
    };
    for step in &steps {
        match &step.goal {
            Goal::Presented { .. } | Goal::Baseline { .. } => {
                expect(&format!("`{}`", step.id), step.soak, timing.wave_soak);
            }
            Goal::Disused { .. } => {
                expect(&format!("`{}`", step.id), step.soak, timing.disused_soak);
            }
            Goal::Preflight
            | Goal::CaExists { .. }
            | Goal::Trust { .. }
            | Goal::Accepted { .. }
            | Goal::Refused { .. }
            | Goal::Stored { .. }
            | Goal::Steady { .. }
            | Goal::KeyDestroyed { .. } => {}
        }
    }
    let (new, Some(old)) = generations(plan) else {
        return found;
    };
    expect(
        "trust in both CAs",
        trusted_for(plan, &steps),
        timing.trusted_soak,
    );
    let distrusted = course.last(|goal| distrusts(goal, old));
    let key = course.last(|goal| destroys(goal, old));
    if let (Some(from), Some(to)) = (distrusted, key) {
        expect(
            &format!("distrust of {old}, and trust in {new} alone,"),
            soaked(&steps, from, to),
            timing.final_soak,
        );
    }
    found
}

/// How long all trust points accept both CAs before the first leaf of the new one is signed.
fn trusted_for(plan: &Plan, steps: &[&Step]) -> SignedDuration {
    let (new, _) = generations(plan);
    let course = Course(steps);
    let trusted = plan
        .trust_points
        .iter()
        .filter_map(|point| course.first(|goal| trusts(goal, point, new)))
        .max();
    let signed = course.first(|goal| accepts(goal, new) || stores(goal, new));
    match (trusted, signed) {
        (Some(from), Some(to)) => soaked(steps, from, to),
        (None, _) | (_, None) => SignedDuration::ZERO,
    }
}

fn soaked(steps: &[&Step], from: usize, to: usize) -> SignedDuration {
    let between = steps.iter().take(to).skip(from);
    between
        .map(|step| step.soak)
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add)
}

pub(super) fn propagation(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let steps: Vec<&Step> = plan.forward.iter().collect();
    let course = Course(&steps);
    let (_, Some(old)) = generations(plan) else {
        return Vec::new();
    };
    let wanted = plan.timing.propagation;
    let short = |what: &str, found: SignedDuration| {
        (found < wanted).then(|| {
            format!("expected {what} to hold for the {wanted:#} that the slowest trust point takes, found {found:#}")
        })
    };
    let after_proof = course
        .first(|goal| disuses(goal, old))
        .and_then(|at| steps.get(at));
    let trusted = short("trust in both CAs", trusted_for(plan, &steps));
    let proof = after_proof.and_then(|step| short(&format!("`{}`", step.id), step.soak));
    trusted.into_iter().chain(proof).collect()
}

pub(super) fn counts(plan: &Plan, _: Option<&Lives>) -> Vec<String> {
    let timing = &plan.timing;
    let mut found = Vec::new();
    let is_untried = |step: &&Step| matches!(step.goal, Goal::Accepted { passes: 0, .. });
    let untried = plan.forward.iter().filter(is_untried);
    found
        .extend(untried.map(|step| format!("expected `{}` to try a leaf, found 0 times", step.id)));
    if timing.attempts == 0 {
        found.push("expected at least one attempt, found 0".to_owned());
    }
    if timing.poll <= SignedDuration::ZERO || timing.patience <= timing.poll {
        found.push(format!(
            "expected more patience than one rest, found {:#} and {:#}",
            timing.patience, timing.poll
        ));
    }
    found
}
