//! Where the calls of a caller go: the one thing of a request that has a say in it is its namespace.
//!
//! A guess here would send one tenant's calls, and with them another's credentials, to the wrong server. So a request
//! that could be read in two ways is refused.

use std::collections::BTreeMap;

use super::{UpstreamId, tally::FailureCause};
use crate::{grpc::Code, h2::hpack::HeaderList, limits};

/// The header by which SDKs say which namespace a request is about.
pub(super) const NAMESPACE: &[u8] = b"temporal-namespace";

/// How much of an unknown namespace's name is repeated: any real one whole (39 letters and an account in Temporal Cloud).
const SHOWN: usize = 128;

/// Where the calls of a caller go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// All to one upstream.
    To(UpstreamId),
    /// By the header `temporal-namespace`.
    ByNamespace {
        /// The upstream of each namespace that is known.
        namespaces: BTreeMap<Vec<u8>, UpstreamId>,
        /// The upstream of namespaces that are not.
        otherwise: Option<UpstreamId>,
        /// The upstream of calls without the header.
        unnamed: Option<UpstreamId>,
    },
}

/// Why a call goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Astray {
    #[error("expected one `temporal-namespace`, found several; send it once")]
    Several,
    #[error(
        "expected a namespace in `temporal-namespace`, found nothing; send the namespace's name or no such header"
    )]
    Empty,
    #[error(
        "the call names no namespace and this listener routes by namespace; send `temporal-namespace`, or configure an \
         upstream for calls without it"
    )]
    Unnamed,
    #[error(
        "no upstream is configured for namespace `{namespace}`; add it to this listener's route, or correct the client's"
    )]
    Unknown { namespace: String },
    #[error(
        "the headers of the request are larger than the server says that it takes, which is {limit} bytes"
    )]
    TooLarge { limit: usize },
    #[error(
        "the headers of all calls that are open take {} MiB; end some of them, or send headers that are alike",
        limits::HEADS_BYTES / 1024 / 1024
    )]
    NoRoom,
}

impl Route {
    /// Chooses the upstream of a request.
    pub(super) fn choose(&self, list: &HeaderList) -> Result<UpstreamId, Astray> {
        let (namespaces, otherwise, unnamed) = match self {
            Self::To(upstream) => return Ok(*upstream),
            Self::ByNamespace {
                namespaces,
                otherwise,
                unnamed,
            } => (namespaces, *otherwise, *unnamed),
        };
        let mut named = list.iter().filter(|field| field.name == NAMESPACE);
        let Some(namespace) = named.next().map(|field| field.value) else {
            return unnamed.ok_or(Astray::Unnamed);
        };
        if named.next().is_some() {
            return Err(Astray::Several);
        }
        if namespace.is_empty() {
            return Err(Astray::Empty);
        }
        let known = namespaces.get(namespace).copied();
        known
            .or(otherwise)
            .ok_or_else(|| Astray::unknown(namespace))
    }

    /// Returns the upstream of all calls, if it does not depend on them.
    pub(super) fn only(&self) -> Option<UpstreamId> {
        match self {
            Self::To(upstream) => Some(*upstream),
            Self::ByNamespace { .. } => None,
        }
    }
}

impl Astray {
    fn unknown(namespace: &[u8]) -> Self {
        let shown = namespace.get(..SHOWN).unwrap_or(namespace);
        let mut text = String::from_utf8_lossy(shown).into_owned();
        if shown.len() < namespace.len() {
            text.push_str("...");
        }
        Self::Unknown { namespace: text }
    }

    /// Returns the status that tells a caller. Where somebody must change the client or the configuration, it does not ask to
    /// be tried again.
    pub(super) fn code(&self) -> Code {
        match self {
            Self::Several | Self::Empty => Code::InvalidArgument,
            Self::Unnamed | Self::Unknown { .. } => Code::PermissionDenied,
            Self::TooLarge { .. } | Self::NoRoom => Code::ResourceExhausted,
        }
    }

    pub(super) fn cause(&self) -> FailureCause {
        match self {
            Self::Several | Self::Empty | Self::Unnamed | Self::Unknown { .. } => {
                FailureCause::NoRoute
            }
            Self::TooLarge { .. } | Self::NoRoom => FailureCause::TooLarge,
        }
    }
}
