//! Plan checks: what a plan could get wrong, although [`plan()`](crate::plan()) is ours.
//!
//! A plan is made whole before it is run, so it can be judged whole: in which order it trusts, signs, proves, distrusts and
//! destroys, whether nobody is forgotten, and whether each change has its way back. A [`Rule`] is data with a stable code; a
//! [`Finding`] is a rule that a plan breaks. No plan with a finding is shown as good, and none is started.

mod back;
mod gates;
mod life;
mod order;

use std::fmt;

use crate::{
    goal::Goal,
    id::{Generation, HolderId, TrustPointId},
    plan::{Plan, Step},
    spec::Kind,
};

pub use life::Lives;

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The stable code, such as `P003`.
    pub code: &'static str,
    /// The fact that it finds, such as `SignedBeforeTrusted`.
    pub name: &'static str,
    /// What must hold, and why.
    pub says: &'static str,
    /// What to do.
    pub advice: &'static str,
    find: fn(&Plan, Option<&Lives>) -> Vec<String>,
}

/// A rule that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule's code.
    pub code: &'static str,
    /// What was expected, and what was found.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

/// What to do about a plan that is wrong by itself.
const OURS: &str =
    "Nothing was started. This is a fault of newleaf: please report it with the plan.";

/// What to do about spans and counts.
const TIMING: &str =
    "Nothing was started. Change `timing` of the trust domain in newleaf.yaml and plan again.";

const RULES: [Rule; 17] = [
    Rule {
        code: "P001",
        name: "StepOutOfPlace",
        says: "Every step has a name of its own, and phases follow each other: a journal could not tell two steps of one name apart.",
        advice: OURS,
        find: order::in_place,
    },
    Rule {
        code: "P002",
        name: "ChangeBeforePreflight",
        says: "The checks of the preflight are the first step: nothing is changed before they pass.",
        advice: OURS,
        find: order::preflight_first,
    },
    Rule {
        code: "P003",
        name: "SignedBeforeTrusted",
        says: "No leaf of a new CA is wanted before every trust point accepts that CA: it would be refused where it is not.",
        advice: OURS,
        find: order::trusted_before_signed,
    },
    Rule {
        code: "P004",
        name: "IssuedBeforeCanary",
        says: "No holder gets a leaf before a canary leaf of the same CA was accepted: the first to fail must be ours.",
        advice: OURS,
        find: order::canary_before_issued,
    },
    Rule {
        code: "P005",
        name: "DistrustedWithoutProof",
        says: "A CA is taken out of a trust point only after the proof that nobody presents it, and not if leaves of it were wanted since.",
        advice: OURS,
        find: order::proof_before_distrust,
    },
    Rule {
        code: "P006",
        name: "NotEverybodyMoves",
        says: "Every holder gets its leaf in one step, is seen presenting it in one wave after that, and all waves end before the proof of disuse.",
        advice: OURS,
        find: order::everybody_moves,
    },
    Rule {
        code: "P007",
        name: "NotEverywhere",
        says: "A rollover changes every trust point twice: to accept old and new, and to accept the new alone. A renewal changes none.",
        advice: OURS,
        find: order::everywhere,
    },
    Rule {
        code: "P008",
        name: "KeyNotLast",
        says: "The old key is destroyed in the last step, when no trust point accepts its CA any more.",
        advice: OURS,
        find: order::key_last,
    },
    Rule {
        code: "P009",
        name: "NotProvedAfterwards",
        says: "Between the last distrust and the end of the old key, an old leaf is seen refused and a new one accepted.",
        advice: OURS,
        find: order::proved_afterwards,
    },
    Rule {
        code: "P010",
        name: "TrafficNotAsked",
        says: "Where traffic is watched, its baseline is observed before the first leaf is delivered, and it is held against it after each wave, after the distrust, and before the old key is destroyed.",
        advice: OURS,
        find: gates::traffic_asked,
    },
    Rule {
        code: "P011",
        name: "SoakMissing",
        says: "Every soak that the timing wants is in the plan: after the last trust, in each wave, with the baseline, with the proof of disuse, and after the last distrust.",
        advice: OURS,
        find: gates::soaks,
    },
    Rule {
        code: "P012",
        name: "SoakShorterThanPropagation",
        says: "Both CAs are trusted at least as long as the slowest trust point takes to see a change: a leaf signed earlier may be refused there.",
        advice: TIMING,
        find: gates::propagation,
    },
    Rule {
        code: "P013",
        name: "CountsNothing",
        says: "A canary is tried at least once, a step has at least one attempt, and its patience is longer than one rest.",
        advice: TIMING,
        find: gates::counts,
    },
    Rule {
        code: "P014",
        name: "NoWayBack",
        says: "For each change of a rollover there is a step of the way back that undoes it, and that is taken as soon as the change was intended.",
        advice: OURS,
        find: back::exists,
    },
    Rule {
        code: "P015",
        name: "WayBackOutOfOrder",
        says: "The way back keeps the order of the way there: first the old CA is trusted again, then everybody presents it, then the new one is proven out of use and distrusted, and its key goes last.",
        advice: OURS,
        find: back::in_order,
    },
    Rule {
        code: "P016",
        name: "CaEndsTooSoon",
        says: "The current CA lives longer than the rotation takes, and its reserve: else leaves in use end with it on the way.",
        advice: "Nothing was started. Shorten the soaks of the trust domain in newleaf.yaml, or roll over by hand with what the CA has left.",
        find: life::of_ca,
    },
    Rule {
        code: "P017",
        name: "LeafEndsTooSoon",
        says: "Every leaf in use lives until its holder's wave: else its holder is refused before the rotation comes to it.",
        advice: "Nothing was started. Renew the leaves first with `newleaf rotate leaf`, then roll the CA over.",
        find: life::of_leaves,
    },
];

