//! A gRPC channel whose identity is replaced while calls are in flight. With the feature `tonic`.
//!
//! A resolver alone ([`Subscriber`]) changes who *new* connections are, whenever there are any: a gRPC client keeps
//! one connection for as long as the server lets it. A [`Channel`] here speaks under one identity for all its life, and is
//! replaced as a whole: the next call goes to the new one, calls in flight end on the old one.
//!
//! It serves every client that `tonic` generates, and the official Temporal SDK for Rust, whose connection can be given a
//! service of one's own (`ConnectionOptions::service_override`); [`Swappable::unary`] is what its callback asks for. The
//! crate's README shows both.

mod dial;
mod raw;

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, uri::PathAndQuery};
use tokio::{
    sync::watch,
    time::{error::Elapsed, sleep, timeout},
};
use tonic::{Request, Status, body::Body, client::Grpc, metadata::MetadataMap, transport::Channel};
use tower_service::Service;

pub use self::dial::{ConnectError, Target};
use self::{dial::CONNECT_TIMEOUT, raw::Raw};
use crate::publish::{Snapshot, Subscriber};

/// The largest reply that is read: Temporal's own limit of a message is 4 MiB, its SDKs allow 128 MiB.
const MAX_REPLY_BYTES: usize = 128 * 1024 * 1024;

/// How long to wait after a new identity was not accepted: its CA may be on its way to the server. Doubled each time.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest of these waits.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// How long the proof of a new identity may take, 30 s: three times what one connection may ([`Target::connect`]), and an answer.
pub const PROOF_TIMEOUT: Duration = CONNECT_TIMEOUT.saturating_mul(3);

/// How long the proof of an identity goes on although there is a newer one: what one connection may take. Who publishes one
/// whenever he looks would otherwise never have one adopted.
const PROOF_TURN: Duration = CONNECT_TIMEOUT;

/// Headers of a call that belong to the connection, and are written anew on this one.
const OWN_HEADERS: &[&str] = &[
    "te",
    "content-type",
    "grpc-encoding",
    "grpc-accept-encoding",
];

/// A channel that can be replaced. Clones share it.
#[derive(Debug)]
pub struct Swappable {
    current: Arc<watch::Sender<Channel>>,
    latest: watch::Receiver<Channel>,
    /// The channel that is asked whether it is ready, for the call that follows.
    asked: Option<Channel>,
}

/// What became of a new identity. A closed set: one more is a breaking release.
#[derive(Debug)]
pub enum Followed<E> {
    /// Calls go out under it from now on.
    Adopted(Arc<Snapshot>),
    /// It could not be used; calls go out under the one before, and it is tried again.
    Refused(Arc<Snapshot>, E),
    /// Its proof did not end within [`PROOF_TIMEOUT`] and was given up; calls go out under the one before, and it is tried again.
    Silent(Arc<Snapshot>),
}

/// What became of one attempt.
enum Attempt<E> {
    Proved(Channel),
    Failed(E),
    Silent,
    /// There is a newer identity: this one is of no use any more.
    Outdated,
}

impl Swappable {
    /// Begins with a channel.
    pub fn new(channel: Channel) -> Self {
        let (current, latest) = watch::channel(channel);
        Self {
            current: Arc::new(current),
            latest,
            asked: None,
        }
    }

    /// Sends every call that begins from now on through another channel. Calls in flight end on the one before.
    pub fn swap(&self, channel: Channel) {
        self.current.send_replace(channel);
    }

    /// Follows the identities that are published after `using`, until the publisher is gone.
    ///
    /// `connect` makes a channel that presents an identity, and proves it: with TLS 1.3 a refusal arrives after the handshake, so
    /// ask for something cheap before returning the channel. What it refuses is never used, and tried again; so is what it has
    /// not proved within [`PROOF_TIMEOUT`]. It is dropped halfway then, and after 10 s where there is a newer identity.
    pub async fn follow<C, F, E>(
        &self,
        mut identities: Subscriber,
        using: u64,
        connect: C,
        tell: impl Fn(Followed<E>),
    ) where
        C: Fn(Arc<Snapshot>) -> F,
        F: Future<Output = Result<Channel, E>>,
    {
        let mut using = using;
        let mut pause = PAUSE;
        loop {
            let newest = identities.current().filter(|s| s.generation > using);
            let Some(snapshot) = newest else {
                if identities.changed().await.is_none() {
                    return;
                }
                pause = PAUSE;
                continue;
            };
            let proof = timeout(PROOF_TIMEOUT, connect(Arc::clone(&snapshot)));
            let attempt = tokio::select! {
                ended = proof => Attempt::of(ended),
                true = after(PROOF_TURN, is_outdated(&mut identities, &snapshot)) => Attempt::Outdated,
            };
            match attempt {
                Attempt::Proved(channel) => {
                    self.swap(channel);
                    using = snapshot.generation;
                    pause = PAUSE;
                    tell(Followed::Adopted(snapshot));
                    continue;
                }
                Attempt::Outdated => {
                    pause = PAUSE;
                    continue;
                }
                Attempt::Failed(error) => tell(Followed::Refused(Arc::clone(&snapshot), error)),
                Attempt::Silent => tell(Followed::Silent(Arc::clone(&snapshot))),
            }
            // A newer identity need not wait for this one's turn.
            tokio::select! {
                () = sleep(pause) => pause = PAUSE_MAX.min(pause * 2),
                outdated = is_outdated(&mut identities, &snapshot) => {
                    if !outdated {
                        return;
                    }
                    pause = PAUSE;
                }
            }
        }
    }

