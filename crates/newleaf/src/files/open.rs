//! Opening files of the person: without waiting for ever for a named pipe, and with a word about secrets that others may read.

use std::{
    collections::BTreeSet,
    io::{self, Read as _},
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Mutex,
};

use fs_err::os::unix::fs::OpenOptionsExt as _;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
};
use zeroize::Zeroizing;

use crate::console::{Console, WARN};

/// How long somebody may take to open a named pipe for writing. Shells have it open before newleaf starts (`<(…)`), and a program
/// that makes a secret begins sooner than that.
const PATIENCE_SECONDS: i64 = 5;

/// Rights that none but the owner and a group should have, as NL214 sees it: a volume of Kubernetes gives its files to the pod
/// through a group.
const OTHERS: u32 = 0o007;

/// Of what files there was a word already: who renews every hour need not say it every hour.
static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Opens a file for reading. Into a named pipe somebody must write, or begin to within [`PATIENCE_SECONDS`].
pub(crate) fn open(path: &Path) -> io::Result<impl io::Read + use<>> {
    // Without waiting for who writes, which the kernel would do without an end.
    let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).map_err(io::Error::other)?;
    let mut options = fs_err::OpenOptions::new();
    let mut file = options.read(true).custom_flags(nonblocking).open(path)?;
    let mut first = Zeroizing::new([0_u8; 1]);
    let begun = if file.metadata()?.file_type().is_fifo() {
        begin(&mut file, &mut first)?
    } else {
        0
    };
    let flags = fcntl_getfl(file.file())?;
    fcntl_setfl(file.file(), flags - OFlags::NONBLOCK)?;
    Ok(io::Cursor::new(first).take(begun).chain(file))
}

/// Waits until somebody has a pipe open for writing, or has written and gone; returns how many octets were read for that.
fn begin(file: &mut fs_err::File, first: &mut [u8; 1]) -> io::Result<u64> {
    let mut read = |file: &mut fs_err::File| match file.read(first) {
        Ok(n) => u64::try_from(n).map(Some).map_err(io::Error::other),
        // Who writes has it open, and has not begun.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    };
    match read(file)? {
        None => return Ok(0),
        Some(0) => {}
        Some(begun) => return Ok(begun),
    }
    let wait = Timespec {
        tv_sec: PATIENCE_SECONDS,
        tv_nsec: 0,
    };
    let mut polled = [PollFd::new(file.file(), PollFlags::IN)];
    poll(&mut polled, Some(&wait))?;
    let [polled] = polled;
    // Written and closed, be it nothing: the end of a file.
    let has_gone = polled.revents().contains(PollFlags::HUP);
    match read(file)? {
        None => Ok(0),
        Some(0) if !has_gone => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!(
                "expected somebody to write into the named pipe `{}` within {PATIENCE_SECONDS} s, found nobody",
                file.path().display()
            ),
        )),
        Some(begun) => Ok(begun),
    }
}

/// Says, once for each file, that a secret may be read or replaced by everybody on the machine.
pub(crate) fn warn_if_open(path: &Path, what: &str) {
    let metadata = fs_err::metadata(path)
        .ok()
        .filter(std::fs::Metadata::is_file);
    let mode = metadata.map(|metadata| metadata.permissions().mode() & 0o7777);
    let Some(mode) = mode.filter(|mode| mode & OTHERS != 0) else {
        return;
    };
    let is_new = TOLD
        .lock()
        .is_ok_and(|mut told| told.insert(path.to_owned()));
    if is_new {
        let (console, path) = (Console::of_this_process(), path.display());
        console.note(format_args!(
            "{}: `{path}`, {what}, has mode {mode:04o}: everybody on this machine may read or replace it; `chmod 600 {path}`",
            console.paint_err(WARN, "warning")
        ));
    }
}

#[cfg(test)]
mod tests;
