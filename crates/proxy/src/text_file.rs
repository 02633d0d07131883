//! Notices that a small file of text was replaced: an API key, or the CAs of callers.
//!
//! Identities have a watcher of their own, which knows what a whole one is. Here nothing tells whether a writer is
//! halfway, so a change counts when two looks have seen the same.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Interval, MissedTickBehavior, interval},
};
use zeroize::Zeroizing;

/// Between two looks: a replacement is noticed within half a second, for one small read.
const LOOK: Duration = Duration::from_millis(250);

/// Watches one file.
pub(crate) struct TextFile {
    path: PathBuf,
    max_bytes: u64,
    interval: Interval,
    again: Arc<Notify>,
    seen: Option<Found>,
    told: Option<Found>,
}

/// What a look has found.
type Found = Result<Zeroizing<String>, io::ErrorKind>;

impl TextFile {
    /// Begins to watch, on the runtime it is called in. More than `max_bytes` are not read.
    pub(crate) fn new(path: PathBuf, max_bytes: u64) -> Self {
        let mut interval = interval(LOOK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            path,
            max_bytes,
            interval,
            again: Arc::new(Notify::new()),
            seen: None,
            told: None,
        }
    }

    /// Returns what makes it look now, and tell what it finds even if that is what it told last.
    pub(crate) fn recheck(&self) -> Arc<Notify> {
        Arc::clone(&self.again)
    }

    /// Waits for a new text, or for the news that there is none. The first look is told at once. Safe to drop halfway.
    pub(crate) async fn next(&mut self) -> io::Result<Zeroizing<String>> {
        loop {
            tokio::select! {
                _instant = self.interval.tick() => {}
                () = self.again.notified() => self.told = None,
            }
            // Reading may block for long where the file lies on a network.
            let (path, max_bytes) = (self.path.clone(), self.max_bytes);
            let read = tokio::task::spawn_blocking(move || read(&path, max_bytes)).await;
            let Ok(read) = read else {
                continue;
            };
            let found = read.as_ref().map(Clone::clone).map_err(io::Error::kind);
            let before = self.seen.replace(found.clone());
            let is_steady = before.is_none_or(|before| before == found);
            if is_steady && self.told.as_ref() != Some(&found) {
                self.told = Some(found);
                return read;
            }
        }
    }
}

/// Reads a file that should be small.
pub(crate) fn read(path: &Path, max_bytes: u64) -> io::Result<Zeroizing<String>> {
    let file = fs_err::File::open(path)?;
    // As large as it may become, so that no copy of a secret is left behind by growing.
    let capacity = file.metadata()?.len().min(max_bytes) + 1;
    let mut text = Zeroizing::new(String::with_capacity(
        usize::try_from(capacity).unwrap_or(0),
    ));
    file.take(max_bytes + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= max_bytes) {
        return Ok(text);
    }
    let message = format!(
        "expected at most {max_bytes} bytes in `{}`, found more",
        path.display()
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

#[cfg(test)]
mod tests;
