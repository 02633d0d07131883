//! Keys at rest: how a private key is kept, opened, and handed to programs that want it in another form.
//!
//! **What lives here.** Keys behind a passphrase ([`sealed`], [`pkcs12`]), the forms that other programs want a key in
//! ([`container`]), keys that never leave a PKCS #11 token ([`token`]), and the one question that all of them ask:
//! [`passphrase`]. [`container::read`] is the door for bytes.
//!
//! **What never will.** No file is read or written, nobody is asked for anything, and no certificate is judged: bytes
//! come in and bytes go out. `newleaf-proxy`, which carries traffic, does not know this crate.
//!
//! **Cryptography.** None of it is ours. ASN.1 structures are those of the `RustCrypto` crates; ciphers, MACs and derivations are
//! aws-lc-rs', so that there is one provider; the derivation of PKCS #12's MAC key is that of the `pkcs12` crate.
//!
//! **Where to start reading.** [`container::read`], then [`sealed::SealedKey`].

pub mod container;
mod effort;
pub mod passphrase;
mod pbes2;
pub mod pkcs12;
pub mod sealed;
pub mod token;

pub use container::{KeyFile, KeyForm};
pub use effort::Effort;
pub use passphrase::{Ask, Passphrase};
pub use pkcs12::{Pkcs12, Pkcs12Content};
pub use sealed::SealedKey;
pub use token::{TokenKey, TokenOptions};
