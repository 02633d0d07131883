//! The real parts that tests are run against: what they are, where they come from, and whether
//! they work. All of them answer below one directory, `<cache>/parts/bin`, whose parent is given
//! to tests as `NEWLEAF_PARTS`.
//!
//! A part is real when it answers as its check expects, and for no other reason: there is no
//! record of what was installed that could be wrong. So preparing twice does nothing, a full cache
//! needs no network, and what is half made is made again.

mod debian;
mod go;
mod peers;
mod python;
mod table;

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::Environment;
use crate::process;

pub(crate) use self::{peers::PEERS, table::PARTS};

/// One thing that tests or gates need and that is not ours.
#[derive(Debug)]
pub(crate) struct Part {
    /// What people call it.
    pub(crate) name: &'static str,
    /// What it is used for.
    pub(crate) purpose: &'static str,
    /// Where it comes from.
    source: Source,
}

/// Where a part comes from.
#[derive(Debug)]
enum Source {
    /// Packages of the Python index, each file pinned by its hash, in a private environment.
    Python { lock: &'static str, check: Check },
    /// A program in Go, built here where Go is on the `PATH`; `go.sum` pins every module by its hash.
    Go { module: GoModule, check: Check },
    /// A package of Debian; looked for on the `PATH` first.
    Debian { package: &'static str, check: Check },
    /// A program that we use if it is there and never install.
    Path { check: Check },
    /// Cannot be had for a test at all; tests use something of ours that plays its role.
    Played { by: &'static str },
}

/// A module of ours below `xtask/parts/go`: a program, or no more than the name and version of somebody's.
#[derive(Debug)]
struct GoModule {
    /// Every file by its name: `go.mod`, `go.sum`, and sources if the program is ours.
    files: &'static [(&'static str, &'static str)],
    /// The package that is built: a path, or `.`.
    package: &'static str,
    /// Whether it is not complete without C: then it is built with the compiler of the `PATH`.
    needs_c: bool,
}

/// How a part shows that it works.
#[derive(Debug)]
struct Check {
    program: &'static str,
    arguments: &'static [&'static str],
    /// What it must say, among other things: its version where we pin one.
    says: &'static str,
}

/// What a part is for the tests of this run.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It answered so.
    Real(String),
    /// Its role is played by something of ours.
    Fake(&'static str),
    /// It could not be had.
    Missing(Reason),
}

/// Why a part is missing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    #[error("not found on the PATH")]
    NotOnPath,
    #[error("not found on the PATH; install the package `{package}`")]
    NeedsPackage { package: &'static str },
    #[error("does not answer")]
    Silent { source: process::RunError },
    #[error("answered otherwise than expected: expected `{expected}`, found `{found}`")]
    SaysOtherwise {
        expected: &'static str,
        found: String,
    },
    #[error("could not be installed")]
    Install { source: process::RunError },
    #[error("could not be built ({ended:?}):\n{said}")]
    Build { ended: process::Ended, said: String },
    #[error("could not be written to `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
}

impl Reason {
    /// The reason and what caused it, in full: an installer may have said a lot.
    pub(crate) fn in_full(&self) -> String {
        let causes = std::iter::successors(self.source(), |error| (*error).source());
        causes.fold(self.to_string(), |said, cause| format!("{said}: {cause}"))
    }

    /// The reason and the last thing that was said about it: by custom of installers, the error.
    pub(crate) fn in_short(&self) -> String {
        let causes = std::iter::successors(self.source(), |error| (*error).source());
        let last = causes.last().map(ToString::to_string);
        let last = last.as_deref().and_then(|said| said.lines().last());
        last.map_or_else(|| self.to_string(), |last| format!("{self}: {last}"))
    }
}

/// Why parts could not be prepared at all.
#[derive(Debug, thiserror::Error)]
#[error("could not lock `{}`", path.display())]
pub(crate) struct PrepareError {
    path: PathBuf,
    source: io::Error,
}

/// The parts of one run.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// What tests find in `NEWLEAF_PARTS`.
    pub(crate) directory: PathBuf,
    /// Every part with its standing, in the order of the table.
    pub(crate) parts: Vec<(&'static Part, Standing)>,
}

impl Prepared {
    /// The parts that could not be had, and why.
    pub(crate) fn missing(&self) -> impl Iterator<Item = (&'static Part, &Reason)> {
        self.parts
            .iter()
            .filter_map(|(part, standing)| match standing {
                Standing::Missing(reason) => Some((*part, reason)),
                Standing::Real(_) | Standing::Fake(_) => None,
            })
    }
}

impl Part {
    /// Whether `CI=true` insists on it: on all but what we never install.
    pub(crate) fn is_required(&self) -> bool {
        match self.source {
            Source::Python { .. }
            | Source::Go { .. }
            | Source::Debian { .. }
            | Source::Played { .. } => true,
            Source::Path { .. } => false,
        }
    }
}

/// Makes every one of `parts` real that can be. Only one run at a time prepares; others wait. The
/// lock lies beside the directory, not in it: making an environment anew clears all that is there.
pub(crate) fn prepare(
    environment: &Environment,
    parts: impl IntoIterator<Item = &'static Part>,
) -> Result<Prepared, PrepareError> {
    let directory = environment.cache().join("parts");
    let lock = environment.cache().join("parts.lock");
    let taken = fs_err::create_dir_all(directory.join("bin"))
        .and_then(|()| fs_err::File::create(&lock))
        .and_then(|file| file.lock().map(|()| file));
    let _guard = taken.map_err(|source| PrepareError { path: lock, source })?;
    let kitchen = Kitchen {
        environment,
        directory: &directory,
    };
    let parts = parts.into_iter();
    let parts = parts.map(|part| (part, kitchen.make(part))).collect();
    Ok(Prepared { directory, parts })
}

/// Where parts are made.
struct Kitchen<'a> {
    environment: &'a Environment,
    directory: &'a Path,
}

impl Kitchen<'_> {
    fn make(&self, part: &Part) -> Standing {
        let made = match &part.source {
            Source::Played { by } => return Standing::Fake(by),
            Source::Python { lock, check } => self.check(check).or_else(|_| {
                eprintln!("fetching {}", part.name);
                self.install_python(lock)?;
                self.check(check)
            }),
            Source::Go { module, check } => self.check(check).or_else(|_| {
                eprintln!("building {}", part.name);
                self.build_go(module, check)?;
                self.check(check)
            }),
            Source::Debian { package, check } => self.find(check).or_else(|_| {
                eprintln!("installing the package {package}");
                self.install_debian(package)?;
                self.find(check)
            }),
            Source::Path { check } => self.find(check),
        };
        made.map_or_else(Standing::Missing, Standing::Real)
    }

    /// Asks a part in our directory to show that it works; answers with the line that proves it.
    fn check(&self, check: &Check) -> Result<String, Reason> {
        let mut command = Command::new(self.directory.join("bin").join(check.program));
        let said = process::capture(command.args(check.arguments))
            .map_err(|source| Reason::Silent { source })?;
        let proof = said.lines().find(|line| line.contains(check.says));
        proof
            .map(|line| line.trim().to_owned())
            .ok_or_else(|| Reason::SaysOtherwise {
                expected: check.says,
                found: said.lines().next().unwrap_or_default().to_owned(),
            })
    }

    /// Links a program of the `PATH` into our directory, so that tests look in one place.
    fn find(&self, check: &Check) -> Result<String, Reason> {
        let found = self
            .environment
            .find(check.program)
            .ok_or(Reason::NotOnPath)?;
        let link = self.directory.join("bin").join(check.program);
        if fs_err::read_link(&link).ok().as_ref() != Some(&found) {
            let linked =
                remove_if_there(&link).and_then(|()| fs_err::os::unix::fs::symlink(&found, &link));
            linked.map_err(|source| Reason::Write { path: link, source })?;
        }
        self.check(check)
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests;
