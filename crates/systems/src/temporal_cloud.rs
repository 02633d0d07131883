//! A Temporal Cloud namespace's accepted client CAs, by the Cloud Ops API.
//!
//! There is no call that changes one CA: an update carries the namespace's whole spec, and what it leaves out is cleared.
//! So each change reads, changes one field of what was read, and writes it back with the `resource_version` that was read, so
//! that somebody else's change in between is noticed and not undone. The update is carried out later, as an
//! asynchronous operation whose id we choose: the name of the request, the same for the same attempt. Asking for that
//! operation by its id is how a lost reply is made up for.

mod error;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use newleaf_rotation::{
    RequestId,
    change::{self},
    sight::ChangeSight,
};
use newleaf_x509::{
    Certificate, Fingerprint, TrustBundle,
    filter::{FilterText, Filters, FiltersText},
};
use temporalio_protos::protos::temporal::api::cloud::{
    cloudservice::v1::{
        GetAsyncOperationRequest, GetNamespaceRequest, UpdateNamespaceRequest,
        cloud_service_client::CloudServiceClient,
    },
    namespace::v1::{CertificateFilterSpec, MtlsAuthSpec, Namespace},
    operation::v1::{AsyncOperation, async_operation::State},
    resource::v1::ResourceState,
};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataMap, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, ClientTlsConfig, Endpoint},
};

use crate::domain::{ApiKey, CloudOptions};
pub use error::{CloudError, Reply};

/// The version of the API that the messages compiled in belong to (`temporalio-protos` 0.10.2). A server
/// that is told a newer one would expect fields that we do not know, and an update, being a full replacement, would clear them.
const API_VERSION: &str = "v0.17.0";

const API_VERSION_HEADER: &str = "temporal-cloud-api-version";

/// Half of what the API allows one user (40 per second), so that the user's other tools are not starved.
const CALLS_PER_SECOND: u64 = 20;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call may take; the calls only start operations, and answer within a second or two.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// How soon to look again, if the service does not say (its documented default).
const CHECK: SignedDuration = SignedDuration::from_secs(10);

/// The bounds of how soon to look again. The service recommends whole seconds; the lower bound only keeps a
/// zero from becoming a busy loop.
const CHECK_BOUNDS: (SignedDuration, SignedDuration) = (
    SignedDuration::from_millis(10),
    SignedDuration::from_secs(30),
);

/// Puts the key and the version on each call.
struct Credentials {
    authorization: MetadataValue<Ascii>,
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let headers = request.metadata_mut();
        headers.insert("authorization", self.authorization.clone());
        headers.insert(API_VERSION_HEADER, MetadataValue::from_static(API_VERSION));
        Ok(request)
    }
}

impl Clone for Credentials {
    fn clone(&self) -> Self {
        Self {
            authorization: self.authorization.clone(),
        }
    }
}

/// One namespace, reached over one connection.
#[expect(missing_debug_implementations, reason = "it holds an API key")]
pub struct CloudNamespace {
    name: String,
    client: CloudServiceClient<InterceptedService<Channel, Credentials>>,
}

/// What was read of a namespace.
#[derive(Debug)]
pub struct Reading {
    /// Which client CAs it accepts.
    pub bundle: TrustBundle,
    /// How far its clock is ahead of ours, if it told the time.
    pub skew: Option<SignedDuration>,
    /// Which leaves it admits.
    pub filters: Filters,
    namespace: Namespace,
}

/// A change of a bundle.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// CAs that must be accepted.
    pub accept: &'a [Certificate],
    /// CAs that must not be accepted any more.
    pub refuse: &'a [Fingerprint],
}

