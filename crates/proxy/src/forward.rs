//! Carries one call: from a caller's stream to a stream of the server, and back.
//!
//! Until the server begins to answer, the call is kept and may be sent again elsewhere, but only if the server
//! provably did not process it (RFC 9113 §6.8 and §8.7). From then on bytes are passed through as they come,
//! with the flow control of one side felt on the other.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, client::ResponseFuture, server::SendResponse};
use http::{Request, Response, Uri, Version, uri::Authority};
use tokio::time::{Instant, sleep_until};

use crate::{
    grpc::{self, Code},
    limits,
    pump::{self, Cut, EndOfStream},
    replay::{Budget, Kept},
    upstream::{Lease, Upstream},
};

/// What all calls share.
#[derive(Clone)]
pub(crate) struct Forwarder {
    upstream: Arc<Upstream>,
    authority: Authority,
    budget: Budget,
}

/// One call on its way.
struct Call {
    head: Request<()>,
    source: RecvStream,
    kept: Kept,
    respond: SendResponse<Bytes>,
}

/// How an attempt ended before the server began to answer.
enum Outcome {
    /// The call is over, one way or another.
    Over,
    /// The server provably did not process it.
    Unprocessed(h2::Error),
    /// The server reset the stream, which is its answer.
    Reset(Reason),
    /// The connection broke: whether the server processed the call, nobody knows.
    Lost(h2::Error),
}

/// How a response was passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relayed {
    /// To its end, or as far as the caller wanted it.
    Whole,
    /// Until the connection to the server broke.
    Broken,
}

/// A call that the proxy must answer itself.
struct Failure(String);

impl Forwarder {
    pub(crate) fn new(upstream: Arc<Upstream>, authority: Authority) -> Self {
        Self {
            upstream,
            authority,
            budget: Budget::new(),
        }
    }

    /// Carries a call to its end.
    pub(crate) async fn carry(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let (parts, source) = request.into_parts();
        let Some(head) = self.readdressed(parts) else {
            // No path, as with CONNECT: nothing that gRPC sends, and not ours to interpret.
            respond.send_reset(Reason::PROTOCOL_ERROR);
            return;
        };
        let mut call = Call {
            head,
            source,
            kept: Kept::new(self.budget.clone()),
            respond,
        };
        if let Err(Failure(why)) = self.attempt_until_over(&mut call).await {
            tracing::warn!(path = call.head.uri().path(), why, "failed a call");
            self.upstream.ledger.failed();
            let answer = grpc::answer(Code::Unavailable, &why);
            // It fails if the caller has gone, who then needs no answer.
            let _caller_gone = call.respond.send_response(answer, true);
        }
    }

