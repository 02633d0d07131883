//! The record of what a CA that stands alone has signed: one line of JSON a leaf, in the CA's directory.
//!
//! Who wants to revoke must know what there is to revoke. A leaf has its line before it is handed out.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use newleaf_x509::Certificate;
use serde::{Deserialize, Serialize};

use crate::{
    code,
    failure::Failure,
    files::{self, Within},
};

/// The record's file in a CA's directory.
const RECORD_FILE: &str = "issued.jsonl";

/// One leaf that was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issued {
    /// Its serial number, in hexadecimal.
    pub(crate) serial: String,
    /// Its subject.
    pub(crate) subject: String,
    /// Its last instant.
    pub(crate) not_after: Timestamp,
    /// When it was signed.
    pub(crate) at: Timestamp,
    /// SHA-256 of its DER.
    pub(crate) fingerprint: String,
}

/// The record of one CA.
#[derive(Debug)]
pub(crate) struct Record {
    path: PathBuf,
}

impl Record {
    /// Names the record of a CA; it need not exist.
    pub(crate) fn of(directory: &Path) -> Self {
        Self {
            path: directory.join(RECORD_FILE),
        }
    }

    /// Returns the record's file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Forgets what another CA signed, whose place a new one takes because the person said `--force`.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        files::remove(&self.path)
    }

    /// Writes down one leaf, and makes it last.
    pub(crate) fn add(&self, leaf: &Certificate, now: Timestamp) -> Result<(), Failure> {
        let issued = Issued {
            serial: leaf.serial_hex(),
            subject: leaf.subject().to_string(),
            not_after: leaf.not_after(),
            at: now,
            fingerprint: leaf.fingerprint().to_string(),
        };
        let append = || {
            let mut line = serde_json::to_vec(&issued).map_err(io::Error::other)?;
            line.push(b'\n');
            let mut options = fs_err::OpenOptions::new();
            let mut file = options.create(true).append(true).open(&self.path)?;
            // One write, so that a crash leaves a whole line or none that ends.
            file.write_all(&line)?;
            file.sync_all()
        };
        append().map_err(|error| {
            Failure::new(&code::FILE_WRITE, Within::new(&self.path, error))
                .hint("the leaf was thrown away: what is not in the record is not handed out")
        })
    }

    /// Returns what was signed. A last line that a crash cut off is of a leaf that nobody got.
    pub(crate) fn read(&self) -> Result<Vec<Issued>, Failure> {
        if !self.path.exists() {
            return Ok(Vec::new());
        }
        let text = files::read_text(&self.path)?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _cut_off)| whole);
        let read = |line| {
            serde_json::from_str(line)
                .map_err(|error| Failure::new(&code::NOT_A_CRL, Within::new(&self.path, error)))
        };
        whole
            .lines()
            .filter(|line| !line.is_empty())
            .map(read)
            .collect()
    }
}
