//! What a change of a trust bundle means to those who present leaves, not which lines of text it moves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

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
    let added = old.difference(new).added;
    let mut arrivals: Vec<_> = added.into_iter().map(Some).collect();
    let kept: BTreeSet<_> = new.members().iter().map(Certificate::fingerprint).collect();
    let mut fates: Vec<_> = old
        .members()
        .iter()
        .map(|member| {
            let member = member.clone();
            if kept.contains(&member.fingerprint()) {
                Fate::Kept(member)
            } else {
                Fate::Removed {
                    old: member,
                    covered_by: None,
                }
            }
        })
        .collect();
    let same_key = |c: &Certificate| (c.subject().clone(), c.public_key().spki().to_vec());
    stand_in(&mut fates, &mut arrivals, same_key, |old, new| {
        Fate::Reissued { old, new }
    });
    // What has the same key has found its place: who is left under a name has another.
    let same_name = |c: &Certificate| c.subject().clone();
    stand_in(&mut fates, &mut arrivals, same_name, |old, new| {
        Fate::Rekeyed { old, new }
    });
    cover(&mut fates, new);
    fates.extend(arrivals.into_iter().flatten().map(Fate::Added));
    fates
}

/// The most signatures that are verified to find who signed what is removed: seconds of work. Nobody's bundles ask for a
/// hundredth; what is not found within them counts as not covered, which is the side to err on.
const MAX_SIGNATURES: usize = 10_000;

/// Finds for what is removed the CA of the new bundle that signed it.
fn cover(fates: &mut [Fate], new: &TrustBundle) {
    let mut by_name: BTreeMap<_, Vec<&Certificate>> = BTreeMap::new();
    for ca in new.members() {
        by_name.entry(ca.subject()).or_default().push(ca);
    }
    let mut left = MAX_SIGNATURES;
    for fate in fates {
        let Fate::Removed { old, covered_by } = fate else {
            continue;
        };
        let named = by_name.get(old.issuer()).map_or(&[][..], Vec::as_slice);
        let tried = named.get(..left).unwrap_or(named);
        let signer = tried.iter().position(|ca| old.is_signed_by(ca));
        *covered_by = signer.and_then(|at| named.get(at)).map(|ca| (*ca).clone());
        left -= signer.map_or(tried.len(), |at| at + 1);
    }
}

/// Lets arrivals, in their order, take the place of what was removed, where both have the same `trait_of`.
fn stand_in<T: Ord>(
    fates: &mut [Fate],
    arrivals: &mut [Option<Certificate>],
    trait_of: impl Fn(&Certificate) -> T,
    fate_of: impl Fn(Certificate, Certificate) -> Fate,
) {
    let mut waiting: BTreeMap<T, VecDeque<&mut Option<Certificate>>> = BTreeMap::new();
    for arrival in arrivals {
        if let Some(shared) = arrival.as_ref().map(&trait_of) {
            waiting.entry(shared).or_default().push_back(arrival);
        }
    }
    for fate in fates {
        let Fate::Removed { old, .. } = &*fate else {
            continue;
        };
        let first = waiting
            .get_mut(&trait_of(old))
            .and_then(VecDeque::pop_front);
        if let Some(new) = first.and_then(Option::take) {
            *fate = fate_of(old.clone(), new);
        }
    }
}

#[cfg(test)]
mod tests;
