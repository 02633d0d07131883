//! Identity directories: written here, read by workers, laid out as [`newleaf_identity::directory`] describes.
//!
//! ```text
//! <dir>/tls.crt -> ..data/tls.crt
//! <dir>/tls.key -> ..data/tls.key
//! <dir>/..data  -> ..v7                 one rename of this link swaps chain and key
//! <dir>/..v7/   tls.crt, tls.key        what is presented now
//! <dir>/..v6/   tls.crt, tls.key        what was presented before, until the next swap is prepared
//! ```
//!
//! Everything of a new version is durable before the link is swapped, so that after a crash at any instant, or on
//! a full disk, readers see the old identity or the new one, whole.

use std::{
    io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use newleaf_identity::directory::{self, CHAIN_FILE, DATA_LINK, KEY_FILE, LoadError};
use newleaf_rotation::Again;
use newleaf_x509::{Chain, PrivateKey, chain::ChainError};

use crate::{
    replace::{self, PUBLIC, SECRET},
    trouble::{Retry, again_after},
};

/// What the names of our versions begin with; a number follows.
const VERSION: &str = "..v";

/// The link to the next version, before it takes the place of [`DATA_LINK`].
const NEXT_LINK: &str = "..data.newleaf";

/// The largest chain file that is read: sixteen certificates of RSA 4096 are under 40 KB.
const MAX_CHAIN_BYTES: u64 = 1024 * 1024;

/// Why an identity directory could not be read or written. What was in it stands.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Something could not be read.
    #[error("could not read the identity directory")]
    Read(#[source] io::Error),
    /// Something could not be written.
    #[error("could not write the identity directory")]
    Write(#[source] io::Error),
    /// A file that is not ours is in the way.
    #[error(
        "expected `{}` to be a link into `{DATA_LINK}`, found something else; newleaf never overwrites what it did not write: move it away",
        path.display()
    )]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// The chain cannot be read.
    #[error("cannot read the chain in `{}`", path.display())]
    Chain {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ChainError,
    },
    /// The file cannot be a chain.
    #[error("expected at most {MAX_CHAIN_BYTES} bytes in `{}`, found {found}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: u64,
    },
    /// What was written cannot be loaded as its reader would: it was not put in place.
    #[error("cannot load the identity that was just written")]
    ReadBack(#[source] LoadError),
}

impl Retry for FileError {
    fn again(&self) -> Again {
        match self {
            Self::Read(error) | Self::Write(error) => again_after(error),
            Self::InTheWay { .. }
            | Self::Chain { .. }
            | Self::TooLarge { .. }
            | Self::ReadBack(_) => Again::Never,
        }
    }
}

/// An identity directory, seen as its writer.
#[derive(Clone, Copy, Debug)]
pub struct IdentityDirectory<'a> {
    path: &'a Path,
}

impl<'a> IdentityDirectory<'a> {
    /// Names the directory; it need not exist.
    pub fn new(path: &'a Path) -> Self {
        Self { path }
    }

