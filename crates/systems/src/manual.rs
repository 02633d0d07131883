//! A trust point that a person keeps: newleaf says what to do, and waits until it is said to be done.
//!
//! Two kinds of file lie in `<state>/handover/`: `<request>.txt`, what is asked of the person; and
//! `<point>.accepts`, what a person has confirmed that the point accepts, which is all that is ever known of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use newleaf_rotation::{
    Again, Generation, RequestId, TrustPointId,
    sight::{BundleSight, ChangeSight, TrustSight},
};
use newleaf_x509::Certificate;

use crate::{
    replace::{self, PUBLIC},
    trouble::{Retry, again_after},
};

/// Why a hand-over could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ManualError {
    /// A note could not be read.
    #[error("could not read a hand-over note")]
    Read(#[source] io::Error),
    /// A note could not be written.
    #[error("could not write a hand-over note")]
    Write(#[source] io::Error),
    /// A note holds something else.
    #[error("expected generations such as `g1` in `{}`, found `{found}`", path.display())]
    Unreadable {
        /// The note.
        path: PathBuf,
        /// What it holds.
        found: String,
    },
}

impl Retry for ManualError {
    fn again(&self) -> Again {
        match self {
            Self::Read(error) | Self::Write(error) => again_after(error),
            Self::Unreadable { .. } => Again::Never,
        }
    }
}

/// The notes about one trust point.
#[derive(Clone, Debug)]
pub struct Handover<'a> {
    directory: PathBuf,
    point: &'a TrustPointId,
}

/// What a person is asked to make a trust point accept and refuse.
#[derive(Clone, Debug)]
pub struct Request {
    /// What must be accepted when it is done.
    pub accept: Vec<(Generation, Certificate)>,
    /// What must not be accepted any more.
    pub refuse: Vec<(Generation, Certificate)>,
}

impl<'a> Handover<'a> {
    /// Names the notes about `point` in newleaf's state directory.
    pub fn new(state: &Path, point: &'a TrustPointId) -> Self {
        Self {
            directory: state.join("handover"),
            point,
        }
    }

    /// Writes what is asked of the person, and returns where. Certificates only: there is no way for a key to get here.
    pub fn ask(&self, id: &RequestId, request: &Request) -> Result<PathBuf, ManualError> {
        let path = self.note(id);
        let text = self.words(request);
        fs_err::create_dir_all(&self.directory)
            .and_then(|()| replace::replace(&path, text.as_bytes(), PUBLIC))
            .map_err(ManualError::Write)?;
        Ok(path)
    }

    /// Returns how the request stands.
    pub fn look(&self, id: &RequestId, confirmed: bool) -> TrustSight {
        let asked = self.note(id).exists();
        TrustSight {
            bundle: if confirmed {
                BundleSight::Attested
            } else {
                BundleSight::Unread
            },
            change: if asked && !confirmed {
                ChangeSight::WithPerson
            } else {
                ChangeSight::Settled
            },
            probes: BTreeMap::new(),
            census: None,
        }
    }

    /// Writes down what a person has confirmed.
    pub fn confirm(&self, accept: &[Generation], refuse: &[Generation]) -> Result<(), ManualError> {
        let mut accepts = self.accepts()?.unwrap_or_default();
        accepts.extend(accept);
        accepts.retain(|generation| !refuse.contains(generation));
        let lines: Vec<String> = accepts.iter().map(Generation::to_string).collect();
        let text = lines.join("\n") + "\n";
        fs_err::create_dir_all(&self.directory)
            .and_then(|()| replace::replace(&self.confirmed(), text.as_bytes(), PUBLIC))
            .map_err(ManualError::Write)
    }

    /// Returns what a person has confirmed; nothing, if nobody has confirmed anything yet.
    pub fn accepts(&self) -> Result<Option<BTreeSet<Generation>>, ManualError> {
        let path = self.confirmed();
        let text = match fs_err::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(ManualError::Read)?,
        };
        let generation = |line: &str| {
            let number = line.strip_prefix('g').and_then(|n| n.parse().ok());
            number
                .map(Generation)
                .ok_or_else(|| ManualError::Unreadable {
                    path: path.clone(),
                    found: line.to_owned(),
                })
        };
        text.split_whitespace()
            .map(generation)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn note(&self, id: &RequestId) -> PathBuf {
        self.directory.join(format!("{}.txt", id.as_str()))
    }

    fn confirmed(&self) -> PathBuf {
        self.directory
            .join(format!("{}.accepts", self.point.as_str().replace('/', "-")))
    }

    fn words(&self, request: &Request) -> String {
        let mut text = format!(
            "Please change the accepted client CAs of `{}`.\n",
            self.point
        );
        let mut say = |heading: &str, cas: &[(Generation, Certificate)], pem: bool| {
            if cas.is_empty() {
                return;
            }
            // Writing to a string cannot fail.
            let _written = write!(text, "\n{heading}\n");
            for (generation, ca) in cas {
                let _written = writeln!(
                    text,
                    "\n{generation}: {}\n  valid until {}\n  SHA-256 {}\n  SHA-1   {} (as tcld shows it)",
                    ca.subject(),
                    ca.not_after(),
                    ca.fingerprint(),
                    ca.sha1_fingerprint(),
                );
                if pem {
                    text.push_str(&ca.to_pem());
                }
            }
        };
        say(
            "When you are done, these must be accepted:",
            &request.accept,
            true,
        );
        say(
            "and these must not be accepted any more:",
            &request.refuse,
            false,
        );
        text.push_str(
            "\nLeave every other accepted CA as it is. Then run `newleaf approve` for this step.\n",
        );
        text
    }
}
