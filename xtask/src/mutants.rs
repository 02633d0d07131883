//! `cargo xtask mutants-rotation`: do the tests have teeth? Breaks the rotation on purpose, one
//! place at a time as listed in `xtask/mutants/rotation.toml`, on a copy of the checkout, and
//! demands that a test fails each time.
//!
//! The copy and its target directory stay in the cache, so that a second run compiles little.

mod list;
mod stage;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use self::list::{List, Mutation};
use self::stage::Stage;
use crate::environment::Environment;
use crate::process::{self, Ended};
use crate::workspace::Workspace;

const LIST: &str = "xtask/mutants/rotation.toml";

/// The tests take seconds. What is not done after this long, on a small and busy machine, will not
/// be: a mutation made it wait or turn for ever.
const LIMIT: Duration = Duration::from_mins(5);

/// Why the mutations could not be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MutantsError {
    #[error("could not read `{LIST}`")]
    ReadList { source: io::Error },
    #[error("cannot understand `{LIST}`")]
    ParseList { source: toml::de::Error },
    #[error("the list holds no mutation")]
    EmptyList,
    #[error("mutation `{name}`: expected its `find` once in `{file}`, found it {found} times")]
    Place {
        name: String,
        file: String,
        found: usize,
    },
    #[error("mutation `{name}` changes nothing")]
    ChangesNothing { name: String },
    #[error("could not copy the checkout to `{}`", path.display())]
    Copy { path: PathBuf, source: io::Error },
    #[error("could not run the tests")]
    RunTests { source: process::RunError },
    #[error("cargo built no tests for `{package}`")]
    NoTests { package: String },
    #[error("the tests of `{package}` do not pass even unbroken:\n{said}")]
    Baseline { package: String, said: String },
    #[error("mutation `{name}` does not compile, so no test was asked:\n{said}")]
    DoesNotCompile { name: String, said: String },
}

/// What the tests said to a mutation.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// These tests failed.
    Caught(Vec<String>),
    /// The tests did not end in time.
    CaughtByTime,
    /// No test noticed.
    Survived,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Caught(tests) => {
                let shown: Vec<_> = tests.iter().take(3).map(String::as_str).collect();
                write!(f, "caught by {}", shown.join(", "))
            }
            Self::CaughtByTime => write!(f, "caught: the tests did not end in time"),
            Self::Survived => write!(f, "SURVIVED"),
        }
    }
}

/// Tries every mutation of the list.
pub(crate) fn run(
    workspace: &Workspace,
    environment: &Environment,
) -> Result<ExitCode, MutantsError> {
    let text = fs_err::read_to_string(workspace.root().join(LIST))
        .map_err(|source| MutantsError::ReadList { source })?;
    let list = List::parse(&text)?;
    let cache = environment.cache().join("mutants");
    let stage = Stage::set(workspace.root(), &cache, LIMIT)?;
    let survived = try_all(&stage, &list, |mutation, verdict| {
        println!(
            "{}: {verdict}\n  breaks: {}",
            mutation.name, mutation.invariant
        );
    })?;
    let tried = list.mutations.len();
    println!("{} of {tried} caught", tried - survived);
    Ok(ExitCode::from(u8::from(survived > 0)))
}

/// Tries every mutation, tells each verdict, and answers how many survived. The whole list is
/// looked up before the first test runs: a typing error must not wait for the end.
fn try_all(
    stage: &Stage,
    list: &List,
    mut tell: impl FnMut(&Mutation, &Verdict),
) -> Result<usize, MutantsError> {
    let broken: Vec<_> = list
        .mutations
        .iter()
        .map(|mutation| stage.broken(mutation))
        .collect::<Result<_, _>>()?;
    let unbroken = stage.build(&list.package)?;
    if !matches!(&unbroken, Ok(tests) if stage.run(tests)? == Ended::Passed) {
        let said = unbroken.err().unwrap_or_else(|| stage.said());
        return Err(MutantsError::Baseline {
            package: list.package.clone(),
            said,
        });
    }
    let mut survived = 0;
    for (mutation, broken) in list.mutations.iter().zip(broken) {
        let verdict = stage.with(&mutation.file, &broken, || judge(stage, list, mutation))?;
        survived += usize::from(verdict == Verdict::Survived);
        tell(mutation, &verdict);
    }
    Ok(survived)
}

fn judge(stage: &Stage, list: &List, mutation: &Mutation) -> Result<Verdict, MutantsError> {
    let tests = stage.build(&list.package)?;
    let does_not_compile = |said| MutantsError::DoesNotCompile {
        name: mutation.name.clone(),
        said,
    };
    match stage.run(&tests.map_err(does_not_compile)?)? {
        Ended::Passed => Ok(Verdict::Survived),
        Ended::Failed | Ended::Enough => Ok(Verdict::Caught(failed_tests(&stage.said()))),
        // One test has failed already, and another goes on for ever: it is caught by the first.
        Ended::TooLate => match failed_tests(&stage.said()) {
            failed if failed.is_empty() => Ok(Verdict::CaughtByTime),
            failed => Ok(Verdict::Caught(failed)),
        },
    }
}

/// The tests that libtest reports as failed.
fn failed_tests(said: &str) -> Vec<String> {
    let name = |line: &str| {
        Some(
            line.strip_prefix("test ")?
                .strip_suffix(" ... FAILED")?
                .to_owned(),
        )
    };
    said.lines().filter_map(name).collect()
}

#[cfg(test)]
mod tests;
