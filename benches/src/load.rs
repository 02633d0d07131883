//! The callers of a measurement: they begin calls in the pattern of a load, judge every answer, and never try again.
//!
//! A caller is a process of its own, so that the CPU it needs is nobody else's. It connects, warms up, says `ready`,
//! waits for a line, loads, and prints one [`Report`] as JSON.

mod arrivals;
mod client;
mod headers;
mod lane;
mod line;
mod report;
mod socket;
mod streams;

use std::{cell::RefCell, io, io::Write as _, path::PathBuf, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    task::{JoinSet, LocalSet},
    time::{Instant, sleep, timeout},
};

use self::{
    arrivals::{Arrivals, Came},
    headers::Headers,
    lane::{Lane, Pattern},
};
pub use self::{
    headers::Timeout,
    report::{Report, Tally},
    socket::{ConnectError, Route},
};
use crate::message::Order;

/// A worker's answer to the server.
const UNARY: &str = "/temporal.api.workflowservice.v1.WorkflowService/RespondWorkflowTaskCompleted";

/// A worker's question for work, which the server answers when there is some.
const POLL: &str = "/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue";

/// How long the warm-up call of a connection may take.
const WARM_UP: Duration = Duration::from_secs(20);

/// The calls of a load, by their place in its table.
pub(crate) const UNARY_CALL: usize = 0;
/// The long poll.
pub(crate) const POLL_CALL: usize = 1;

/// How callers behave.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// Where the calls go.
    #[command(flatten)]
    pub route: Route,
    /// Connections.
    #[arg(long, default_value_t = 1)]
    pub connections: u32,
    /// Calls under way at once on each connection; 0 if calls come at a rate.
    #[arg(long, default_value_t = 0)]
    pub streams: usize,
    /// Calls a second over all connections, at random instants.
    #[arg(long)]
    pub rate: Option<u32>,
    /// Let calls at a rate come at even distances.
    #[arg(long)]
    pub even: bool,
    /// Long polls kept open on each connection.
    #[arg(long, default_value_t = 0)]
    pub polls: usize,
    /// How long the server holds a long poll, in milliseconds.
    #[arg(long, default_value_t = 60_000)]
    pub hold_ms: u64,
    /// Bytes of a request's message.
    #[arg(long, default_value_t = 250)]
    pub request: usize,
    /// Bytes of a reply's message.
    #[arg(long, default_value_t = 150)]
    pub reply: u32,
    /// Write a different deadline into each call, as grpc-go does.
    #[arg(long)]
    pub own_deadlines: bool,
    /// The namespace that calls name, by which a server's log tells callers apart.
    #[arg(long, default_value = "payments.a1b2c")]
    pub namespace: String,
    /// Open a connection for each call.
    #[arg(long)]
    pub churn: bool,
    /// How long to load, in milliseconds.
    #[arg(long, default_value_t = 1000)]
    pub duration_ms: u64,
    /// How long calls may take that are under way at the end, in milliseconds.
    #[arg(long, default_value_t = 5000)]
    pub grace_ms: u64,
    /// Only wait, up to this many milliseconds, until one call is answered.
    #[arg(long)]
    pub until_answered_ms: Option<u64>,
}

/// One kind of call.
#[derive(Debug)]
pub(crate) struct Call {
    headers: Headers,
    body: Vec<u8>,
    /// Bytes of the reply's message.
    reply: usize,
}

/// How a call failed. Nothing is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// A gRPC status that is not OK.
    #[error("grpc-status {0}")]
    Status(u32),
    /// An HTTP status that is not 200.
    #[error("http {0}")]
    Http(u16),
    /// The stream was reset.
    #[error("reset {0}")]
    Reset(u32),
    /// The connection's GOAWAY left the call out.
    #[error("goaway")]
    Unprocessed,
    /// The connection broke.
    #[error("connection lost")]
    Lost,
    /// The reply is not as long as it should be.
    #[error("wrong length")]
    Length,
    /// The stream ended without a gRPC status.
    #[error("no status")]
    NoStatus,
    /// No connection could be made.
    #[error("no connection")]
    Connect,
    /// No answer came in time.
    #[error("unanswered")]
    Unanswered,
}

