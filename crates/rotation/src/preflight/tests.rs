//! Each check, passed and failed.

use super::*;
use crate::{
    id::Generation,
    simulator::{HolderKind, Scenario},
};

fn ca(pem: &str) -> Certificate {
    Certificate::all_from_pem(pem).unwrap().remove(0)
}

fn g1() -> Certificate {
    ca(include_str!("../simulator/cas/g1.pem"))
}

fn point() -> TrustPointId {
    TrustPointId::new("ns")
}

/// Facts with which every check passes.
fn facts() -> Facts {
    Facts {
        current_ca: Ok(g1()),
        bundles: BTreeMap::from([(point(), Ok(Some(TrustBundle::new([g1()]))))]),
        filters: BTreeMap::from([(point(), Ok(()))]),
        skews: BTreeMap::from([(point(), Ok(SignedDuration::from_secs(2)))]),
        stores: BTreeMap::from([("worker".to_owned(), Ok(()))]),
        leaf_lifetime: SignedDuration::from_hours(24 * 30),
        skew_budget: SignedDuration::from_mins(5),
        reserve: SignedDuration::from_hours(24 * 7),
    }
}

const ROLLOVER: Kind = Kind::CaRollover {
    old: Generation(1),
    new: Generation(2),
};

/// Judges at `now` and returns what does not pass.
fn failing(facts: &Facts, now: &str) -> Vec<String> {
    failing_for(ROLLOVER, facts, now)
}

fn failing_for(kind: Kind, facts: &Facts, now: &str) -> Vec<String> {
    let spec = Scenario::calm(kind, 1, &[HolderKind::Hot]).spec;
    let sight = judge(facts, &crate::plan(&spec).unwrap(), now.parse().unwrap());
    let bad = sight
        .checks
        .into_iter()
        .filter(|check| check.verdict != Verdict::Pass);
    bad.map(|check| check.about).collect()
}

const NOW: &str = "2026-11-22T12:00:00Z";

#[test]
fn good_facts_pass() {
    assert_eq!(failing(&facts(), NOW), Vec::<String>::new());
}

#[test]
fn a_ca_that_ends_before_the_rotation_could_is_refused() {
    let about = ["remaining life of the current CA"];
    // g1 ends at 2126-01-01; the rotation takes minutes and wants seven days of reserve.
    assert_eq!(
        failing(&facts(), "2125-12-24T23:00:00Z"),
        Vec::<String>::new()
    );
    assert_eq!(failing(&facts(), "2125-12-26T00:00:00Z"), about);
    let renewal = Kind::LeafRenewal {
        generation: Generation(1),
    };
    assert_eq!(
        failing_for(renewal, &facts(), "2125-12-20T00:00:00Z"),
        about,
        "a leaf must not outlive its CA"
    );
}

#[test]
fn a_bundle_without_the_current_ca_is_refused() {
    let stranger = ca(include_str!("../simulator/cas/stranger.pem"));
    let bundles = BTreeMap::from([(point(), Ok(Some(TrustBundle::new([stranger]))))]);
    assert_eq!(
        failing(&Facts { bundles, ..facts() }, NOW),
        ["current CA at `ns`"]
    );
}

#[test]
fn a_bundle_that_cannot_be_read_is_refused() {
    let bundles = BTreeMap::from([(point(), Err("no answer".to_owned()))]);
    let found = failing(&Facts { bundles, ..facts() }, NOW);
    assert_eq!(found, ["current CA at `ns`", "room in the bundle of `ns`"]);
}

#[test]
fn a_person_who_keeps_a_bundle_is_asked_later() {
    let bundles = BTreeMap::from([(point(), Ok(None))]);
    assert_eq!(
        failing(&Facts { bundles, ..facts() }, NOW),
        Vec::<String>::new()
    );
}

#[test]
fn filters_clocks_and_stores_count() {
    let filters = BTreeMap::from([(point(), Err("`worker` matches none".to_owned()))]);
    let skews = BTreeMap::from([(point(), Ok(SignedDuration::from_mins(6)))]);
    let stores = BTreeMap::from([("worker".to_owned(), Err("read-only".to_owned()))]);
    let found = failing(
        &Facts {
            filters,
            skews,
            stores,
            ..facts()
        },
        NOW,
    );
    assert_eq!(
        found,
        [
            "certificate filters of `ns`",
            "clock of `ns`",
            "store `worker`"
        ]
    );
    let unknown = BTreeMap::from([(point(), Err("no answer".to_owned()))]);
    assert_eq!(
        failing(
            &Facts {
                skews: unknown,
                ..facts()
            },
            NOW
        ),
        ["clock of `ns`"]
    );
}

/// A gate that nobody can answer is not asked, and never looks passed.
#[test]
fn who_is_not_watched_is_named_and_stops_nothing() {
    let mut spec = Scenario::calm(ROLLOVER, 1, &[HolderKind::Hot, HolderKind::Hot]).spec;
    spec.watched.pop_first();
    let sight = judge(&facts(), &crate::plan(&spec).unwrap(), NOW.parse().unwrap());
    let traffic = sight.checks.last().unwrap();
    assert_eq!(traffic.verdict, Verdict::NotAsked);
    assert!(traffic.detail.contains("`worker-0`"), "{}", traffic.detail);
    let standing =
        crate::Goal::Preflight.standing(&crate::Sight::Preflight(sight), crate::Known::default());
    let crate::Standing::Reached(evidence) = standing else {
        panic!("{standing:?}")
    };
    assert!(evidence.contains("not asked: traffic: "), "{evidence}");
}
