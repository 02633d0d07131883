//! Rules about what is in use living until it has been replaced.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Course, generations, shows};
use crate::{
    id::HolderId,
    plan::{Plan, Step},
};

/// When what is in use ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lives {
    /// The instant of judgement.
    pub now: Timestamp,
    /// The last instant of the current CA.
    pub ca: Timestamp,
    /// How much life the CA must have left beyond the rotation.
    pub reserve: SignedDuration,
    /// The last instant of the leaf in each holder's store; one without a leaf is not named.
    pub leaves: BTreeMap<HolderId, Timestamp>,
}

pub(super) fn of_ca(plan: &Plan, lives: Option<&Lives>) -> Vec<String> {
    let (Some(lives), (_, Some(old))) = (lives, generations(plan)) else {
        return Vec::new();
    };
    let needed = plan.soaks().saturating_add(lives.reserve);
    let left = lives.ca.duration_since(lives.now);
    if left >= needed {
        return Vec::new();
    }
    vec![format!(
        "expected CA {old} to live for the {needed:#} of the soaks and the reserve, found {left:#} until {}",
        lives.ca
    )]
}

/// A leaf that has ended already cannot be harmed by waiting; its holder gains by the rotation.
pub(super) fn of_leaves(plan: &Plan, lives: Option<&Lives>) -> Vec<String> {
    let (Some(lives), (new, Some(_))) = (lives, generations(plan)) else {
        return Vec::new();
    };
    let steps: Vec<&Step> = plan.forward.iter().collect();
    let course = Course(&steps);
    let mut found = Vec::new();
    for (holder, not_after) in lives.leaves.iter().filter(|(_, end)| **end >= lives.now) {
        let Some(wave) = course.first(|goal| shows(goal, holder, new)) else {
            continue;
        };
        let soaks = steps.iter().take(wave).map(|step| step.soak);
        let needed = soaks.fold(SignedDuration::ZERO, SignedDuration::saturating_add);
        let left = not_after.duration_since(lives.now);
        if left < needed {
            found.push(format!(
                "expected the leaf of `{holder}` to live for the {needed:#} until its wave, found {left:#} until {not_after}"
            ));
        }
    }
    found
}
