//! Changes of a trust bundle: which set of CAs to submit.

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Fingerprint, TrustBundle,
    bundle::{MAX_CLOUD_MEMBERS, MAX_CLOUD_PEM_BYTES},
};

/// Why no bundle can be submitted. The bundle that stands is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// A CA to be accepted has expired, or is not valid yet.
    #[error(
        "cannot ask to accept `{subject}` at {now}: it is valid from {not_before} to {not_after}"
    )]
    NotValidNow {
        /// The CA's subject.
        subject: String,
        /// The instant of judgement.
        now: Timestamp,
        /// The first instant.
        not_before: Timestamp,
        /// The last instant.
        not_after: Timestamp,
    },
    /// Nothing would be left.
    #[error("cannot submit an empty bundle: every client would be locked out")]
    Empty,
    /// Too many members.
    #[error("cannot submit {found} CA certificates: expected at most {MAX_CLOUD_MEMBERS}")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// Too large.
    #[error("cannot submit {found} bytes of PEM: expected at most {MAX_CLOUD_PEM_BYTES}")]
    TooLarge {
        /// How many bytes.
        found: usize,
    },
}

/// Proposes the bundle that accepts `accept` and not `refuse`, and otherwise what `current` accepts.
///
/// Members that have expired are left out in the same change: Temporal Cloud refuses any update whose result
/// holds one, so a bundle with two of them could otherwise never be repaired. Compared by fingerprint.
pub fn propose(
    current: &TrustBundle,
    accept: &[Certificate],
    refuse: &[Fingerprint],
    now: Timestamp,
) -> Result<TrustBundle, ChangeError> {
    if let Some(ca) = accept.iter().find(|ca| !ca.is_valid_at(now)) {
        return Err(ChangeError::NotValidNow {
            subject: ca.subject().to_string(),
            now,
            not_before: ca.not_before(),
            not_after: ca.not_after(),
        });
    }
    let mut bundle = current
        .without(|member| member.not_after() < now || refuse.contains(&member.fingerprint()));
    for ca in accept {
        bundle.insert(ca.clone());
    }
    let bytes = bundle.to_pem().len();
    match bundle.len() {
        0 => Err(ChangeError::Empty),
        found if found > MAX_CLOUD_MEMBERS => Err(ChangeError::TooMany { found }),
        _ if bytes > MAX_CLOUD_PEM_BYTES => Err(ChangeError::TooLarge { found: bytes }),
        _ => Ok(bundle),
    }
}

#[cfg(test)]
mod tests;