impl CloudNamespace {
    /// Prepares the connection; it is made with the first call. Must be called within a tokio runtime.
    pub fn new(options: &CloudOptions) -> Result<Self, CloudError> {
        let address = |source| CloudError::Address {
            address: options.address.clone(),
            source,
        };
        let mut tls = ClientTlsConfig::new();
        tls = match &options.server_ca {
            Some(bundle) => {
                tls.ca_certificate(tonic::transport::Certificate::from_pem(bundle.to_pem()))
            }
            None => tls.with_native_roots(),
        };
        let mut endpoint = Endpoint::from_shared(options.address.clone())
            .map_err(address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .rate_limit(CALLS_PER_SECOND, Duration::from_secs(1));
        endpoint = endpoint.tls_config(tls).map_err(address)?;
        let credentials = Credentials {
            authorization: bearer(&options.api_key)?,
        };
        let client = CloudServiceClient::with_interceptor(endpoint.connect_lazy(), credentials);
        Ok(Self {
            name: options.namespace.clone(),
            client,
        })
    }

    /// Reads the namespace.
    pub async fn read(&self, now: Timestamp) -> Result<Reading, CloudError> {
        let mut request = GetNamespaceRequest::default();
        request.namespace.clone_from(&self.name);
        let reply = self
            .client
            .clone()
            .get_namespace(request)
            .await
            .map_err(|status| CloudError::ReadNamespace {
                namespace: self.name.clone(),
                source: Reply(status),
            })?;
        let skew = date(reply.metadata()).map(|theirs| theirs.duration_since(now));
        let namespace = reply
            .into_inner()
            .namespace
            .ok_or_else(|| self.incomplete("the namespace"))?;
        let mtls = self.mtls(&namespace)?;
        let (bundle, filters) = (self.bundle(mtls)?, self.filters(mtls)?);
        Ok(Reading {
            bundle,
            skew,
            filters,
            namespace,
        })
    }

    /// Returns that a change is being carried out, whoever asked for it; else how the one with this name ended.
    pub async fn change(
        &self,
        reading: &Reading,
        request: &RequestId,
    ) -> Result<ChangeSight, CloudError> {
        let ours = self.operation(request.as_str()).await?;
        let ours = ours.as_ref().map_or(ChangeSight::Settled, progress);
        let is_updating = reading.namespace.state() == ResourceState::Updating;
        if is_updating && !matches!(ours, ChangeSight::Underway(_)) {
            let theirs = self
                .operation(&reading.namespace.async_operation_id)
                .await?;
            return Ok(ChangeSight::Underway(theirs.as_ref().map_or(CHECK, check)));
        }
        Ok(ours)
    }

    /// Asks for a change of what was read, and returns what the reply said. If there is nothing to change, nothing
    /// is sent; if the namespace has changed since it was read, nothing is changed.
    pub async fn write(
        &self,
        reading: Reading,
        change: Change<'_>,
        request: &RequestId,
        now: Timestamp,
    ) -> Result<String, CloudError> {
        let bundle = change::propose(&reading.bundle, change.accept, change.refuse, now).map_err(
            |source| CloudError::Propose {
                namespace: self.name.clone(),
                source,
            },
        )?;
        if bundle == reading.bundle {
            return Ok("nothing to change".to_owned());
        }
        let update = self.update(reading.namespace, &bundle, request)?;
        let version = update.resource_version.clone();
        let reply = match self
            .client
            .clone()
            .update_namespace(update)
            .await
            .map_err(Reply)
        {
            Ok(reply) => reply.into_inner(),
            // The service compares what it has normalised: it knows better than we do.
            Err(reply) if reply.says("nothing to change") => return Ok(reply.to_string()),
            // This very request was accepted before, and its reply was lost.
            Err(reply) if reply.0.code() == Code::AlreadyExists => return Ok(reply.to_string()),
            Err(source) => {
                return Err(CloudError::WriteTrustBundle {
                    namespace: self.name.clone(),
                    source,
                });
            }
        };
        let operation = reply
            .async_operation
            .ok_or_else(|| self.incomplete("the operation"))?;
        Ok(format!(
            "operation `{}` at version `{version}` is {}",
            operation.id,
            word(&operation)
        ))
    }

    /// The whole spec as it was read, with one field changed.
    fn update(
        &self,
        namespace: Namespace,
        bundle: &TrustBundle,
        request: &RequestId,
    ) -> Result<UpdateNamespaceRequest, CloudError> {
        let mut spec = namespace.spec.ok_or_else(|| self.incomplete("the spec"))?;
        let mtls = spec
            .mtls_auth
            .as_mut()
            .ok_or_else(|| self.incomplete("mTLS settings"))?;
        mtls.accepted_client_ca = bundle.to_pem().into_bytes();
        let mut update = UpdateNamespaceRequest::default();
        update.namespace.clone_from(&self.name);
        update.spec = Some(spec);
        update.resource_version = namespace.resource_version;
        request.as_str().clone_into(&mut update.async_operation_id);
        Ok(update)
    }

    /// Reads an operation; one that was never asked for is none.
    async fn operation(&self, id: &str) -> Result<Option<AsyncOperation>, CloudError> {
        if id.is_empty() {
            return Ok(None);
        }
        let mut request = GetAsyncOperationRequest::default();
        id.clone_into(&mut request.async_operation_id);
        match self.client.clone().get_async_operation(request).await {
            Ok(reply) => Ok(reply.into_inner().async_operation),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(CloudError::ReadOperation {
                operation: id.to_owned(),
                source: Reply(status),
            }),
        }
    }

    fn mtls<'n>(&self, namespace: &'n Namespace) -> Result<&'n MtlsAuthSpec, CloudError> {
        let spec = namespace
            .spec
            .as_ref()
            .ok_or_else(|| self.incomplete("the spec"))?;
        spec.mtls_auth
            .as_ref()
            .filter(|mtls| mtls.enabled)
            .ok_or_else(|| CloudError::MtlsDisabled {
                namespace: self.name.clone(),
            })
    }

    fn bundle(&self, mtls: &MtlsAuthSpec) -> Result<TrustBundle, CloudError> {
        let namespace = || self.name.clone();
        let text = std::str::from_utf8(&mtls.accepted_client_ca).map_err(|_not_utf8| {
            CloudError::NotText {
                namespace: namespace(),
            }
        })?;
        TrustBundle::from_pem(text).map_err(|source| CloudError::TrustBundle {
            namespace: namespace(),
            source,
        })
    }

    fn filters(&self, mtls: &MtlsAuthSpec) -> Result<Filters, CloudError> {
        let text = |spec: &CertificateFilterSpec| FilterText {
            common_name: spec.common_name.clone(),
            organization: spec.organization.clone(),
            organizational_unit: spec.organizational_unit.clone(),
            subject_alternative_name: spec.subject_alternative_name.clone(),
        };
        let filters = mtls.certificate_filters.iter().map(text).collect();
        Filters::try_from(FiltersText { filters }).map_err(|source| CloudError::Filters {
            namespace: self.name.clone(),
            source,
        })
    }

    fn incomplete(&self, what: &'static str) -> CloudError {
        CloudError::Incomplete {
            namespace: self.name.clone(),
            what,
        }
    }
}

