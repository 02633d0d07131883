//! The only reader of the process environment: what the commands need of it, as one value.

use std::env;
use std::path::{Path, PathBuf};

/// What the commands need to know about where they run.
#[derive(Debug)]
pub(crate) struct Environment {
    /// Where fetched parts and reusable build results are kept, outside the checkout.
    cache: PathBuf,
    /// The directories of `PATH`, in order.
    path: Vec<PathBuf>,
    /// Whether this is continuous integration: there a missing part is a failure.
    ci: bool,
    /// Whether packages of the system may be installed.
    root: bool,
    /// Whether the person already decided how much of a backtrace they want.
    backtrace: bool,
}

impl Environment {
    /// Reads the environment of this process.
    pub(crate) fn read() -> Self {
        Self {
            cache: cache(),
            path: env::var_os("PATH")
                .map_or_else(Vec::new, |path| env::split_paths(&path).collect()),
            ci: env::var_os("CI").is_some_and(|value| value == "true"),
            root: rustix::process::geteuid().is_root(),
            backtrace: env::var_os("RUST_BACKTRACE").is_some(),
        }
    }

    /// An environment for tests: its own cache, this `PATH`, no rights.
    #[cfg(test)]
    pub(crate) fn for_test(cache: &Path) -> Self {
        Self {
            cache: cache.to_owned(),
            ci: false,
            root: false,
            ..Self::read()
        }
    }

    /// The same environment, with nothing on its `PATH`.
    #[cfg(test)]
    pub(crate) fn with_empty_path(self) -> Self {
        Self {
            path: Vec::new(),
            ..self
        }
    }

    /// Where fetched parts and reusable build results are kept.
    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    /// Whether a missing part is a failure.
    pub(crate) fn is_ci(&self) -> bool {
        self.ci
    }

    /// Whether packages of the system may be installed.
    pub(crate) fn is_root(&self) -> bool {
        self.root
    }

    /// What `RUST_BACKTRACE` should be set to, if the person left it open.
    pub(crate) fn backtrace_to_set(&self) -> Option<&'static str> {
        (!self.backtrace).then_some("1")
    }

    /// Finds a program on the `PATH`.
    pub(crate) fn find(&self, program: &str) -> Option<PathBuf> {
        self.path
            .iter()
            .map(|directory| directory.join(program))
            .find(|found| found.is_file())
    }
}

/// `NEWLEAF_CACHE`, else `newleaf` in the user's cache directory as XDG defines it, else in the
/// directory for temporary files. Relative paths count for nothing (as XDG says), since the
/// commands run in more than one directory.
fn cache() -> PathBuf {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    absolute("NEWLEAF_CACHE")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|base| base.join("newleaf")))
        .or_else(|| absolute("HOME").map(|home| home.join(".cache").join("newleaf")))
        .unwrap_or_else(|| env::temp_dir().join("newleaf"))
}
