//! Why the journal could not be read or written.

use std::path::{Path, PathBuf};

use newleaf_rotation::{RotationId, TrustDomainId};

/// Why the journal could not be read or written. What was committed before stands.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// SQLite refused.
    #[error("could not {doing} in `{path}`")]
    Sqlite {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// There is no file to read.
    #[error("expected a journal at `{path}`, found none")]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file was taken away while it was in use, or another one was put in its place. What is in the file that was
    /// open cannot be reached by anybody.
    #[error(
        "expected `{path}` to stay where it is while it is in use, found that it was deleted, moved or replaced"
    )]
    Gone {
        /// The journal, or the lock file of a trust domain.
        path: PathBuf,
        /// Why nothing is found there, if nothing is.
        source: Option<std::io::Error>,
    },
    /// The file belongs to another program.
    #[error("cannot use `{path}` as a journal: it is a database of another program")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer newleaf wrote it.
    #[error("cannot read `{path}`: expected format {expected} or older, found {found}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The newest format that this program knows.
        expected: u32,
        /// The format of the file.
        found: i64,
    },
    /// A stored text is not what was stored.
    #[error("cannot understand what is stored in `{path}`")]
    Understand {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A stored instant is not one.
    #[error("cannot read an instant that is stored in `{path}`")]
    ReadInstant {
        /// The file.
        path: PathBuf,
        /// Why.
        source: jiff::Error,
    },
    /// The name is not known.
    #[error("expected a rotation of this journal, found `{rotation}`")]
    NoRotation {
        /// What was named.
        rotation: RotationId,
    },
    /// One rotation of a trust domain at a time.
    #[error("cannot start a rotation of `{domain}`: rotation `{rotation}` has not ended")]
    NotEnded {
        /// The trust domain.
        domain: TrustDomainId,
        /// The rotation that stands in the way.
        rotation: RotationId,
    },
    /// Somebody else drives.
    #[error("trust domain `{domain}` is driven by process {}", pid.map_or_else(|| "(unknown)".to_owned(), |pid| pid.to_string()))]
    Driven {
        /// The trust domain.
        domain: TrustDomainId,
        /// Who drives, if it has said so already.
        pid: Option<u32>,
    },
    /// The lock file could not be used.
    #[error("could not lock `{path}`")]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl JournalError {
    /// Returns whether the same call may succeed later without anybody repairing something.
    pub fn may_retry(&self) -> bool {
        match self {
            Self::Sqlite { .. } | Self::Driven { .. } | Self::Lock { .. } => true,
            Self::Missing { .. }
            | Self::Gone { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Understand { .. }
            | Self::ReadInstant { .. }
            | Self::NoRotation { .. }
            | Self::NotEnded { .. } => false,
        }
    }
}

impl JournalError {
    /// Returns whether the disk has no room left.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            Self::Lock { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Missing { .. }
            | Self::Gone { .. }
            | Self::Foreign { .. }
            | Self::Newer { .. }
            | Self::Understand { .. }
            | Self::ReadInstant { .. }
            | Self::NoRotation { .. }
            | Self::NotEnded { .. }
            | Self::Driven { .. } => false,
        }
    }

    /// Returns whether a reader was refused because a write must be rolled back first.
    pub(super) fn is_write_unfinished(&self) -> bool {
        let Self::Sqlite { source, .. } = self else {
            return false;
        };
        source.sqlite_error_code() == Some(rusqlite::ErrorCode::ReadOnly)
    }
}

/// Says what was being done when SQLite refused.
pub(super) fn doing(what: &'static str, path: &Path) -> impl Fn(rusqlite::Error) -> JournalError {
    move |source| JournalError::Sqlite {
        doing: what,
        path: path.to_owned(),
        source,
    }
}
