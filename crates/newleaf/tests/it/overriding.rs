//! The one thing that can be overridden: the proof that the old CA is out of use. By name, with a reason, and written down.

use crate::rotating::{DISTRUST, Stage, exit};

const DISUSE: &str = "soaking/disuse";

#[test]
fn a_proof_of_disuse_is_overridden_by_name_with_a_reason_and_written_down() {
    let stage = Stage::set();
    let bench = &stage.bench;
    let driver = stage.start("rotate ca payments --yes");
    let id = stage.at("issuing/wave-1");

    // Without a step, without a reason: it is not even asked.
    assert_eq!(bench.run(&format!("override {id} --reason gone")).code, 2);
    assert_eq!(bench.run(&format!("override {id} {DISUSE}")).code, 2);
    let said = bench
        .newleaf(&format!("override {id} {DISUSE} --reason"))
        .arg(" ")
        .output();
    let said = said.unwrap();
    assert_eq!(said.status.code(), Some(1));
    let err = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(err.contains("expected a reason, found none"), "{err}");

    // Nothing else can be overridden, and nothing that is not there.
    for step in [DISTRUST, "trusted/payments.a2dd6", "issuing/wave-1"] {
        let other = bench.fails(&format!("override {id} {step} --reason gone"), 1, "R005");
        assert!(
            other
                .err
                .contains("only a proof of disuse and a traffic gate can"),
            "{}",
            other.err
        );
    }
    bench.fails(
        &format!("override {id} soaking/nothing --reason gone"),
        1,
        "R005",
    );
    let untouched = stage.status();
    let events = untouched["events"].to_string();
    assert!(!events.contains("gone"), "{events}");

    let recorded = bench.done(&format!("override {id} {DISUSE} --reason decommissioned"));
    assert!(
        recorded.err.contains("overrode soaking/disuse"),
        "{}",
        recorded.err
    );
    let events = stage.status()["events"].to_string();
    assert!(events.contains("decommissioned"), "{events}");

    stage.attest(&id, &["worker-a"]);
    stage.at("issuing/wave-2");
    stage.attest(&id, &["worker-a", "worker-b"]);
    stage.at(DISTRUST);
    bench.done(&format!("approve {id} {DISTRUST}"));
    assert_eq!(exit(driver), Some(0));
    let status = stage.status();
    let gates = status["gates"].as_array().unwrap();
    let disuse = gates.iter().find(|gate| gate["step"] == DISUSE).unwrap();
    assert_eq!(disuse["evidence"], "overridden by a person");
}
