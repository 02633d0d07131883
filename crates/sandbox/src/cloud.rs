//! The Cloud Ops API: `CloudService` over the account.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Request, Response};
use hyper::body::Incoming;
use temporalio_protos::protos::temporal::api::cloud::{
    account::v1::Account as AccountMessage,
    cloudservice::v1 as api,
    identity::v1::{self as identity, OwnerType},
    region::v1::{Region, region},
    resource::v1::ResourceState,
};
use tokio::{sync::mpsc, time::Instant};
use tonic::{
    Response as Reply, Status, body::Body, codec::CompressionEncoding, server::NamedService as _,
};

use crate::{
    account::{Account, Rollout},
    clock,
    connection::Line,
    dispatch,
    faults::Faults,
    gate::Gate,
    options::{ApiKey, Owner},
    wire::cloud::cloud_service_server::{CloudService, CloudServiceServer},
};

/// The one region that the sandbox plays.
pub(crate) const REGION: &str = "aws-eu-central-1";

/// The page size of `GetNamespaces` if none is asked for, and the largest.
const PAGE: (usize, usize) = (100, 1_000);

/// The Cloud Ops API of one account.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) account: Mutex<Account>,
    pub(crate) gate: Gate,
    pub(crate) faults: Arc<Faults>,
    /// Where each namespace's accepted changes go, on their way to its endpoint.
    pub(crate) rollouts: BTreeMap<String, mpsc::Sender<(Instant, Rollout)>>,
}

impl Cloud {
    /// Answers one HTTP request of one connection.
    pub(crate) async fn answer(
        self: Arc<Self>,
        mut request: Request<Incoming>,
        line: Line,
    ) -> Response<Body> {
        type Server = CloudServiceServer<Cloud>;
        let path = request.uri().path();
        if dispatch::service_name(path) != Server::NAME {
            return dispatch::unknown_service(path);
        }
        tokio::time::sleep(self.faults.delay()).await;
        if self.faults.take_unavailable() {
            return Status::unavailable("the sandbox was asked to be unavailable").into_http();
        }
        match self.gate.admit(request.headers(), clock::now()) {
            Ok(key) => {
                request.extensions_mut().insert(key);
                request.extensions_mut().insert(line);
                let server = Server::from_arc(self).accept_compressed(CompressionEncoding::Gzip);
                dispatch::call(server, request).await
            }
            Err(status) => status.into_http(),
        }
    }

