//! The sandbox's own answers, where no real Temporal stands behind an endpoint: enough for a canary, for workers
//! that poll, and for whoever asks who polls.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};
use temporalio_protos::protos::{
    grpc::health::v1::{
        HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
    },
    temporal::api::{
        enums::v1::{NamespaceState, TaskQueueType},
        namespace::v1::NamespaceInfo,
        taskqueue::v1::{PollerInfo, TaskQueue},
        workflowservice::v1 as api,
    },
};
use tonic::{
    Response as Reply, Status, body::Body, codec::CompressionEncoding, metadata::MetadataMap,
    server::NamedService as _,
};

use crate::{
    clock, dispatch,
    wire::{
        health::health_server::{Health, HealthServer},
        workflow::workflow_service_server::{WorkflowService, WorkflowServiceServer},
    },
};

/// How long a poller is remembered; Temporal forgets it after 5 minutes.
const POLLER_MEMORY: SignedDuration = SignedDuration::from_mins(5);

/// How long before the caller's deadline an empty poll is answered (Temporal's `returnEmptyTaskTimeBudget`).
const EMPTY_POLL_MARGIN: Duration = Duration::from_secs(1);

/// What the sandbox says it is.
const VERSION: &str = "1.0.0-newleaf-sandbox";

/// The built-in answers of one namespace. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Frontend(Arc<Desk>);

#[derive(Debug)]
struct Desk {
    namespace: String,
    long_poll: Duration,
    pollers: Mutex<BTreeMap<PollerKey, Timestamp>>,
}

/// A poller: queue, kind of queue, and the worker's own words about itself.
type PollerKey = (String, i32, String);

impl Frontend {
    pub(crate) fn new(namespace: String, long_poll: Duration) -> Self {
        Self(Arc::new(Desk {
            namespace,
            long_poll,
            pollers: Mutex::default(),
        }))
    }

    /// Answers one call; one that is not known with `UNIMPLEMENTED`.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        match dispatch::service_name(path) {
            WorkflowServiceServer::<Self>::NAME => {
                let server = WorkflowServiceServer::new(self.clone());
                dispatch::call(server.accept_compressed(CompressionEncoding::Gzip), request).await
            }
            HealthServer::<Self>::NAME => {
                let server = HealthServer::new(self.clone());
                dispatch::call(server.accept_compressed(CompressionEncoding::Gzip), request).await
            }
            _unknown => dispatch::unknown_service(path),
        }
    }

    fn check_namespace(&self, name: &str) -> Result<(), Status> {
        if name == self.0.namespace {
            return Ok(());
        }
        Err(Status::not_found(format!("Namespace {name} is not found.")))
    }

    /// Holds a poll that finds no work, as Temporal does, and remembers who polled.
    async fn hold_poll(
        &self,
        metadata: &MetadataMap,
        queue: Option<&TaskQueue>,
        kind: TaskQueueType,
        identity: &str,
    ) {
        let queue = queue.map(|queue| queue.name.clone()).unwrap_or_default();
        let key = (queue, i32::from(kind), identity.to_owned());
        self.remember(key.clone());
        let patience = grpc_timeout(metadata).map_or(self.0.long_poll, |deadline| {
            deadline.saturating_sub(EMPTY_POLL_MARGIN.min(deadline / 2))
        });
        tokio::time::sleep(patience.min(self.0.long_poll)).await;
        self.remember(key);
    }

    fn remember(&self, key: PollerKey) {
        let now = clock::now();
        self.with_pollers(|pollers| {
            pollers.retain(|_, seen_at| now.duration_since(*seen_at) < POLLER_MEMORY);
            pollers.insert(key, now);
        });
    }

    fn with_pollers<T>(&self, act: impl FnOnce(&mut BTreeMap<PollerKey, Timestamp>) -> T) -> T {
        act(&mut self
            .0
            .pollers
            .lock()
            .unwrap_or_else(PoisonError::into_inner))
    }
}

#[tonic::async_trait]
impl WorkflowService for Frontend {
    async fn get_system_info(
        &self,
        _request: tonic::Request<api::GetSystemInfoRequest>,
    ) -> Result<Reply<api::GetSystemInfoResponse>, Status> {
        Ok(Reply::new(api::GetSystemInfoResponse {
            server_version: VERSION.to_owned(),
            capabilities: Some(api::get_system_info_response::Capabilities::default()),
        }))
    }

    async fn get_cluster_info(
        &self,
        _request: tonic::Request<api::GetClusterInfoRequest>,
    ) -> Result<Reply<api::GetClusterInfoResponse>, Status> {
        Ok(Reply::new(api::GetClusterInfoResponse {
            server_version: VERSION.to_owned(),
            cluster_id: "newleaf-sandbox".to_owned(),
            cluster_name: "newleaf-sandbox".to_owned(),
            history_shard_count: 1,
            ..api::GetClusterInfoResponse::default()
        }))
    }