    /// Returns the chain that readers see now, if there is one. Plain files, which newleaf did not write, are
    /// seen as well as versions. The key is not read: a look needs no secret.
    pub fn chain(&self) -> Result<Option<Chain>, FileError> {
        let path = self.path.join(CHAIN_FILE);
        let found = match fs_err::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(FileError::Read)?.len(),
        };
        if found > MAX_CHAIN_BYTES {
            return Err(FileError::TooLarge { path, found });
        }
        let text = fs_err::read_to_string(&path).map_err(FileError::Read)?;
        match Chain::from_pem(&text) {
            Ok(chain) => Ok(Some(chain)),
            Err(source) => Err(FileError::Chain { path, source }),
        }
    }

    /// Puts an identity in place of the one that is there, in one instant for every reader.
    ///
    /// Old versions go first, so that the swap is the last thing that happens: a crash right after it leaves no old
    /// key behind that nobody would look for, because what was asked for is reached.
    pub fn store(&self, chain: &Chain, key: &PrivateKey, now: Timestamp) -> Result<(), FileError> {
        self.refuse_what_is_not_ours()?;
        fs_err::create_dir_all(self.path).map_err(FileError::Write)?;
        let versions = self.versions().map_err(FileError::Read)?;
        let current = self.current().map_err(FileError::Read)?;
        let mut old = versions.iter().filter(|number| Some(**number) != current);
        old.try_for_each(|number| self.remove_version(*number))
            .map_err(FileError::Write)?;
        let newest = versions.iter().copied().max().unwrap_or(0);
        let next = newest.saturating_add(1);
        let stored = self
            .write_version(next, chain, key)
            .map_err(FileError::Write)
            .and_then(|()| {
                directory::load(self.version(next), now).map_err(FileError::ReadBack)?;
                self.swap(next).map_err(FileError::Write)
            });
        if stored.is_err() {
            // The first error is the one to tell; what cannot be removed now is removed by the next store.
            let _cleaned = self.remove_version(next);
        }
        stored
    }

    /// Returns whether the directory can be written.
    pub fn is_writable(&self) -> Result<(), FileError> {
        self.refuse_what_is_not_ours()?;
        let trial = self.path.join("..trial.newleaf");
        fs_err::create_dir_all(self.path)
            .and_then(|()| replace::remove_if_there(&trial))
            .and_then(|()| replace::create(&trial, b"", SECRET))
            .and_then(|()| replace::remove_if_there(&trial))
            .map_err(FileError::Write)
    }

    fn refuse_what_is_not_ours(&self) -> Result<(), FileError> {
        let ours = |name: &str, target: Option<PathBuf>| match name {
            DATA_LINK => target.is_some(),
            file => target == Some(Path::new(DATA_LINK).join(file)),
        };
        for name in [CHAIN_FILE, KEY_FILE, DATA_LINK] {
            let path = self.path.join(name);
            let there = fs_err::symlink_metadata(&path).is_ok();
            if there && !ours(name, fs_err::read_link(&path).ok()) {
                return Err(FileError::InTheWay { path });
            }
        }
        Ok(())
    }

    fn write_version(&self, number: u64, chain: &Chain, key: &PrivateKey) -> io::Result<()> {
        let version = self.version(number);
        fs_err::create_dir(&version)?;
        fs_err::set_permissions(&version, std::fs::Permissions::from_mode(0o755))?;
        replace::adopt(&fs_err::File::open(&version)?, self.path)?;
        replace::create(&version.join(KEY_FILE), key.to_pem().as_bytes(), SECRET)?;
        replace::create(&version.join(CHAIN_FILE), chain.to_pem().as_bytes(), PUBLIC)?;
        replace::sync_directory(&version)
    }

    /// The links to the files are made before the first version is: they lead nowhere until it appears, and then
    /// both lead to it at once.
    fn swap(&self, number: u64) -> io::Result<()> {
        for file in [CHAIN_FILE, KEY_FILE] {
            let link = self.path.join(file);
            if fs_err::symlink_metadata(&link).is_err() {
                fs_err::os::unix::fs::symlink(Path::new(DATA_LINK).join(file), link)?;
            }
        }
        let next = self.path.join(NEXT_LINK);
        replace::remove_if_there(&next)?;
        fs_err::os::unix::fs::symlink(version_name(number), &next)?;
        fs_err::rename(&next, self.path.join(DATA_LINK))?;
        replace::sync_directory(self.path)
    }

    /// Returns the number of the version that readers see.
    fn current(&self) -> io::Result<Option<u64>> {
        match fs_err::read_link(self.path.join(DATA_LINK)) {
            Ok(target) => Ok(target.to_str().and_then(version_number)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the numbers of all versions of ours, also of those that a crash left half written.
    fn versions(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in fs_err::read_dir(self.path)? {
            numbers.extend(entry?.file_name().to_str().and_then(version_number));
        }
        Ok(numbers)
    }

    fn version(&self, number: u64) -> PathBuf {
        self.path.join(version_name(number))
    }

    fn remove_version(&self, number: u64) -> io::Result<()> {
        match fs_err::remove_dir_all(self.version(number)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

fn version_name(number: u64) -> String {
    format!("{VERSION}{number}")
}

fn version_number(name: &str) -> Option<u64> {
    name.strip_prefix(VERSION)?.parse().ok()
}
