//! What people vouch for.

use newleaf_rotation::{HolderId, census::Report, sight::Source};

use crate::ledger::{Attestation, LedgerEntry, Role};

/// Returns a holder's attestations as reports: each speaks of the leaf that was the holder's newest when it was said.
pub(crate) fn reports(
    holder: &HolderId,
    attestations: &[Attestation],
    entries: &[LedgerEntry],
) -> Vec<Report> {
    let role = Role::Holder(holder.clone());
    let newest_at = |attestation: &Attestation| {
        let before = entries
            .iter()
            .filter(|entry| entry.role == role && entry.issued_at <= attestation.at);
        before
            .max_by_key(|entry| entry.issued_at)
            .map(|entry| entry.fingerprint)
    };
    attestations
        .iter()
        .filter(|attestation| attestation.holder == *holder)
        .map(|attestation| Report {
            holder: Some(holder.clone()),
            seen_at: attestation.at,
            leaf: newest_at(attestation),
            source: Source::Attested,
        })
        .collect()
}
