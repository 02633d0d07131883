//! What is found in files: certificates and private keys, in PEM and DER, alone, in documents, or in PKCS #12.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use newleaf_keystore::{KeyFile, Pkcs12, container};
use newleaf_x509::{
    Certificate,
    certificate::{CertificatesError, PEM_LABEL},
    describe::Description,
    pem,
};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{document, key::KeyItem};
use crate::{
    code,
    failure::Failure,
    files::{self, Within},
    passphrase::Source,
};

/// Directories in directories, so deep: `ca/g1/ca.crt` is two.
const MAX_DEPTH: usize = 4;

/// What one place holds: a file, a text in a document, a server, a trust point.
#[derive(Debug)]
pub(super) struct Found {
    /// The place, as it was named.
    pub(super) name: String,
    /// What is known of the place itself: a word, and what there is to say.
    pub(super) facts: Vec<(&'static str, String)>,
    /// Its certificates, in order.
    pub(super) certificates: Vec<Certificate>,
    /// Its private keys, in order.
    pub(super) keys: Vec<KeyItem>,
}

/// A file that is being read: where it is, who may read it, and who knows its passphrase.
pub(super) struct Place<'a> {
    path: &'a Path,
    /// The mode of the file.
    pub(super) mode: Option<u32>,
    /// Who knows the passphrase, if somebody was named.
    pub(super) passphrase: Option<&'a Source>,
}

impl Place<'_> {
    /// Says what a passphrase is asked for.
    pub(super) fn what(&self) -> String {
        format!("passphrase of `{}`", self.path.display())
    }

    /// Explains why a passphrase did not open it.
    pub(super) fn shut(&self, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
        Failure::new(&code::PASSPHRASE, Within::new(self.path, error))
    }
}

/// A place, as `--json` tells it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    path: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<ToldFact>,
    certificates: Vec<Description>,
    private_keys: Vec<super::key::Told>,
}

/// Something known of a place, as `--json` tells it.
#[derive(Debug, Serialize)]
struct ToldFact {
    name: &'static str,
    value: String,
}

