//! What Temporal tells about the pollers of a task queue.
//!
//! Temporal knows no client certificates; but it repeats the identity that a worker gives itself, and a worker can
//! put `newleaf:<SHA-256 of its leaf>` into it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use newleaf_identity::Identity;
use newleaf_rotation::TrustPointId;
use newleaf_x509::Fingerprint;
use temporalio_protos::protos::temporal::api::{
    enums::v1::TaskQueueType,
    taskqueue::v1::{PollerInfo, TaskQueue},
    workflowservice::v1::{DescribeTaskQueueRequest, DescribeTaskQueueResponse},
};

use crate::{
    dial::{self, DialError, Session},
    domain::Endpoint,
    grpc::{self, CallError},
};

use super::Ask;

/// What precedes a leaf's fingerprint in a worker's identity.
const MARK: &str = "newleaf:";

/// Why Temporal could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PollersError {
    /// The trust point has no endpoint, or is not configured.
    #[error("expected an endpoint of trust point `{point}` to ask for its pollers, found none")]
    NoEndpoint {
        /// The trust point.
        point: TrustPointId,
    },
    /// We have nothing to present.
    #[error("could not ask Temporal for its pollers: there is no canary leaf to ask with yet")]
    NoIdentity,
    /// None of our identities was accepted.
    #[error("could not connect to `{address}` to ask for its pollers")]
    Dial {
        /// The endpoint.
        address: String,
        /// Why the last one was not.
        source: DialError,
    },
    /// The call failed.
    #[error("could not describe task queue `{task_queue}`")]
    Describe {
        /// The task queue.
        task_queue: String,
        /// Why.
        source: CallError,
    },
}

/// One poller, as Temporal tells of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Poller {
    /// What it polls for.
    pub(crate) kind: TaskQueueType,
    /// The identity that it gives itself.
    pub(crate) identity: String,
    /// The leaf that its identity names.
    pub(crate) leaf: Option<Fingerprint>,
    /// When it last polled.
    pub(crate) seen_at: Timestamp,
}

impl Poller {
    /// Returns its identity without what that says of its leaf: the same before and after a reload.
    pub(crate) fn name(&self) -> String {
        let words = self.identity.split_whitespace();
        let words: Vec<_> = words.filter(|word| !word.starts_with(MARK)).collect();
        words.join(" ")
    }
}

/// Asks for the pollers of a task queue, for workflows and for activities.
pub(crate) async fn look(
    ask: &Ask<'_>,
    point: &TrustPointId,
    task_queue: &str,
) -> Result<BTreeSet<Poller>, PollersError> {
    let mut points = ask.domain.points.iter().filter(|p| p.id == *point);
    let endpoint = points
        .next()
        .and_then(|point| point.endpoints.first())
        .ok_or_else(|| PollersError::NoEndpoint {
            point: point.clone(),
        })?;
    let session = connect(endpoint, ask.identities).await?;
    let mut pollers = BTreeSet::new();
    for kind in [TaskQueueType::Workflow, TaskQueueType::Activity] {
        let mut request = DescribeTaskQueueRequest::default();
        request.namespace.clone_from(&endpoint.namespace);
        let mut queue = TaskQueue::default();
        task_queue.clone_into(&mut queue.name);
        request.task_queue = Some(queue);
        request.set_task_queue_type(kind);
        let answer: DescribeTaskQueueResponse = grpc::call(
            session.requests(),
            &endpoint.address,
            "DescribeTaskQueue",
            request,
        )
        .await
        .map_err(|source| PollersError::Describe {
            task_queue: task_queue.to_owned(),
            source,
        })?;
        pollers.extend(answer.pollers.into_iter().filter_map(|p| read(kind, p)));
    }
    Ok(pollers)
}

/// Connects with the first identity that is accepted: in the middle of a rotation that may be the old or the new one.
async fn connect(endpoint: &Endpoint, identities: &[Identity]) -> Result<Session, PollersError> {
    let dialled = |source| PollersError::Dial {
        address: endpoint.address.clone(),
        source,
    };
    let addresses = dial::resolve(endpoint).await.map_err(dialled)?;
    let mut last = PollersError::NoIdentity;
    for identity in identities {
        for address in &addresses {
            match Session::open(endpoint, *address, identity).await {
                Ok(session) => return Ok(session),
                Err(error) => last = dialled(error),
            }
        }
    }
    Err(last)
}

/// A poller without a time was never seen.
fn read(kind: TaskQueueType, poller: PollerInfo) -> Option<Poller> {
    let seen = poller.last_access_time?;
    let seen_at = Timestamp::new(seen.seconds, seen.nanos).ok()?;
    let leaf = poller
        .identity
        .split_whitespace()
        .find_map(|word| word.strip_prefix(MARK));
    Some(Poller {
        kind,
        leaf: leaf.and_then(|text| text.parse().ok()),
        identity: poller.identity,
        seen_at,
    })
}
