//! The files of one generation of the local CA.

mod error;

use std::{
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use newleaf_identity::generate;
use newleaf_keystore::{
    Ask, KeyFile, Passphrase, SealedKey, TokenKey,
    container::{self, ReadError},
};
use newleaf_rotation::Generation;
use newleaf_x509::{Certificate, PrivateKey, signer::Signer};
use zeroize::Zeroizing;

pub use self::error::StoreError;
use crate::{
    domain::{Custody, IssuerOptions},
    replace::{self, PUBLIC, SECRET},
};

const CERTIFICATE: &str = "ca.crt";
const KEY: &str = "ca.key";
const ISSUED: &str = "issued";

/// The directory of one generation, and where its key is.
pub(super) struct CaStore<'a> {
    options: &'a IssuerOptions,
    directory: PathBuf,
    generation: Generation,
}

/// A key that was just made for a CA, and what its file will hold.
pub(super) enum NewKey {
    /// In a file, which is still to be written.
    File {
        /// The key.
        key: PrivateKey,
        /// The file's text.
        text: Zeroizing<String>,
    },
    /// In the token, for good.
    Token(TokenKey),
}

impl NewKey {
    pub(super) fn signer(&self) -> &dyn Signer {
        match self {
            Self::File { key, .. } => key,
            Self::Token(key) => key,
        }
    }
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

impl<'a> CaStore<'a> {
    pub(super) fn new(options: &'a IssuerOptions, generation: Generation) -> Self {
        Self {
            options,
            directory: options.directory.join(generation.to_string()),
            generation,
        }
    }

    /// The name of the CA, which is also that of its key in a token.
    pub(super) fn common_name(&self) -> String {
        format!("{} {}", self.options.common_name, self.generation)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn exists(&self) -> bool {
        self.directory.join(CERTIFICATE).exists() || self.directory.join(KEY).exists()
    }

    /// Returns whether the key is there. A token is asked, because what was destroyed in it leaves no trace here.
    pub(super) fn has_key(&self) -> Result<bool, StoreError> {
        if self.directory.join(KEY).exists() {
            return Ok(true);
        }
        Ok(self.key_in_token()?.is_some())
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
    pub(super) fn key(&self) -> Result<Option<Box<dyn Signer>>, StoreError> {
        let path = self.directory.join(KEY);
        if !path.exists() {
            return Ok(match self.key_in_token()? {
                Some(key) => Some(Box::new(key)),
                None => None,
            });
        }
        let mode = fs_err::metadata(&path)
            .map_err(StoreError::Read)?
            .permissions()
            .mode()
            & 0o777;
        if mode & 0o077 != 0 {
            return Err(StoreError::KeyExposed { path, mode });
        }
        let bytes = fs_err::read(&path)
            .map(Zeroizing::new)
            .map_err(StoreError::Read)?;
        let key = match container::read(&bytes) {
            Ok(KeyFile::Plain(key)) => key,
            Ok(KeyFile::Sealed(sealed)) => self.open(&sealed, path)?,
            Ok(KeyFile::Pkcs12(_)) => {
                let source = ReadError::Unknown;
                return Err(StoreError::Key { path, source });
            }
            Err(source) => return Err(StoreError::Key { path, source }),
        };
        Ok(Some(Box::new(key)))
    }

    fn open(&self, sealed: &SealedKey, path: PathBuf) -> Result<PrivateKey, StoreError> {
        let Custody::Sealed(who) = &self.options.custody else {
            return Err(StoreError::Locked { path });
        };
        let passphrase = ask(who.as_ref())?;
        sealed
            .open(&passphrase)
            .map_err(|source| StoreError::Open { path, source })
    }

    fn key_in_token(&self) -> Result<Option<TokenKey>, StoreError> {
        let Custody::Token { options, pin } = &self.options.custody else {
            return Ok(None);
        };
        let pin = ask(pin.as_ref())?;
        TokenKey::find(options, &pin, &self.common_name()).map_err(StoreError::Token)
    }

    /// Makes the key of a new CA. A key that a crash left in the token is this generation's, and is taken up.
    pub(super) fn new_key(&self) -> Result<NewKey, StoreError> {
        let kind = self.options.key;
        if let Custody::Token { options, pin } = &self.options.custody {
            if let Some(key) = self.key_in_token()? {
                return Ok(NewKey::Token(key));
            }
            let (pin, label) = (ask(pin.as_ref())?, self.common_name());
            let made = TokenKey::generate(options, &pin, &label, kind.algorithm());
            return made.map(NewKey::Token).map_err(StoreError::Token);
        }
        let key = generate::key(kind).map_err(StoreError::Generate)?;
        let text = match &self.options.custody {
            Custody::Sealed(who) => {
                let sealed =
                    SealedKey::seal(&key, &ask(who.as_ref())?).map_err(StoreError::Seal)?;
                Zeroizing::new(sealed.to_pem())
            }
            Custody::Plain | Custody::Token { .. } => key.to_pem(),
        };
        Ok(NewKey::File { key, text })
    }

    /// Puts a new CA in place. The files are made durable in a directory of another name, which one rename makes the
    /// generation's: a crash leaves either the whole CA or, under that other name, a key that signed nothing.
    pub(super) fn create(&self, certificate: &Certificate, key: &NewKey) -> Result<(), StoreError> {
        let parent = &self.options.directory;
        let beside = parent.join(format!(".{}.newleaf", self.generation));
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
        key: &NewKey,
    ) -> io::Result<()> {
        fs_err::create_dir_all(&self.options.directory)?;
        remove_tree(beside)?;
        fs_err::create_dir(beside)?;
        fs_err::set_permissions(beside, std::fs::Permissions::from_mode(0o700))?;
        if let NewKey::File { text, .. } = key {
            replace::create(&beside.join(KEY), text.as_bytes(), SECRET)?;
        }
        replace::create(
            &beside.join(CERTIFICATE),
            certificate.to_pem().as_bytes(),
            PUBLIC,
        )?;
        replace::create(&beside.join(ISSUED), b"0\n", PUBLIC)?;
        replace::sync_directory(beside)?;
        // rename(2) refuses to replace a directory that holds anything.
        fs_err::rename(beside, &self.directory)?;
        replace::sync_directory(&self.options.directory)
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

    /// Destroys the key, wherever it is; one that is gone already is no error.
    pub(super) fn destroy_key(&self) -> Result<(), StoreError> {
        if let Custody::Token { options, pin } = &self.options.custody {
            let pin = ask(pin.as_ref())?;
            TokenKey::destroy(options, &pin, &self.common_name()).map_err(StoreError::Token)?;
        }
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

fn ask(who: &dyn Ask) -> Result<Passphrase, StoreError> {
    who.ask().map_err(StoreError::Ask)
}

fn remove_tree(directory: &Path) -> io::Result<()> {
    match fs_err::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
