//! One HTTP/2 connection, from its handshake to its end: served, asked to go when it is old, cut when it must be.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinSet,
    time::sleep,
};
use tokio_rustls::server::TlsStream;
use tonic::body::Body;

/// The longest a TLS handshake may take.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(10);

/// The most connections of one listener; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 4_096;

/// The most calls at once on one connection: as many as a Go server allows a worker with thousands of pollers.
const MAX_STREAMS: u32 = 10_000;

/// When a connection must go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// The age at which it is asked to go.
    pub(crate) age: Duration,
    /// How long its calls may take to finish then.
    pub(crate) grace: Duration,
}

/// A handle with which a connection is cut, as a network does it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Notify>);

impl Line {
    pub(crate) fn cut(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn is_cut(&self) {
        self.0.notified().await;
    }
}

/// Accepts connections for ever, each served by a task of its own. Dropping the future ends them all.
pub(crate) async fn accept_each<F, Served>(listener: TcpListener, serve: F)
where
    F: Fn(TcpStream, u64) -> Served,
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    for number in 0_u64.. {
        while connections.len() >= MAX_CONNECTIONS {
            connections.join_next().await;
        }
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(serve(stream, number));
            }
            Err(error) => {
                // Out of file descriptors, mostly: others must end first.
                tracing::warn!(%error, "could not accept a connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves the connection's calls until the client leaves, the lifetime is over, or `cut` is ready.
pub(crate) async fn serve<S, Answer>(
    stream: TlsStream<TcpStream>,
    service: S,
    lifetime: Option<Lifetime>,
    cut: impl Future<Output = ()>,
) where
    S: Fn(Request<Incoming>) -> Answer + Unpin,
    Answer: Future<Output = Response<Body>> + Send + 'static,
{
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS);
    let service = hyper::service::service_fn(move |request| {
        let answer = service(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let old = pin!(sleep_or_never(lifetime.map(|lifetime| lifetime.age)));
    let mut cut = pin!(cut);
    tokio::select! {
        ended = &mut connection => return log_end(ended),
        () = &mut cut => return,
        () = old => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        ended = connection => log_end(ended),
        () = cut => {}
        () = sleep_or_never(lifetime.map(|lifetime| lifetime.grace)) => {
            tracing::debug!("closed a connection whose grace is over");
        }
    }
}

async fn sleep_or_never(wait: Option<Duration>) {
    match wait {
        Some(wait) => sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// Clients leave in many ways, and none of them is the sandbox's fault.
fn log_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
