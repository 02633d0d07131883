//! What can go wrong with the Cloud Ops API, and whether trying again can help.

use std::{error::Error, fmt};

use newleaf_rotation::{Again, change::ChangeError};
use newleaf_x509::{certificate::CertificatesError, filter::FilterError};
use tonic::{Code, Status};

use crate::trouble::Retry;

/// Why a namespace could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum CloudError {
    /// The address cannot be dialled.
    #[error("cannot use `{address}` as the address of the Cloud Ops API")]
    Address {
        /// The address.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// The API key cannot be a header. It is not quoted.
    #[error("cannot send the API key: expected visible ASCII characters, found others")]
    ApiKey,
    /// The namespace could not be read.
    #[error("could not read Temporal namespace `{namespace}`")]
    ReadNamespace {
        /// The namespace.
        namespace: String,
        /// What the service said.
        source: Reply,
    },
    /// The operation could not be read.
    #[error("could not read operation `{operation}`")]
    ReadOperation {
        /// The operation.
        operation: String,
        /// What the service said.
        source: Reply,
    },
    /// The update was not accepted.
    #[error("could not write the trust bundle of Temporal namespace `{namespace}`")]
    WriteTrustBundle {
        /// The namespace.
        namespace: String,
        /// What the service said.
        source: Reply,
    },
    /// The answer lacks what every answer has.
    #[error("expected {what} of Temporal namespace `{namespace}` in the answer, found none")]
    Incomplete {
        /// The namespace.
        namespace: String,
        /// What is missing.
        what: &'static str,
    },
    /// The namespace does not take certificates.
    #[error("expected mTLS to be enabled for Temporal namespace `{namespace}`, found it disabled")]
    MtlsDisabled {
        /// The namespace.
        namespace: String,
    },
    /// The bundle that stands is not text.
    #[error(
        "expected the accepted client CAs of `{namespace}` to be PEM, found bytes that are not text"
    )]
    NotText {
        /// The namespace.
        namespace: String,
    },
    /// The bundle that stands cannot be read.
    #[error("cannot read the accepted client CAs of `{namespace}`")]
    TrustBundle {
        /// The namespace.
        namespace: String,
        /// Why.
        source: CertificatesError,
    },
    /// The filters that stand cannot be read.
    #[error("cannot read the certificate filters of `{namespace}`")]
    Filters {
        /// The namespace.
        namespace: String,
        /// Why.
        source: FilterError,
    },
    /// No bundle can be proposed; nothing was sent.
    #[error("cannot propose a trust bundle for `{namespace}`")]
    Propose {
        /// The namespace.
        namespace: String,
        /// Why.
        source: ChangeError,
    },
}

impl CloudError {
    /// Returns whether trying again can help, and how.
    pub fn again(&self) -> Again {
        match self {
            Self::ReadNamespace { source, .. }
            | Self::ReadOperation { source, .. }
            | Self::WriteTrustBundle { source, .. } => source.again(),
            Self::Incomplete { .. } => Again::Same,
            Self::Address { .. }
            | Self::ApiKey
            | Self::MtlsDisabled { .. }
            | Self::NotText { .. }
            | Self::TrustBundle { .. }
            | Self::Filters { .. }
            | Self::Propose { .. } => Again::Never,
        }
    }
}

impl Retry for CloudError {
    fn again(&self) -> Again {
        self.again()
    }
}

/// What the service said instead of an answer. Prints code and message and not the headers.
#[derive(Debug)]
pub struct Reply(pub(super) Status);

impl Reply {
    /// Which code a stale `resource_version` gets is documented nowhere. So three are taken for it, and cost at
    /// worst a new attempt, which begins with reading again.
    fn again(&self) -> Again {
        match self.0.code() {
            Code::Aborted | Code::FailedPrecondition => Again::Anew,
            Code::InvalidArgument
                if self.says("resource version") || self.says("resource_version") =>
            {
                Again::Anew
            }
            Code::Ok
            | Code::Unavailable
            | Code::DeadlineExceeded
            | Code::Cancelled
            | Code::Unknown
            | Code::Internal
            | Code::DataLoss
            | Code::ResourceExhausted => Again::Same,
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::OutOfRange
            | Code::Unimplemented => Again::Never,
        }
    }

    pub(super) fn says(&self, words: &str) -> bool {
        self.0.message().to_lowercase().contains(words)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.code(), self.0.message())
    }
}

impl Error for Reply {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
