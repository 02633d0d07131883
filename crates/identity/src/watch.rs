//! Notices that the identity on disk was replaced.
//!
//! Files are read every [`INTERVAL`] and compared by content. That is cheap (two files of a few KB) and
//! sees every way of replacing them: a rename, a swap of the `..data` link, an overwrite in place, and volumes on
//! which no events are delivered. What is not an identity is never handed on as one; it is looked at
//! again soon, once, since a writer may be halfway, and told if that look finds no identity either.
//!
//! Half of a chain may be an identity: the leaf is written and fits its key, the intermediate is not there yet. So of files
//! without versions (two files, or a directory without a `..data` link) only what two looks in a row agree on is handed on,
//! [`SETTLING`] apart. What a version, a program or a socket holds is whole, and handed on at once.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::Notify,
    task::{JoinError, JoinHandle},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    identity::Identity,
    source::{Digest, INTERVAL, LoadError, Material, PATIENCE, Source},
};

/// The time in which files without versions must not change before they are handed on: whoever writes a chain in two pieces
/// writes the second one right away.
pub const SETTLING: Duration = Duration::from_millis(100);

/// How long a look may take before that is told: longer than what a program or a socket is given, so that only a mount that hangs
/// comes to it.
pub const OVERDUE: Duration = PATIENCE.saturating_add(Duration::from_secs(5));

/// How often it is told at most that other bytes are refused, where each look finds others: as of somebody who issues a leaf
/// whenever he is asked, and issues none that can be used.
const RETELL: Duration = Duration::from_mins(1);

/// Watches one source.
pub struct Watcher {
    source: Source,
    clock: fn() -> Timestamp,
    interval: Interval,
    again: Arc<Notify>,
    /// A look that is under way. It goes on while nobody waits for it: a program is not run again for it.
    look: Option<Look>,
    seen: Seen,
}

/// A look that is under way.
struct Look {
    found: JoinHandle<Result<Material, LoadError>>,
    /// When to tell that it takes too long; not again once it was told.
    overdue_at: Option<Instant>,
}

/// What waiting for a look came to.
enum Looked {
    Found(Result<Material, LoadError>),
    /// It goes on.
    Overdue,
    /// It ended without a word.
    Lost(JoinError),
}

/// Asks a watcher to look now and to hand on what it finds, even if that is what it found last time.
#[derive(Clone, Debug)]
pub struct Recheck(Arc<Notify>);

/// What the last look found.
#[derive(PartialEq, Eq)]
enum Seen {
    Nothing,
    Handed(Digest),
    /// An identity in files that may be written still.
    Settling(Digest),
    /// It was refused, for the first time since it was not.
    Suspect,
    /// It was refused, and told.
    Told(Told),
}

/// A refusal that was told.
#[derive(PartialEq, Eq)]
struct Told {
    what: Found,
    at: Instant,
    /// What was refused since, at the last look.
    last: Found,
}

/// What was refused: these bytes, or something that could not be read, and why.
#[derive(Clone, PartialEq, Eq)]
enum Found {
    Bytes(Digest),
    Unreadable(String),
}

