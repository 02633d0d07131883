//! Programs of ours, built by cargo and found by what cargo says of them, wherever it keeps them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::process;

/// Why there is no program.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("could not learn for which machine to build")]
    AskCompiler { source: process::RunError },
    #[error("could not run cargo")]
    Run { source: process::RunError },
    #[error("could not read what cargo built")]
    Read { source: io::Error },
    #[error("expected cargo to build `{name}`, which it did not")]
    NotBuilt { name: &'static str },
}

/// What cargo built.
#[derive(Debug)]
pub(crate) struct Programs(Vec<PathBuf>);

/// One of the lines that cargo says with `--message-format=json`, as far as we need it.
#[derive(Debug, Deserialize)]
struct Message {
    executable: Option<PathBuf>,
}

/// Runs `cargo build` as far as it was told what to build. What the compiler has to say is shown.
pub(crate) fn build(cargo: &mut Command) -> Result<Programs, BuildError> {
    build_by(cargo, &[])
}

/// The same by `cargo rustc`, with arguments for the compiler.
pub(crate) fn build_by(cargo: &mut Command, rustc: &[String]) -> Result<Programs, BuildError> {
    cargo
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit());
    if !rustc.is_empty() {
        cargo.arg("--").args(rustc);
    }
    let said = process::capture(cargo).map_err(|source| BuildError::Run { source })?;
    let messages = said.lines().map(serde_json::from_str::<Message>);
    let programs =
        messages.filter_map(|message| message.map(|message| message.executable).transpose());
    programs
        .collect::<Result<_, _>>()
        .map(Programs)
        .map_err(|source| BuildError::Read {
            source: source.into(),
        })
}

/// The machine the compiler runs on. Named to cargo, it keeps build scripts and macros from being built as the program is.
pub(crate) fn host() -> Result<String, BuildError> {
    let said = process::capture(Command::new("rustc").arg("-vV"))
        .map_err(|source| BuildError::AskCompiler { source })?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.unwrap_or_default().to_owned())
}

impl Programs {
    /// Where a program is.
    pub(crate) fn get(&self, name: &'static str) -> Result<&Path, BuildError> {
        let found = self.0.iter().find(|path| path.ends_with(name));
        found
            .map(PathBuf::as_path)
            .ok_or(BuildError::NotBuilt { name })
    }
}
