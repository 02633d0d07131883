//! Values: what a certificate *is*.
//!
//! **What lives here.** Certificates, keys, names, fingerprints, chains and trust bundles; how they
//! are read from PEM and DER, described, issued, and linted against the rules of RFC 5280 and of
//! Temporal. Every value is made once, at its door ([`pem`], [`Certificate::from_der`],
//! [`PrivateKey::from_der`]), and then only read: past the door the type is the proof.
//!
//! **What never will.** No I/O, no clock, no randomness of its own: `now`, serial numbers and keys
//! come in as arguments. No network, no files, no runtime (`cargo xtask tidy` proves it).
//!
//! **Where to start reading.** [`Certificate`], then [`TrustBundle`], then [`issue`] and [`lint`].

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub mod bundle;
pub mod certificate;
pub mod chain;
pub mod crl;
pub mod csr;
mod der;
pub mod describe;
pub mod extension;
pub mod filter;
pub mod fingerprint;
#[cfg(test)]
mod forge;
pub mod issue;
pub mod key;
pub mod lint;
pub mod name;
pub mod pem;
pub mod signature;
pub mod signer;
pub mod syntax;

pub use bundle::TrustBundle;
pub use certificate::Certificate;
pub use chain::Chain;
pub use filter::{Filter, Filters};
pub use fingerprint::{Fingerprint, Sha1Fingerprint};
pub use key::{KeyAlgorithm, PrivateKey, PublicKey};
pub use name::DistinguishedName;
pub use signature::SignatureAlgorithm;
pub use signer::Signer;
