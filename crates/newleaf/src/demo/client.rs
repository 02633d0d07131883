//! A caller with steady traffic: short calls all the time, a long poll always open, no retries.

use std::{sync::Arc, time::Duration};

use newleaf_x509::Fingerprint;
use temporalio_protos::protos::temporal::api::{
    enums::v1::TaskQueueKind, taskqueue::v1::TaskQueue, workflowservice::v1 as api,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior},
};

use crate::demo::{
    channel::{Channel, Route},
    grpc::{self, Call, CallError},
    tally::{Kind, Tally},
};

/// How often each lane begins a short call.
const PERIOD: Duration = Duration::from_millis(40);

/// How many lanes make short calls.
const LANES: usize = 2;

/// How long a short call may take, the wait for a connection included. It is far above every gap that a user would
/// forgive, so that what is late shows as a gap first.
const UNARY_LIMIT: Duration = Duration::from_secs(10);

/// The deadline of a long poll. An empty one is answered after a second; Temporal refuses deadlines below 2 s, as it
/// counts them, and a call may need some of its time to get there.
const POLL_LIMIT: Duration = Duration::from_secs(4);

/// How much longer than its deadline a poll is waited for before it counts as failed.
const POLL_MARGIN: Duration = Duration::from_secs(2);

/// Who calls, and what.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Its name, as in the configuration.
    pub(crate) name: String,
    /// The namespace that it works in.
    pub(crate) namespace: String,
    /// The task queue that it polls.
    pub(crate) task_queue: String,
}

/// A caller at work. It stops when it is told to, after the calls in hand.
#[derive(Debug)]
pub(crate) struct Client {
    channel: Channel,
    stop: watch::Sender<bool>,
    lanes: JoinSet<()>,
}

/// What a lane needs.
#[derive(Clone, Debug)]
struct Lane {
    caller: Arc<Caller>,
    channel: Channel,
    tally: Tally,
    stop: watch::Receiver<bool>,
}

impl Client {
    /// Starts to call. The counts go to `tally`, which outlives a restart.
    pub(crate) fn start(caller: Caller, route: Route, tally: &Tally) -> Self {
        let (stop, stopped) = watch::channel(false);
        let lane = Lane {
            caller: Arc::new(caller),
            channel: Channel::open(route),
            tally: tally.clone(),
            stop: stopped,
        };
        let mut lanes = JoinSet::new();
        for _ in 0..LANES {
            lanes.spawn(lane.clone().call_steadily());
        }
        let channel = lane.channel.clone();
        lanes.spawn(lane.poll_steadily());
        Self {
            channel,
            stop,
            lanes,
        }
    }

    /// Waits until it has a connection.
    pub(crate) async fn connected(&mut self) {
        self.channel.ready().await;
    }

    /// Begins no new call, and returns when the calls in hand have ended.
    pub(crate) async fn finish(mut self) {
        self.stop.send_replace(true);
        while self.lanes.join_next().await.is_some() {}
    }
}

impl Lane {
    async fn call_steadily(mut self) {
        let calls = self.short_calls();
        let mut ticks = tokio::time::interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for call in calls.iter().cycle() {
            ticks.tick().await;
            if *self.stop.borrow() {
                return;
            }
            let outcome = self.make(|_leaf| call.clone(), UNARY_LIMIT).await;
            self.tally.record(Kind::Unary, &outcome, Instant::now());
        }
    }

    async fn poll_steadily(mut self) {
        while !*self.stop.borrow() {
            let caller = Arc::clone(&self.caller);
            let poll = move |leaf| caller.poll(leaf);
            let outcome = self.make(poll, POLL_LIMIT + POLL_MARGIN).await;
            self.tally.record(Kind::LongPoll, &outcome, Instant::now());
            if outcome.is_err() {
                // A poll that fails at once must not become a storm.
                tokio::time::sleep(PERIOD).await;
            }
        }
    }

    /// Makes one call, once: on the connection of the moment, within the limit.
    async fn make(
        &mut self,
        call: impl FnOnce(Option<Fingerprint>) -> Call,
        limit: Duration,
    ) -> Result<(), CallError> {
        let channel = &mut self.channel;
        tokio::time::timeout(limit, async move {
            let (ready, leaf) = channel.ready().await;
            grpc::call(ready, &call(leaf)).await
        })
        .await
        .unwrap_or(Err(CallError::Late))
    }

    fn short_calls(&self) -> [Call; 3] {
        let namespace = || self.caller.namespace.clone();
        [
            Call::new("GetSystemInfo", &api::GetSystemInfoRequest {}, UNARY_LIMIT),
            Call::new(
                "DescribeNamespace",
                &api::DescribeNamespaceRequest {
                    namespace: namespace(),
                    ..api::DescribeNamespaceRequest::default()
                },
                UNARY_LIMIT,
            ),
            Call::new(
                "CountWorkflowExecutions",
                &api::CountWorkflowExecutionsRequest {
                    namespace: namespace(),
                    ..api::CountWorkflowExecutionsRequest::default()
                },
                UNARY_LIMIT,
            ),
        ]
    }
}

impl Caller {
    /// Returns the poll of a worker that says which leaf it presents, where it knows: this is how Temporal itself
    /// can tell who still presents what.
    fn poll(&self, leaf: Option<Fingerprint>) -> Call {
        let identity = match leaf {
            Some(leaf) => format!("{}@demo newleaf:{leaf}", self.name),
            None => format!("{}@demo", self.name),
        };
        let message = api::PollWorkflowTaskQueueRequest {
            namespace: self.namespace.clone(),
            task_queue: Some(TaskQueue {
                name: self.task_queue.clone(),
                kind: TaskQueueKind::Normal.into(),
                ..TaskQueue::default()
            }),
            identity,
            ..api::PollWorkflowTaskQueueRequest::default()
        };
        Call::new("PollWorkflowTaskQueue", &message, POLL_LIMIT)
    }
}