    async fn describe_namespace(
        &self,
        request: tonic::Request<api::DescribeNamespaceRequest>,
    ) -> Result<Reply<api::DescribeNamespaceResponse>, Status> {
        self.check_namespace(&request.get_ref().namespace)?;
        let info = NamespaceInfo {
            name: self.0.namespace.clone(),
            id: self.0.namespace.clone(),
            state: NamespaceState::Registered.into(),
            ..NamespaceInfo::default()
        };
        Ok(Reply::new(api::DescribeNamespaceResponse {
            namespace_info: Some(info),
            ..api::DescribeNamespaceResponse::default()
        }))
    }

    async fn count_workflow_executions(
        &self,
        request: tonic::Request<api::CountWorkflowExecutionsRequest>,
    ) -> Result<Reply<api::CountWorkflowExecutionsResponse>, Status> {
        self.check_namespace(&request.get_ref().namespace)?;
        Ok(Reply::new(api::CountWorkflowExecutionsResponse::default()))
    }

    async fn list_workflow_executions(
        &self,
        request: tonic::Request<api::ListWorkflowExecutionsRequest>,
    ) -> Result<Reply<api::ListWorkflowExecutionsResponse>, Status> {
        self.check_namespace(&request.get_ref().namespace)?;
        Ok(Reply::new(api::ListWorkflowExecutionsResponse::default()))
    }

    async fn describe_task_queue(
        &self,
        request: tonic::Request<api::DescribeTaskQueueRequest>,
    ) -> Result<Reply<api::DescribeTaskQueueResponse>, Status> {
        let request = request.into_inner();
        self.check_namespace(&request.namespace)?;
        // An unspecified kind means workflow tasks, as in Temporal.
        let kind = match request.task_queue_type() {
            TaskQueueType::Unspecified | TaskQueueType::Workflow => TaskQueueType::Workflow,
            other @ (TaskQueueType::Activity | TaskQueueType::Nexus) => other,
        };
        let queue = request.task_queue.unwrap_or_default().name;
        let pollers = self.with_pollers(|pollers| {
            pollers
                .iter()
                .filter(|((q, k, _), _)| *q == queue && *k == i32::from(kind))
                .map(|((_, _, identity), seen_at)| PollerInfo {
                    last_access_time: Some(clock::to_proto(*seen_at)),
                    identity: identity.clone(),
                    ..PollerInfo::default()
                })
                .collect()
        });
        Ok(Reply::new(api::DescribeTaskQueueResponse {
            pollers,
            ..api::DescribeTaskQueueResponse::default()
        }))
    }

    async fn poll_workflow_task_queue(
        &self,
        request: tonic::Request<api::PollWorkflowTaskQueueRequest>,
    ) -> Result<Reply<api::PollWorkflowTaskQueueResponse>, Status> {
        let poll = request.get_ref();
        self.check_namespace(&poll.namespace)?;
        let (queue, kind) = (poll.task_queue.as_ref(), TaskQueueType::Workflow);
        self.hold_poll(request.metadata(), queue, kind, &poll.identity)
            .await;
        Ok(Reply::new(api::PollWorkflowTaskQueueResponse::default()))
    }

    async fn poll_activity_task_queue(
        &self,
        request: tonic::Request<api::PollActivityTaskQueueRequest>,
    ) -> Result<Reply<api::PollActivityTaskQueueResponse>, Status> {
        let poll = request.get_ref();
        self.check_namespace(&poll.namespace)?;
        let (queue, kind) = (poll.task_queue.as_ref(), TaskQueueType::Activity);
        self.hold_poll(request.metadata(), queue, kind, &poll.identity)
            .await;
        Ok(Reply::new(api::PollActivityTaskQueueResponse::default()))
    }
}

#[tonic::async_trait]
impl Health for Frontend {
    async fn check(
        &self,
        _request: tonic::Request<HealthCheckRequest>,
    ) -> Result<Reply<HealthCheckResponse>, Status> {
        Ok(Reply::new(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }))
    }
}

/// Reads `grpc-timeout`: at most eight digits and a unit.
fn grpc_timeout(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let count: u32 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(1) * count),
        "M" => Some(Duration::from_mins(1) * count),
        "S" => Some(Duration::from_secs(u64::from(count))),
        "m" => Some(Duration::from_millis(u64::from(count))),
        "u" => Some(Duration::from_micros(u64::from(count))),
        "n" => Some(Duration::from_nanos(u64::from(count))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