impl Watcher {
    /// Begins to watch, on the runtime it is called in. `clock` tells the instant at which validity is judged.
    pub fn new(source: Source, clock: fn() -> Timestamp) -> Self {
        let mut interval = interval(source.interval());
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            source,
            clock,
            interval,
            again: Arc::new(Notify::new()),
            look: None,
            seen: Seen::Nothing,
        }
    }

    /// Begins to watch a source whose identity of the moment was read and handed on already. What may be half of a chain is
    /// looked at again soon.
    pub(crate) fn after(handed: &Material, source: Source, clock: fn() -> Timestamp) -> Self {
        let mut watcher = Self::new(source, clock);
        watcher.seen = Seen::Handed(handed.digest());
        if handed.is_whole() {
            watcher.interval.reset();
        } else {
            watcher.interval.reset_after(SETTLING);
        }
        watcher
    }

    /// Returns the handle that asks for a look now.
    pub fn recheck(&self) -> Recheck {
        Recheck(Arc::clone(&self.again))
    }

    /// Waits for a new identity, or for the news that what lies there cannot be one, or that it cannot be looked at since a look
    /// hangs: that is told once, and waited for on. Safe to drop halfway.
    pub async fn next(&mut self) -> Result<Identity, LoadError> {
        loop {
            let found = match self.look().await {
                Looked::Found(found) => found,
                Looked::Overdue => return Err(self.overdue()),
                Looked::Lost(_panicked) => continue,
            };
            if let Some(news) = self.judge(found) {
                return news;
            }
            // Whoever was met halfway is not met so for long, even where looks are rare.
            match self.seen {
                Seen::Settling(_) => self.interval.reset_after(SETTLING),
                Seen::Suspect => self.interval.reset_after(INTERVAL),
                Seen::Nothing | Seen::Handed(_) | Seen::Told(_) => {}
            }
        }
    }

    /// Looks when it is time, or goes on with a look that is under way. Safe to drop halfway.
    async fn look(&mut self) -> Looked {
        if self.look.is_none() {
            tokio::select! {
                _instant = self.interval.tick() => {}
                () = self.again.notified() => self.seen = Seen::Nothing,
            }
        }
        let source = &self.source;
        let look = self.look.get_or_insert_with(|| Look::begin(source.clone()));
        let overdue_at = look.overdue_at;
        let overdue = async move {
            match overdue_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            found = &mut look.found => {
                self.look = None;
                found.map_or_else(Looked::Lost, Looked::Found)
            }
            () = overdue => {
                look.overdue_at = None;
                Looked::Overdue
            }
        }
    }

    fn overdue(&mut self) -> LoadError {
        let error = LoadError::Silent {
            place: self.source.to_string(),
            bound: OVERDUE,
        };
        self.seen = Seen::Told(Told::now(Found::unreadable(&error)));
        error
    }

    fn judge(&mut self, read: Result<Material, LoadError>) -> Option<Result<Identity, LoadError>> {
        let (found, outcome) = match read {
            Ok(material) => {
                let digest = material.digest();
                if self.seen == Seen::Handed(digest) {
                    return None;
                }
                let checked = self.source.check(&material, (self.clock)());
                if checked.is_ok() {
                    if !material.is_whole() && self.seen != Seen::Settling(digest) {
                        self.seen = Seen::Settling(digest);
                        return None;
                    }
                    self.seen = Seen::Handed(digest);
                    return Some(checked);
                }
                (Found::Bytes(digest), checked)
            }
            Err(error) => (Found::unreadable(&error), Err(error)),
        };
        match &mut self.seen {
            // It cannot be one still.
            Seen::Told(told) if !told.is_news(&found) => {
                told.last = found;
                None
            }
            Seen::Suspect | Seen::Told(_) => {
                self.seen = Seen::Told(Told::now(found));
                Some(outcome)
            }
            Seen::Nothing | Seen::Handed(_) | Seen::Settling(_) => {
                self.seen = Seen::Suspect;
                None
            }
        }
    }
}

impl Look {
    /// Reading may block for long where the directory lies on a network, and a program takes its time.
    fn begin(source: Source) -> Self {
        Self {
            found: tokio::task::spawn_blocking(move || source.read()),
            overdue_at: Some(Instant::now() + OVERDUE),
        }
    }
}

impl Told {
    fn now(what: Found) -> Self {
        Self {
            last: what.clone(),
            what,
            at: Instant::now(),
        }
    }

    /// Returns whether another refusal is to be told too: for another reason, or of other bytes, as soon as they stay the same.
    fn is_news(&self, found: &Found) -> bool {
        let is_settled = match found {
            Found::Unreadable(_) => true,
            Found::Bytes(_) => *found == self.last || self.at.elapsed() >= RETELL,
        };
        self.what != *found && is_settled
    }
}

impl Found {
    fn unreadable(error: &LoadError) -> Self {
        Self::Unreadable(format!("{error:?}"))
    }
}

impl Recheck {
    /// Asks for a look now.
    pub fn request(&self) {
        self.0.notify_one();
    }
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watcher")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