    async fn attempt_until_over(&self, call: &mut Call) -> Result<(), Failure> {
        let patience = grpc::timeout(call.head.headers()).unwrap_or(limits::WAIT_FOR_CONNECTION);
        let by = Instant::now() + patience;
        let mut pause = limits::REPLAY_PAUSE;
        let mut n_attempts = 0;
        while n_attempts <= limits::REPLAYS && (n_attempts == 0 || Instant::now() < by) {
            n_attempts += 1;
            let leased = tokio::select! {
                lease = self.upstream.lease(by) => lease,
                () = caller_gone(&mut call.respond) => return Ok(()),
            };
            let lease = leased.ok_or_else(|| {
                Failure(format!(
                    "newleaf-proxy: no connection to the server within {} ms",
                    patience.as_millis()
                ))
            })?;
            match call.attempt(lease, &self.upstream).await {
                Outcome::Over => return Ok(()),
                Outcome::Reset(reason) => {
                    call.respond.send_reset(reason);
                    return Ok(());
                }
                Outcome::Lost(error) => {
                    let why = "the connection broke before the server answered";
                    return Err(Failure(format!("newleaf-proxy: {why}: {error}")));
                }
                Outcome::Unprocessed(error) if call.kept.chunks().is_none() => {
                    let why = "the server refused a request too large to be replayed";
                    return Err(Failure(format!("newleaf-proxy: {why}: {error}")));
                }
                Outcome::Unprocessed(error) => {
                    self.upstream.ledger.replayed();
                    if error.is_reset() {
                        wait(&mut pause, by).await;
                    } else {
                        // The connection's own task must see the goodbye before the next lease.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        Err(Failure(
            "newleaf-proxy: the server kept refusing the stream".to_owned(),
        ))
    }

    /// Points a request at the server. What the caller asked for as authority is replaced, so no request chooses its
    /// upstream.
    fn readdressed(&self, mut parts: http::request::Parts) -> Option<Request<()>> {
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(http::uri::Scheme::HTTPS);
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(parts.uri.path_and_query()?.clone());
        parts.uri = Uri::from_parts(uri).ok()?;
        parts.version = Version::HTTP_2;
        parts.extensions.clear();
        Some(Request::from_parts(parts, ()))
    }
}

impl Call {
    /// Sends the call once, and carries it to its end if the server begins to answer.
    async fn attempt(&mut self, lease: Lease, upstream: &Upstream) -> Outcome {
        let Self {
            head,
            source,
            kept,
            respond,
        } = self;
        let Lease { connection, seat } = lease;
        let nothing_sent = kept.chunks().is_some_and(|chunks| chunks.is_empty());
        let end = if nothing_sent && source.is_end_stream() {
            EndOfStream::Yes
        } else {
            EndOfStream::No
        };
        let (answer, sink) = match connection.open(head.clone(), end).await {
            Ok(opened) => opened,
            // The connection said goodbye between the lease and this moment.
            Err(error) => return Outcome::Unprocessed(error),
        };
        // Held on, the connection could not drain while this call lasts.
        drop(connection);
        let _seat = seat;
        let mut caller_broke = pin!(send_request(source, kept, sink, end));
        let response = match first_answer(answer, caller_broke.as_mut(), respond).await {
            Ok(response) => response,
            Err(outcome) => return outcome,
        };
        kept.give_up();
        tokio::select! {
            relayed = relay(response, respond) => {
                if relayed == Relayed::Broken {
                    upstream.ledger.failed();
                }
            }
            () = caller_broke => {}
        }
        Outcome::Over
    }
}

/// Waits for the first of the answer, while the request is being sent.
async fn first_answer(
    answer: ResponseFuture,
    caller_broke: Pin<&mut impl Future<Output = ()>>,
    respond: &mut SendResponse<Bytes>,
) -> Result<Response<RecvStream>, Outcome> {
    tokio::select! {
        answered = answer => answered.map_err(classified),
        () = caller_broke => Err(Outcome::Over),
        () = caller_gone(respond) => Err(Outcome::Over),
    }
}

/// Sends what was kept of the request, then the rest as it comes. Ends only if the caller breaks off: a request that is
/// sent, or that the server has stopped reading, does not end the call; the response does.
async fn send_request(
    source: &mut RecvStream,
    kept: &Kept,
    mut sink: SendStream<Bytes>,
    end: EndOfStream,
) {
    let sent = async {
        if end == EndOfStream::Yes {
            return Ok(());
        }
        for chunk in kept.chunks().unwrap_or_default() {
            pump::write(&mut sink, chunk, EndOfStream::No).await?;
        }
        pump::pump(source, &mut sink, |chunk| kept.keep(chunk)).await
    };
    match sent.await {
        Ok(()) | Err(Cut::Sink) => std::future::pending().await,
        Err(Cut::Source(error)) => {
            tracing::debug!(%error, "a caller broke off its request");
        }
    }
}

/// Passes a response on to the caller.
async fn relay(response: Response<RecvStream>, respond: &mut SendResponse<Bytes>) -> Relayed {
    let (mut parts, mut source) = response.into_parts();
    parts.extensions.clear();
    let ends_here = source.is_end_stream();
    let Ok(mut sink) = respond.send_response(Response::from_parts(parts, ()), ends_here) else {
        return Relayed::Whole;
    };
    if ends_here {
        return Relayed::Whole;
    }
    match pump::pump(&mut source, &mut sink, |_chunk| ()).await {
        // A caller that has gone has all it wanted.
        Ok(()) | Err(Cut::Sink) => Relayed::Whole,
        Err(Cut::Source(error)) => match classified(error) {
            Outcome::Reset(reason) => {
                sink.send_reset(reason);
                Relayed::Whole
            }
            Outcome::Over => Relayed::Whole,
            Outcome::Unprocessed(error) | Outcome::Lost(error) => {
                let why = format!("newleaf-proxy: the connection broke within the answer: {error}");
                tracing::warn!(why, "failed a call");
                let trailers = grpc::trailers(Code::Unavailable, &why);
                if sink.send_trailers(trailers).is_err() {
                    sink.send_reset(Reason::INTERNAL_ERROR);
                }
                Relayed::Broken
            }
        },
    }
}

/// Says what the end of a stream means for its call.
fn classified(error: h2::Error) -> Outcome {
    let reason = error.reason();
    // h2 gives the server's GOAWAY only to streams beyond its last stream id; streams up to it get the I/O error
    // with which the connection ends.
    if error.is_go_away() && error.is_remote() {
        return Outcome::Unprocessed(error);
    }
    match reason {
        Some(Reason::REFUSED_STREAM) if error.is_remote() => Outcome::Unprocessed(error),
        Some(reason) if error.is_reset() => Outcome::Reset(reason),
        Some(_) | None => Outcome::Lost(error),
    }
}

/// Waits until the caller has reset the stream or gone altogether.
async fn caller_gone(respond: &mut SendResponse<Bytes>) {
    let _how = poll_fn(|cx| respond.poll_reset(cx)).await;
}

async fn wait(pause: &mut Duration, by: Instant) {
    let until = (Instant::now() + *pause).min(by);
    *pause = pause.saturating_mul(2).min(limits::REPLAY_PAUSE_MAX);
    sleep_until(until).await;
}
