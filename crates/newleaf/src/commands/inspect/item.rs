//! What is found: certificates, and private keys of which only the kind is kept.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Fingerprint, PrivateKey, PublicKey,
    certificate::{CertificatesError, PEM_LABEL},
    describe::Description,
    key::KeyError,
    pem,
};
use serde::Serialize;

use super::document;
use crate::{
    code,
    failure::Failure,
    files::{self, Within},
};

/// Directories in directories, so deep: `ca/g1/ca.crt` is two.
const MAX_DEPTH: usize = 4;

/// What stands for standard input.
const STANDARD_INPUT: &str = "-";

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

/// A private key, of which nothing secret is kept.
#[derive(Debug)]
pub(super) struct KeyItem {
    /// What kind of key, in words.
    pub(super) kind: String,
    /// The mode of its file.
    pub(super) mode: Option<u32>,
    /// The certificate that it belongs to, among those that were found.
    pub(super) certificate: Option<Fingerprint>,
    public: Option<PublicKey>,
}

/// A place, as `--json` tells it.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    path: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    facts: Vec<ToldFact>,
    certificates: Vec<Description>,
    private_keys: Vec<ToldKey>,
}

/// Something known of a place, as `--json` tells it.
#[derive(Debug, Serialize)]
struct ToldFact {
    name: &'static str,
    value: String,
}

/// A private key, as `--json` tells it.
#[derive(Debug, Serialize)]
struct ToldKey {
    kind: String,
    mode: Option<String>,
    certificate: Option<Fingerprint>,
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
            private_keys: self
                .keys
                .iter()
                .map(|key| ToldKey {
                    kind: key.kind.clone(),
                    mode: key.mode.map(|mode| format!("{mode:04o}")),
                    certificate: key.certificate,
                })
                .collect(),
        }
    }
}

/// Reads a file, standard input, or every file of a directory that holds certificates or keys.
pub(super) fn at(path: &Path) -> Result<Vec<Found>, Failure> {
    if !path.is_dir() {
        return read(path);
    }
    let mut files = Vec::new();
    collect(path, 0, &mut files)?;
    // Among many files some are something else: they are passed over, not refused.
    let found: Vec<_> = files
        .iter()
        .filter_map(|file| read(file).ok())
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

fn read(path: &Path) -> Result<Vec<Found>, Failure> {
    let bytes = if path == Path::new(STANDARD_INPUT) {
        files::read_standard_input()?
    } else {
        files::read_bytes(path)?
    };
    let mut found = Found::named(path.display().to_string());
    if bytes.first() == Some(&files::DER_SEQUENCE) {
        let certificate = Certificate::from_der(&bytes).map_err(|error| unreadable(path, error))?;
        found.certificates.push(certificate);
        return Ok(vec![found]);
    }
    let mode = fs_err::metadata(path)
        .ok()
        .map(|metadata| metadata.permissions().mode() & 0o7777);
    let text = files::text_of(path, bytes)?;
    match document::texts(&text) {
        Some(texts) => in_document(path, &texts, mode),
        None => in_pem(path, found, &text, mode).map(|found| vec![found]),
    }
}

fn in_document(
    path: &Path,
    texts: &[document::Text],
    mode: Option<u32>,
) -> Result<Vec<Found>, Failure> {
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
        in_pem(path, found, &text.pem, mode)
    });
    each.collect()
}

fn in_pem(path: &Path, mut found: Found, text: &str, mode: Option<u32>) -> Result<Found, Failure> {
    let document = pem::parse(text).map_err(|error| unreadable(path, error))?;
    for block in &document.blocks {
        if block.label == PEM_LABEL {
            let certificate = Certificate::from_der(&block.der).map_err(|source| {
                let line = block.line;
                unreadable(path, CertificatesError::Certificate { line, source })
            })?;
            found.certificates.push(certificate);
        } else if block.label.ends_with("PRIVATE KEY") {
            found.keys.push(KeyItem::read(block, mode));
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

impl KeyItem {
    fn read(block: &pem::Block, mode: Option<u32>) -> Self {
        let key = if block.label == "ENCRYPTED PRIVATE KEY" {
            Err(KeyError::Encrypted)
        } else {
            PrivateKey::from_der(&block.der)
        };
        let kind = match &key {
            Ok(key) => key.public_key().algorithm().to_string(),
            Err(KeyError::Encrypted) => "encrypted with a passphrase".to_owned(),
            Err(KeyError::Pem(_) | KeyError::NotOneKey { .. } | KeyError::Unsupported) => {
                "of a kind that newleaf does not read".to_owned()
            }
        };
        let public = key.ok().map(|key| key.public_key().clone());
        Self {
            kind,
            mode,
            certificate: None,
            public,
        }
    }
}

/// Finds for each key the certificate that it belongs to.
pub(super) fn pair_keys(found: &mut [Found]) {
    let certificates: Vec<_> = found
        .iter()
        .flat_map(|found| found.certificates.iter().cloned())
        .collect();
    for key in found.iter_mut().flat_map(|found| &mut found.keys) {
        let owner = certificates
            .iter()
            .find(|certificate| key.public.as_ref() == Some(certificate.public_key()));
        key.certificate = owner.map(Certificate::fingerprint);
    }
}
