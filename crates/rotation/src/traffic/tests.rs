//! A holder is compared with itself: what is worse, what is unknown, what is no worse.

use super::*;

fn holder() -> HolderId {
    HolderId::new("w")
}

fn told(readings: &[(&str, Reading)]) -> Traffic {
    let sources = readings
        .iter()
        .map(|(source, reading)| ((*source).to_owned(), reading.clone()));
    Traffic {
        holders: BTreeMap::from([(holder(), sources.collect())]),
    }
}

fn pollers(n: u64) -> Traffic {
    told(&[("`orders`", Reading::Pollers(n))])
}

fn counted(answered: u64, failed: u64) -> Traffic {
    let answered = Some(answered);
    told(&[("its proxy", Reading::Calls(Calls { answered, failed }))])
}

fn only_failed(failed: u64) -> Traffic {
    let answered = None;
    told(&[("its proxy", Reading::Calls(Calls { answered, failed }))])
}

fn silent(source: &str) -> Traffic {
    told(&[(source, Reading::Unknown("no answer".to_owned()))])
}

fn said(standing: Standing) -> String {
    match standing {
        Standing::Reached(what) => format!("reached: {what}"),
        Standing::Open(what) => format!("open: {what}"),
        Standing::Worse(what) => format!("worse: {what}"),
        other @ (Standing::Underway(_)
        | Standing::Unproven(_)
        | Standing::Undone(_)
        | Standing::Unsafe(_)) => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(baseline: &Traffic, mark: &Traffic, seen: &Traffic, expected: &str) {
    assert_eq!(said(judge(&[holder()], baseline, mark, seen)), expected);
}

#[test]
fn every_poller_must_be_there() {
    let three = pollers(3);
    check(&three, &three, &pollers(3), "reached: 3 pollers, 3 before");
    check(&three, &three, &pollers(4), "reached: 4 pollers, 3 before");
    let worse = "worse: `w`: 2 of 3 pollers of `orders`";
    check(&three, &three, &pollers(2), worse);
}

#[test]
fn calls_may_fail_as_often_as_before() {
    // 2 of 1000 failed in the baseline; at the mark, 5000 calls had been made and 9 had failed.
    let (baseline, mark) = (counted(998, 2), counted(4_991, 9));
    let steady = "reached: 4 of 1000 calls failed";
    check(&baseline, &mark, &counted(5_987, 13), steady);
    let worse = "worse: `w`: 5 of 1000 calls failed by its proxy, 2 of 1000 in the baseline";
    check(&baseline, &mark, &counted(5_986, 14), worse);
}

#[test]
fn a_baseline_without_a_failure_allows_none() {
    let (baseline, mark) = (counted(1_000, 0), counted(1_000, 0));
    let worse = "worse: `w`: 1 of 100000 calls failed by its proxy, 0 of 1000 in the baseline";
    check(&baseline, &mark, &counted(100_999, 1), worse);
}

#[test]
fn a_client_that_is_quiet_since_tells_nothing() {
    let mark = counted(1_000, 0);
    let open = "open: `w`: its proxy: no call was made since the gate before";
    check(&counted(1_000, 0), &mark, &counted(1_000, 0), open);
    let quiet = counted(0, 0);
    check(&quiet, &mark, &counted(1_000, 0), "reached: 0 calls failed");
}

#[test]
fn counts_that_shrank_began_anew() {
    let (baseline, mark) = (counted(1_000, 0), counted(5_000, 3));
    let steady = "reached: 0 of 40 calls failed";
    check(&baseline, &mark, &counted(40, 0), steady);
    let worse = "worse: `w`: 1 of 41 calls failed by its proxy, 0 of 1000 in the baseline";
    check(&baseline, &mark, &counted(40, 1), worse);
}

/// A proxy that counts failures alone is held against the number of its failures.
#[test]
fn without_totals_the_failures_themselves_are_compared() {
    let (baseline, mark) = (only_failed(1), only_failed(7));
    check(&baseline, &mark, &only_failed(9), "reached: 2 calls failed");
    let worse = "worse: `w`: 3 calls failed by its proxy, 1 in the baseline";
    check(&baseline, &mark, &only_failed(10), worse);
}

#[test]
fn unknown_is_not_a_pass() {
    let (baseline, nobody) = (counted(1_000, 0), Traffic::default());
    let mark = &baseline;
    let open = "open: `w`: its proxy: no answer";
    check(&baseline, mark, &silent("its proxy"), open);
    let open = "open: `w`: its proxy: it tells nothing any more";
    check(&baseline, mark, &nobody, open);
    let open = "open: `w`: its proxy: its calls are counted from now on";
    check(&baseline, &nobody, &counted(9, 0), open);
    check(&nobody, mark, mark, "open: `w`: there is no baseline");
    let known = |seen: &Traffic| said(known(&[holder()], seen));
    assert_eq!(known(&nobody), "open: `w`: no source tells");
    assert_eq!(known(&silent("`orders`")), "open: `w`: `orders`: no answer");
    assert_eq!(known(&pollers(3)), "reached: counted 3 pollers");
}

/// Temporal remembers pollers for minutes: after a restart the first look counts the old ones too.
#[test]
fn a_baseline_is_the_fewer_pollers_and_the_calls_between() {
    assert_eq!(baseline(Some(&pollers(6)), &pollers(3)), pollers(3));
    assert_eq!(baseline(Some(&pollers(3)), &pollers(6)), pollers(3));
    let between = baseline(Some(&counted(500, 1)), &counted(800, 3));
    assert_eq!(between, counted(300, 2));
    assert_eq!(baseline(None, &counted(800, 3)), counted(0, 0));
}

#[test]
fn what_a_person_takes_as_normal_is_what_was_last_seen() {
    let (old, mark) = (pollers(3), pollers(3));
    assert_eq!(rebase(&old, &mark, &pollers(1)), pollers(1));
    let new = rebase(&counted(100, 0), &counted(100, 0), &counted(190, 10));
    assert_eq!(new, counted(90, 10));
    // A source that is gone is not asked any more; that too is said.
    let new = rebase(&old, &mark, &silent("`orders`"));
    let evidence = "reached: overridden by a person: nothing is asked any more";
    check(&new, &mark, &silent("`orders`"), evidence);
}