    fn with_account<T>(&self, act: impl FnOnce(&mut Account) -> T) -> T {
        act(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[tonic::async_trait]
impl CloudService for Cloud {
    async fn get_current_identity(
        &self,
        request: tonic::Request<api::GetCurrentIdentityRequest>,
    ) -> Result<Reply<api::GetCurrentIdentityResponse>, Status> {
        let key = request
            .extensions()
            .get::<ApiKey>()
            .ok_or_else(|| Status::internal("the call came in without its API key"))?;
        Ok(Reply::new(identity_of(key)))
    }

    async fn get_namespaces(
        &self,
        request: tonic::Request<api::GetNamespacesRequest>,
    ) -> Result<Reply<api::GetNamespacesResponse>, Status> {
        let request = request.into_inner();
        let size = match usize::try_from(request.page_size) {
            Ok(0) => PAGE.0,
            Ok(size) if size <= PAGE.1 => size,
            Ok(_) | Err(_) => return Err(Status::invalid_argument("page_size must be 0 to 1000")),
        };
        // One more than the page tells whether there is a next one.
        let mut namespaces = self.with_account(|account| {
            account.namespaces_after(&request.page_token, size + 1, clock::now())
        });
        let has_more = namespaces.len() > size;
        namespaces.truncate(size);
        let next_page_token = match namespaces.last() {
            Some(last) if has_more => last.namespace.clone(),
            Some(_) | None => String::new(),
        };
        if !request.name.is_empty() {
            namespaces.retain(|n| n.spec.as_ref().is_some_and(|s| s.name == request.name));
        }
        Ok(Reply::new(api::GetNamespacesResponse {
            namespaces,
            next_page_token,
        }))
    }

    async fn get_namespace(
        &self,
        request: tonic::Request<api::GetNamespaceRequest>,
    ) -> Result<Reply<api::GetNamespaceResponse>, Status> {
        let name = request.into_inner().namespace;
        let namespace = self.with_account(|account| account.namespace(&name, clock::now()))?;
        Ok(Reply::new(api::GetNamespaceResponse {
            namespace: Some(namespace),
        }))
    }

    async fn update_namespace(
        &self,
        request: tonic::Request<api::UpdateNamespaceRequest>,
    ) -> Result<Reply<api::UpdateNamespaceResponse>, Status> {
        let line = request.extensions().get::<Line>().cloned();
        let accepted = self.with_account(|account| {
            let bad_ending = || self.faults.take_bad_ending();
            account.update(request.into_inner(), bad_ending, clock::now())
        })?;
        if let Some(rollout) = accepted.rollout {
            let queue = self.rollouts.get(&rollout.namespace);
            let queue = queue.ok_or_else(|| Status::internal("the namespace has no endpoint"))?;
            // Fails only while the sandbox stops.
            queue
                .send((Instant::now() + rollout.after, rollout))
                .await
                .map_err(|_stopping| Status::unavailable("the sandbox is stopping"))?;
        }
        if self.faults.take_lost_reply() {
            if let Some(line) = line {
                line.cut();
            }
            return std::future::pending().await;
        }
        Ok(Reply::new(api::UpdateNamespaceResponse {
            async_operation: Some(accepted.operation),
        }))
    }

    async fn get_async_operation(
        &self,
        request: tonic::Request<api::GetAsyncOperationRequest>,
    ) -> Result<Reply<api::GetAsyncOperationResponse>, Status> {
        let id = request.into_inner().async_operation_id;
        let operation = self.with_account(|account| account.operation(&id, clock::now()))?;
        Ok(Reply::new(api::GetAsyncOperationResponse {
            async_operation: Some(operation),
        }))
    }

    async fn get_account(
        &self,
        _request: tonic::Request<api::GetAccountRequest>,
    ) -> Result<Reply<api::GetAccountResponse>, Status> {
        let account = AccountMessage {
            id: "a2dd6".to_owned(),
            resource_version: "version-1".to_owned(),
            state: ResourceState::Active.into(),
            ..AccountMessage::default()
        };
        Ok(Reply::new(api::GetAccountResponse {
            account: Some(account),
        }))
    }

    async fn get_regions(
        &self,
        _request: tonic::Request<api::GetRegionsRequest>,
    ) -> Result<Reply<api::GetRegionsResponse>, Status> {
        let region = Region {
            id: REGION.to_owned(),
            cloud_provider: region::CloudProvider::Aws.into(),
            cloud_provider_region: "eu-central-1".to_owned(),
            location: "your desk".to_owned(),
            ..Region::default()
        };
        Ok(Reply::new(api::GetRegionsResponse {
            regions: vec![region],
        }))
    }
}

fn identity_of(key: &ApiKey) -> api::GetCurrentIdentityResponse {
    use api::get_current_identity_response::Principal;
    let (principal, owner_type) = match key.owner {
        Owner::User => (
            Principal::User(identity::User {
                id: key.name.clone(),
                state: ResourceState::Active.into(),
                ..identity::User::default()
            }),
            OwnerType::User,
        ),
        Owner::ServiceAccount => (
            Principal::ServiceAccount(identity::ServiceAccount {
                id: key.name.clone(),
                state: ResourceState::Active.into(),
                ..identity::ServiceAccount::default()
            }),
            OwnerType::ServiceAccount,
        ),
    };
    api::GetCurrentIdentityResponse {
        principal: Some(principal),
        principal_api_key: Some(identity::ApiKey {
            id: format!("key-of-{}", key.name),
            spec: Some(identity::ApiKeySpec {
                owner_id: key.name.clone(),
                owner_type: owner_type.into(),
                expiry_time: Some(clock::to_proto(key.expires_at)),
                ..identity::ApiKeySpec::default()
            }),
            state: ResourceState::Active.into(),
            ..identity::ApiKey::default()
        }),
    }
}
