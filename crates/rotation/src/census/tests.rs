//! Ages are judged here, and nowhere later.

use super::*;

const NOW: &str = "2026-11-22T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn leaf(name: &str) -> Fingerprint {
    Fingerprint::of(name.as_bytes())
}

fn report(holder: Option<&str>, seen_at: &str, leaf_name: &str) -> Report {
    Report {
        holder: holder.map(HolderId::new),
        seen_at: at(seen_at),
        leaf: Some(leaf(leaf_name)),
        source: Source::Pollers,
    }
}

fn issued(
    name: &str,
    generation: u32,
    issued_at: &str,
    not_after: &str,
) -> (Fingerprint, IssuedLeaf) {
    let known = IssuedLeaf {
        holder: HolderId::new("worker"),
        issued_at: at(issued_at),
        generation: Generation(generation),
        of_rotation: generation == 2,
        not_after: at(not_after),
    };
    (leaf(name), known)
}

/// Takes the census of one worker and prints what it says of it.
#[track_caller]
fn check(reports: &[Report], expected: &str) {
    // Long before the window begins, so that only the age of a report counts.
    check_since("2026-11-22T11:00:00Z", reports, expected);
}

/// The same for a worker whose newest leaf was issued at some instant.
#[track_caller]
fn check_since(newest: &str, reports: &[Report], expected: &str) {
    let leaves = [
        issued("old", 1, "2026-11-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        issued("new", 2, newest, "2027-01-01T00:00:00Z"),
    ];
    let issued = Issued {
        leaves: leaves.into(),
        ..Issued::default()
    };
    let window = Window {
        now: at(NOW),
        age: SignedDuration::from_mins(15),
        skew: SignedDuration::from_mins(1),
    };
    let worker = HolderId::new("worker");
    let census = take(
        std::slice::from_ref(&worker),
        reports,
        &issued,
        &BTreeMap::new(),
        window,
    );
    let said = match &census.holders[&worker] {
        Presence::Unknown(_) => "unknown".to_owned(),
        Presence::Seen(list) => {
            let list: Vec<_> = list
                .iter()
                .map(|s| s.generation.map_or("?".to_owned(), |g| g.to_string()))
                .collect();
            list.join(" ")
        }
    };
    assert_eq!(
        format!("{said}, {} unregistered", census.unregistered.len()),
        expected
    );
}

#[test]
fn a_fresh_report_counts() {
    check(
        &[report(Some("worker"), "2026-11-22T11:59:00Z", "new")],
        "g2, 0 unregistered",
    );
}

#[test]
fn every_leaf_in_the_window_counts() {
    let both = [
        report(Some("worker"), "2026-11-22T11:59:00Z", "new"),
        report(Some("worker"), "2026-11-22T11:58:00Z", "old"),
    ];
    check(&both, "g2 g1, 0 unregistered");
}

#[test]
fn an_old_report_is_no_report() {
    check(
        &[report(Some("worker"), "2026-11-22T11:44:59Z", "new")],
        "unknown, 0 unregistered",
    );
}

#[test]
fn a_report_from_the_future_is_no_report() {
    check(
        &[report(Some("worker"), "2026-11-22T12:01:01Z", "new")],
        "unknown, 0 unregistered",
    );
}

#[test]
fn a_report_from_before_the_newest_leaf_is_no_report() {
    check_since(
        "2026-11-22T11:50:00Z",
        &[report(Some("worker"), "2026-11-22T11:49:59Z", "old")],
        "unknown, 0 unregistered",
    );
}

#[test]
fn a_leaf_that_we_did_not_issue_is_unknown() {
    check(
        &[report(Some("worker"), "2026-11-22T11:59:00Z", "foreign")],
        "?, 0 unregistered",
    );
}

#[test]
fn nobodys_leaf_is_counted_apart() {
    let reports = [
        report(None, "2026-11-22T11:59:00Z", "old"),
        report(Some("who?"), "2026-11-22T11:59:00Z", "new"),
    ];
    check(&reports, "unknown, 2 unregistered");
}

/// Only where our journal knows every leaf there is does the end of all of them prove anything.
#[test]
fn expiry_proves_disuse_only_of_a_ca_that_we_made() {
    let leaves = [issued(
        "old",
        1,
        "2026-01-01T00:00:00Z",
        "2026-11-22T11:58:00Z",
    )];
    let window = |now: &str| Window {
        now: at(now),
        age: SignedDuration::from_mins(15),
        skew: SignedDuration::from_mins(5),
    };
    let complete = BTreeSet::from([Generation(1), Generation(3)]);
    let issued = Issued {
        leaves: leaves.into(),
        complete,
    };
    let expired =
        |issued: &Issued, now: &str| take(&[], &[], issued, &BTreeMap::new(), window(now)).expired;
    assert_eq!(
        expired(&issued, NOW),
        BTreeSet::from([Generation(3)]),
        "the skew is not over"
    );
    let all = BTreeSet::from([Generation(1), Generation(3)]);
    assert_eq!(expired(&issued, "2026-11-22T12:03:01Z"), all);
    let imported = Issued {
        complete: BTreeSet::new(),
        ..issued
    };
    assert_eq!(expired(&imported, "2030-01-01T00:00:00Z"), BTreeSet::new());
}
