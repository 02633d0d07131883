//! Counting instructions: what a program costs on any machine, however busy.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::process;

/// Why nothing was counted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CountError {
    #[error("could not run the program under callgrind")]
    Run { source: process::RunError },
    #[error("expected callgrind to say how many instructions it collected, found `{text}`")]
    Count { text: String },
}

/// Runs a program under callgrind, and returns how many instructions that took, its start included.
pub(crate) fn count<A: AsRef<OsStr>>(
    valgrind: &Path,
    program: &Path,
    arguments: impl IntoIterator<Item = A>,
) -> Result<u64, CountError> {
    let mut command = Command::new(valgrind);
    command
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg("--log-fd=1")
        .arg(program)
        .args(arguments);
    let said = process::capture(&mut command).map_err(|source| CountError::Run { source })?;
    let line = said.lines().find(|line| line.contains("Collected :"));
    let number = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
    number.ok_or(CountError::Count { text: said })
}
