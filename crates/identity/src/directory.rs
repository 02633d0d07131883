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
//! directories without `..data`, and two files anywhere, are read as they are: if a writer is met halfway, key and
//! chain do not match, and are looked at again.

use std::{io, path::PathBuf};

use aws_lc_rs::digest;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::identity::{Identity, Refusal};

/// The file of the chain, leaf first.
pub const CHAIN_FILE: &str = "tls.crt";

/// The file of the private key.
pub const KEY_FILE: &str = "tls.key";

/// The link to the version of the moment.
pub const DATA_LINK: &str = "..data";

/// What the names of versions begin with: two dots, so that `ls` and readers of the directory pass over them.
pub const VERSION_PREFIX: &str = "..";

/// The largest file that is read: a chain of several RSA-4096 certificates is under 20 KB. A wrong path to
/// something huge must not fill the memory.
pub const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Where an identity is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A directory laid out as this module describes, or one that simply holds both files.
    Directory(PathBuf),
    /// Two files.
    Files {
        /// The chain, leaf first.
        chain: PathBuf,
        /// The private key.
        key: PathBuf,
    },
}

/// The texts of chain and key as they were found, not judged yet.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
pub struct Material {
    chain: Zeroizing<String>,
    key: Zeroizing<String>,
}

/// Tells materials apart without keeping them: SHA-256 over chain and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// Why no identity could be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file could not be read; the source names it.
    #[error("could not read the identity's files")]
    Read(#[source] io::Error),
    /// A file is larger than [`MAX_FILE_BYTES`].
    #[error("expected a file of at most {MAX_FILE_BYTES} bytes, found {found} in `{}`", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: u64,
    },
    /// What the files hold is no identity.
    #[error("cannot use the identity in {place}")]
    Refused {
        /// Where it was read.
        place: String,
        /// Why.
        source: Refusal,
    },
}

/// Loads the identity of a directory.
pub fn load(directory: impl Into<PathBuf>, now: Timestamp) -> Result<Identity, LoadError> {
    Source::Directory(directory.into()).load(now)
}

impl Source {
    /// Reads and checks the identity.
    pub fn load(&self, now: Timestamp) -> Result<Identity, LoadError> {
        self.check(&self.read()?, now)
    }

    /// Reads both files, from one version if there are versions.
    pub fn read(&self) -> Result<Material, LoadError> {
        let (chain, key) = match self {
            Self::Directory(directory) => {
                let version = match fs_err::read_link(directory.join(DATA_LINK)) {
                    Ok(version) => directory.join(version),
                    Err(_no_versions) => directory.clone(),
                };
                (version.join(CHAIN_FILE), version.join(KEY_FILE))
            }
            Self::Files { chain, key } => (chain.clone(), key.clone()),
        };
        Ok(Material {
            chain: read_text(chain)?,
            key: read_text(key)?,
        })
    }

    /// Checks what was read.
    pub fn check(&self, material: &Material, now: Timestamp) -> Result<Identity, LoadError> {
        Identity::from_pem(&material.chain, &material.key, now).map_err(|source| {
            LoadError::Refused {
                place: self.to_string(),
                source,
            }
        })
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(directory) => write!(f, "`{}`", directory.display()),
            Self::Files { chain, key } => {
                write!(f, "`{}` and `{}`", chain.display(), key.display())
            }
        }
    }
}

impl Material {
    /// Returns the digest of chain and key.
    pub fn digest(&self) -> Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        // The length keeps a byte that moves from one file to the other from going unnoticed.
        context.update(&self.chain.len().to_le_bytes());
        context.update(self.chain.as_bytes());
        context.update(self.key.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Digest(bytes)
    }
}

fn read_text(path: PathBuf) -> Result<Zeroizing<String>, LoadError> {
    let found = fs_err::metadata(&path).map_err(LoadError::Read)?.len();
    if found > MAX_FILE_BYTES {
        return Err(LoadError::TooLarge { path, found });
    }
    fs_err::read_to_string(&path)
        .map(Zeroizing::new)
        .map_err(LoadError::Read)
}

#[cfg(test)]
mod tests;
