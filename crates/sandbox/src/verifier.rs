//! The judge of clients in the handshake: the accepted client CAs of the moment.

use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use newleaf_x509::{Certificate, Fingerprint, chain};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::{
    pki,
    trust::{Distrust, Trust},
};

/// Judges one client by the trust of the moment. One is made for each connection, so that it can also say why it refused.
#[derive(Debug)]
pub(crate) struct Verifier {
    trust: Arc<Trust>,
    hints: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
    verdict: Arc<OnceLock<Verdict>>,
}

/// Why a client was refused.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) leaf: Fingerprint,
    pub(crate) reason: String,
}

impl Verifier {
    /// Returns a verifier, and where its verdict will be if it refuses.
    pub(crate) fn new(trust: Arc<Trust>) -> (Self, Arc<OnceLock<Verdict>>) {
        let hints = trust
            .bundle
            .members()
            .iter()
            .filter_map(|ca| rustls_subject(ca.der()))
            .collect();
        let verdict = Arc::new(OnceLock::new());
        let verifier = Self {
            trust,
            hints,
            algorithms: pki::provider().signature_verification_algorithms,
            verdict: Arc::clone(&verdict),
        };
        (verifier, verdict)
    }
}

impl ClientCertVerifier for Verifier {
    /// Clients with many leaves choose by these, so they are sent, as Go servers do.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let certificates = read(std::iter::once(leaf).chain(intermediates))?;
        let now = i64::try_from(now.as_secs())
            .ok()
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .ok_or(Error::FailedToGetCurrentTime)?;
        self.trust.accepts(certificates, now).map_err(|distrust| {
            let verdict = Verdict {
                leaf: Fingerprint::of(leaf),
                reason: distrust.to_string(),
            };
            // The first verdict stays; one connection has no second.
            let _first = self.verdict.get_or_init(|| verdict);
            alert(&distrust)
        })?;
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Reads what a client presents.
pub(crate) fn read<'a>(
    presented: impl IntoIterator<Item = &'a CertificateDer<'a>>,
) -> Result<Vec<Certificate>, Error> {
    presented
        .into_iter()
        .map(|der| Certificate::from_der(der))
        .collect::<Result<_, _>>()
        .map_err(|_error| CertificateError::BadEncoding.into())
}

/// Chooses the error whose TLS alert tells the client most: `unknown_ca`, `certificate_expired`, `bad_certificate`.
fn alert(distrust: &Distrust) -> Error {
    match distrust {
        Distrust::Disabled | Distrust::NoChain(_) => {
            CertificateError::ApplicationVerificationFailure
        }
        Distrust::Refused(chain::Refusal::UnknownIssuer { .. }) => CertificateError::UnknownIssuer,
        Distrust::Refused(chain::Refusal::NotValidNow { .. }) => CertificateError::Expired,
        Distrust::Refused(chain::Refusal::Path { .. }) => CertificateError::BadSignature,
    }
    .into()
}

/// Returns a CA's subject as a TLS server hints it.
fn rustls_subject(der: &[u8]) -> Option<DistinguishedName> {
    let der = CertificateDer::from(der);
    let anchor = webpki::anchor_from_trusted_cert(&der).ok()?;
    Some(DistinguishedName::in_sequence(&anchor.subject))
}
