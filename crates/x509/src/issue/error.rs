//! Why a certificate was not issued.

use jiff::Timestamp;

use super::MAX_ATTRIBUTE_CHARS;
use crate::signer::SignError;

/// Why a certificate was not issued. Nothing was signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// An attribute of a name is empty or too long.
    #[error("expected {attribute} of 1 to {MAX_ATTRIBUTE_CHARS} characters (X.520), found {found}")]
    AttributeLength {
        /// Which attribute.
        attribute: &'static str,
        /// How many characters it has.
        found: usize,
    },
    /// A validity that ends before it begins.
    #[error("expected a validity that ends after {not_before}, found {not_after}")]
    EmptyValidity {
        /// The first instant.
        not_before: Timestamp,
        /// The last instant.
        not_after: Timestamp,
    },
    /// A leaf that would outlive its CA.
    #[error("expected a leaf that ends by its CA's end {ca_not_after}, found {leaf_not_after}")]
    LeafOutlivesCa {
        /// The leaf's last instant.
        leaf_not_after: Timestamp,
        /// The CA's last instant.
        ca_not_after: Timestamp,
    },
    /// A leaf whose validity would begin before its CA's.
    #[error(
        "expected a leaf that begins with or after its CA at {ca_not_before}, found {leaf_not_before}"
    )]
    LeafPredatesCa {
        /// The leaf's first instant.
        leaf_not_before: Timestamp,
        /// The CA's first instant.
        ca_not_before: Timestamp,
    },
    /// A leaf with the name of its issuer (case does not count).
    #[error(
        "expected a subject that differs from its issuer's, found `{subject}` for both; Temporal wants every name in a chain to be unique"
    )]
    SubjectIsIssuer {
        /// The name.
        subject: String,
    },
    /// An issuer that is no CA.
    #[error("expected a CA certificate that may sign certificates, found `{subject}`")]
    NotACa {
        /// Its subject.
        subject: String,
    },
    /// An issuer whose key is not its certificate's.
    #[error("expected the private key of CA `{subject}`, found another key")]
    KeyMismatch {
        /// The CA's subject.
        subject: String,
    },
    /// A subject alternative name that cannot be written.
    #[error("expected an ASCII subject alternative name, found `{found}`")]
    San {
        /// The name.
        found: String,
    },
    /// A CA below another that would not lie within its parent's validity.
    #[error(
        "expected a CA within its parent's validity, {parent_not_before} to {parent_not_after}, found {not_before} to {not_after}"
    )]
    CaOutsideParent {
        /// The first instant that was asked for.
        not_before: Timestamp,
        /// The last instant that was asked for.
        not_after: Timestamp,
        /// The parent's first instant.
        parent_not_before: Timestamp,
        /// The parent's last instant.
        parent_not_after: Timestamp,
    },
    /// A CA below another that may sign longer chains than its parent allows (RFC 5280 §4.2.1.9).
    #[error(
        "expected a path length under the {parent_path_length} of the parent `{parent}`, found {path_length}"
    )]
    PathLength {
        /// The parent's subject.
        parent: String,
        /// The parent's path length.
        parent_path_length: u32,
        /// The path length that was asked for.
        path_length: u8,
    },
    /// A name constraint that cannot be written, or that constrains nothing.
    #[error(
        "expected a name constraint in ASCII, such as `dns:workers.example` or `email:workers.example`, found `{found}`"
    )]
    Constraint {
        /// The constraint.
        found: String,
    },
    /// A name that the CA's own constraints do not let it certify (RFC 5280 §4.2.1.10).
    #[error("expected names that the constraints of CA `{ca}` allow, found `{found}`")]
    Constrained {
        /// The CA's subject.
        ca: String,
        /// The first name that they do not allow.
        found: String,
    },
    /// Constraints of the CA that a verifier does not read, so that it refuses every leaf.
    #[error("expected constraints that Go's verifier reads, found others in CA `{ca}`")]
    ConstraintsUnread {
        /// The CA's subject.
        ca: String,
    },
    /// A public key of a kind that newleaf does not certify.
    #[error("expected an ECDSA P-256, P-384 or P-521, RSA or Ed25519 public key, found another")]
    PublicKey,
    /// The holder of the key did not sign.
    #[error("could not have the certificate signed")]
    Signer(#[source] SignError),
    /// The library refused to sign.
    #[error("cannot sign the certificate: {reason}")]
    Sign {
        /// What it said.
        reason: String,
    },
}

/// What cannot be encoded is nothing that a caller asked for in words of its own.
impl From<der::Error> for IssueError {
    fn from(error: der::Error) -> Self {
        Self::Sign {
            reason: error.to_string(),
        }
    }
}
