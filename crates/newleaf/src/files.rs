//! Files of the person: read with bounds, written whole or not at all, never overwritten without a word.
//!
//! A private key where only certificates belong is refused here, before anything else looks at the text.

mod open;
mod strange;

use std::{
    io::{self, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use newleaf_keystore::{KeyFile, Pkcs12Content, container};
use newleaf_x509::{
    Certificate, PrivateKey, TrustBundle,
    certificate::{CertificatesError, PEM_LABEL},
};
use zeroize::Zeroizing;

pub(crate) use self::open::{open, warn_if_open};
use crate::{code, failure::Failure, passphrase::Source};

/// The largest file that is read. Temporal Cloud's whole bundle is at most 32 KB; a big company's list of CAs is under
/// 1 MB. A wrong path to something huge must not fill the memory.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The first byte of a certificate in DER: a SEQUENCE (X.690 §8.9). No PEM text begins with it: that would be a `0`.
pub(crate) const DER_SEQUENCE: u8 = 0x30;

/// What stands for standard input where a file is read. A file of that name is `./-`.
const STANDARD_INPUT: &str = "-";

/// Whether standard input was read: it is there once, and who reads it again finds nothing.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Who may read a file that newleaf writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner: a private key.
    Owner,
    /// Everybody: certificates.
    Everybody,
}

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Leave it, and say so.
    Keep,
    /// Replace it: the person said `--force`.
    Replace,
}

impl Existing {
    /// Takes the flag `--force` for what it means.
    pub(crate) fn of_force(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
}

/// Returns whether a path stands for standard input.
pub(crate) fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

/// Reads a file, or standard input for `-`. It may hold a private key, so the bytes are wiped when dropped.
pub(crate) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if is_standard_input(path) {
        return read_standard_input();
    }
    let unreadable = |error| {
        Failure::new(&code::FILE_READ, error).hint(format!(
            "check that `{}` is the file you mean, and that you may read it",
            path.display()
        ))
    };
    let file = open(path).map_err(unreadable)?;
    read_bounded(file, path).map_err(unreadable)?
}

fn read_standard_input() -> Result<Zeroizing<Vec<u8>>, Failure> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Err(Failure::new(
            &code::FILE_READ,
            "expected `-`, standard input, once, found it twice",
        )
        .hint("name a file for all but one of them; nothing was written"));
    }
    let name = Path::new("standard input");
    read_bounded(io::stdin().lock(), name)
        .map_err(|error| Failure::new(&code::FILE_READ, Within::new(name, error)))?
}

fn read_bounded(
    source: impl io::Read,
    name: &Path,
) -> io::Result<Result<Zeroizing<Vec<u8>>, Failure>> {
    let mut bytes = Zeroizing::new(Vec::new());
    // One byte more than is allowed tells that there is more, even where a length is not known beforehand.
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|found| found <= MAX_BYTES) {
        return Ok(Ok(bytes));
    }
    Ok(Err(Failure::new(
        &code::FILE_READ,
        format!(
            "expected at most {MAX_BYTES} bytes, found more in `{}`",
            name.display()
        ),
    )))
}

/// Reads a text that a person wrote, such as a configuration or an API key, with the same bounds.
pub(crate) fn read_to_string(path: &Path) -> io::Result<Zeroizing<String>> {
    let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
    let bytes = read_bounded(open(path)?, path)?.map_err(|long| invalid(long.what()))?;
    let text = str::from_utf8(&bytes).map_err(|error| invalid(error.to_string()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads a file as text.
pub(crate) fn read_text(path: &Path) -> Result<Zeroizing<String>, Failure> {
    text_of(path, read_bytes(path)?)
}

/// Takes the bytes of a file for text.
pub(crate) fn text_of(
    path: &Path,
    mut bytes: Zeroizing<Vec<u8>>,
) -> Result<Zeroizing<String>, Failure> {
    // Taken out, so that no copy is left behind.
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Failure::new(
                &code::NOT_CERTIFICATES,
                format!(
                    "cannot read `{}`: expected PEM text, found bytes that are not text",
                    path.display()
                ),
            ))
        }
    }
}

/// Reads certificates, in PEM or as one in DER.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    certificates_of(path, read_bytes(path)?)
}

/// Takes the bytes of a file for certificates.
pub(crate) fn certificates_of(
    path: &Path,
    bytes: Zeroizing<Vec<u8>>,
) -> Result<Vec<Certificate>, Failure> {
    let hint = hint(&bytes);
    certificates(path, bytes).map_err(|failure| hint.into_iter().fold(failure, Failure::hint))
}

/// Returns what helps a person whose file cannot be read as certificates, by what its bytes look like.
pub(crate) fn hint(bytes: &[u8]) -> Option<&'static str> {
    strange::hint(bytes)
}

fn certificates(path: &Path, bytes: Zeroizing<Vec<u8>>) -> Result<Vec<Certificate>, Failure> {
    if bytes.first() == Some(&DER_SEQUENCE) {
        let certificate = Certificate::from_der(&bytes).map_err(|error| unreadable(path, error))?;
        return Ok(vec![certificate]);
    }
    let text = text_of(path, bytes)?;
    Certificate::all_from_pem(&text).map_err(|error| not_certificates(path, error))
}

