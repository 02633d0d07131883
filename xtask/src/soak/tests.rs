//! What can be said of a play without playing it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::identity::Holder;
use super::report::{Calls, Report, Seen, Side, Swaps, Told, WorkerReport};
use super::sdk::Sdk;
use super::seconds;
use super::stage::Swap;
use super::worker::is_warning;

#[test]
fn spans_are_seconds_with_or_without_their_unit() {
    assert_eq!(seconds("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(seconds("5"), Ok(Duration::from_secs(5)));
    for bad in ["0s", "", "1m", "-1s"] {
        assert!(seconds(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_play_passes_only_if_every_workflow_completed_and_every_identity_was_seen() {
    let report = |completed, seen: &[&str]| {
        let seen: Vec<_> = seen.iter().map(|name| (*name, 1_000)).collect();
        Report {
            workers: vec![WorkerReport {
                sdk: Sdk::Go,
                side: Side::Proxied,
                told: Some(Told {
                    started: 2,
                    completed,
                    failed: Vec::new(),
                    slowest: 4.1,
                    metrics: BTreeMap::new(),
                }),
                warnings: 0,
                first_warnings: Vec::new(),
            }],
            swaps: Swaps::of(&swaps(), &calls(&seen)),
            ..Report::default()
        }
    };
    let both = ["soak-leaf-1", "soak-leaf-2"];
    assert!(report(2, &both).passed());
    assert!(!report(1, &both).passed());
    assert!(!report(2, &["soak-leaf-1"]).passed());
    let mut failed_calls = report(2, &both);
    failed_calls.proxy = serde_json::json!({"failed": 1});
    assert!(!failed_calls.passed());
    let mut gone = report(2, &both);
    gone.workers[0].told = None;
    assert!(!gone.passed());
    let mut embedded = report(2, &both);
    embedded.embedded = Some(Seen::of(Holder::Embedded, &swaps(), &calls(&[])));
    assert!(!embedded.passed());
}

#[test]
fn the_last_call_under_an_old_leaf_is_told() {
    let seen = [
        ("soak-embedded-0", 900),
        ("soak-embedded-1", 2_300),
        ("soak-embedded-2", 2_400),
    ];
    let seen = Seen::of(Holder::Embedded, &swaps(), &calls(&seen));
    assert_eq!(
        seen.to_string(),
        "1 calls or more under each; not seen: []; the last call under the one before began after 300 ms (median), \
         300 ms (slowest)"
    );
}

/// Two swaps, at the first and the second second.
fn swaps() -> [Swap; 2] {
    [1, 2].map(|generation| Swap {
        generation,
        put_ms: 1_000 * u64::from(generation),
        adopted_ms: 7,
    })
}

/// One call under each leaf, and when it began.
fn calls(under: &[(&str, u64)]) -> BTreeMap<String, Calls> {
    let one = |begun_ms: &u64| {
        let mut calls = Calls::default();
        calls.add(*begun_ms);
        calls
    };
    let under = under.iter();
    under
        .map(|(name, begun_ms)| ((*name).to_owned(), one(begun_ms)))
        .collect()
}

#[test]
fn each_sdk_s_form_of_a_warning_is_one() {
    for line in [
        "WARNING:core:gRPC call poll_workflow_task_queue retried 3 times",
        "2026-11-22T12:00:00.000Z [WARN] a warning of the TypeScript SDK",
        "time=2026-11-22T12:00:00Z level=WARN msg=\"Failed to poll for task.\"",
        "[main] WARN io.temporal.internal.worker.Poller - Failure in poller thread",
    ] {
        assert!(is_warning(line), "{line}");
    }
    assert!(!is_warning("INFO:core:all is well"));
}
