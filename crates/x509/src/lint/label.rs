//! How a finding names a certificate.

use std::fmt;

use crate::certificate::Certificate;

/// How much of a subject is shown, in characters. A subject of three attributes, each as long as RFC 5280 allows, fits; the
/// fingerprint tells those apart that begin alike.
const MAX_CHARS: usize = 256;

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
            let subject = self.0.subject().to_string();
            match subject.char_indices().nth(MAX_CHARS) {
                None => write!(f, "{subject} ({short})"),
                Some((end, _)) => {
                    let begin = subject.get(..end).unwrap_or_default();
                    write!(f, "{begin}… ({short})")
                }
            }
        }
    }
}

impl From<Label<'_>> for String {
    fn from(label: Label<'_>) -> Self {
        label.to_string()
    }
}
