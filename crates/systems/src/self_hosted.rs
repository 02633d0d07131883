//! A self-hosted server's CA slot files.
//!
//! A Temporal server with `refreshInterval` set reads its `clientCaFiles` again and again, but to notice a change it
//! compares only the *first* certificate of each file (temporal issue #11230). A bundle of old and new in one file
//! looks unchanged to it, and so does the removal of the old one. So there is a fixed list of slots, one CA
//! in each; a slot that is not needed repeats a CA. Then every change of the bundle changes the first certificate of some file.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use newleaf_rotation::{Again, change::ChangeError, sight::ChangeSight};
use newleaf_x509::{Certificate, TrustBundle, certificate::CertificatesError};

use crate::{
    domain::SlotOptions,
    replace::{self, PUBLIC},
    trouble::{Retry, again_after},
};

/// Why slot files could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SlotError {
    /// A slot could not be read.
    #[error("could not read a CA slot file")]
    Read(#[source] io::Error),
    /// A slot could not be written; those before it may have been.
    #[error("could not write a CA slot file")]
    Write(#[source] io::Error),
    /// A slot does not hold PEM certificates.
    #[error("cannot read the CA slot file `{}`", path.display())]
    Unreadable {
        /// The slot.
        path: PathBuf,
        /// Why.
        source: CertificatesError,
    },
    /// A slot holds more than one CA.
    #[error(
        "expected one CA certificate in the slot file `{}`, found {found}: the server notices a change of the first one only, so give each CA a file of its own",
        path.display()
    )]
    NotOneCa {
        /// The slot.
        path: PathBuf,
        /// How many it holds.
        found: usize,
    },
    /// More CAs than slots.
    #[error(
        "cannot put {cas} CAs into {slots} slot files: name more files in the server's `clientCaFiles`, restart it, and name them in newleaf.yaml"
    )]
    TooFewSlots {
        /// How many CAs are to be accepted.
        cas: usize,
        /// How many slots there are.
        slots: usize,
    },
    /// No bundle can be proposed; nothing was written.
    #[error("cannot propose a trust bundle for the slot files")]
    Propose(#[from] ChangeError),
}

impl Retry for SlotError {
    fn again(&self) -> Again {
        match self {
            Self::Read(error) | Self::Write(error) => again_after(error),
            Self::Unreadable { .. }
            | Self::NotOneCa { .. }
            | Self::TooFewSlots { .. }
            | Self::Propose(_) => Again::Never,
        }
    }
}

/// What the slots hold, and whether the server has had the time to see it.
#[derive(Clone, Debug)]
pub struct Slots {
    /// Slot by slot, what it holds.
    held: Vec<(PathBuf, Option<Certificate>)>,
    /// Underway until the server's refresh interval has passed since the last change of a file.
    pub change: ChangeSight,
}

impl Slots {
    /// Reads all slots. A slot that does not exist yet is empty.
    pub fn read(options: &SlotOptions, now: Timestamp) -> Result<Self, SlotError> {
        let mut held = Vec::with_capacity(options.slots.len());
        let mut rest = SignedDuration::ZERO;
        for path in &options.slots {
            let certificate = read_slot(path)?;
            if certificate.is_some() {
                rest = rest.max(unseen_for(path, options.refresh_interval, now)?);
            }
            held.push((path.clone(), certificate));
        }
        let change = if rest > SignedDuration::ZERO {
            ChangeSight::Underway(rest)
        } else {
            ChangeSight::Settled
        };
        Ok(Self { held, change })
    }

    /// Returns what the server accepts once it has read the slots.
    pub fn bundle(&self) -> TrustBundle {
        TrustBundle::new(self.held.iter().filter_map(|(_, held)| held.clone()))
    }

    /// Returns the fewest writes that make the slots hold exactly `wanted`, additions first: at no instant does
    /// a CA that is in both the old and the new bundle stand in no slot.
    pub fn writes(&self, wanted: &TrustBundle) -> Result<Vec<(PathBuf, Certificate)>, SlotError> {
        let (cas, slots) = (wanted.len(), self.held.len());
        if cas > slots {
            return Err(SlotError::TooFewSlots { cas, slots });
        }
        let mut placed = BTreeSet::new();
        let (mut spare, mut to_clear) = (Vec::new(), Vec::new());
        for (path, held) in &self.held {
            match held {
                Some(ca) if wanted.contains(ca.fingerprint()) => {
                    // A CA's first slot is its home, a second one only repeats it.
                    if !placed.insert(ca.fingerprint()) {
                        spare.push(path);
                    }
                }
                Some(_) => to_clear.push(path),
                None => spare.push(path),
            }
        }
        let missing = wanted
            .members()
            .iter()
            .filter(|ca| !placed.contains(&ca.fingerprint()));
        let empty = |path: &PathBuf| {
            self.held
                .iter()
                .any(|(p, held)| p == path && held.is_none())
        };
        let mut free = spare.iter().chain(&to_clear).copied();
        let mut writes: Vec<_> = missing
            .zip(free.by_ref())
            .map(|(ca, path)| (path.clone(), ca.clone()))
            .collect();
        // What is left over repeats a CA: a refused one must go, an empty file would be an error to the server.
        let repeated = wanted.members().last();
        let stale = free.filter(|path| to_clear.contains(path) || empty(path));
        writes.extend(
            repeated
                .into_iter()
                .flat_map(|ca| stale.clone().map(|path| (path.clone(), ca.clone()))),
        );
        Ok(writes)
    }
}

/// Writes slots in the order given.
pub fn write(writes: &[(PathBuf, Certificate)]) -> Result<(), SlotError> {
    writes.iter().try_for_each(|(path, ca)| {
        replace::replace(path, ca.to_pem().as_bytes(), PUBLIC).map_err(SlotError::Write)
    })
}

fn read_slot(path: &Path) -> Result<Option<Certificate>, SlotError> {
    let text = match fs_err::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(SlotError::Read)?,
    };
    if text.trim().is_empty() {
        return Ok(None);
    }
    let found = Certificate::all_from_pem(&text).map_err(|source| SlotError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    match <[Certificate; 1]>::try_from(found) {
        Ok([certificate]) => Ok(Some(certificate)),
        Err(found) => Err(SlotError::NotOneCa {
            path: path.to_owned(),
            found: found.len(),
        }),
    }
}

/// Returns for how long the server may still not have seen the last change of a file. A file from the future,
/// after a jump of the clock, is taken to have been written just now.
fn unseen_for(
    path: &Path,
    interval: SignedDuration,
    now: Timestamp,
) -> Result<SignedDuration, SlotError> {
    let modified = fs_err::metadata(path)
        .and_then(|m| m.modified())
        .map_err(SlotError::Read)?;
    let age = Timestamp::try_from(modified).map_or(SignedDuration::ZERO, |modified| {
        now.duration_since(modified)
    });
    Ok(interval.saturating_sub(age.max(SignedDuration::ZERO)))
}

#[cfg(test)]
mod tests;