fn bearer(key: &ApiKey) -> Result<MetadataValue<Ascii>, CloudError> {
    let header = zeroize::Zeroizing::new(format!("Bearer {}", key.secret()));
    let mut value = MetadataValue::try_from(header.as_str()).map_err(|_bad| CloudError::ApiKey)?;
    // Keeps it out of debug prints and out of HPACK's shared table.
    value.set_sensitive(true);
    Ok(value)
}

/// Reads the time that the server put on its answer (RFC 9110 §6.6.1).
fn date(headers: &MetadataMap) -> Option<Timestamp> {
    let date = headers.get("date")?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(date).ok()?.timestamp())
}

fn progress(operation: &AsyncOperation) -> ChangeSight {
    match operation.state() {
        State::Fulfilled => ChangeSight::Settled,
        State::Failed | State::Cancelled | State::Rejected => ChangeSight::Failed(format!(
            "operation `{}` ended {}: {}",
            operation.id,
            word(operation),
            operation.failure_reason
        )),
        State::Unspecified | State::Pending | State::InProgress => {
            ChangeSight::Underway(check(operation))
        }
    }
}

fn word(operation: &AsyncOperation) -> &'static str {
    match operation.state() {
        State::Unspecified => "in a state we do not know",
        State::Pending => "pending",
        State::InProgress => "in progress",
        State::Failed => "failed",
        State::Cancelled => "cancelled",
        State::Fulfilled => "fulfilled",
        State::Rejected => "rejected",
    }
}

/// How soon the service recommends to look again.
fn check(operation: &AsyncOperation) -> SignedDuration {
    let recommended = operation.check_duration.as_ref().map_or(CHECK, |check| {
        let nanos = SignedDuration::from_nanos(i64::from(check.nanos));
        SignedDuration::from_secs(check.seconds).saturating_add(nanos)
    });
    recommended.clamp(CHECK_BOUNDS.0, CHECK_BOUNDS.1)
}

#[cfg(test)]
mod tests;
