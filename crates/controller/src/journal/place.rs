//! Which file a path led to, so that it shows when it leads elsewhere.
//!
//! A file that is open lives on when its directory is deleted, moved or restored from a backup. What is written to it then
//! is kept nowhere, and a second process, which finds another file at the path, can take the same lock.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use super::JournalError;

/// A file, as the kernel tells files apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    device: u64,
    inode: u64,
}

impl Place {
    /// Returns the file at a path.
    pub(super) fn of(path: &Path) -> Result<Self, JournalError> {
        let found = fs_err::metadata(path).map_err(|source| JournalError::Gone {
            path: path.to_owned(),
            source: Some(source),
        })?;
        Ok(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }

    /// Makes sure that this file is still the one at the path.
    pub(super) fn check(self, path: &Path) -> Result<(), JournalError> {
        if Self::of(path)? == self {
            return Ok(());
        }
        Err(JournalError::Gone {
            path: path.to_owned(),
            source: None,
        })
    }
}
