//! The ledger: every leaf that was ever issued, written before the leaf leaves our hands.
//!
//! A leaf that is in the ledger and nowhere else is harmless. A leaf that is somewhere and not in the ledger
//! would make the proof of expiry a lie.

use std::error::Error;

use jiff::Timestamp;
use newleaf_rotation::{Again, Generation, HolderId, RotationId, TrustDomainId};
use newleaf_x509::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::trouble::Retry;

/// Where the ledger is kept. The controller's journal is one; tests have their own.
pub trait Ledger: Send + Sync {
    /// Writes an entry; when this returns, the entry survives a power failure. An entry with a fingerprint that is
    /// there already changes nothing.
    fn record(&self, entry: &LedgerEntry) -> Result<(), LedgerError>;

    /// Returns every entry of a trust domain.
    fn entries(&self, domain: &TrustDomainId) -> Result<Vec<LedgerEntry>, LedgerError>;

    /// Returns what people attested for a rotation.
    fn attestations(&self, rotation: &RotationId) -> Result<Vec<Attestation>, LedgerError>;
}

/// One issued leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Whose CA signed it.
    pub domain: TrustDomainId,
    /// Which CA signed it.
    pub generation: Generation,
    /// The leaf's fingerprint.
    pub fingerprint: Fingerprint,
    /// The leaf's last instant.
    pub not_after: Timestamp,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// For which rotation, if for one.
    pub rotation: Option<RotationId>,
    /// For whom.
    pub role: Role,
}

/// For whom a leaf was issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// For a registered holder.
    Holder(HolderId),
    /// For our own canary, which never leaves newleaf's state directory.
    Canary,
}

/// A person's word on what a holder presents: the leaf that was last issued to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// Of whom it speaks.
    pub holder: HolderId,
    /// When it was said.
    pub at: Timestamp,
    /// Who said it.
    pub by: String,
    /// Why it is believed.
    pub reason: String,
}

/// The ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("could not use the ledger of issued leaves")]
pub struct LedgerError(#[source] pub Box<dyn Error + Send + Sync>);

/// A ledger is a file or a server; whatever is wrong with it may pass.
impl Retry for LedgerError {
    fn again(&self) -> Again {
        Again::Same
    }
}