/// Returns every rule, in the order of their codes.
pub fn table() -> impl Iterator<Item = &'static Rule> {
    RULES.iter()
}

/// Finds the rule with this code, whatever its case.
pub fn find(code: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(code))
}

/// Judges a plan. `lives` are the ends of what is in use, where they are known.
pub fn check(plan: &Plan, lives: Option<&Lives>) -> Vec<Finding> {
    let findings = |rule: &Rule| {
        let code = rule.code;
        let found = (rule.find)(plan, lives).into_iter();
        found
            .map(|message| Finding { code, message })
            .collect::<Vec<_>>()
    };
    RULES.iter().flat_map(findings).collect()
}

/// Where goals stand in a course.
#[derive(Clone, Copy)]
struct Course<'a>(&'a [&'a Step]);

impl Course<'_> {
    fn positions(self, is: impl Fn(&Goal) -> bool) -> Vec<usize> {
        let steps = self.0.iter().enumerate();
        steps
            .filter(|(_, step)| is(&step.goal))
            .map(|(i, _)| i)
            .collect()
    }

    fn first(self, is: impl Fn(&Goal) -> bool) -> Option<usize> {
        self.0.iter().position(|step| is(&step.goal))
    }

    fn last(self, is: impl Fn(&Goal) -> bool) -> Option<usize> {
        self.0.iter().rposition(|step| is(&step.goal))
    }

    fn name(self, position: usize) -> String {
        let step = self.0.get(position);
        step.map_or_else(|| "nothing".to_owned(), |step| format!("`{}`", step.id))
    }
}

/// The generation that everybody presents in the end, and the one that goes, if one does.
fn generations(plan: &Plan) -> (Generation, Option<Generation>) {
    match plan.kind {
        Kind::CaRollover { old, new } => (new, Some(old)),
        Kind::LeafRenewal { generation } => (generation, None),
    }
}

fn trusts(goal: &Goal, at: &TrustPointId, generation: Generation) -> bool {
    matches!(goal, Goal::Trust { point, accept, .. } if point == at && accept.contains(&generation))
}

fn distrusts(goal: &Goal, generation: Generation) -> bool {
    matches!(goal, Goal::Trust { refuse, .. } if refuse.contains(&generation))
}

fn distrusts_at(goal: &Goal, at: &TrustPointId, generation: Generation) -> bool {
    matches!(goal, Goal::Trust { point, .. } if point == at) && distrusts(goal, generation)
}

fn stores(goal: &Goal, what: Generation) -> bool {
    matches!(goal, Goal::Stored { generation, .. } if *generation == what)
}

fn stores_for(goal: &Goal, who: &HolderId, what: Generation) -> bool {
    matches!(goal, Goal::Stored { holder, .. } if holder == who) && stores(goal, what)
}

fn shows(goal: &Goal, who: &HolderId, what: Generation) -> bool {
    matches!(goal, Goal::Presented { holders, generation, .. } if holders.contains(who) && *generation == what)
}

fn accepts(goal: &Goal, what: Generation) -> bool {
    matches!(goal, Goal::Accepted { generation, .. } if *generation == what)
}

fn disuses(goal: &Goal, what: Generation) -> bool {
    matches!(goal, Goal::Disused { generation } if *generation == what)
}

fn destroys(goal: &Goal, what: Generation) -> bool {
    matches!(goal, Goal::KeyDestroyed { generation } if *generation == what)
}

#[cfg(test)]
mod tests;
