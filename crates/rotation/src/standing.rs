//! How a goal stands against a sight.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    goal::{Freshness, Goal},
    id::{Generation, HolderId, TrustPointId},
    sight::{
        CaSight, Census, PreflightSight, Presence, Probe, ProbeSight, Sight, Sighting, StoredSight,
        Traffic, Verdict,
    },
    traffic,
};

mod door;

/// How a goal stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The world is as the goal wants it. The text is the evidence.
    Reached(String),
    /// The world is on its way there.
    Underway(Until),
    /// The world is not there yet. The text says what is missing.
    Open(String),
    /// A deed would be needed, and the proof that it does no harm is missing. The text says which.
    Unproven(String),
    /// The last deed had no effect, and is known to have none.
    Undone(String),
    /// The world was better before the rotation touched it. The text says what got worse.
    Worse(String),
    /// Going on could do harm, or cannot succeed, without a person. The text says why.
    Unsafe(String),
}

/// What a rotation knows, beside the sight, by which a goal is judged.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Whether a person has typed an override of the proof of disuse.
    pub overridden: bool,
    /// The traffic before the first leaf was delivered: the calls are those of the time in which it was watched.
    pub baseline: Option<&'a Traffic>,
    /// The counts at the beginning of the time that is judged.
    pub mark: Option<&'a Traffic>,
}

/// What a goal that is underway waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// This much time; then look again.
    Elapsed(SignedDuration),
    /// A person says that it is done.
    Confirmed,
}

impl Goal {
    /// Judges the goal by what was seen, and by what is known from before.
    pub fn standing(&self, sight: &Sight, known: Known<'_>) -> Standing {
        let overridden = known.overridden;
        match (self, sight) {
            (Self::Preflight, Sight::Preflight(seen)) => preflight(seen),
            (Self::CaExists { generation }, Sight::Ca(seen)) => ca_exists(*generation, seen),
            (Self::KeyDestroyed { generation }, Sight::Ca(seen)) => destroyed(*generation, seen),
            (Self::Trust { accept, refuse, .. }, Sight::Trust(seen)) => {
                door::trust(accept, refuse, seen, overridden)
            }
            (Self::Accepted { generation, passes }, Sight::Probes(seen)) => {
                accepted(*generation, *passes, seen)
            }
            (Self::Refused { generation }, Sight::Probes(seen)) => refused(*generation, seen),
            (
                Self::Stored {
                    generation,
                    freshness,
                    ..
                },
                Sight::Stored(seen),
            ) => stored(*generation, *freshness, seen),
            (
                Self::Presented {
                    holders,
                    generation,
                    freshness,
                },
                Sight::Census(seen),
            ) => presented(holders, *generation, *freshness, seen),
            (Self::Disused { generation }, Sight::Census(seen)) => {
                disused(*generation, seen, overridden)
            }
            (Self::Baseline { holders }, Sight::Traffic(seen)) => traffic::known(holders, seen),
            (Self::Steady { holders }, Sight::Traffic(seen)) => steady(holders, seen, known),
            (goal, _) => Standing::Unsafe(format!(
                "expected a sight of \"{goal}\", found a sight of something else; this is a fault of newleaf"
            )),
        }
    }
}

fn preflight(seen: &PreflightSight) -> Standing {
    let (mut passed, mut failed, mut not_asked) = (0_usize, Vec::new(), Vec::new());
    for check in &seen.checks {
        let line = format!("{}: {}", check.about, check.detail);
        match check.verdict {
            Verdict::Pass => passed += 1,
            Verdict::Fail | Verdict::Unknown => failed.push(line),
            Verdict::NotAsked => not_asked.push(line),
        }
    }
    match (passed, failed.is_empty(), not_asked.is_empty()) {
        (_, false, _) => Standing::Unsafe(failed.join("; ")),
        (0, true, _) => Standing::Unsafe("no check was made".to_owned()),
        (n, true, true) => Standing::Reached(format!("{n} checks pass")),
        (n, true, false) => {
            let not_asked = not_asked.join("; ");
            Standing::Reached(format!("{n} checks pass; not asked: {not_asked}"))
        }
    }
}

