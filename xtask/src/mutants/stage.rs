//! A copy of the checkout where things may be broken.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::MutantsError;
use super::list::Mutation;
use crate::process::{self, Ended, RunError};
use crate::workspace::files_below;

/// The copy, its target directory, and what its last program said.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
    target: PathBuf,
    log: PathBuf,
    limit: Duration,
    /// Held as long as the stage is in use: two runs would break each other's copy.
    _lock: fs_err::File,
}

impl Stage {
    /// Makes the copy in `cache` equal to `checkout`. A file that is equal already keeps its time
    /// of change, so cargo compiles only what differs from the last run.
    pub(super) fn set(
        checkout: &Path,
        cache: &Path,
        limit: Duration,
    ) -> Result<Self, MutantsError> {
        let root = cache.join("copy");
        let copied = fs_err::create_dir_all(&root)
            .and_then(|()| fs_err::File::create(cache.join("lock")))
            .and_then(|lock| lock.lock().map(|()| lock))
            .and_then(|lock| copy_what_differs(checkout, &root).map(|()| lock));
        let lock = copied.map_err(|source| MutantsError::Copy {
            path: root.clone(),
            source,
        })?;
        Ok(Self {
            root,
            target: cache.join("target"),
            log: cache.join("log"),
            limit,
            _lock: lock,
        })
    }

    /// The text of the mutation's file, broken.
    pub(super) fn broken(&self, mutation: &Mutation) -> Result<String, MutantsError> {
        let path = self.root.join(&mutation.file);
        let text =
            fs_err::read_to_string(&path).map_err(|source| MutantsError::Copy { path, source })?;
        mutation.apply(&text)
    }

    /// Puts `text` into `file`, does something, and puts back what was there.
    pub(super) fn with<T>(
        &self,
        file: &str,
        text: &str,
        something: impl FnOnce() -> Result<T, MutantsError>,
    ) -> Result<T, MutantsError> {
        let path = self.root.join(file);
        let failed = |source| MutantsError::Copy {
            path: path.clone(),
            source,
        };
        let whole = fs_err::read(&path).map_err(failed)?;
        fs_err::write(&path, text).map_err(failed)?;
        let result = something();
        fs_err::write(&path, whole).map_err(failed)?;
        result
    }

    /// Builds the tests inside `package`; or answers with what the compiler has against it.
    pub(super) fn build(&self, package: &str) -> Result<Result<Tests, String>, MutantsError> {
        let mut cargo = Command::new("cargo");
        cargo
            .current_dir(&self.root)
            .args(["test", "--no-run", "--lib", "--package", package])
            .args(["--message-format", "json-render-diagnostics"])
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_TERM_COLOR", "never")
            // Whole rotations run thousands of times, and once more for each mutation.
            .env("CARGO_PROFILE_TEST_OPT_LEVEL", "1");
        match process::capture(&mut cargo) {
            Ok(messages) => match messages.lines().find_map(Tests::from_message) {
                Some(tests) => Ok(Ok(tests)),
                None => Err(MutantsError::NoTests {
                    package: package.to_owned(),
                }),
            },
            Err(RunError::Failed { said, .. }) => Ok(Err(without_messages(&said))),
            Err(source) => Err(MutantsError::RunTests { source }),
        }
    }

    /// Runs tests within the time limit. We start them ourselves, not through cargo, so that there
    /// is one process to end when they do not, and an interrupt at the terminal reaches it.
    pub(super) fn run(&self, tests: &Tests) -> Result<Ended, MutantsError> {
        let mut command = Command::new(&tests.executable);
        command
            .current_dir(&tests.directory)
            .env("CARGO_MANIFEST_DIR", &tests.directory)
            .env("RUST_BACKTRACE", "0")
            .env("INSTA_UPDATE", "no")
            // A case that caught one mutation must not be handed to the next; nor need it be small.
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0");
        // One failed test is enough: the mutation is caught, and the rest would take minutes.
        let is_caught = |said: &str| said.lines().any(|line| line.ends_with(" ... FAILED"));
        process::finish_early(&mut command, self.limit, &self.log, is_caught)
            .map_err(|source| MutantsError::RunTests { source })
    }

    /// What the last program said; nothing if that is lost.
    pub(super) fn said(&self) -> String {
        fs_err::read(&self.log).map_or_else(
            |_| String::new(),
            |said| String::from_utf8_lossy(&said).into_owned(),
        )
    }
}

/// Built tests.
#[derive(Debug)]
pub(super) struct Tests {
    executable: PathBuf,
    /// The package's own directory, where cargo would run them.
    directory: PathBuf,
}

impl Tests {
    /// Reads one of the messages that cargo prints while it builds.
    fn from_message(line: &str) -> Option<Self> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| message.get(key)?.as_str();
        let is_test = message.get("profile")?.get("test")?.as_bool()?;
        let directory = Path::new(text("manifest_path")?).parent()?.to_owned();
        is_test.then_some(Self {
            executable: text("executable")?.into(),
            directory,
        })
    }
}

/// What cargo said to people, without its messages to programs.
fn without_messages(said: &str) -> String {
    let lines: Vec<_> = said.lines().filter(|line| !line.starts_with('{')).collect();
    lines.join("\n")
}

fn copy_what_differs(from: &Path, to: &Path) -> io::Result<()> {
    let below = |root: &Path, path: &Path| path.strip_prefix(root).map(Path::to_owned).ok();
    for path in files_below(to)? {
        if let Some(name) = below(to, &path)
            && !from.join(name).is_file()
        {
            fs_err::remove_file(path)?;
        }
    }
    for path in files_below(from)? {
        let Some(name) = below(from, &path) else {
            continue;
        };
        let (copy, wanted) = (to.join(name), fs_err::read(&path)?);
        if fs_err::read(&copy).ok().as_ref() != Some(&wanted) {
            fs_err::create_dir_all(copy.parent().unwrap_or(to))?;
            fs_err::write(copy, wanted)?;
        }
    }
    Ok(())
}
