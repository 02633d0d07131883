//! A program that prints an identity: run without a shell, with a bound on its time and on what it says.

use std::{
    io::{self, Read as _},
    mem,
    os::unix::process::CommandExt as _,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};
use zeroize::Zeroizing;

use super::{Helper, LoadError, MAX_BYTES, deadline::Deadline};

/// How long what a program started may go on speaking for it after its end, and how long a program that said too much may take
/// to end by itself.
const GRACE: Duration = Duration::from_secs(1);

/// The time between two looks whether a program has ended.
const STEP: Duration = Duration::from_millis(20);

/// What is read at once.
const CHUNK: usize = 16 * 1024;

/// Runs the program to its end. What it says on standard error goes where ours goes.
///
/// What it started ends with it, but for what left its process group (`setsid`): such a process is not waited for, and what it
/// says once the program has ended meets a closed pipe.
pub(super) fn run(helper: &Helper, patience: Duration) -> Result<Zeroizing<String>, LoadError> {
    let failed = |source| LoadError::Run {
        program: helper.program.clone(),
        source,
    };
    let mut child = Command::new(&helper.program)
        .args(&helper.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let mut said = Said::new(child.stdout.take());
    let heard = said.listen(Pid::from_child(&child), Deadline::after(patience));
    let status = end(child, GRACE, kill);
    let place = || format!("`{}`", helper.program.display());
    match (heard.map_err(failed)?, status.map_err(failed)?) {
        (Heard::Overdue, _) | (_, None) => Err(LoadError::Silent {
            place: place(),
            bound: patience,
        }),
        (Heard::TooMuch, Some(status)) => Err(LoadError::TooMuch {
            program: helper.program.clone(),
            status,
        }),
        (Heard::Whole, Some(status)) if !status.success() => Err(LoadError::Failed {
            program: helper.program.clone(),
            status,
        }),
        (Heard::Whole, Some(_success)) => said
            .into_text()
            .ok_or_else(|| LoadError::NotText { place: place() }),
    }
}

/// Ends what the program started, and itself if it runs still. It was not waited for yet, so its group is nobody else's. None if
/// it runs all the same: what has taken another user's rights, as `sudo` does, cannot be ended, and what hangs in the kernel ends
/// when it does. Somebody waits for it then, and nobody for him.
fn end(mut child: Child, grace: Duration, kill: impl Fn(Pid)) -> io::Result<Option<ExitStatus>> {
    let program = Pid::from_child(&child);
    kill(program);
    let grace = Deadline::after(grace);
    while !has_ended(program)? {
        if grace.is_over() {
            thread::Builder::new()
                .name("identity-helper".to_owned())
                .spawn(move || child.wait())?;
            return Ok(None);
        }
        wait(&mut [])?;
    }
    child.wait().map(Some)
}

fn kill(program: Pid) {
    // There is nothing to end if it had no children, and nothing to do about what may not be ended.
    let _ended = kill_process_group(program, Signal::KILL);
}

/// Returns whether a program has ended, and leaves it to be waited for.
fn has_ended(program: Pid) -> io::Result<bool> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    Ok(waitid(WaitId::Pid(program), options)?.is_some())
}

/// What a program says on its standard output.
struct Said {
    /// It is closed at the end, and once too much was said.
    pipe: Option<ChildStdout>,
    /// It never grows, so that no copy of a key is left behind.
    bytes: Zeroizing<Vec<u8>>,
}

/// How listening ended.
enum Heard {
    Whole,
    TooMuch,
    Overdue,
}

impl Said {
    fn new(pipe: Option<ChildStdout>) -> Self {
        let most = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX);
        Self {
            pipe,
            bytes: Zeroizing::new(Vec::with_capacity(most.saturating_add(CHUNK))),
        }
    }

    /// Listens until the program has ended, and what it said with it.
    fn listen(&mut self, program: Pid, deadline: Deadline) -> io::Result<Heard> {
        let mut grace = None;
        loop {
            if grace.is_none() && has_ended(program)? {
                grace = Some(Deadline::after(GRACE));
            }
            self.hear()?;
            if self.is_too_much() {
                self.pipe = None;
                let grace = Deadline::after(GRACE);
                while !has_ended(program)? && !grace.is_over() {
                    wait(&mut [])?;
                }
                return Ok(Heard::TooMuch);
            }
            match grace {
                // Somebody else holds the pipe, and may do so for ever.
                Some(grace) if self.pipe.is_none() || grace.is_over() => return Ok(Heard::Whole),
                None if deadline.is_over() => return Ok(Heard::Overdue),
                Some(_) | None => {}
            }
        }
    }

    /// Takes in what was said, or waits for it a little.
    fn hear(&mut self) -> io::Result<()> {
        let Some(pipe) = &mut self.pipe else {
            return wait(&mut []);
        };
        let mut ready = [PollFd::new(pipe, PollFlags::IN)];
        wait(&mut ready)?;
        if ready.iter().all(|pipe| pipe.revents().is_empty()) {
            return Ok(());
        }
        let mut chunk = Zeroizing::new([0; CHUNK]);
        let n_read = pipe.read(chunk.as_mut_slice())?;
        self.bytes.extend(chunk.iter().take(n_read));
        if n_read == 0 {
            self.pipe = None;
        }
        Ok(())
    }

    fn is_too_much(&self) -> bool {
        u64::try_from(self.bytes.len()).map_or(true, |found| found > MAX_BYTES)
    }

    fn into_text(mut self) -> Option<Zeroizing<String>> {
        match String::from_utf8(mem::take(&mut *self.bytes)) {
            Ok(text) => Some(Zeroizing::new(text)),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                None
            }
        }
    }
}

/// Waits for one of these, and for [`STEP`] at most.
fn wait(ready: &mut [PollFd<'_>]) -> io::Result<()> {
    let step = Timespec::try_from(STEP).map_err(io::Error::other)?;
    match poll(ready, Some(&step)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As of a program with another user's rights.
    #[test]
    fn what_cannot_be_ended_is_not_waited_for() {
        let mut sleeper = Command::new("sleep");
        let sleeper = sleeper.arg("30").process_group(0).spawn().unwrap();
        let program = Pid::from_child(&sleeper);
        let soon = Deadline::after(Duration::from_secs(5));
        let ended = end(sleeper, Duration::from_millis(100), |_program| {});
        assert_eq!(ended.unwrap(), None);
        assert!(!soon.is_over());
        kill(program);
    }
}
