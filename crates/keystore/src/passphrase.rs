//! The secret that opens a key: a passphrase, or the PIN of a token.

use std::{fmt, io};

use zeroize::Zeroizing;

/// A passphrase or PIN. It opens keys, and nothing else; wiped when dropped.
#[expect(
    missing_debug_implementations,
    reason = "a secret has no way into a log"
)]
pub struct Passphrase(Zeroizing<String>);

/// Whoever can be asked for a passphrase, at the moment it is needed: a variable, a file, a program, a person.
///
/// Its `Debug` names the place, never the secret.
pub trait Ask: fmt::Debug + Send + Sync {
    /// Returns the passphrase.
    fn ask(&self) -> io::Result<Passphrase>;
}

impl Passphrase {
    /// Takes a passphrase as it is.
    pub fn new(secret: Zeroizing<String>) -> Self {
        Self(secret)
    }

    /// Returns whether there is nothing in it: no protection at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether both are the same, for a person who typed it twice.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}
