//! The admin endpoint: `GET /status` tells everything, `/metrics` the same to machines, `/ready` whether calls would be
//! carried, and `/live` that this process answers at all.

use std::{collections::VecDeque, convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};

use crate::{
    clock,
    errand::errand,
    limits,
    listen::{self, Complaint, Listener, Transport},
    metrics,
    switchboard::Switchboard,
};

/// Answers until it is dropped.
///
/// Whoever comes is accepted: a probe that waited behind those who say nothing would have a healthy proxy killed.
pub(crate) async fn serve(listener: Listener, board: Arc<Switchboard>) {
    let mut complaint = Complaint::default();
    let mut conversations = Conversations::default();
    loop {
        match listener.accept().await {
            Ok(socket) => conversations.begin(converse(socket, Arc::clone(&board))),
            Err(error) => {
                complaint.say(&error, "an admin request");
                sleep(listen::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Those who are being answered. They end with this.
#[derive(Default)]
struct Conversations {
    tasks: JoinSet<()>,
    /// The oldest comes first.
    by_age: VecDeque<AbortHandle>,
}

impl Conversations {
    /// Begins one more, in the place of the oldest where there are as many as may be.
    fn begin(&mut self, conversation: impl Future<Output = ()> + Send + 'static) {
        while self.tasks.try_join_next().is_some() {}
        self.by_age.retain(|task| !task.is_finished());
        if self.by_age.len() >= limits::ADMIN_CONNECTIONS
            && let Some(oldest) = self.by_age.pop_front()
        {
            oldest.abort();
        }
        self.by_age
            .push_back(self.tasks.spawn(errand(conversation)));
    }
}

async fn converse(socket: Box<dyn Transport>, board: Arc<Switchboard>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(request.method(), request.uri().path(), &board);
        async move { Ok::<_, Infallible>(response) }
    });
    let conversation = http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(socket), service);
    match timeout(limits::ADMIN_REQUEST, conversation).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a conversation on the admin endpoint broke off"),
        Err(_elapsed) => tracing::debug!("a conversation on the admin endpoint took too long"),
    }
}

fn answer(method: &Method, path: &str, board: &Switchboard) -> Response<Full<Bytes>> {
    // Of an answer to HEAD, hyper sends the head alone.
    if *method != Method::GET && *method != Method::HEAD {
        return not_allowed();
    }
    match path {
        "/status" => match serde_json::to_vec(&board.ledger().status(clock::now())) {
            Ok(status) => page("application/json", status),
            Err(_error) => unwritten(),
        },
        "/metrics" => match metrics::text(board.ledger().status(clock::now())) {
            Ok(metrics) => page(metrics::CONTENT_TYPE, metrics),
            Err(_error) => unwritten(),
        },
        // The relay answers too: a process that hangs in it is not alive.
        "/live" => board.with(|_relay| text(StatusCode::OK, "live\n")),
        "/ready" if board.is_ready() => text(StatusCode::OK, "ready\n"),
        "/ready" => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "some upstream has no connection under proved credentials; /status says which and why. Or it drains\n",
        ),
        _ => text(
            StatusCode::NOT_FOUND,
            "expected /status, /metrics, /ready or /live\n",
        ),
    }
}

/// Says which methods there are, as such an answer must (RFC 9110 §15.5.6).
fn not_allowed() -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "expected GET or HEAD\n");
    let methods = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, methods);
    response
}

fn unwritten() -> Response<Full<Bytes>> {
    text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "could not write the answer\n",
    )
}

fn page(kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
