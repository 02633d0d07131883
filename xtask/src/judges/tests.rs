//! A verdict against us is a verdict against us, in the table and in JSON.

use super::*;

fn verdict(said: Option<&str>) -> Verdict {
    Verdict {
        profile: "leaf",
        algorithm: "rsa-2048",
        signed_by: "ecdsa-p256",
        judge: "go",
        accepted: said.is_none(),
        said: said.map(str::to_owned),
    }
}

#[test]
fn refusals_are_counted_and_quoted() {
    let verdicts = vec![verdict(None), verdict(Some("x509: no"))];
    let report = Report {
        accepted: false,
        verdicts,
    };
    let table = table(&report);
    assert!(
        table.contains("by ecdsa-p256  go       accepted\n"),
        "{table}"
    );
    assert!(
        table.contains("x509: no\n2 verdicts, 1 against us\n"),
        "{table}"
    );
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["verdicts"][1]["accepted"], false);
    assert_eq!(json["verdicts"][1]["said"], "x509: no");
}

#[test]
fn every_judge_that_is_a_part_is_in_the_table_of_parts() {
    for judge in Judge::ALL {
        if let Some(name) = judge.part() {
            assert!(PARTS.iter().any(|part| part.name == name), "{name}");
        }
    }
}
