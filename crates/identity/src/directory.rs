//! Where an identity lies on disk, and how it is read.
//!
//! The layout is that of a Kubernetes Secret volume, so that newleaf's own files and a mounted Secret look
//! the same to every reader:
//!
//! ```text
//! <dir>/tls.crt -> ..data/tls.crt
//! <dir>/tls.key -> ..data/tls.key
//! <dir>/..data  -> ..2026-11-22T06-30-00Z      (one rename of this link swaps both files)
//! <dir>/..2026-11-22T06-30-00Z/tls.crt
//! <dir>/..2026-11-22T06-30-00Z/tls.key
//! ```
//!
//! A reader that opened `tls.crt` and `tls.key` one after the other could still meet the swap between the
//! two. So [`Source::read`] follows `..data` once and reads both files from the version it led to. Plain
//! directories without `..data`, and two files anywhere, are read as they are: a writer may be met halfway. Then key and
//! chain do not match, or half of the chain is there; a [`Watcher`](crate::Watcher) looks at them twice.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::{identity::Identity, source::Source};

pub use crate::source::LoadError;

/// The file of the chain, leaf first.
pub const CHAIN_FILE: &str = "tls.crt";

/// The file of the private key.
pub const KEY_FILE: &str = "tls.key";

/// The link to the version of the moment.
pub const DATA_LINK: &str = "..data";

/// What the names of versions begin with: two dots, so that `ls` and readers of the directory pass over them.
pub const VERSION_PREFIX: &str = "..";

/// Loads the identity of a directory.
pub fn load(directory: impl Into<PathBuf>, now: Timestamp) -> Result<Identity, LoadError> {
    Source::Directory(directory.into()).load(now)
}

/// The files to read an identity from.
pub(crate) struct Files {
    pub(crate) chain: PathBuf,
    pub(crate) key: PathBuf,
    /// Whether they are of a version, which nobody writes to any more.
    pub(crate) are_of_version: bool,
}

/// Returns the files of the version of the moment.
pub(crate) fn files(directory: &Path) -> Files {
    let (version, are_of_version) = match fs_err::read_link(directory.join(DATA_LINK)) {
        Ok(version) => (directory.join(version), true),
        Err(_no_versions) => (directory.to_owned(), false),
    };
    Files {
        chain: version.join(CHAIN_FILE),
        key: version.join(KEY_FILE),
        are_of_version,
    }
}

#[cfg(test)]
mod tests;