/// Without a baseline nothing can be compared; a plan observes it before the first gate that asks.
fn steady(holders: &[HolderId], seen: &Traffic, known: Known<'_>) -> Standing {
    match (known.baseline, known.mark) {
        (Some(baseline), Some(mark)) => traffic::judge(holders, baseline, mark, seen),
        (None, _) | (_, None) => Standing::Unsafe(
            "expected a baseline from before the first wave, found none; this is a fault of newleaf"
                .to_owned(),
        ),
    }
}

fn ca_exists(generation: Generation, seen: &CaSight) -> Standing {
    match &seen.ca {
        Some(_) if !seen.key => {
            Standing::Unsafe(format!("CA {generation} has a certificate and no key"))
        }
        Some(_) if !seen.findings.is_empty() => Standing::Unsafe(seen.findings.join("; ")),
        Some(ca) => Standing::Reached(format!("`{}` is {}", ca.subject, ca.fingerprint.short())),
        None => Standing::Open(format!("CA {generation} does not exist yet")),
    }
}

fn destroyed(generation: Generation, seen: &CaSight) -> Standing {
    let still = seen.accepted_at.iter().find(|(_, accepted)| **accepted);
    if let (true, Some((point, _))) = (seen.key, still) {
        return Standing::Unproven(format!("`{point}` still accepts CA {generation}"));
    }
    if seen.key {
        return Standing::Open(format!("the key of CA {generation} is still there"));
    }
    Standing::Reached(format!("the key of CA {generation} is gone"))
}

fn accepted(generation: Generation, passes: u32, seen: &ProbeSight) -> Standing {
    if !seen.have_leaf {
        return may_sign(generation, &seen.accepted_at).unwrap_or_else(|| {
            Standing::Open(format!("there is no canary leaf of {generation} yet"))
        });
    }
    if seen.probes.is_empty() {
        return Standing::Open("there is no address to try".to_owned());
    }
    let bad = seen
        .probes
        .iter()
        .find_map(|probe| probe.not_accepted(passes));
    match bad {
        Some(why) => Standing::Open(why),
        None => Standing::Reached(format!(
            "{} of {} addresses accept {generation}, {passes} times in a row",
            seen.probes.len(),
            seen.probes.len()
        )),
    }
}

fn refused(generation: Generation, seen: &ProbeSight) -> Standing {
    if !seen.have_leaf {
        return Standing::Unsafe(format!("there is no {generation} leaf to try with"));
    }
    if seen.probes.is_empty() {
        return Standing::Open("there is no address to try".to_owned());
    }
    let bad = seen.probes.iter().find_map(Probe::not_refused);
    bad.map_or_else(
        || {
            Standing::Reached(format!(
                "{} addresses refuse {generation}",
                seen.probes.len()
            ))
        },
        Standing::Open,
    )
}

fn stored(generation: Generation, freshness: Freshness, seen: &StoredSight) -> Standing {
    let there = seen.leaf.as_ref().is_some_and(|leaf| {
        let fresh = freshness == Freshness::OfGeneration || leaf.of_rotation;
        leaf.generation == Some(generation) && leaf.valid && fresh
    });
    if let (true, Some(leaf)) = (there, &seen.leaf) {
        return Standing::Reached(format!("the store holds {}", leaf.fingerprint.short()));
    }
    if let Some(refusal) = may_sign(generation, &seen.accepted_at) {
        return refusal;
    }
    Standing::Open(match &seen.leaf {
        Some(leaf) => format!("the store holds {}", leaf.fingerprint.short()),
        None => "the store holds no leaf".to_owned(),
    })
}