    /// Makes one unary call of a message that is encoded already, and returns the reply's headers and its message.
    ///
    /// # Errors
    ///
    /// The status of the call. Where `tonic` made it up, because no server gave one, it is corrected: a lost connection, a
    /// GOAWAY and a refused stream are `UNAVAILABLE`, which the SDK tries again, and a call whose own `grpc-timeout` is over is
    /// `DEADLINE_EXCEEDED`. `tonic` says `UNKNOWN` or `CANCELLED` of the former and `CANCELLED` of the latter.
    pub async fn unary(
        &self,
        service: &str,
        rpc: &str,
        headers: HeaderMap,
        message: Bytes,
    ) -> Result<(HeaderMap, Bytes), Status> {
        let path: PathAndQuery = format!("/{service}/{rpc}")
            .parse()
            .map_err(|error| Status::internal(format!("cannot call `{service}/{rpc}`: {error}")))?;
        let mut headers = headers;
        for own in OWN_HEADERS {
            headers.remove(*own);
        }
        let mut request = Request::new(message);
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        let channel = self.current.borrow().clone();
        let mut grpc = Grpc::new(channel).max_decoding_message_size(MAX_REPLY_BYTES);
        grpc.ready()
            .await
            .map_err(|error| Status::from_error(Box::new(error)))
            .map_err(explained)?;
        let reply = grpc.unary(request, path, Raw).await.map_err(explained)?;
        let (headers, message, _extensions) = reply.into_parts();
        Ok((headers.into_headers(), message))
    }
}

impl<E> Attempt<E> {
    fn of(ended: Result<Result<Channel, E>, Elapsed>) -> Self {
        match ended {
            Ok(Ok(channel)) => Self::Proved(channel),
            Ok(Err(error)) => Self::Failed(error),
            Err(_elapsed) => Self::Silent,
        }
    }
}

async fn after<T>(span: Duration, act: impl Future<Output = T>) -> T {
    sleep(span).await;
    act.await
}

/// Waits until a newer identity than this one is published; `false` once there can be none, since the publisher is gone.
async fn is_outdated(identities: &mut Subscriber, snapshot: &Snapshot) -> bool {
    while let Some(published) = identities.changed().await {
        if published.generation > snapshot.generation {
            return true;
        }
    }
    false
}

/// Says what really happened where no server said it: a status that `tonic` made has the failure below it as its source.
fn explained(status: Status) -> Status {
    let mut cause = std::error::Error::source(&status);
    while let Some(error) = cause {
        if error.is::<tonic::TimeoutExpired>() {
            return Status::deadline_exceeded(status.message());
        }
        let is_dropped = error
            .downcast_ref::<hyper::Error>()
            .is_some_and(hyper::Error::is_canceled);
        // RFC 9113 §8.7: not processed.
        let is_refused = error.downcast_ref::<h2::Error>().is_some_and(|error| {
            error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM)
        });
        if is_dropped || is_refused || error.is::<io::Error>() {
            return Status::unavailable(status.message());
        }
        cause = error.source();
    }
    status
}

impl Clone for Swappable {
    fn clone(&self) -> Self {
        Self {
            current: Arc::clone(&self.current),
            latest: self.current.subscribe(),
            // Readiness is a promise to one caller.
            asked: None,
        }
    }
}

impl Service<http::Request<Body>> for Swappable {
    type Response = <Channel as Service<http::Request<Body>>>::Response;
    type Error = <Channel as Service<http::Request<Body>>>::Error;
    type Future = <Channel as Service<http::Request<Body>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // Nobody waits for a channel that was replaced.
        let is_replaced = self.latest.has_changed().unwrap_or(false);
        let channel = match self.asked.take() {
            Some(asked) if !is_replaced => asked,
            Some(_) | None => self.latest.borrow_and_update().clone(),
        };
        let channel = self.asked.insert(channel);
        Service::<http::Request<Body>>::poll_ready(channel, context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let asked = self.asked.take();
        let mut channel = asked.unwrap_or_else(|| self.current.borrow().clone());
        channel.call(request)
    }
}

#[cfg(test)]
mod tests;
