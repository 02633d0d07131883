//! The words of a snapshot: events, kinds and sources as a person reads them.

use newleaf_rotation::{
    Decision, Doing, Event, Kind, Verb,
    sight::{ProbeOutcome, Sight, Source, Verdict},
};

pub(super) fn kind_in_words(kind: Kind) -> String {
    match kind {
        Kind::CaRollover { old, new } => format!("CA rollover {old} to {new}"),
        Kind::LeafRenewal { generation } => format!("leaf renewal of {generation}"),
    }
}

pub(super) fn source_in_words(source: Source) -> &'static str {
    match source {
        Source::Proxy => "proxy",
        Source::Pollers => "pollers",
        Source::Attested => "attested",
    }
}

pub(super) fn event_in_words(event: &Event) -> String {
    match event {
        Event::Intended { step, attempt } => format!("{step}: about to act, attempt {attempt}"),
        Event::Acted { step, note, .. } => format!("{step}: {note}"),
        Event::Observed { step, sight } => format!("{step}: saw {}", sight_in_words(sight)),
        Event::Failed {
            step,
            doing: Doing::Observing,
            trouble,
        } => format!("{step}: could not look: {}", trouble.what),
        Event::Failed {
            step,
            doing: Doing::Pursuing,
            trouble,
        } => format!("{step}: could not act: {}", trouble.what),
        Event::Elapsed { wait } => format!("wait {wait} is over"),
        Event::Decided(decision) => decision_in_words(decision),
    }
}

fn decision_in_words(decision: &Decision) -> String {
    let by = &decision.by;
    let said = match &decision.verb {
        Verb::Approve { step } => format!("{by} approved {step}"),
        Verb::Pause => format!("{by} paused the rotation"),
        Verb::Resume => format!("{by} let the rotation go on"),
        Verb::RollBack => format!("{by} turned the rotation round"),
        Verb::Override { step } => format!("{by} overrode {step}"),
        Verb::Attest { holder } => format!("{by} attested `{holder}`"),
    };
    if decision.reason.is_empty() {
        said
    } else {
        format!("{said}: {}", decision.reason)
    }
}

fn sight_in_words(sight: &Sight) -> String {
    match sight {
        Sight::Preflight(seen) => {
            let n = seen.checks.len();
            let passed = seen.checks.iter().filter(|c| c.verdict == Verdict::Pass);
            format!("{} of {n} checks pass", passed.count())
        }
        Sight::Ca(seen) => match (&seen.ca, seen.key) {
            (None, _) => "no CA".to_owned(),
            (Some(ca), true) => format!("CA {} and its key", ca.fingerprint.short()),
            (Some(ca), false) => format!("CA {} and no key", ca.fingerprint.short()),
        },
        Sight::Trust(seen) => trust_in_words(seen),
        Sight::Probes(seen) => {
            let accepted = |p: &&newleaf_rotation::sight::Probe| {
                matches!(p.outcome, ProbeOutcome::Accepted { .. })
            };
            let n = seen.probes.iter().filter(accepted).count();
            format!("{n} of {} addresses accept the leaf", seen.probes.len())
        }
        Sight::Stored(seen) => match &seen.leaf {
            Some(leaf) => format!("leaf {} in the store", leaf.fingerprint.short()),
            None => "no leaf in the store".to_owned(),
        },
        Sight::Traffic(seen) => format!("the traffic of {} identities", seen.holders.len()),
        Sight::Census(seen) => format!("the census of {} identities", seen.holders.len()),
    }
}

fn trust_in_words(seen: &newleaf_rotation::sight::TrustSight) -> String {
    use newleaf_rotation::sight::{BundleSight, ChangeSight};
    let bundle = match &seen.bundle {
        BundleSight::Read { accepts, .. } => {
            let names: Vec<String> = accepts.iter().map(ToString::to_string).collect();
            format!("that {} are accepted", names.join(" and "))
        }
        BundleSight::Attested => "a person's word".to_owned(),
        BundleSight::Unread => "nothing".to_owned(),
    };
    match &seen.change {
        ChangeSight::Settled => bundle,
        ChangeSight::Underway(_) => format!("{bundle}, and a change underway"),
        ChangeSight::WithPerson => format!("{bundle}, and a change with a person"),
        ChangeSight::Failed(why) => format!("{bundle}, and a change that failed: {why}"),
    }
}
