//! The lock that makes one process the writer of a trust domain.

use std::{
    ffi::OsString,
    fmt::Write as _,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use fs_err::{File, OpenOptions};
use newleaf_rotation::TrustDomainId;
use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{JournalError, place::Place};

/// How often, and how far apart, the lock is asked for before it counts as held: half a second in all. Whoever
/// holds it in passing does so for milliseconds; whoever drives holds it for hours.
const ASKS: u32 = 25;
const BETWEEN_ASKS: Duration = Duration::from_millis(20);

/// An exclusive lock on `<journal>.<domain>.lock`. The kernel releases it when the process ends, also by `kill -9`. The
/// file holds the pid of its holder, for people, and stays: a lock file that is removed can be held twice.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
    place: Place,
}

impl Lock {
    pub(super) async fn acquire(
        journal: &Path,
        domain: &TrustDomainId,
    ) -> Result<Self, JournalError> {
        for _ in 1..ASKS {
            if let Some(lock) = Self::attempt(journal, domain)? {
                return Ok(lock);
            }
            tokio::time::sleep(BETWEEN_ASKS).await;
        }
        Self::attempt(journal, domain)?.ok_or_else(|| JournalError::Driven {
            domain: domain.clone(),
            pid: holder(journal, domain),
        })
    }

    pub(super) fn attempt(
        journal: &Path,
        domain: &TrustDomainId,
    ) -> Result<Option<Self>, JournalError> {
        let path = path(journal, domain);
        let failed = |source| JournalError::Lock {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match flock(file.file(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(errno) => return Err(failed(errno.into())),
        }
        file.set_len(0).map_err(failed)?;
        write!(file, "{}", std::process::id()).map_err(failed)?;
        let place = Place::of(&path)?;
        Ok(Some(Self { file, path, place }))
    }

    /// Makes sure that whoever asks for the lock now asks for this one.
    pub(super) fn is_here(&self) -> Result<(), JournalError> {
        self.place.check(&self.path)
    }
}

impl Drop for Lock {
    /// Takes the name off the door, and opens it: closing alone would not, while a child that another thread is just
    /// starting shares the file. Where either fails, the end of the process does it.
    fn drop(&mut self) {
        self.file.set_len(0).unwrap_or_default();
        flock(self.file.file(), FlockOperation::Unlock).unwrap_or_default();
    }
}

/// Returns the process whose pid the lock file holds, if that process lives.
pub(super) fn holder(journal: &Path, domain: &TrustDomainId) -> Option<u32> {
    let mut text = String::new();
    // A pid has at most ten digits; whatever else the file holds is not one.
    let file = File::open(path(journal, domain)).ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    let pid: u32 = text.trim().parse().ok()?;
    let process = Pid::from_raw(i32::try_from(pid).ok()?)?;
    match test_kill_process(process) {
        // A process of another user lives, too.
        Ok(()) | Err(Errno::PERM) => Some(pid),
        Err(_) => None,
    }
}

/// Returns the path of the lock file. A trust domain may have any name, a file may not.
fn path(journal: &Path, domain: &TrustDomainId) -> PathBuf {
    let mut name = String::new();
    for byte in domain.as_str().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            // Writing to a String cannot fail.
            _ => write!(name, "%{byte:02x}").unwrap_or_default(),
        }
    }
    let mut path = OsString::from(journal);
    path.push(format!(".{name}.lock"));
    path.into()
}
