//! `cargo xtask tidy`: what the compiler cannot check. Each family of checks is a pure function
//! from what was read to a list of problems, so that it can be tried on small fake trees.

mod borders;
mod codes;
mod documents;
mod sources;

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::process;
use crate::workspace::{Tree, Workspace};

/// Why the checks could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TidyError {
    #[error("could not read the checkout")]
    ReadCheckout { source: io::Error },
    #[error("could not ask cargo for the dependency graph")]
    AskCargo { source: process::RunError },
    #[error("cannot understand the dependency graph that cargo printed")]
    ReadGraph { source: serde_json::Error },
}

/// One thing that is not tidy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// A file, with its line where there is one; or a crate.
    place: String,
    /// What is wrong there, and what would be right.
    what: String,
}

impl Problem {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

/// Makes every check and prints what is not tidy.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode, TidyError> {
    let tree = Tree::read(workspace.root()).map_err(|source| TidyError::ReadCheckout { source })?;
    let graph = read_graph(workspace)?;
    let mut problems = sources::check(&tree, sources::LONG_FILES);
    problems.extend(borders::check(&graph));
    problems.extend(documents::check(&tree));
    problems.extend(codes::check(&tree, codes::FAMILIES));
    problems.sort();
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        println!("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("error: {} not tidy", problems.len());
    Ok(ExitCode::FAILURE)
}

/// The dependency graph of the workspace as `Cargo.lock` fixes it. It holds the dependencies of
/// every platform and every feature in use, so a border is judged by the worst case.
fn read_graph(workspace: &Workspace) -> Result<borders::Graph, TidyError> {
    let mut cargo = workspace.cargo();
    cargo.args(["metadata", "--format-version", "1", "--locked", "--quiet"]);
    let json = process::capture(&mut cargo).map_err(|source| TidyError::AskCargo { source })?;
    serde_json::from_str(&json).map_err(|source| TidyError::ReadGraph { source })
}

#[cfg(test)]
mod tests;
