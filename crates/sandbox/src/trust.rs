//! What a namespace trusts at one moment: its accepted client CAs and certificate filters.

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, Chain, TrustBundle,
    certificate::CertificatesError,
    chain::{ChainError, Refusal},
    filter::{FilterError, FilterText, Filters, FiltersText},
};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::{
    CertificateFilterSpec, NamespaceSpec,
};

/// What a namespace trusts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Trust {
    /// Whether mTLS is enabled at all.
    pub(crate) enabled: bool,
    /// The accepted client CAs.
    pub(crate) bundle: TrustBundle,
    /// The certificate filters; none admits every leaf.
    pub(crate) filters: Filters,
}

/// Why a specification says nothing that could be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustError {
    /// The accepted client CAs are no certificates.
    #[error("cannot read the accepted client CAs")]
    AcceptedClientCas(#[from] CertificatesError),
    /// The filters break their syntax or their limit.
    #[error("cannot read the certificate filters")]
    Filters(#[from] FilterError),
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
    /// Reads the trust out of a namespace's specification. Without an mTLS part mTLS is disabled.
    pub(crate) fn of(spec: &NamespaceSpec) -> Result<Self, TrustError> {
        let Some(mtls) = &spec.mtls_auth else {
            return Ok(Self::default());
        };
        let filters = mtls.certificate_filters.iter().map(filter_text).collect();
        Ok(Self {
            enabled: mtls.enabled,
            bundle: TrustBundle::from_pem(&String::from_utf8_lossy(&mtls.accepted_client_ca))?,
            filters: Filters::try_from(FiltersText { filters })?,
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
}

fn filter_text(spec: &CertificateFilterSpec) -> FilterText {
    FilterText {
        common_name: spec.common_name.clone(),
        organization: spec.organization.clone(),
        organizational_unit: spec.organizational_unit.clone(),
        subject_alternative_name: spec.subject_alternative_name.clone(),
    }
}

/// Writes filters as Temporal's messages do.
pub(crate) fn filter_spec(text: FilterText) -> CertificateFilterSpec {
    let FilterText {
        common_name,
        organization,
        organizational_unit,
        subject_alternative_name,
    } = text;
    CertificateFilterSpec {
        common_name,
        organization,
        organizational_unit,
        subject_alternative_name,
    }
}
