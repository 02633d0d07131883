//! A caller behind the proxy, with steady traffic: short calls all the time, a long poll always open, no retries.
//!
//! What a real client would hide by trying again is what is counted here.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::client::SendRequest;
use http::{HeaderMap, Request};
use prost::Message;
use temporalio_protos::protos::temporal::api::{
    taskqueue::v1::TaskQueue, workflowservice::v1 as api,
};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::rig::NAMESPACE;

/// How often a short call begins.
const PERIOD: Duration = Duration::from_millis(20);

/// How long a short call may take.
const UNARY_LIMIT: Duration = Duration::from_secs(10);

/// The deadline of a long poll, and how much longer it is waited for. The sandbox holds a poll for 1.5 s.
const POLL_LIMIT: Duration = Duration::from_secs(3);
const POLL_MARGIN: Duration = Duration::from_secs(4);

/// A caller at work, over one plaintext connection that must never break.
pub(crate) struct Caller {
    tally: Arc<Mutex<Tally>>,
    stop: watch::Sender<bool>,
    lanes: JoinSet<()>,
}

/// What the caller counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Calls that ended, in whatever way.
    pub(crate) calls: u64,
    /// Calls that did not end with the status `OK`, in words.
    pub(crate) failed: Vec<String>,
    /// The longest time between two successes of short calls.
    pub(crate) longest_gap: Duration,
    last_success: Option<Instant>,
}

/// What a lane of calls needs.
#[derive(Clone)]
struct Lane {
    send: SendRequest<Bytes>,
    tally: Arc<Mutex<Tally>>,
    stop: watch::Receiver<bool>,
}

impl Caller {
    /// Starts to call.
    pub(crate) async fn start(proxy: SocketAddr) -> Self {
        let socket = TcpStream::connect(proxy).await.unwrap();
        socket.set_nodelay(true).unwrap();
        let (send, connection) = h2::client::handshake(socket).await.unwrap();
        tokio::spawn(async move {
            // How it ends shows in its calls.
            let _ended = connection.await;
        });
        let (stop, stopped) = watch::channel(false);
        let tally = Arc::default();
        let lane = Lane {
            send,
            tally: Arc::clone(&tally),
            stop: stopped,
        };
        let mut lanes = JoinSet::new();
        lanes.spawn(lane.clone().call_steadily());
        lanes.spawn(lane.poll_steadily());
        Self { tally, stop, lanes }
    }

    /// Waits until this many more calls have ended, and fails if that takes too long.
    pub(crate) async fn goes_on(&self, calls: u64) {
        let wanted = self.tally().calls + calls;
        let going = async {
            while self.tally().calls < wanted {
                sleep(PERIOD).await;
            }
        };
        timeout(Duration::from_secs(20), going).await.unwrap();
    }

    /// Begins no new call, waits for those in hand, and returns what was counted.
    pub(crate) async fn finish(mut self) -> Tally {
        self.stop.send_replace(true);
        while let Some(lane) = self.lanes.join_next().await {
            lane.unwrap();
        }
        self.tally()
    }

    fn tally(&self) -> Tally {
        let tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.clone()
    }
}

impl Tally {
    /// Fails if one call failed, or if calls were held up for longer than this.
    #[track_caller]
    pub(crate) fn must_be_clean(&self, longest_gap: Duration) {
        eprintln!(
            "calls {}, failed {}, longest gap {:?}",
            self.calls,
            self.failed.len(),
            self.longest_gap
        );
        assert_eq!(self.failed, [""; 0]);
        assert!(self.longest_gap < longest_gap, "{:?}", self.longest_gap);
    }

    fn count(&mut self, is_unary: bool, outcome: Result<(), String>, at: Instant) {
        self.calls += 1;
        match outcome {
            Ok(()) if is_unary => {
                let gap = self.last_success.map(|last| at - last);
                self.longest_gap = self.longest_gap.max(gap.unwrap_or_default());
                self.last_success = Some(at);
            }
            Ok(()) => {}
            Err(why) => self.failed.push(why),
        }
    }
}

impl Lane {
    async fn call_steadily(self) {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !*self.stop.borrow() {
            ticks.tick().await;
            let message = api::GetSystemInfoRequest {};
            let call = self.call("GetSystemInfo", &message, UNARY_LIMIT);
            let outcome = timeout(UNARY_LIMIT, call).await;
            self.count(true, outcome.unwrap_or_else(|_| Err("too late".to_owned())));
        }
    }

    async fn poll_steadily(self) {
        let message = api::PollWorkflowTaskQueueRequest {
            namespace: NAMESPACE.to_owned(),
            task_queue: Some(TaskQueue {
                name: "orders".to_owned(),
                ..TaskQueue::default()
            }),
            identity: "caller".to_owned(),
            ..api::PollWorkflowTaskQueueRequest::default()
        };
        while !*self.stop.borrow() {
            let poll = self.call("PollWorkflowTaskQueue", &message, POLL_LIMIT);
            let outcome = timeout(POLL_LIMIT + POLL_MARGIN, poll).await;
            let is_late = || Err("a poll never came back".to_owned());
            let outcome = outcome.unwrap_or_else(|_| is_late());
            if outcome.is_err() {
                // A poll that fails at once must not become a storm.
                sleep(PERIOD).await;
            }
            self.count(false, outcome);
        }
    }

    fn count(&self, is_unary: bool, outcome: Result<(), String>) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.count(is_unary, outcome, Instant::now());
    }

    /// Makes one call, once.
    async fn call(
        &self,
        method: &str,
        message: &impl Message,
        deadline: Duration,
    ) -> Result<(), String> {
        let cut = |error: h2::Error| format!("{method}: cut off: {error}");
        let mut ready = self.send.clone().ready().await.map_err(cut)?;
        let request = Request::post(format!(
            "http://localhost/temporal.api.workflowservice.v1.WorkflowService/{method}"
        ))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", format!("{}m", deadline.as_millis()))
        .body(())
        .unwrap();
        let (response, mut body) = ready.send_request(request, false).map_err(cut)?;
        body.send_data(framed(message), true).map_err(cut)?;
        let (head, mut body) = response.await.map_err(cut)?.into_parts();
        while let Some(data) = body.data().await {
            let data = data.map_err(cut)?;
            body.flow_control()
                .release_capacity(data.len())
                .map_err(cut)?;
        }
        let trailers = body.trailers().await.map_err(cut)?;
        match status(&head.headers).or_else(|| status(trailers.as_ref()?)) {
            Some("0") => Ok(()),
            status => Err(format!(
                "{method}: {status:?} {:?} {trailers:?}",
                head.headers
            )),
        }
    }
}

/// Puts gRPC's prefix before a message: one byte for compression, four for the length.
fn framed(message: &impl Message) -> Bytes {
    let mut framed = BytesMut::new();
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.encoded_len()).unwrap());
    message.encode(&mut framed).unwrap();
    framed.freeze()
}

fn status(headers: &HeaderMap) -> Option<&str> {
    headers.get("grpc-status")?.to_str().ok()
}
