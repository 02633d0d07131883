//! The guards: what must be seen before something may be done.

use std::collections::BTreeSet;

use super::*;
use crate::sight::{BundleSight, CaFact, ChangeSight, LeafFact, ProbeOutcome, Source, TrustSight};

const OLD: Generation = Generation(1);
const NEW: Generation = Generation(2);

fn point() -> TrustPointId {
    TrustPointId::new("ns")
}

fn probe(outcome: ProbeOutcome) -> Probe {
    Probe {
        point: point(),
        address: "ns:7233".to_owned(),
        outcome,
    }
}

fn refused() -> Probe {
    probe(ProbeOutcome::Refused {
        reason: "bad certificate".to_owned(),
    })
}

fn accepted() -> Probe {
    probe(ProbeOutcome::Accepted { passes: 3 })
}

fn unreachable() -> Probe {
    probe(ProbeOutcome::Unreachable {
        reason: "timed out".to_owned(),
    })
}

fn census(presences: &[Presence]) -> Census {
    let named = presences
        .iter()
        .enumerate()
        .map(|(i, p)| (HolderId::new(format!("w{i}")), p.clone()));
    Census {
        holders: named.collect(),
        ..Census::default()
    }
}

fn presents(generation: Option<Generation>) -> Presence {
    let sighting = Sighting {
        generation,
        leaf: None,
        of_rotation: false,
        source: Source::Proxy,
    };
    Presence::Seen(vec![sighting])
}

fn unknown() -> Presence {
    Presence::Unknown("its proxy does not answer".to_owned())
}

fn distrust() -> Goal {
    Goal::Trust {
        point: point(),
        accept: vec![NEW],
        refuse: vec![OLD],
    }
}

fn bundle(accepts: &[Generation], census: Option<Census>) -> TrustSight {
    let accepts: BTreeSet<_> = accepts.iter().copied().collect();
    let bundle = BundleSight::Read {
        accepts,
        strangers: 0,
    };
    TrustSight {
        bundle,
        change: ChangeSight::Settled,
        probes: BTreeMap::new(),
        census,
    }
}

/// Judges and prints: the standing's name, and its text.
#[track_caller]
fn check(goal: &Goal, sight: &Sight, expected: &str) {
    let said = match goal.standing(sight, Known::default()) {
        Standing::Reached(_) => "reached".to_owned(),
        Standing::Underway(_) => "underway".to_owned(),
        Standing::Open(why) => format!("open: {why}"),
        Standing::Unproven(why) => format!("unproven: {why}"),
        Standing::Undone(why) => format!("undone: {why}"),
        Standing::Worse(why) => format!("worse: {why}"),
        Standing::Unsafe(why) => format!("unsafe: {why}"),
    };
    assert_eq!(said, expected);
}

#[test]
fn trust_is_taken_away_when_nobody_presents_the_old_ca() {
    let seen = bundle(
        &[OLD, NEW],
        Some(census(&[presents(Some(NEW)), presents(Some(NEW))])),
    );
    check(
        &distrust(),
        &Sight::Trust(seen),
        "open: g1 is still accepted",
    );
}

#[test]
fn trust_stays_while_somebody_presents_the_old_ca() {
    let somebody = census(&[
        presents(Some(NEW)),
        presents(Some(OLD)),
        presents(Some(OLD)),
    ]);
    check(
        &distrust(),
        &Sight::Trust(bundle(&[OLD, NEW], Some(somebody))),
        "unproven: 2 of 3 identities still present g1",
    );
}

#[test]
fn unknown_is_not_a_pass() {
    let seen = |presence| Sight::Trust(bundle(&[OLD, NEW], Some(census(&[presence]))));
    check(
        &distrust(),
        &seen(unknown()),
        "unproven: 1 of 1 are unknown: `w0`: its proxy does not answer",
    );
    check(
        &distrust(),
        &seen(Presence::Seen(Vec::new())),
        "unproven: 1 of 1 are unknown: `w0` was not seen",
    );
    check(
        &distrust(),
        &seen(presents(None)),
        "unproven: 1 of 1 identities still present g1",
    );
    check(
        &distrust(),
        &Sight::Trust(bundle(&[OLD, NEW], None)),
        "unproven: who still presents g1 is not known",
    );
}

#[test]
fn an_unregistered_identity_is_not_a_pass() {
    let mut everybody = census(&[presents(Some(NEW))]);
    let sighting = Sighting {
        generation: Some(OLD),
        leaf: None,
        of_rotation: false,
        source: Source::Pollers,
    };
    everybody.unregistered.push(sighting);
    check(
        &distrust(),
        &Sight::Trust(bundle(&[OLD, NEW], Some(everybody))),
        "unproven: 1 unregistered identities present g1",
    );
}

