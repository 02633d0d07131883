//! Trust: what is read back, what the door does, and the last look before trust is taken away.

use super::{Standing, Until, disused};
use crate::{
    id::Generation,
    sight::{BundleSight, Census, ChangeSight, Probe, ProbeOutcome, TrustSight},
};

/// Judges whether a trust point accepts and refuses what it should.
pub(super) fn trust(
    accept: &[Generation],
    refuse: &[Generation],
    seen: &TrustSight,
    overridden: bool,
) -> Standing {
    let missing = match &seen.bundle {
        BundleSight::Attested => Vec::new(),
        BundleSight::Unread => vec!["what it accepts is not known".to_owned()],
        BundleSight::Read { accepts, .. } => {
            let lacks = accept.iter().filter(|g| !accepts.contains(g));
            let keeps = refuse.iter().filter(|g| accepts.contains(g));
            let lacks = lacks.map(|g| format!("{g} is not accepted"));
            lacks
                .chain(keeps.map(|g| format!("{g} is still accepted")))
                .collect()
        }
    };
    match (&seen.change, missing.is_empty()) {
        (ChangeSight::Underway(again), _) => {
            return Standing::Underway(Until::Elapsed(*again));
        }
        (_, true) => return trust_at_the_door(accept, refuse, seen),
        (ChangeSight::WithPerson, false) => return Standing::Underway(Until::Confirmed),
        (ChangeSight::Settled | ChangeSight::Failed(_), false) => {}
    }
    if let Some(why) = refuse
        .iter()
        .find_map(|g| still_used(*g, seen.census.as_ref(), overridden))
    {
        return Standing::Unproven(why);
    }
    match &seen.change {
        ChangeSight::Failed(reason) => Standing::Undone(reason.clone()),
        ChangeSight::Settled | ChangeSight::WithPerson | ChangeSight::Underway(_) => {
            Standing::Open(missing.join("; "))
        }
    }
}

/// The bundle says what the goal wants; do the addresses do what it says?
fn trust_at_the_door(accept: &[Generation], refuse: &[Generation], seen: &TrustSight) -> Standing {
    let tried = |generations: &[Generation]| -> Vec<(Generation, Probe)> {
        let of = |g: &Generation| seen.probes.get(g).map(|probes| (*g, probes.clone()));
        let all = generations.iter().filter_map(of);
        all.flat_map(|(g, probes)| probes.into_iter().map(move |p| (g, p)))
            .collect()
    };
    let (wanted, unwanted) = (tried(accept), tried(refuse));
    let differs = wanted
        .iter()
        .find_map(|(g, probe)| probe.not_accepted(1).map(|why| (g, why)))
        .or_else(|| {
            unwanted
                .iter()
                .find_map(|(g, probe)| probe.not_refused().map(|why| (g, why)))
        });
    if let Some((generation, why)) = differs {
        return Standing::Unproven(format!(
            "the bundle is as wanted, but with a {generation} leaf {why}"
        ));
    }
    let what = accept
        .iter()
        .map(Generation::to_string)
        .collect::<Vec<_>>()
        .join(" and ");
    let said = match seen.bundle {
        BundleSight::Attested => "a person says it",
        BundleSight::Read { .. } | BundleSight::Unread => "read back: it",
    };
    let n = wanted.len() + unwanted.len();
    Standing::Reached(format!("{said} accepts {what}; {n} handshakes agree"))
}

/// The last look before trust is taken away: no census, or one that does not prove disuse, forbids it.
fn still_used(generation: Generation, census: Option<&Census>, overridden: bool) -> Option<String> {
    let Some(census) = census else {
        return Some(format!("who still presents {generation} is not known"));
    };
    match disused(generation, census, overridden) {
        Standing::Reached(_) => None,
        Standing::Open(why)
        | Standing::Unproven(why)
        | Standing::Unsafe(why)
        | Standing::Worse(why)
        | Standing::Undone(why) => Some(why),
        Standing::Underway(_) => Some(format!("who still presents {generation} is not known yet")),
    }
}

impl Probe {
    /// Says why the leaf does not count as accepted, if it does not.
    pub(super) fn not_accepted(&self, passes: u32) -> Option<String> {
        let address = &self.address;
        match &self.outcome {
            ProbeOutcome::Accepted { passes: n } if *n >= passes => None,
            ProbeOutcome::Accepted { passes: n } => {
                Some(format!("{address} accepted it {n} of {passes} times"))
            }
            ProbeOutcome::Refused { reason } => {
                Some(format!("{address} refused the handshake: {reason}"))
            }
            ProbeOutcome::Unauthorized { reason } => {
                Some(format!("{address} refused the call: {reason}"))
            }
            ProbeOutcome::Unreachable { reason } => {
                Some(format!("{address} could not be reached: {reason}"))
            }
        }
    }

    /// Says why the leaf does not count as refused, if it does not. Not reached is not refused.
    pub(super) fn not_refused(&self) -> Option<String> {
        let address = &self.address;
        match &self.outcome {
            ProbeOutcome::Refused { .. } => None,
            ProbeOutcome::Accepted { .. } | ProbeOutcome::Unauthorized { .. } => {
                Some(format!("{address} still lets it in"))
            }
            ProbeOutcome::Unreachable { reason } => {
                Some(format!("{address} could not be reached: {reason}"))
            }
        }
    }
}
