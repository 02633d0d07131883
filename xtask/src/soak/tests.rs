//! What can be said of a play without playing it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::report::{Report, Side, Swaps, Told, WorkerReport};
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
        let swaps = [1, 2].map(|generation| Swap {
            generation,
            adopted_ms: 7,
        });
        let seen: BTreeMap<_, _> = seen.iter().map(|name| ((*name).to_owned(), 1)).collect();
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
            swaps: Swaps::of(&swaps, &seen),
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
