//! Parts that are packages of Debian: installed where that is allowed, named where it is not.

use std::process::Command;

use super::{Kitchen, Reason};
use crate::process;

impl Kitchen<'_> {
    /// Installs a package, if we are root on a machine that has apt.
    pub(super) fn install_debian(&self, package: &'static str) -> Result<(), Reason> {
        let apt = self
            .environment
            .find("apt-get")
            .filter(|_| self.environment.is_root());
        let apt = apt.ok_or(Reason::NeedsPackage { package })?;
        let quiet = || {
            let mut command = Command::new(&apt);
            command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
            command
        };
        process::capture(quiet().arg("update"))
            .and_then(|_| {
                process::capture(quiet().args([
                    "install",
                    "-y",
                    "--no-install-recommends",
                    package,
                ]))
            })
            .map(drop)
            .map_err(|source| Reason::Install { source })
    }
}
