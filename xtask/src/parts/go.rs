//! Parts that are written in Go: built with the Go of the `PATH`, from modules whose every file is pinned by its hash.

use std::process::Command;
use std::time::Duration;

use super::{Check, GoModule, Kitchen, Reason};
use crate::process::{self, Ended};

/// How long one build may take. A Temporal server is 150 modules; on two busy cores, fetching and compiling took 19 minutes.
const LIMIT: Duration = Duration::from_mins(40);

impl Kitchen<'_> {
    /// Builds a program of a module that we wrote, or that ours names as its tool.
    pub(super) fn build_go(&self, module: &GoModule, check: &Check) -> Result<(), Reason> {
        let go = self.environment.find("go").ok_or(Reason::NotOnPath)?;
        let sources = self.directory.join("go").join(check.program);
        for (name, text) in module.files {
            let file = sources.join(name);
            fs_err::create_dir_all(&sources)
                .and_then(|()| fs_err::write(&file, text))
                .map_err(|source| Reason::Write { path: file, source })?;
        }
        let mut build = Command::new(go);
        build
            .current_dir(&sources)
            // What else somebody's Go is told must not decide what is built here.
            .env("GOFLAGS", "-mod=readonly -trimpath -buildvcs=false")
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .env("CGO_ENABLED", if module.needs_c { "1" } else { "0" })
            .args(["build", "-o"])
            .arg(self.directory.join("bin").join(check.program))
            .arg(module.package);
        let log = sources.join("log");
        match process::finish_within(&mut build, LIMIT, &log, |_said| false) {
            Ok(Ended::Passed) => Ok(()),
            Ok(ended @ (Ended::Failed | Ended::TooLate | Ended::Enough)) => {
                let said = fs_err::read_to_string(&log).unwrap_or_default();
                Err(Reason::Build {
                    ended,
                    said: said.trim_end().to_owned(),
                })
            }
            Err(source) => Err(Reason::Install { source }),
        }
    }
}
