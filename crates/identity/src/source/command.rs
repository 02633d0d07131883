//! A program that prints an identity: run without a shell, with a bound on its time and on what it says.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use rustix::process::{Pid, Signal, kill_process_group};
use zeroize::Zeroizing;

use super::{Helper, LoadError, PATIENCE, bounded};

/// What a program printed, and how it ended.
type Said = io::Result<(Zeroizing<String>, ExitStatus)>;

/// Runs the program to its end. What it says on standard error goes where ours goes.
pub(super) fn run(helper: &Helper) -> Result<Zeroizing<String>, LoadError> {
    let failed = |source| LoadError::Run {
        program: helper.program.clone(),
        source,
    };
    let child = Command::new(&helper.program)
        .args(&helper.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // A group of its own: what it started ends with it.
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let group = Pid::from_child(&child);
    let (tell, told) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("identity-helper".to_owned())
        .spawn(move || tell.send(listen(child)).is_ok())
        .map_err(failed)?;
    let Ok(said) = told.recv_timeout(PATIENCE) else {
        // It may have ended by itself just now; then there is nothing to end.
        let _ended = kill_process_group(group, Signal::KILL);
        return Err(LoadError::Silent {
            place: format!("`{}`", helper.program.display()),
            bound: PATIENCE,
        });
    };
    let (text, status) = said.map_err(failed)?;
    if status.success() {
        Ok(text)
    } else {
        Err(LoadError::Failed {
            program: helper.program.clone(),
            status,
        })
    }
}

/// Listens until the program has ended. One that says too much meets a closed pipe.
fn listen(mut child: Child) -> Said {
    let text = child.stdout.take().map(bounded);
    let status = child.wait()?;
    Ok((text.transpose()?.unwrap_or_default(), status))
}
