//! The examples of the README, as a new user would type them.

use std::{path::Path, process::Command};

use crate::bench::Bench;

const README: &str = include_str!("../../../../README.md");

/// The section whose examples need nothing but the binary.
const SECTION: &str = "## Certificates by hand";

#[test]
fn every_line_of_certificates_by_hand_can_be_typed() {
    let (_, section) = README.split_once(SECTION).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines: Vec<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert!(lines.len() > 10, "the section has lost its examples");
    let bench = Bench::new();
    let binaries = Path::new(env!("CARGO_BIN_EXE_newleaf")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let path = std::env::join_paths(
        std::iter::once(binaries.to_owned()).chain(std::env::split_paths(&path)),
    );
    let path = path.unwrap();
    for line in lines {
        let output = Command::new("sh")
            .args(["-c", line])
            .env("PATH", &path)
            .current_dir(bench.path(""))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // What the shell says of a program that is not there.
        if output.status.code() == Some(127) && std::env::var_os("CI").is_none() {
            eprintln!("not tried: {line}: {said}");
            continue;
        }
        assert!(output.status.success(), "$ {line}\n{said}");
    }
}
