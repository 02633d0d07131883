//! Why a path is refused, in words.

use jiff::Timestamp;
use rustls_pki_types::UnixTime;

use crate::{certificate::Certificate, describe::Standing, extension::Usage};

/// Says which rule is broken, and adds webpki's own word for it, by which it can be looked up.
pub(super) fn rule(error: &webpki::Error) -> String {
    let name = format!("{error:?}");
    let end = name.find(|c: char| !c.is_alphanumeric());
    let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
    match broken(error) {
        Some(what) => format!("{what} (webpki: {name})"),
        None => format!("webpki says {name}"),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's list grows, and not everything in it is about chains"
)]
fn broken(error: &webpki::Error) -> Option<String> {
    use webpki::Error as E;
    let words = match error {
        // The leaf and the end of the path were judged before.
        E::CertExpired { not_after, .. } => {
            return Some(format!("an intermediate ended at {}", instant(*not_after)));
        }
        E::CertNotValidYet { not_before, .. } => {
            let begin = instant(*not_before);
            return Some(format!("an intermediate begins only at {begin}"));
        }
        E::InvalidSignatureForPublicKey => {
            "a CA has the right name, but not the key that signed, as another generation under the same name would"
        }
        E::RequiredEkuNotFoundContext(_) => {
            "the extended key usage of a certificate does not allow TLS clients"
        }
        E::EmptyEkuExtension => "the extended key usage of a certificate is empty",
        E::NameConstraintViolation => "a name lies outside the name constraints of a CA above it",
        E::PathLenConstraintViolated => "a CA allows fewer intermediates under it than there are",
        E::CaUsedAsEndEntity => "the leaf is a CA",
        E::EndEntityUsedAsCa => "a certificate that is no CA signed another",
        E::UnsupportedCriticalExtension => {
            "a certificate has a critical extension that is not handled"
        }
        E::UnsupportedCertVersion => "a certificate is older than X.509 version 3",
        E::UnsupportedSignatureAlgorithmContext(_) => {
            "a signature is by an algorithm that TLS servers do not verify"
        }
        E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            "the algorithm of a signature does not fit the key of the CA above"
        }
        E::SignatureAlgorithmMismatch => {
            "the two places of a certificate that name its signature's algorithm differ"
        }
        E::MaximumPathDepthExceeded => "there are more than six intermediates",
        E::MaximumPathBuildCallsExceeded
        | E::MaximumSignatureChecksExceeded
        | E::MaximumNameConstraintComparisonsExceeded => {
            "the certificates make more paths than are tried"
        }
        _ => return None,
    };
    Some(words.to_owned())
}

/// Says why a CA of the bundle that signed the chain does not count.
pub(super) fn passed_over(ca: &Certificate, now: Timestamp) -> String {
    let why = match Standing::of(ca, now) {
        Standing::Expired => format!("ended at {}", ca.not_after()),
        Standing::NotYetValid => format!("begins only at {}", ca.not_before()),
        Standing::Valid if !ca.is_ca() => "is no CA".to_owned(),
        Standing::Valid if !ca.allows_usage(Usage::KeyCertSign) => {
            "may not sign certificates (key usage)".to_owned()
        }
        Standing::Valid => "may not stand above TLS clients (extended key usage)".to_owned(),
    };
    let subject = ca.subject();
    format!("`{subject}` of the bundle, which signed it, {why}")
}

fn instant(time: UnixTime) -> Timestamp {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
