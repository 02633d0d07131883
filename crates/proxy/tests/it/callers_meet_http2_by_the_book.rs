//! Callers meet HTTP/2 as RFC 9113 has it: judged by h2spec, which nobody here wrote.
//!
//! It is found in the directory that `NEWLEAF_PARTS` names, which `cargo xtask test` prepares.

use std::{process::Output, time::Duration};

use tokio::{process::Command, time::timeout};

use crate::rig::Rig;

/// How many cases this version of the judge has, the strict ones among them.
const N_CASES: usize = 146;

/// The judge waits up to [`SECONDS_PER_CASE`] in each of its cases, and in most not at all.
const PATIENCE: Duration = Duration::from_mins(5);

/// How long the judge waits for an answer: its default of 2 is short for a machine that runs other tests too.
const SECONDS_PER_CASE: &str = "4";

#[tokio::test]
async fn h2spec_passes() {
    let Some(judge) = newleaf_parts::program("h2spec") else {
        return;
    };
    let rig = Rig::start().await;
    let report = rig.directory.path().join("report.xml");
    let mut command = Command::new(judge);
    command
        .args(["--strict", "--timeout", SECONDS_PER_CASE])
        .args(["--host", "127.0.0.1", "--path", "/answer"])
        .args(["--port", &rig.proxy.address.port().to_string()])
        .arg("--junit-report")
        .arg(&report);
    let output = run(&mut command).await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = fs_err::read_to_string(&report).unwrap();
    let cases = cases(&report);
    assert_eq!(cases.len(), N_CASES, "{said}");
    let failed: Vec<_> = cases.iter().filter(|case| !case.passed).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// One case of the report.
#[derive(Debug)]
#[expect(dead_code, reason = "shown when the test fails")]
struct Case<'report> {
    section: &'report str,
    title: &'report str,
    told: &'report str,
    passed: bool,
}

/// Reads the report, one `<testcase …>` after the other.
fn cases(report: &str) -> Vec<Case<'_>> {
    report
        .split("<testcase ")
        .skip(1)
        .map(|case| Case {
            section: attribute(case, "package"),
            title: attribute(case, "classname"),
            told: case,
            passed: !(case.contains("<failure") || case.contains("<error")) || was_reset(case),
        })
        .collect()
}

/// Where the connection must end, the judge does not know a reset for an end, though that is one: octets that come
/// after an error are not read any more, and the kernel then closes with a reset.
fn was_reset(case: &str) -> bool {
    case.contains("Connection closed") && case.contains("connection reset by peer")
}

fn attribute<'case>(case: &'case str, name: &str) -> &'case str {
    let (_before, value) = case.split_once(&format!("{name}=\"")).unwrap();
    value.split_once('"').unwrap().0
}

async fn run(command: &mut Command) -> Output {
    timeout(PATIENCE, command.kill_on_drop(true).output())
        .await
        .unwrap()
        .unwrap()
}
