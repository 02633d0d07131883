//! A wall clock that jumps, for one target alone: libfaketime in its process, told by a file. Programs in Go ask the kernel
//! and not the library, and cannot be told.

use std::{io, path::PathBuf, process::Command};

use crate::targets::Target;

/// Below this the packages of distributions put the library, each for its own architecture.
const LIBRARIES: &str = "/usr/lib";

/// The clock of the targets of one scene.
#[derive(Clone, Debug)]
pub struct Clock {
    library: PathBuf,
    /// By how many seconds it is wrong.
    file: PathBuf,
}

impl Clock {
    /// A clock that is right; none if the library is not there.
    pub(super) fn new(
        library: Option<&PathBuf>,
        run: &std::path::Path,
    ) -> io::Result<Option<Self>> {
        let Some(library) = library.cloned().or_else(find) else {
            return Ok(None);
        };
        let clock = Self {
            library,
            file: run.join("clock"),
        };
        clock.jump(0)?;
        Ok(Some(clock))
    }

    /// Returns whether it can be given to a target.
    pub(super) fn suits(target: Target) -> bool {
        match target {
            Target::Newleaf | Target::L4 | Target::Nginx | Target::Haproxy => true,
            // Envoy does not start with a library before its own.
            Target::Envoy
            | Target::Direct
            | Target::Traefik
            | Target::Caddy
            | Target::Ghostunnel
            | Target::GrpcGo
            | Target::TemporalProxy => false,
        }
    }

    /// Sets it wrong by so many seconds.
    pub(super) fn jump(&self, seconds: i64) -> io::Result<()> {
        let fresh = self.file.with_extension("fresh");
        let mut file = fs_err::File::create(&fresh)?;
        io::Write::write_all(&mut file, format!("{seconds:+}\n").as_bytes())?;
        fs_err::rename(fresh, &self.file)
    }

    /// Gives it to a program. The clock that only measures stays right, as in a real jump.
    pub(crate) fn give(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }
}

fn find() -> Option<PathBuf> {
    let below = fs_err::read_dir(LIBRARIES).ok()?.flatten();
    below
        .map(|entry| entry.path().join("faketime").join("libfaketime.so.1"))
        .find(|library| library.is_file())
}
