//! Processes that end with the demo, however it ends: the kernel kills them when it is gone.
//!
//! What the demo drops it kills. When the demo itself is killed with `SIGKILL` it drops nothing, and nobody else knows of
//! its proxy and its dev server. So each of its processes begins as newleaf, asks the kernel to be killed with its
//! parent, and only then becomes what it is to be. The wish outlives the `exec`, and it needs no second process.

use std::{
    convert::Infallible,
    ffi::OsString,
    io,
    os::unix::process::{CommandExt as _, parent_id},
    path::Path,
    process,
};

use tokio::process::Command;

/// Why a process did not become what it was to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TiedError {
    /// The kernel does not tie it.
    #[error("could not tie this process to its parent")]
    Tie(#[source] io::Error),
    /// The demo was gone before the kernel had been asked.
    #[error("expected process {expected} as the parent, found {found}")]
    Orphan {
        /// The demo.
        expected: u32,
        /// Who has taken its place.
        found: u32,
    },
    /// The program does not run.
    #[error("could not run `{program}`")]
    Run {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// Returns a command that runs a program, as a process that ends with this one. Arguments may be added.
pub(crate) fn command(newleaf: &Path, program: &Path) -> Command {
    let mut command = Command::new(newleaf);
    command
        .args(["demo", "tied"])
        .arg(process::id().to_string())
        // What follows is the program's, also where newleaf has an option of that name.
        .arg("--")
        .arg(program)
        .kill_on_drop(true);
    command
}

/// Ties this process to its parent, and becomes the program.
pub(crate) fn become_program(
    parent: u32,
    program: &Path,
    arguments: &[OsString],
) -> Result<Infallible, TiedError> {
    tie().map_err(TiedError::Tie)?;
    // A parent that died before the kernel was asked will not die again.
    let found = parent_id();
    if found != parent {
        return Err(TiedError::Orphan {
            expected: parent,
            found,
        });
    }
    Err(TiedError::Run {
        program: program.display().to_string(),
        source: process::Command::new(program).args(arguments).exec(),
    })
}

/// Asks the kernel to kill this process when the thread that started it ends. The demo starts all its processes from
/// its first thread, which is its last one too.
#[cfg(target_os = "linux")]
fn tie() -> io::Result<()> {
    use rustix::process::{Signal, set_parent_process_death_signal};

    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Other systems have no such wish: there a demo that is killed with `SIGKILL` leaves its processes behind.
#[cfg(not(target_os = "linux"))]
fn tie() -> io::Result<()> {
    Ok(())
}