/// Never sign with a CA that is not seen to be accepted at every trust point (invariant 2).
fn may_sign(
    generation: Generation,
    accepted_at: &BTreeMap<TrustPointId, bool>,
) -> Option<Standing> {
    let missing: Vec<_> = accepted_at
        .iter()
        .filter(|(_, yes)| !**yes)
        .map(|(p, _)| format!("`{p}`"))
        .collect();
    let missing = match (accepted_at.is_empty(), missing.is_empty()) {
        (false, true) => return None,
        (true, _) => "every one of them".to_owned(),
        (false, false) => missing.join(", "),
    };
    Some(Standing::Unsafe(format!(
        "expected {generation} to be accepted at every trust point before a leaf is signed, found it missing at {missing}"
    )))
}

fn presented(
    holders: &[HolderId],
    generation: Generation,
    freshness: Freshness,
    seen: &Census,
) -> Standing {
    let moved = |sighting: &Sighting| {
        sighting.generation == Some(generation)
            && (freshness == Freshness::OfGeneration || sighting.of_rotation)
    };
    let behind: Vec<String> = holders
        .iter()
        .filter_map(|holder| match seen.holders.get(holder) {
            Some(Presence::Seen(sightings)) if sightings.is_empty() => {
                Some(format!("`{holder}` was not seen"))
            }
            Some(Presence::Seen(sightings)) => sightings
                .iter()
                .find(|s| !moved(s))
                .map(|s| format!("`{holder}` still presents {}", s.what())),
            Some(Presence::Unknown(why)) => Some(format!("`{holder}`: {why}")),
            None => Some(format!("`{holder}` is not in the census")),
        })
        .collect();
    if behind.is_empty() {
        return Standing::Reached(format!("{} of {} seen", holders.len(), holders.len()));
    }
    Standing::Open(behind.join("; "))
}

fn disused(generation: Generation, seen: &Census, overridden: bool) -> Standing {
    if seen.expired.contains(&generation) {
        return Standing::Reached(format!("every {generation} leaf ever issued has expired"));
    }
    if overridden {
        return Standing::Reached("overridden by a person".to_owned());
    }
    let n = seen.holders.len();
    let (mut present, mut unknown) = (0_usize, Vec::new());
    for (holder, presence) in &seen.holders {
        match presence {
            Presence::Unknown(why) => unknown.push(format!("`{holder}`: {why}")),
            Presence::Seen(sightings) if sightings.is_empty() => {
                unknown.push(format!("`{holder}` was not seen"));
            }
            Presence::Seen(sightings) => {
                // A leaf whose CA is not known might be the old one.
                let old = |s: &Sighting| s.generation.is_none_or(|g| g == generation);
                present += usize::from(sightings.iter().any(old));
            }
        }
    }
    let strangers = seen
        .unregistered
        .iter()
        .filter(|s| s.generation.is_none_or(|g| g == generation))
        .count();
    let mut missing = Vec::new();
    if present > 0 {
        missing.push(format!(
            "{present} of {n} identities still present {generation}"
        ));
    }
    if !unknown.is_empty() {
        missing.push(format!(
            "{} of {n} are unknown: {}",
            unknown.len(),
            unknown.join(", ")
        ));
    }
    if strangers > 0 {
        missing.push(format!(
            "{strangers} unregistered identities present {generation}"
        ));
    }
    if n == 0 {
        missing.push("no identity is registered".to_owned());
    }
    if missing.is_empty() {
        return Standing::Reached(format!("{n} of {n} identities present something newer"));
    }
    Standing::Open(missing.join("; "))
}

impl Sighting {
    /// Says what was seen, for example "g1".
    pub fn what(&self) -> String {
        match (self.generation, self.leaf) {
            (Some(generation), Some(leaf)) => format!("{generation} ({})", leaf.short()),
            (Some(generation), None) => generation.to_string(),
            (None, Some(leaf)) => format!("an unknown leaf ({})", leaf.short()),
            (None, None) => "an unknown leaf".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
