//! What a change of a trust bundle means to those who present leaves, not which lines of text it moves.

use serde::Serialize;

use super::TrustBundle;
use crate::certificate::Certificate;

/// What becomes of one CA when a bundle is replaced by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The same certificate is in both.
    Kept(Certificate),
    /// Another certificate for the same name and the same key: every leaf that the CA signed stays accepted.
    Reissued {
        /// The certificate of the old bundle.
        old: Certificate,
        /// The certificate of the new one.
        new: Certificate,
    },
    /// Another certificate for the same name and another key: leaves of the old key are refused, and verifiers that
    /// look for an issuer by its name meet the wrong one.
    Rekeyed {
        /// The certificate of the old bundle.
        old: Certificate,
        /// The certificate of the new one.
        new: Certificate,
    },
    /// Only the new bundle has it: leaves that it signed become acceptable.
    Added(Certificate),
    /// Only the old bundle has it: leaves that it signed are refused, unless `covered_by` is there.
    Removed {
        /// The certificate of the old bundle.
        old: Certificate,
        /// A member of the new bundle that signed it: a leaf that brings `old` along in its chain stays accepted.
        covered_by: Option<Certificate>,
    },
}

/// A [`Fate`] without its certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FateKind {
    /// [`Fate::Kept`].
    Kept,
    /// [`Fate::Reissued`].
    Reissued,
    /// [`Fate::Rekeyed`].
    Rekeyed,
    /// [`Fate::Added`].
    Added,
    /// [`Fate::Removed`].
    Removed,
}

impl Fate {
    /// Returns which fate it is.
    pub fn kind(&self) -> FateKind {
        match self {
            Self::Kept(_) => FateKind::Kept,
            Self::Reissued { .. } => FateKind::Reissued,
            Self::Rekeyed { .. } => FateKind::Rekeyed,
            Self::Added(_) => FateKind::Added,
            Self::Removed { .. } => FateKind::Removed,
        }
    }

    /// Returns the certificate of the old bundle, if there is one.
    pub fn before(&self) -> Option<&Certificate> {
        match self {
            Self::Kept(old)
            | Self::Reissued { old, .. }
            | Self::Rekeyed { old, .. }
            | Self::Removed { old, .. } => Some(old),
            Self::Added(_) => None,
        }
    }

    /// Returns the certificate of the new bundle, if there is one.
    pub fn after(&self) -> Option<&Certificate> {
        match self {
            Self::Kept(new)
            | Self::Added(new)
            | Self::Reissued { new, .. }
            | Self::Rekeyed { new, .. } => Some(new),
            Self::Removed { .. } => None,
        }
    }
}

/// Returns the fate of every CA of two bundles: first those of the old one in its order, then what is added.
///
/// A certificate of the new bundle stands in for at most one of the old: of several with the same name, one with the
/// same key is taken before one with another.
pub fn compare(old: &TrustBundle, new: &TrustBundle) -> Vec<Fate> {
    let mut arrivals = old.difference(new).added;
    let mut fates: Vec<_> = old
        .members()
        .iter()
        .map(|member| match new.get(member.fingerprint()) {
            Some(kept) => Fate::Kept(kept.clone()),
            None => removed(member, new),
        })
        .collect();
    stand_in(&mut fates, &mut arrivals, FateKind::Reissued);
    stand_in(&mut fates, &mut arrivals, FateKind::Rekeyed);
    fates.extend(arrivals.into_iter().map(Fate::Added));
    fates
}

fn removed(old: &Certificate, new: &TrustBundle) -> Fate {
    Fate::Removed {
        old: old.clone(),
        covered_by: new
            .members()
            .iter()
            .find(|member| old.is_signed_by(member))
            .cloned(),
    }
}

/// Lets arrivals take the place of what was removed, where they bear its name and, for a reissue, its key.
fn stand_in(fates: &mut [Fate], arrivals: &mut Vec<Certificate>, kind: FateKind) {
    for fate in fates {
        let Fate::Removed { old, .. } = &*fate else {
            continue;
        };
        let same_key = |new: &Certificate| new.public_key() == old.public_key();
        let matching = arrivals.iter().position(|new| {
            new.subject() == old.subject() && same_key(new) == (kind == FateKind::Reissued)
        });
        let Some(position) = matching else {
            continue;
        };
        let (old, new) = (old.clone(), arrivals.remove(position));
        *fate = if kind == FateKind::Reissued {
            Fate::Reissued { old, new }
        } else {
            Fate::Rekeyed { old, new }
        };
    }
}

#[cfg(test)]
mod tests;
