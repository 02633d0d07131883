//! The form of a certificate: what its DER shows and its meaning does not.
//!
//! Some rules of X.690 and RFC 5280 are about how a thing is written. Most readers pass over a breach, some refuse it, and
//! the parsed value is the same; so these are looked for in the DER itself, in one walk when the certificate is read.

mod extension;
mod frame;
mod name;

pub(crate) use self::extension::is_host;
use crate::der::{self, tag};

/// A breach of a rule about form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A value is written out although it is the default (X.690 §11.5).
    DefaultWritten {
        /// What is written out.
        place: String,
    },
    /// Key usage ends in bits or octets that say nothing (X.690 §11.2.2), or has bits beyond the nine that are named.
    KeyUsageBits,
    /// A time is written in the form of the other half of the century (RFC 5280 §4.1.2.5).
    TimeForm {
        /// Which end of the validity.
        end: &'static str,
    },
    /// A time has no seconds, has fractions of them, or is not in UTC (RFC 5280 §4.1.2.5.1 and §4.1.2.5.2).
    TimeNotExact {
        /// Which end of the validity.
        end: &'static str,
    },
    /// A unique identifier of issuer or subject (RFC 5280 §4.1.2.8).
    UniqueIdentifier,
    /// The RSA key's algorithm has no NULL for its parameters (RFC 4055 §1.2).
    RsaKeyParameters,
    /// The RSA signature's algorithm has no NULL for its parameters (RFC 4055 §5, RFC 3279 §2.2.1).
    RsaSignatureParameters,
    /// A relative distinguished name without an attribute (RFC 5280 §4.1.2.4).
    EmptyRdn,
    /// A `PrintableString` with a character outside its alphabet (X.680 §41.4).
    NotPrintable {
        /// The attribute's object identifier.
        attribute: String,
        /// Whether the characters are those that Go takes all the same: `*` and `&`.
        tolerated: bool,
    },
    /// An attribute in another type of string than its own (RFC 5280 appendix A).
    StringType {
        /// The attribute's object identifier.
        attribute: String,
        /// The type that it should have.
        expected: &'static str,
    },
    /// An extension that must have at least one element has none.
    EmptyExtension {
        /// Its object identifier.
        oid: String,
    },
    /// A CRL distribution point that says neither where nor by whom (RFC 5280 §4.2.1.13).
    PointWithoutPlace,
    /// A name constraint with a minimum or a maximum (RFC 5280 §4.2.1.10).
    ConstraintBounds,
    /// A name constraint on a form of name that verifiers need not know (RFC 5280 §4.2.1.10).
    ConstraintForm {
        /// The form.
        form: &'static str,
    },
    /// A URI constraint that is no host name (RFC 5280 §4.2.1.10).
    ConstraintHost {
        /// What it is.
        found: String,
    },
    /// A certificate policy that is there twice (RFC 5280 §4.2.1.4).
    PolicyRepeated {
        /// Its object identifier.
        policy: String,
    },
    /// A policy mapping from or to `anyPolicy` (RFC 5280 §4.2.1.5).
    PolicyMapsAny,
    /// A policy mapping from a policy that the certificate does not assert (RFC 5280 §4.2.1.5).
    PolicyNotAsserted {
        /// The policy's object identifier.
        policy: String,
    },
}

/// Walks the DER of a certificate and returns every fault, in the order of the DER.
pub(crate) fn faults(certificate: &[u8]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let tbs = der::items(certificate)
        .next()
        .and_then(|certificate| certificate.items().next());
    if let Some(tbs) = tbs {
        frame::walk(&mut faults, tbs.items());
    }
    faults
}

/// Returns the DER of the names of a certificate: the issuer's, then the subject's. Go and webpki compare these octets
/// when they look for an issuer.
pub(crate) fn names(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut tbs = der::items(certificate).next()?.items().next()?.items();
    tbs.next_with(frame::VERSION);
    tbs.next_with(tag::INTEGER)?;
    tbs.next_with(tag::SEQUENCE)?;
    let issuer = tbs.next_with(tag::SEQUENCE)?;
    tbs.next_with(tag::SEQUENCE)?;
    let subject = tbs.next_with(tag::SEQUENCE)?;
    Some((issuer.content, subject.content))
}

#[cfg(test)]
mod tests;
