//! Parts from the Python index, in a virtual environment that is nobody else's.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Kitchen, Reason};
use crate::process;

impl Kitchen<'_> {
    /// Installs what a lock file names. Wheels only: nothing is built, nothing of theirs is run.
    pub(super) fn install_python(&self, lock: &str) -> Result<(), Reason> {
        let python = self.virtual_environment()?;
        let requirements = self.directory.join("requirements.txt");
        fs_err::write(&requirements, lock).map_err(|source| Reason::Write {
            path: requirements.clone(),
            source,
        })?;
        let mut pip = Command::new(python);
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--retries=2",
        ])
        .args([
            "--only-binary=:all:",
            "--require-hashes",
            "--force-reinstall",
            "--requirement",
        ])
        .arg(requirements);
        process::capture(&mut pip)
            .map(drop)
            .map_err(|source| Reason::Install { source })
    }

    /// The Python of our environment, which is made or made anew if it cannot run its pip.
    fn virtual_environment(&self) -> Result<PathBuf, Reason> {
        let ours = self.directory.join("bin").join("python");
        if process::capture(Command::new(&ours).args(["-m", "pip", "--version"])).is_ok() {
            return Ok(ours);
        }
        let theirs = self.environment.find("python3").ok_or(Reason::NotOnPath)?;
        if let Err(source) = self.make_environment(&theirs) {
            // Debian keeps what makes environments in a package of its own.
            if self.install_debian("python3-venv").is_err() {
                return Err(Reason::Install { source });
            }
            self.make_environment(&theirs)
                .map_err(|source| Reason::Install { source })?;
        }
        Ok(ours)
    }

    fn make_environment(&self, python: &Path) -> Result<(), process::RunError> {
        let mut venv = Command::new(python);
        venv.args(["-m", "venv", "--clear"]).arg(self.directory);
        process::capture(&mut venv).map(drop)
    }
}