impl Found {
    fn named(name: String) -> Self {
        Self {
            name,
            facts: Vec::new(),
            certificates: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// Describes the place as it stands at `now`.
    pub(super) fn describe(&self, now: Timestamp) -> Told {
        Told {
            path: self.name.clone(),
            facts: self
                .facts
                .iter()
                .map(|(name, value)| ToldFact {
                    name,
                    value: value.clone(),
                })
                .collect(),
            certificates: self
                .certificates
                .iter()
                .map(|c| Description::of(c, now))
                .collect(),
            private_keys: self.keys.iter().map(KeyItem::describe).collect(),
        }
    }
}

/// Reads a file, standard input, or every file of a directory that holds certificates or keys. What is behind a passphrase is
/// opened only if somebody was named who knows it.
pub(super) fn at(path: &Path, passphrase: Option<&Source>) -> Result<Vec<Found>, Failure> {
    if !path.is_dir() {
        return read(path, passphrase);
    }
    let mut files = Vec::new();
    collect(path, 0, &mut files)?;
    // Among many files some are something else: they are passed over, not refused.
    let found: Vec<_> = files
        .iter()
        .filter_map(|file| read(file, passphrase).ok())
        .flatten()
        .collect();
    if found.is_empty() {
        return Err(Failure::new(
            &code::NOT_CERTIFICATES,
            format!(
                "expected certificates or keys in `{}`, found none",
                path.display()
            ),
        )
        .hint("name a file to see why it cannot be read"));
    }
    Ok(found)
}

/// Lists files in the order of their names. Names that begin with a dot are the versions behind an identity directory's
/// links, and would be shown twice.
fn collect(directory: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error| Failure::new(&code::FILE_READ, error);
    let mut entries = fs_err::read_dir(directory)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if entry.is_dir() && depth < MAX_DEPTH {
            collect(&entry, depth + 1, files)?;
        } else if entry.is_file() {
            files.push(entry);
        }
    }
    Ok(())
}

fn read(path: &Path, passphrase: Option<&Source>) -> Result<Vec<Found>, Failure> {
    let bytes = files::read_bytes(path)?;
    let metadata = (!files::is_standard_input(path)).then(|| fs_err::metadata(path));
    let mode = metadata
        .and_then(Result::ok)
        .map(|metadata| metadata.permissions().mode() & 0o7777);
    let place = Place {
        path,
        mode,
        passphrase,
    };
    let hint = files::hint(&bytes);
    read_bytes(&place, bytes).map_err(|failure| hint.into_iter().fold(failure, Failure::hint))
}

fn read_bytes(place: &Place<'_>, bytes: Zeroizing<Vec<u8>>) -> Result<Vec<Found>, Failure> {
    let path = place.path;
    let found = Found::named(path.display().to_string());
    if bytes.first() == Some(&files::DER_SEQUENCE) {
        return in_der(place, found, &bytes).map(|found| vec![found]);
    }
    let text = files::text_of(path, bytes)?;
    match document::texts(&text) {
        Some(texts) => in_document(place, &texts),
        None => in_pem(place, found, &text).map(|found| vec![found]),
    }
}

/// DER is a certificate or, if it is none, one of the forms of a key.
fn in_der(place: &Place<'_>, mut found: Found, der: &[u8]) -> Result<Found, Failure> {
    let not_a_certificate = match Certificate::from_der(der) {
        Ok(certificate) => {
            found.certificates.push(certificate);
            return Ok(found);
        }
        Err(error) => error,
    };
    match container::read(der) {
        Ok(KeyFile::Plain(key)) => found.keys.push(KeyItem::open(&key, place.mode)),
        Ok(KeyFile::Sealed(sealed)) => {
            let key = KeyItem::sealed(Some(&sealed), place)?;
            found.keys.push(key);
        }
        Ok(KeyFile::Pkcs12(file)) => in_pkcs12(place, &mut found, &file)?,
        Err(_) => return Err(unreadable(place.path, not_a_certificate)),
    }
    Ok(found)
}

/// What a PKCS #12 file holds is believed only after its MAC, which takes the passphrase.
fn in_pkcs12(place: &Place<'_>, found: &mut Found, file: &Pkcs12) -> Result<(), Failure> {
    let Some(source) = place.passphrase else {
        found.facts.push((
            "PKCS #12",
            "behind a passphrase: `--passphrase` says who knows it".to_owned(),
        ));
        return Ok(());
    };
    let passphrase = source.open(&place.what())?;
    let opened = file.open(&passphrase).map_err(|error| place.shut(error))?;
    found
        .facts
        .push(("PKCS #12", "opened with its passphrase".to_owned()));
    found.certificates = opened.certificates;
    found.keys.push(KeyItem::open(&opened.key, place.mode));
    Ok(())
}

fn in_document(place: &Place<'_>, texts: &[document::Text]) -> Result<Vec<Found>, Failure> {
    let path = place.path;
    if texts.is_empty() {
        return Err(Failure::new(
            &code::NOT_CERTIFICATES,
            format!(
                "expected certificates or keys in the document `{}`, found no PEM text in it",
                path.display()
            ),
        ));
    }
    let each = texts.iter().map(|text| {
        let found = Found::named(format!("{}: {}", path.display(), text.at));
        in_pem(place, found, &text.pem)
    });
    each.collect()
}

fn in_pem(place: &Place<'_>, mut found: Found, text: &str) -> Result<Found, Failure> {
    let path = place.path;
    let document = pem::parse(text).map_err(|error| unreadable(path, error))?;
    for block in &document.blocks {
        if block.label == PEM_LABEL {
            let certificate = Certificate::from_der(&block.der).map_err(|source| {
                let line = block.line;
                unreadable(path, CertificatesError::Certificate { line, source })
            })?;
            found.certificates.push(certificate);
        } else if block.label.ends_with("PRIVATE KEY") {
            found.keys.push(KeyItem::read(block, place)?);
        }
    }
    if found.certificates.is_empty() && found.keys.is_empty() {
        let labels: Vec<_> = document
            .blocks
            .iter()
            .map(|block| block.label.as_str())
            .collect();
        return Err(unreadable_kind(path, &labels));
    }
    Ok(found)
}

fn unreadable(path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::new(&code::NOT_CERTIFICATES, Within::new(path, error))
}

fn unreadable_kind(path: &Path, labels: &[&str]) -> Failure {
    Failure::new(
        &code::NOT_CERTIFICATES,
        format!(
            "expected certificates or keys in `{}`, found `{}`",
            path.display(),
            labels.join("`, `")
        ),
    )
}

/// Finds for each key the certificate that it belongs to.
pub(super) fn pair_keys(found: &mut [Found]) {
    let certificates: Vec<_> = found
        .iter()
        .flat_map(|found| found.certificates.iter().cloned())
        .collect();
    for key in found.iter_mut().flat_map(|found| &mut found.keys) {
        let owner = certificates.iter().find(|one| key.is_of(one));
        key.certificate = owner.map(Certificate::fingerprint);
    }
}
