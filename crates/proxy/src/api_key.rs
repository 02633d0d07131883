//! API keys: the other way to be known to Temporal Cloud.
//!
//! A key goes with every request, as `authorization: Bearer …`. Whoever holds it *is* its owner, so it has no way into a
//! log, and its memory is wiped. What cannot be wiped is its copies on their way to the server, inside TLS.

use std::{fmt, io, path::PathBuf, sync::Arc};

use zeroize::Zeroizing;

use crate::text_file::TextFile;

/// The longest key that is taken: Temporal's are JSON web tokens of 1 to 2 KB. A wrong path to something huge must not be sent.
const MAX_BYTES: usize = 8 * 1024;

/// What a header must say before the key (RFC 6750 §2.1).
const SCHEME: &str = "Bearer ";

/// An API key. Not quoted by anything.
#[expect(
    missing_debug_implementations,
    reason = "a secret has no way into a log"
)]
pub struct ApiKey {
    /// The whole value of the header.
    header: Zeroizing<Vec<u8>>,
}

/// Where an API key is read.
#[derive(Clone)]
pub enum ApiKeySource {
    /// A file with nothing but the key, which is watched.
    File(PathBuf),
    /// This key, for as long as the process lives.
    Fixed(Arc<ApiKey>),
}

/// Why there is no API key. What was found is not quoted.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// The file could not be read; the source names it.
    #[error("could not read the API key")]
    Read(#[source] io::Error),
    /// Nothing but white space.
    #[error("expected an API key, found nothing")]
    Empty,
    /// Longer than any.
    #[error("expected an API key of at most {MAX_BYTES} bytes, found {found}")]
    TooLong {
        /// How many bytes there are.
        found: usize,
    },
    /// RFC 6750 §2.1 allows letters, digits, and `-._~+/=`.
    #[error("expected an API key of one line of visible characters, found something else")]
    Malformed,
}

impl ApiKey {
    /// Takes a key as it was written to a file: white space at both ends does not belong to it.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let key = text.trim_ascii();
        if key.is_empty() {
            return Err(ApiKeyError::Empty);
        }
        if key.len() > MAX_BYTES {
            return Err(ApiKeyError::TooLong { found: key.len() });
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ApiKeyError::Malformed);
        }
        // As large as it becomes, so that no copy is left behind by growing.
        let mut header = Zeroizing::new(Vec::with_capacity(SCHEME.len() + key.len()));
        header.extend_from_slice(SCHEME.as_bytes());
        header.extend_from_slice(key.as_bytes());
        Ok(Self { header })
    }

    /// Returns what the header `authorization` says.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }
}

/// Watches a file that holds a key.
pub(crate) fn file(path: PathBuf) -> TextFile {
    // White space around it may be more than the key.
    let max_bytes = u64::try_from(MAX_BYTES)
        .unwrap_or(u64::MAX)
        .saturating_mul(2);
    TextFile::new(path, max_bytes)
}

/// Keys are compared to see whether one was replaced, both by whoever holds them: there is no stranger to time it.
impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header
    }
}

impl Eq for ApiKey {}

impl PartialEq for ApiKeySource {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File(one), Self::File(other)) => one == other,
            (Self::Fixed(one), Self::Fixed(other)) => one == other,
            (Self::File(_), Self::Fixed(_)) | (Self::Fixed(_), Self::File(_)) => false,
        }
    }
}

impl Eq for ApiKeySource {}

/// Shows where a key is read, and no key.
impl fmt::Debug for ApiKeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Fixed(_) => f.write_str("Fixed"),
        }
    }
}

#[cfg(test)]
mod tests;
