//! The files of one generation of the local CA.

use std::{
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use newleaf_rotation::{Again, Generation};
use newleaf_x509::{Certificate, PrivateKey, certificate::CertificatesError, key::KeyError};
use zeroize::Zeroizing;

use crate::{
    replace::{self, PUBLIC, SECRET},
    trouble::{Retry, again_after},
};

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const ISSUED: &str = "issued";

/// Why the files of a CA could not be used. No key is ever quoted.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file could not be read.
    #[error("could not read the CA's files")]
    Read(#[source] io::Error),
    /// A file could not be written.
    #[error("could not write the CA's files")]
    Write(#[source] io::Error),
    /// The certificate cannot be read.
    #[error("cannot read `{}`", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CertificatesError,
    },
    /// Not exactly one certificate.
    #[error("expected one CA certificate in `{}`, found {found} certificates", path.display())]
    NotOneCa {
        /// The file.
        path: PathBuf,
        /// How many certificates it holds.
        found: usize,
    },
    /// The key cannot be read.
    #[error("cannot read `{}`", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// Others may read the key.
    #[error("expected `{}` to be readable by its owner only, found mode {mode:04o}", path.display())]
    KeyExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The count of signed leaves cannot be read.
    #[error("expected a number in `{}`, found something else", path.display())]
    Count {
        /// The file.
        path: PathBuf,
    },
}

impl Retry for StoreError {
    fn again(&self) -> Again {
        match self {
            Self::Read(error) | Self::Write(error) => again_after(error),
            Self::Certificate { .. }
            | Self::NotOneCa { .. }
            | Self::Key { .. }
            | Self::KeyExposed { .. }
            | Self::Count { .. } => Again::Never,
        }
    }
}

/// The directory of one generation.
pub(super) struct CaStore {
    parent: PathBuf,
    directory: PathBuf,
    generation: Generation,
}

/// Returns the generations that have a directory, in order.
pub(super) fn generations(parent: &Path) -> Result<Vec<Generation>, StoreError> {
    let entries = match fs_err::read_dir(parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(StoreError::Read)?,
    };
    let mut generations = Vec::new();
    for entry in entries {
        let name = entry.map_err(StoreError::Read)?.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix('g'));
        generations.extend(number.and_then(|n| n.parse().ok()).map(Generation));
    }
    generations.sort_unstable();
    Ok(generations)
}

/// Tries to write into a directory, leaving nothing behind.
pub(super) fn try_write(directory: &Path) -> Result<(), StoreError> {
    let trial = directory.join(".newleaf-trial");
    fs_err::create_dir_all(directory)
        .and_then(|()| replace::remove_if_there(&trial))
        .and_then(|()| replace::create(&trial, b"", SECRET))
        .and_then(|()| replace::remove_if_there(&trial))
        .map_err(StoreError::Write)
}

impl CaStore {
    pub(super) fn new(parent: &Path, generation: Generation) -> Self {
        let directory = parent.join(generation.to_string());
        Self {
            parent: parent.to_owned(),
            directory,
            generation,
        }
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn exists(&self) -> bool {
        self.directory.join(CERTIFICATE).exists() || self.has_key()
    }

    pub(super) fn has_key(&self) -> bool {
        self.directory.join(KEY).exists()
    }

    pub(super) fn certificate(&self) -> Result<Option<Certificate>, StoreError> {
        let path = self.directory.join(CERTIFICATE);
        let text = match fs_err::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(StoreError::Read)?,
        };
        let found = Certificate::all_from_pem(&text).map_err(|source| StoreError::Certificate {
            path: path.clone(),
            source,
        })?;
        match <[Certificate; 1]>::try_from(found) {
            Ok([certificate]) => Ok(Some(certificate)),
            Err(found) => Err(StoreError::NotOneCa {
                path,
                found: found.len(),
            }),
        }
    }

    /// Reads the key. A key that others may read is refused: it may be in other hands already.
    pub(super) fn key(&self) -> Result<PrivateKey, StoreError> {
        let path = self.directory.join(KEY);
        let mode = fs_err::metadata(&path)
            .map_err(StoreError::Read)?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(StoreError::KeyExposed { path, mode });
        }
        let text = fs_err::read_to_string(&path)
            .map(Zeroizing::new)
            .map_err(StoreError::Read)?;
        PrivateKey::from_pem(&text).map_err(|source| StoreError::Key { path, source })
    }

    /// Puts a new CA in place. The files are made durable in a directory of another name, which one rename makes the
    /// generation's: a crash leaves either the whole CA or, under that other name, a key that signed nothing.
    pub(super) fn create(
        &self,
        certificate: &Certificate,
        key: &PrivateKey,
    ) -> Result<(), StoreError> {
        let beside = self.parent.join(format!(".{}.newleaf", self.generation));
        let made = self.write_beside(&beside, certificate, key);
        if made.is_err() {
            // The first error is the one to tell.
            let _cleaned = remove_tree(&beside);
        }
        made.map_err(StoreError::Write)
    }

    fn write_beside(
        &self,
        beside: &Path,
        certificate: &Certificate,
        key: &PrivateKey,
    ) -> io::Result<()> {
        fs_err::create_dir_all(&self.parent)?;
        remove_tree(beside)?;
        fs_err::create_dir(beside)?;
        fs_err::set_permissions(beside, std::fs::Permissions::from_mode(0o700))?;
        replace::create(&beside.join(KEY), key.to_pem().as_bytes(), SECRET)?;
        replace::create(
            &beside.join(CERTIFICATE),
            certificate.to_pem().as_bytes(),
            PUBLIC,
        )?;
        replace::create(&beside.join(ISSUED), b"0\n", PUBLIC)?;
        replace::sync_directory(beside)?;
        // rename(2) refuses to replace a directory that holds anything.
        fs_err::rename(beside, &self.directory)?;
        replace::sync_directory(&self.parent)
    }

    /// Returns how many leaves the CA has signed; nothing, if its key was not made here.
    pub(super) fn signed(&self) -> Result<Option<usize>, StoreError> {
        let path = self.directory.join(ISSUED);
        match fs_err::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::Read(error)),
            Ok(text) => match text.trim().parse() {
                Ok(signed) => Ok(Some(signed)),
                Err(_not_a_number) => Err(StoreError::Count { path }),
            },
        }
    }

    /// Counts one more signed leaf; of a CA that was not made here nothing is counted.
    pub(super) fn count_one(&self) -> Result<(), StoreError> {
        let Some(signed) = self.signed()? else {
            return Ok(());
        };
        let line = format!("{}\n", signed.saturating_add(1));
        let path = self.directory.join(ISSUED);
        replace::replace(&path, line.as_bytes(), PUBLIC).map_err(StoreError::Write)
    }

    pub(super) fn destroy_key(&self) -> Result<(), StoreError> {
        let path = self.directory.join(KEY);
        if !path.exists() {
            return Ok(());
        }
        let destroy = || {
            let length = fs_err::metadata(&path)?.len();
            let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
            let mut file = fs_err::OpenOptions::new().write(true).open(&path)?;
            file.write_all(&zeros)?;
            file.sync_all()?;
            fs_err::remove_file(&path)?;
            replace::sync_directory(&self.directory)
        };
        destroy().map_err(StoreError::Write)
    }
}

fn remove_tree(directory: &Path) -> io::Result<()> {
    match fs_err::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