/// Why a load could not be made at all.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The route leads nowhere.
    #[error("cannot use the route")]
    Route(#[from] ConnectError),
    /// No warm-up call was answered.
    #[error("no call was answered within {} s: {last}", waited.as_secs_f64())]
    Unanswered {
        /// How long was waited.
        waited: Duration,
        /// How the last one failed.
        last: Failure,
    },
    /// Nobody listens to the report.
    #[error("could not speak to whoever asked")]
    Speak(#[from] io::Error),
    /// A report that is no JSON.
    #[error("cannot write the report")]
    Write(#[from] serde_json::Error),
}

impl Options {
    fn calls(&self) -> Arc<[Call]> {
        let timeout = if self.own_deadlines {
            Timeout::Left
        } else {
            Timeout::Same
        };
        let call = |path, request, order: Order| Call {
            headers: Headers::of(path, &self.namespace, timeout),
            body: order.request(request),
            reply: usize::try_from(order.reply).unwrap_or(usize::MAX),
        };
        let unary = Order {
            reply: self.reply,
            hold: Duration::ZERO,
        };
        let poll = Order {
            reply: 150,
            hold: Duration::from_millis(self.hold_ms),
        };
        [call(UNARY, self.request, unary), call(POLL, 250, poll)].into()
    }
}

/// Runs one load, speaking over stdin and stdout.
pub async fn run(options: Options) -> Result<(), LoadError> {
    let calls = options.calls();
    if let Some(limit) = options.until_answered_ms {
        line::first_answer(&options.route, &calls, Duration::from_millis(limit)).await?;
        return say("ready");
    }
    LocalSet::new().run_until(load(options, calls)).await
}

async fn load(options: Options, calls: Arc<[Call]>) -> Result<(), LoadError> {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let mut lanes = Vec::new();
    for _ in 0..options.connections {
        let pattern = Pattern {
            streams: options.streams,
            polls: options.polls,
            churn: options.churn,
        };
        let lane = Lane::new(
            options.route.clone(),
            Arc::clone(&calls),
            pattern,
            Rc::clone(&tally),
        );
        lanes.push(Rc::new(lane));
    }
    warm_up(&lanes).await?;
    tally.replace(Tally::default());
    say("ready")?;
    // Nothing else is to be done until the answer comes.
    io::stdin().read_line(&mut String::new())?;

    let duration = Duration::from_millis(options.duration_ms);
    let began = Instant::now();
    tally.borrow_mut().begin(began);
    let came = options.rate.map(|rate| {
        let senders = lanes.iter().map(|lane| lane.arrivals()).collect();
        Arrivals {
            rate,
            even: options.even,
            duration,
        }
        .spawn(senders)
    });
    for lane in &lanes {
        lane.begin();
    }
    sleep(duration).await;
    let ended = began.elapsed();
    let grace = Duration::from_millis(options.grace_ms);
    finish(&lanes, came.as_ref(), &tally, grace).await;
    let report = tally.borrow_mut().report(ended);
    say(&serde_json::to_string(&report)?)
}

/// Begins no further calls, and waits for the answers. What is unanswered after the grace has failed.
async fn finish(lanes: &[Rc<Lane>], came: Option<&Came>, tally: &RefCell<Tally>, grace: Duration) {
    for lane in lanes {
        lane.stop();
    }
    let until = Instant::now() + grace;
    let is_busy = || {
        // On a busy machine the thread that hands calls out oversleeps: its last ones come when nothing is under way.
        let more =
            came.is_some_and(|came| !came.is_over() || tally.borrow().counted() < came.count());
        more || lanes.iter().any(|lane| lane.is_busy())
    };
    while is_busy() && Instant::now() < until {
        sleep(Duration::from_millis(5)).await;
    }
    for lane in lanes {
        lane.give_up();
    }
    if let Some(came) = came {
        tally.borrow_mut().count_all(came.count());
    }
}

/// Opens every connection and has one call answered on each.
async fn warm_up(lanes: &[Rc<Lane>]) -> Result<(), LoadError> {
    let mut warming = JoinSet::new();
    for lane in lanes {
        let lane = Rc::clone(lane);
        warming.spawn_local(async move {
            let warm = timeout(WARM_UP, lane.open()).await;
            warm.unwrap_or(Err(LoadError::Unanswered {
                waited: WARM_UP,
                last: Failure::Unanswered,
            }))
        });
    }
    while let Some(warmed) = warming.join_next().await {
        warmed.unwrap_or(Ok(()))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<(), LoadError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Where a route leads that speaks TLS itself.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Credentials {
    /// Speak mTLS to the server oneself: the directory with `server-ca.pem`, and `tls.crt` and `tls.key` below `live`.
    #[arg(long)]
    pub tls: Option<PathBuf>,
}

#[cfg(test)]
mod tests;