/// Reads a trust bundle.
pub(crate) fn read_bundle(path: &Path) -> Result<TrustBundle, Failure> {
    read_certificates(path).map(TrustBundle::new)
}

/// Reads the one CA certificate of a file.
pub(crate) fn read_certificate(path: &Path) -> Result<Certificate, Failure> {
    let mut certificates = read_certificates(path)?;
    match (certificates.pop(), certificates.len()) {
        (Some(certificate), 0) => Ok(certificate),
        (_, left) => Err(Failure::new(
            &code::NOT_CERTIFICATES,
            format!(
                "expected one certificate in `{}`, found {}",
                path.display(),
                left + 1
            ),
        )),
    }
}

/// Opens a private key in any of its forms; somebody is asked for the passphrase only if there is one.
pub(crate) fn open_key(path: &Path, passphrase: &Source) -> Result<PrivateKey, Failure> {
    open_key_file(path, passphrase).map(|opened| opened.key)
}

/// Opens a private key, with the certificates that its file holds beside it.
pub(crate) fn open_key_file(path: &Path, passphrase: &Source) -> Result<Pkcs12Content, Failure> {
    let bytes = read_bytes(path)?;
    let file = container::read(&bytes).map_err(|error| {
        Failure::new(&code::NOT_A_KEY, Within::new(path, error))
            .hint("name the file of the private key, in PEM or DER")
    })?;
    let what = || format!("passphrase of `{}`", path.display());
    let key = match file {
        KeyFile::Plain(key) => key,
        KeyFile::Sealed(sealed) => sealed
            .open(&passphrase.open(&what())?)
            .map_err(|error| Failure::new(&code::PASSPHRASE, Within::new(path, error)))?,
        KeyFile::Pkcs12(file) => {
            let opened = file.open(&passphrase.open(&what())?);
            return opened
                .map_err(|error| Failure::new(&code::PASSPHRASE, Within::new(path, error)));
        }
    };
    Ok(Pkcs12Content {
        key,
        certificates: Vec::new(),
    })
}

fn unreadable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new(&code::NOT_CERTIFICATES, Within::new(path, error))
}

fn not_certificates(path: &Path, error: CertificatesError) -> Failure {
    if error.found_private_key() {
        return Failure::new(&code::PRIVATE_KEY_FOUND, Within::new(path, error))
            .hint("keep keys in files of their own; if this file went anywhere, replace the key")
            .hint(format!(
                "`openssl crl2pkcs7 -nocrl -certfile FILE | openssl pkcs7 -print_certs` leaves only the `{PEM_LABEL}` blocks"
            ));
    }
    unreadable(path, error)
}

/// An error, and the file that it is about.
#[derive(Debug, thiserror::Error)]
#[error("cannot use `{file}`")]
pub(crate) struct Within {
    file: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Within {
    pub(crate) fn new(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self {
            file: path.display().to_string(),
            source: Box::new(error),
        }
    }
}

/// Refuses to go on if one of the files is there and is to be kept: before a key is made, not after.
pub(crate) fn must_be_free(paths: &[&Path], existing: Existing) -> Result<(), Failure> {
    let taken = paths
        .iter()
        .find(|path| fs_err::symlink_metadata(path).is_ok());
    match (existing, taken) {
        (Existing::Keep, Some(path)) => Err(taken_already(path)),
        (Existing::Keep, None) | (Existing::Replace, _) => Ok(()),
    }
}

/// Writes a file whole, through a temporary one beside it, and makes it last.
pub(crate) fn write(
    path: &Path,
    content: impl AsRef<[u8]>,
    readers: Readers,
    existing: Existing,
) -> Result<(), Failure> {
    let content = content.as_ref();
    try_write(path, content, readers, existing).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            taken_already(path)
        } else {
            Failure::new(&code::FILE_WRITE, Within::new(path, error))
                .hint("nothing was half-written: what was there before is there still")
        }
    })
}

/// Removes a file, if there is one.
pub(crate) fn remove(path: &Path) -> Result<(), Failure> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Failure::new(&code::FILE_WRITE, Within::new(path, error)))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn taken_already(path: &Path) -> Failure {
    Failure::new(
        &code::FILE_EXISTS,
        format!("expected no file at `{}`, found one", path.display()),
    )
    .hint("nothing was written; name another place, or add `--force` to replace the file")
}

fn try_write(path: &Path, content: &[u8], readers: Readers, existing: Existing) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    };
    fs_err::create_dir_all(directory)?;
    // Made with mode 0600, and widened only for what everybody may read.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    if readers == Readers::Everybody {
        let mode = std::fs::Permissions::from_mode(0o644);
        file.as_file().set_permissions(mode)?;
    }
    file.as_file().sync_all()?;
    match existing {
        Existing::Keep => file.persist_noclobber(path)?,
        Existing::Replace => file.persist(path)?,
    };
    fs_err::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
