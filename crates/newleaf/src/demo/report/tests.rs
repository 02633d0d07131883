//! Tests of the summary.

use std::time::Duration;

use super::{Evidence, Report};
use crate::demo::{end::End, script::Findings, settings::PARTS, tally::Counts};

fn evidence() -> Evidence {
    let counts = Counts {
        calls: 100,
        longest_gap: Duration::from_millis(44),
        ..Counts::default()
    };
    Evidence {
        counts: PARTS.map(|part| (part, counts.clone())),
        findings: Findings {
            phases: vec!["trusted", "retired"],
            early_distrust: Some("2 of 3 identities still present g1".to_owned()),
            old_leaf_refused: true,
            is_new_ca_only: true,
            end: Some(End::wanted("g2")),
        },
        crashes_wanted: 1,
        crashes_survived: 1,
        seed: 7,
        is_real_temporal: false,
        took: Duration::from_secs(31),
        error: None,
    }
}

#[test]
fn the_object_keeps_its_names() {
    let report = serde_json::to_value(Report::of(evidence())).unwrap();
    assert_eq!(report["calls"], 300);
    assert_eq!(report["failed"], 0);
    assert_eq!(report["longest_gap_ms"], 44);
    assert_eq!(report["old_leaf_refused"], true);
    assert_eq!(report["crashes_survived"], 1);
    assert_eq!(report["phases"], serde_json::json!(["trusted", "retired"]));
    let end = serde_json::json!({
        "accepted": ["O=acme, CN=payments-ca g2"],
        "keys": ["g2"],
        "presented": {"proxied": "g2", "reloading": "g2", "restarted": "g2"},
    });
    assert_eq!(report["end"], end);
}

#[test]
fn what_was_promised_holds() {
    assert_eq!(Report::of(evidence()).broken(), Vec::<String>::new());
}

#[test]
fn each_promise_counts() {
    let break_one: [fn(&mut Evidence); 9] = [
        |e| e.counts[1].1.failed = 1,
        |e| e.findings.phases = vec!["trusted"],
        |e| e.findings.early_distrust = None,
        |e| e.findings.old_leaf_refused = false,
        |e| e.findings.is_new_ca_only = false,
        |e| e.findings.end = None,
        |e| e.findings.end = Some(End::wanted("g1")),
        |e| e.crashes_survived = 0,
        |e| e.error = Some("it broke off".to_owned()),
    ];
    for (index, breaks) in break_one.into_iter().enumerate() {
        let mut evidence = evidence();
        breaks(&mut evidence);
        let report = Report::of(evidence);
        assert_eq!(
            report.broken().len(),
            1,
            "promise {index}: {:?}",
            report.broken()
        );
    }
}
