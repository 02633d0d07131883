//! What a namespace trusts at one moment: its accepted client CAs and certificate filters.

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Chain, TrustBundle,
    certificate::CertificatesError,
    chain::{ChainError, Refusal},
};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::{
    CertificateFilterSpec, MtlsAuthSpec, NamespaceSpec,
};

use crate::filter;

/// What a namespace trusts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trust {
    /// Whether mTLS is enabled at all.
    pub(crate) enabled: bool,
    /// The accepted client CAs.
    pub(crate) bundle: TrustBundle,
    /// The certificate filters; none admits every leaf.
    pub(crate) filters: Vec<CertificateFilterSpec>,
}

/// Why a client's chain is refused in the handshake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Distrust {
    /// mTLS is disabled for the namespace.
    #[error("mTLS is disabled for the namespace")]
    Disabled,
    /// The certificates are no chain.
    #[error("the client presents no chain: {0}")]
    NoChain(ChainError),
    /// The chain does not lead to an accepted client CA.
    #[error("{0}")]
    Refused(Refusal),
}

impl Trust {
    /// Reads the trust out of a namespace's specification.
    pub(crate) fn of(spec: &NamespaceSpec) -> Result<Self, CertificatesError> {
        let Some(MtlsAuthSpec {
            accepted_client_ca,
            certificate_filters,
            enabled,
            ..
        }) = &spec.mtls_auth
        else {
            return Ok(Self {
                enabled: false,
                bundle: TrustBundle::default(),
                filters: Vec::new(),
            });
        };
        Ok(Self {
            enabled: *enabled,
            bundle: TrustBundle::from_pem(&String::from_utf8_lossy(accepted_client_ca))?,
            filters: certificate_filters.clone(),
        })
    }

    /// Judges a chain as the handshake does: by the accepted client CAs alone. Filters come later, per call.
    pub(crate) fn accepts(
        &self,
        certificates: impl IntoIterator<Item = Certificate>,
        now: Timestamp,
    ) -> Result<(), Distrust> {
        if !self.enabled {
            return Err(Distrust::Disabled);
        }
        let chain = Chain::new(certificates).map_err(Distrust::NoChain)?;
        chain
            .accepted_by(&self.bundle, now)
            .map(|_accepted| ())
            .map_err(Distrust::Refused)
    }

    /// Returns whether the filters admit the leaf: no filter at all, or one whose every field matches.
    pub(crate) fn admits(&self, leaf: &Certificate) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|f| filter::matches(f, leaf))
    }
}
