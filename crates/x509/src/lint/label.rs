//! How a finding names a certificate.

use std::fmt;

use crate::certificate::Certificate;

/// Names a certificate to a person; costs nothing until it is printed.
pub(super) fn label(certificate: &Certificate) -> Label<'_> {
    Label(certificate)
}

/// A certificate by subject and short fingerprint.
#[derive(Clone, Copy)]
pub(super) struct Label<'a>(&'a Certificate);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.0.fingerprint().short();
        if self.0.subject().is_empty() {
            write!(f, "no subject ({short})")
        } else {
            write!(f, "{} ({short})", self.0.subject())
        }
    }
}

impl From<Label<'_>> for String {
    fn from(label: Label<'_>) -> Self {
        label.to_string()
    }
}