#[test]
fn what_is_read_back_and_what_the_door_does_must_agree() {
    let seen = |probe: Probe| {
        let mut seen = bundle(&[NEW], Some(census(&[presents(Some(NEW))])));
        seen.probes.insert(OLD, vec![probe]);
        Sight::Trust(seen)
    };
    check(&distrust(), &seen(refused()), "reached");
    check(
        &distrust(),
        &seen(accepted()),
        "unproven: the bundle is as wanted, but with a g1 leaf ns:7233 still lets it in",
    );
    check(
        &distrust(),
        &seen(unreachable()),
        "unproven: the bundle is as wanted, but with a g1 leaf ns:7233 could not be reached: timed out",
    );
}

#[test]
fn a_change_that_is_underway_is_waited_for_whatever_is_read() {
    let mut seen = bundle(&[OLD], None);
    seen.change = ChangeSight::Underway(SignedDuration::from_secs(2));
    let back = Goal::Trust {
        point: point(),
        accept: vec![OLD],
        refuse: vec![NEW],
    };
    check(&back, &Sight::Trust(seen), "underway");
}

#[test]
fn no_leaf_is_signed_by_a_ca_that_one_trust_point_lacks() {
    let goal = Goal::Stored {
        holder: HolderId::new("w0"),
        generation: NEW,
        freshness: Freshness::OfGeneration,
    };
    let seen = |accepted_at: &[(&str, bool)]| {
        let named = accepted_at
            .iter()
            .map(|(name, yes)| (TrustPointId::new(*name), *yes));
        Sight::Stored(StoredSight {
            leaf: None,
            accepted_at: named.collect(),
        })
    };
    check(
        &goal,
        &seen(&[("a", true), ("b", true)]),
        "open: the store holds no leaf",
    );
    let text = "unsafe: expected g2 to be accepted at every trust point before a leaf is signed, found it missing at";
    check(
        &goal,
        &seen(&[("a", true), ("b", false)]),
        &format!("{text} `b`"),
    );
    check(&goal, &seen(&[]), &format!("{text} every one of them"));
}

#[test]
fn a_leaf_that_is_not_valid_is_no_leaf() {
    let goal = Goal::Stored {
        holder: HolderId::new("w0"),
        generation: NEW,
        freshness: Freshness::OfGeneration,
    };
    let leaf = LeafFact {
        fingerprint: newleaf_x509::Fingerprint::of(b"leaf"),
        generation: Some(NEW),
        of_rotation: true,
        valid: false,
    };
    let accepted_at = BTreeMap::from([(point(), true)]);
    let short = leaf.fingerprint.short();
    let seen = StoredSight {
        leaf: Some(leaf),
        accepted_at,
    };
    check(
        &goal,
        &Sight::Stored(seen),
        &format!("open: the store holds {short}"),
    );
}

#[test]
fn not_reached_is_not_refused() {
    let goal = Goal::Refused { generation: OLD };
    let seen = |probes: Vec<Probe>| {
        Sight::Probes(ProbeSight {
            have_leaf: true,
            probes,
            accepted_at: BTreeMap::new(),
        })
    };
    check(&goal, &seen(vec![refused(), refused()]), "reached");
    check(
        &goal,
        &seen(vec![refused(), unreachable()]),
        "open: ns:7233 could not be reached: timed out",
    );
    check(&goal, &seen(vec![]), "open: there is no address to try");
}

#[test]
fn a_key_stays_while_its_ca_is_accepted_anywhere() {
    let ca = CaFact {
        fingerprint: newleaf_x509::Fingerprint::of(b"ca"),
        subject: "CN=ca g1".to_owned(),
        not_after: jiff::Timestamp::MAX,
    };
    let seen = |accepted: bool| {
        let accepted_at = BTreeMap::from([(point(), accepted)]);
        Sight::Ca(CaSight {
            ca: Some(ca.clone()),
            key: true,
            findings: Vec::new(),
            accepted_at,
        })
    };
    let goal = Goal::KeyDestroyed { generation: OLD };
    check(&goal, &seen(true), "unproven: `ns` still accepts CA g1");
    check(&goal, &seen(false), "open: the key of CA g1 is still there");
}

#[test]
fn a_check_that_could_not_be_made_is_not_passed() {
    let line = |verdict| crate::sight::Check {
        about: "clock".to_owned(),
        verdict,
        detail: "no answer".to_owned(),
    };
    let seen = |checks| Sight::Preflight(PreflightSight { checks });
    check(
        &Goal::Preflight,
        &seen(vec![line(Verdict::Pass)]),
        "reached",
    );
    let mixed = vec![line(Verdict::Pass), line(Verdict::Unknown)];
    check(&Goal::Preflight, &seen(mixed), "unsafe: clock: no answer");
    check(&Goal::Preflight, &seen(vec![]), "unsafe: no check was made");
}
