//! One connection to the server: who it presents, what it carries, and how it ends.
//!
//! A connection lives in two phases. While it is *live* it takes new streams. It stops taking them when the
//! server says goodbye (GOAWAY), when it breaks, or when the [`Connection`] is dropped; from then on it *drains*:
//! streams that are open finish, within a bound, and then it closes.

use std::{
    future::{Future as _, poll_fn},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use h2::{
    Ping, PingPong,
    client::{ResponseFuture, SendRequest},
};
use http::Request;
use jiff::Timestamp;
use newleaf_identity::Identity;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep, timeout},
};

use crate::{dial::Wire, limits, pump::EndOfStream, status::Ledger};

/// The facts of a connection, for whoever asks.
pub(crate) struct Line {
    id: u64,
    identity: Arc<Identity>,
    opened_at: Timestamp,
    opened: Instant,
    streams: AtomicUsize,
    draining: AtomicBool,
}

/// A live connection. Dropping it makes it drain.
pub(crate) struct Connection {
    line: Arc<Line>,
    send: SendRequest<Bytes>,
    renew_at: Instant,
    /// Never sent on: that it is dropped is the message.
    _live: oneshot::Sender<()>,
}

/// A connection as it comes from the dialler, proved but not driven yet.
pub(crate) struct Dialled {
    pub(crate) identity: Arc<Identity>,
    pub(crate) send: SendRequest<Bytes>,
    pub(crate) wire: Wire,
    pub(crate) ping: PingPong,
    pub(crate) opened_at: Timestamp,
    pub(crate) opened: Instant,
}

/// What a connection needs to know when it becomes live.
pub(crate) struct Terms {
    /// Its number, unique in this process.
    pub(crate) id: u64,
    /// When its successor is to be dialled.
    pub(crate) renew_at: Instant,
    /// How long streams may stay when it drains.
    pub(crate) drain_timeout: Duration,
    /// Where its farewell is told.
    pub(crate) farewells: mpsc::UnboundedSender<Farewell>,
    /// Where it is written down.
    pub(crate) ledger: Arc<Ledger>,
}

/// News that a connection takes no new streams, though nobody here asked it to.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) id: u64,
    pub(crate) age: Duration,
    pub(crate) cause: Cause,
}

/// Why a connection takes no new streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server sent GOAWAY.
    Goodbye,
    /// It broke.
    Lost,
}

/// Counts one stream on its line, until it is dropped.
pub(crate) struct Ticket(Arc<Line>);

impl Line {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(crate) fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams.load(Relaxed)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }
}

impl Connection {
    /// Makes a dialled connection live, and drives it until it is closed.
    pub(crate) fn live(dialled: Dialled, terms: Terms) -> Self {
        let line = Arc::new(Line {
            id: terms.id,
            identity: dialled.identity,
            opened_at: dialled.opened_at,
            opened: dialled.opened,
            streams: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
        });
        let (live, dropped) = oneshot::channel();
        let renew_at = terms.renew_at;
        terms.ledger.opened(Arc::clone(&line));
        let drive = Drive {
            line: Arc::clone(&line),
            wire: dialled.wire,
            terms,
        };
        tokio::spawn(drive.run(dialled.send.clone(), dialled.ping, dropped));
        Self {
            line,
            send: dialled.send,
            renew_at,
            _live: live,
        }
    }

    pub(crate) fn id(&self) -> u64 {
        self.line.id
    }

    pub(crate) fn renew_at(&self) -> Instant {
        self.renew_at
    }

    pub(crate) fn streams(&self) -> usize {
        self.line.streams()
    }

    /// Returns whether a stream opened now would be sent at once.
    pub(crate) fn has_room(&self) -> bool {
        !self.line.is_draining() && self.streams() < self.send.current_max_send_streams()
    }

    /// Counts a stream that is about to be opened.
    pub(crate) fn ticket(&self) -> Ticket {
        self.line.streams.fetch_add(1, Relaxed);
        Ticket(Arc::clone(&self.line))
    }

    /// Opens a stream. An error means that nothing was sent.
    pub(crate) async fn open(
        &self,
        request: Request<()>,
        end: EndOfStream,
    ) -> Result<(ResponseFuture, h2::SendStream<Bytes>), h2::Error> {
        let mut send = self.send.clone();
        poll_fn(|cx| send.poll_ready(cx)).await?;
        send.send_request(request, end == EndOfStream::Yes)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Relaxed);
    }
}

/// The task of a connection.
struct Drive {
    line: Arc<Line>,
    wire: Wire,
    terms: Terms,
}

impl Drive {
    async fn run(
        mut self,
        probe: SendRequest<Bytes>,
        ping: PingPong,
        dropped: oneshot::Receiver<()>,
    ) {
        let lifetime = async {
            let cause = tokio::select! {
                cause = farewell(&mut self.wire, probe) => Some(cause),
                _dropped = dropped => None,
            };
            self.line.draining.store(true, Relaxed);
            if let Some(cause) = cause {
                // The keeper may be gone already, on shutdown; then nobody needs to know.
                let _nobody_left = self.terms.farewells.send(Farewell {
                    id: self.line.id,
                    age: self.line.opened.elapsed(),
                    cause,
                });
            }
            if cause == Some(Cause::Lost) {
                return;
            }
            match timeout(self.terms.drain_timeout, &mut self.wire).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "connection broke while it drained"),
                Err(_elapsed) => tracing::warn!(
                    streams = self.line.streams(),
                    "streams outlasted the drain timeout and were cut"
                ),
            }
        };
        tokio::select! {
            () = lifetime => {}
            () = silence(ping) => {
                tracing::warn!("the server stopped answering; connection given up");
                let _nobody_left = self.terms.farewells.send(Farewell {
                    id: self.line.id,
                    age: self.line.opened.elapsed(),
                    cause: Cause::Lost,
                });
            }
        }
        self.line.draining.store(true, Relaxed);
        self.terms.ledger.closed(&self.line);
    }
}

/// Drives the connection until it takes no new streams.
///
/// h2 has no event for GOAWAY: it shows in that a handle is not ready any more. Every frame wakes this task, so a
/// look at a spare handle after each turn sees it at once, before any caller meets it. The handle must go then, since it
/// would keep the connection open.
async fn farewell(wire: &mut Wire, mut probe: SendRequest<Bytes>) -> Cause {
    poll_fn(|cx| {
        if let Poll::Ready(ended) = Pin::new(&mut *wire).poll(cx) {
            let cause = match ended {
                Ok(()) => Cause::Goodbye,
                Err(error) => {
                    tracing::info!(%error, "connection to the server lost");
                    Cause::Lost
                }
            };
            return Poll::Ready(cause);
        }
        match probe.poll_ready(cx) {
            Poll::Ready(Err(_goodbye)) => Poll::Ready(Cause::Goodbye),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Ends when the server leaves a PING unanswered.
async fn silence(mut ping: PingPong) {
    loop {
        sleep(limits::KEEPALIVE_INTERVAL).await;
        let answer = timeout(limits::KEEPALIVE_TIMEOUT, ping.ping(Ping::opaque())).await;
        match answer {
            Ok(Ok(_pong)) => {}
            // The connection is ending by itself, and knows more about it.
            Ok(Err(_closed)) => return std::future::pending().await,
            Err(_elapsed) => return,
        }
    }
}

#[cfg(test)]
mod tests;
