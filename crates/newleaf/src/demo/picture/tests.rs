//! Tests of the picture.

use std::time::Duration;

use newleaf_controller::{
    Snapshot,
    snapshot::{Approval, Gate, Mark},
};
use newleaf_rotation::{Phase, RotationId, TrustDomainId};

use super::{Frame, Paint, Row, draw};

fn rotation() -> Snapshot {
    let gate = |phase, step: &str, mark, evidence: &str| Gate {
        step: step.to_owned(),
        phase,
        goal: format!("what `{step}` wants"),
        mark,
        evidence: (!evidence.is_empty()).then(|| evidence.to_owned()),
        approval: if phase == Phase::Distrusted {
            Approval::Needed
        } else {
            Approval::NotNeeded
        },
    };
    Snapshot {
        rotation: RotationId::new("r-7f3a91"),
        domain: TrustDomainId::new("payments"),
        kind: "CA rollover g1 to g2".to_owned(),
        started_at: jiff::Timestamp::UNIX_EPOCH,
        ended_at: None,
        driver: None,
        rev: 9,
        phase: Some(Phase::Canary),
        phases: vec![Phase::Canary, Phase::Issuing, Phase::Distrusted],
        back_because: None,
        outcome: None,
        hold: None,
        asks: None,
        now: None,
        gates: vec![
            gate(
                Phase::Canary,
                "canary/new-accepted",
                Mark::Reached,
                "1 of 1 addresses",
            ),
            gate(
                Phase::Issuing,
                "issuing/wave-1",
                Mark::Reached,
                "1 of 1 seen",
            ),
            gate(
                Phase::Issuing,
                "issuing/wave-2",
                Mark::Current,
                "`reloading` still presents g1",
            ),
            gate(
                Phase::Distrusted,
                "distrusted/payments.a2dd6",
                Mark::Ahead,
                "",
            ),
        ],
        census: Vec::new(),
        events: Vec::new(),
    }
}

fn frame() -> Frame {
    let row = |name: &str, delivery, presents: &str, failed| Row {
        name: name.to_owned(),
        delivery,
        presents: presents.to_owned(),
        calls: 1_203,
        per_second: 50,
        failed,
        longest_gap: Duration::from_millis(61),
    };
    Frame {
        elapsed: Duration::from_millis(14_230),
        backing: "before a real Temporal".to_owned(),
        rotation: Some(std::sync::Arc::new(rotation())),
        rows: vec![
            row("proxied", "newleaf-proxy", "g2", 0),
            row("reloading", "reading files per connection", "g1 g2", 2),
        ],
        crashes_survived: 1,
        events: vec![" 12.1 s  killed the controller".to_owned()],
    }
}

#[test]
fn a_frame_says_everything_without_colour() {
    insta::assert_snapshot!(draw(&frame(), Paint::Plain).join("\n"), @"
    newleaf demo  a CA rollover under live traffic  14.2 s  before a real Temporal

    CA rollover g1 to g2 of `payments`  r-7f3a91
      ✓ canary  ▶ issuing  · distrusted
        ✓ what `canary/new-accepted` wants  1 of 1 addresses
        ✓ what `issuing/wave-1` wants  1 of 1 seen
        ▶ what `issuing/wave-2` wants  `reloading` still presents g1
        · what `distrusted/payments.a2dd6` wants  a person must approve

    client     takes a new leaf by          presents   calls  per s  failed  longest gap
    proxied    newleaf-proxy                g2          1203     50       0        61 ms
    reloading  reading files per connection g1 g2       1203     50       2        61 ms
    all                                                 2406    100       2        61 ms   crashes survived: 1

     12.1 s  killed the controller
    ");
}

#[test]
fn colour_changes_no_word() {
    let bare = |line: &String| {
        let mut parts = line.split('\u{1b}');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            text + part.split_once('m').map_or("", |(_, rest)| rest)
        })
    };
    let coloured: Vec<String> = draw(&frame(), Paint::Colour).iter().map(bare).collect();
    assert_eq!(coloured, draw(&frame(), Paint::Plain));
}
