//! Findings as SARIF 2.1.0 (OASIS), which code scanning services read: every rule once, then each finding with its place.

use newleaf_x509::lint::{Lint, Severity};
use serde_json::{Value, json};

use super::{Met, profile_name};
use crate::{code, failure::Failure};

/// Where the schema of SARIF 2.1.0 lies.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Prints a run: the rules that were met, in the order of their codes, and the findings.
pub(super) fn print(met: &[Met]) -> Result<String, Failure> {
    let mut rules: Vec<&Lint> = met.iter().map(|met| met.finding.lint).collect();
    rules.sort_by_key(|lint| lint.code);
    rules.dedup();
    let results: Vec<_> = met.iter().map(|met| result(met, &rules)).collect();
    let rules: Vec<_> = rules.into_iter().map(rule).collect();
    let driver = json!({
        "name": "newleaf",
        "semanticVersion": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "results": results }],
    });
    serde_json::to_string_pretty(&log).map_err(|error| Failure::new(&code::BUG, error))
}

fn rule(lint: &Lint) -> Value {
    let profiles: Vec<_> = lint.profiles.iter().copied().map(profile_name).collect();
    json!({
        "id": lint.code,
        "name": lint.name,
        "shortDescription": { "text": lint.says },
        "help": { "text": lint.advice },
        "defaultConfiguration": { "level": level(lint.severity) },
        "properties": { "citation": lint.citation, "tags": profiles },
    })
}

fn result(met: &Met, rules: &[&Lint]) -> Value {
    let finding = &met.finding;
    let index = rules.iter().position(|lint| lint.code == finding.lint.code);
    json!({
        "ruleId": finding.lint.code,
        "ruleIndex": index,
        "level": level(finding.lint.severity),
        "message": { "text": format!("{}: {}", finding.subject, finding.message) },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": uri(&met.file.to_string_lossy()) } },
            "logicalLocations": [{ "name": finding.subject, "kind": "resource" }],
        }],
    })
}

/// SARIF §3.27.10 has these levels, and `none`, which a finding never is.
fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// Writes a path as a relative reference or path of a URI: what a path may hold and a URI may not is escaped.
fn uri(path: &str) -> String {
    path.bytes()
        .map(|octet| match octet {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                char::from(octet).to_string()
            }
            _ => format!("%{octet:02X}"),
        })
        .collect()
}
