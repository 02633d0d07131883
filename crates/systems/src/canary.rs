//! Canaries: a leaf of ours, tried at every address where a worker's leaf will have to work.
//!
//! Each generation has one canary identity, kept in `<state>/canary/<domain>/g<N>`. It bears the subject of the
//! domain's first holder, so that certificate filters judge it as they will judge a worker, and its leaf is told from
//! every worker's by its fingerprint. It never leaves the state directory, and goes with its generation.

use std::{
    io,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use newleaf_identity::{Identity, directory};
use newleaf_rotation::{
    Again, Generation, RotationId, TrustDomainId,
    sight::{Probe, ProbeOutcome},
};
use newleaf_x509::Certificate;
use temporalio_protos::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeNamespaceResponse, GetSystemInfoRequest,
    GetSystemInfoResponse,
};

use crate::{
    dial::{self, DialError, Session},
    domain::{Domain, Endpoint, Point},
    file::{FileError, IdentityDirectory},
    grpc::{self, CallError, code},
    issuer::{IssuerError, LeafEnd, LeafRequest, LocalCa},
    ledger::{Ledger, Role},
    trouble::{self, Retry},
};

/// Why there is no canary.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// Nobody's subject can be borrowed.
    #[error("expected at least one holder, whose subject the canary bears, found none")]
    NoHolder,
    /// No leaf was signed.
    #[error("could not sign a canary leaf")]
    Sign(#[source] IssuerError),
    /// The identity could not be kept.
    #[error("could not keep the canary identity")]
    Keep(#[source] FileError),
    /// The identity could not be removed.
    #[error("could not remove the canary identity")]
    Remove(#[source] io::Error),
}

impl Retry for CanaryError {
    fn again(&self) -> Again {
        match self {
            Self::NoHolder => Again::Never,
            Self::Sign(error) => error.again(),
            Self::Keep(error) => error.again(),
            Self::Remove(error) => trouble::again_after(error),
        }
    }
}

/// Returns the canary identity of a generation, if there is one that can be used now.
pub fn load(
    domain: &Domain,
    generation: Generation,
    ca: &Certificate,
    now: Timestamp,
) -> Option<Identity> {
    // Whatever is wrong with it (missing, expired, unreadable), a new one is signed in its place.
    let identity = directory::load(directory(domain, generation), now).ok()?;
    identity.leaf().is_signed_by(ca).then_some(identity)
}

/// Signs a canary leaf and keeps it.
pub fn sign(
    domain: &Domain,
    generation: Generation,
    rotation: &RotationId,
    ledger: &dyn Ledger,
    now: Timestamp,
) -> Result<Certificate, CanaryError> {
    let model = domain.holders.first().ok_or(CanaryError::NoHolder)?;
    let request = LeafRequest {
        generation,
        subject: model.subject.clone(),
        sans: model.sans.clone(),
        key: domain.leaf.key,
        lifetime: domain.leaf.lifetime,
        end: LeafEnd::WithCa,
        role: Role::Canary,
        rotation: Some(rotation.clone()),
    };
    let ca = LocalCa::new(&domain.id, &domain.issuer);
    let new = ca.sign(request, ledger, now).map_err(CanaryError::Sign)?;
    IdentityDirectory::new(&directory(domain, generation))
        .store(&new.chain, &new.key, now)
        .map_err(CanaryError::Keep)?;
    Ok(new.chain.leaf().clone())
}

/// Removes the canary of a generation that is retired: nobody trusts it any more, and its key is of no use to anybody
/// who means well.
pub fn remove(domain: &Domain, generation: Generation) -> Result<(), CanaryError> {
    match fs_err::remove_dir_all(directory(domain, generation)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(CanaryError::Remove(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Tries an identity at every address of every endpoint of a trust point, up to `passes` times each.
pub async fn probe(point: &Point, identity: &Identity, passes: u32) -> Vec<Probe> {
    let mut probes = Vec::new();
    for endpoint in &point.endpoints {
        let outcome = |address: String, outcome| Probe {
            point: point.id.clone(),
            address,
            outcome,
        };
        match dial::resolve(endpoint).await {
            Ok(addresses) if addresses.is_empty() => {
                let reason = "the name has no address".to_owned();
                probes.push(outcome(
                    endpoint.address.clone(),
                    ProbeOutcome::Unreachable { reason },
                ));
            }
            Ok(addresses) => {
                for address in addresses {
                    let found = probe_address(endpoint, address, identity, passes).await;
                    probes.push(outcome(address.to_string(), found));
                }
            }
            Err(error) => probes.push(outcome(endpoint.address.clone(), of_dial(&error))),
        }
    }
    probes
}

async fn probe_address(
    endpoint: &Endpoint,
    address: std::net::SocketAddr,
    identity: &Identity,
    passes: u32,
) -> ProbeOutcome {
    for _pass in 0..passes {
        let session = match Session::open(endpoint, address, identity).await {
            Ok(session) => session,
            Err(error) => return of_dial(&error),
        };
        if let Err(error) = ask(&session, endpoint).await {
            return of_call(&error);
        }
    }
    ProbeOutcome::Accepted { passes }
}

/// The two calls: the first is the one every SDK begins with, the second is one for which the leaf must be
/// admitted to this very namespace (a certificate filter refuses calls, not handshakes).
async fn ask(session: &Session, endpoint: &Endpoint) -> Result<(), CallError> {
    let requests = || session.requests();
    let authority = endpoint.address.as_str();
    let request = GetSystemInfoRequest::default();
    let info = grpc::call::<GetSystemInfoResponse>(requests(), authority, "GetSystemInfo", request);
    match info.await {
        // Servers before 1.14 have no such call; the next one decides.
        Ok(_)
        | Err(CallError::Status {
            code: code::UNIMPLEMENTED,
            ..
        }) => {}
        Err(error) => return Err(error),
    }
    let mut request = DescribeNamespaceRequest::default();
    request.namespace.clone_from(&endpoint.namespace);
    grpc::call::<DescribeNamespaceResponse>(requests(), authority, "DescribeNamespace", request)
        .await
        .map(|_| ())
}

fn of_dial(error: &DialError) -> ProbeOutcome {
    let reason = trouble::chain(error);
    match error {
        DialError::Refused { .. } => ProbeOutcome::Refused { reason },
        DialError::Address { .. }
        | DialError::Resolve { .. }
        | DialError::Tls(_)
        | DialError::Connect(_)
        | DialError::Timeout { .. }
        | DialError::Handshake(_)
        | DialError::NotAsked
        | DialError::Http2(_) => ProbeOutcome::Unreachable { reason },
    }
}

fn of_call(error: &CallError) -> ProbeOutcome {
    let reason = trouble::chain(error);
    match error {
        CallError::Status {
            code: code::PERMISSION_DENIED | code::UNAUTHENTICATED,
            ..
        } => ProbeOutcome::Unauthorized { reason },
        // Which code Temporal Cloud gives to a leaf that its filters refuse is documented nowhere; the words are.
        CallError::Status { message, .. } if message.contains("Request unauthorized") => {
            ProbeOutcome::Unauthorized { reason }
        }
        CallError::Status { .. }
        | CallError::Http2(_)
        | CallError::Timeout
        | CallError::Answer { .. }
        | CallError::Decode(_)
        | CallError::Request { .. } => ProbeOutcome::Unreachable { reason },
    }
}

fn directory(domain: &Domain, generation: Generation) -> PathBuf {
    place(&domain.state, &domain.id).join(generation.to_string())
}

fn place(state: &Path, domain: &TrustDomainId) -> PathBuf {
    state.join("canary").join(domain.as_str())
}
