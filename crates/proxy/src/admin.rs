//! The admin endpoint: `GET /status` tells everything, `/metrics` the same to machines, `/ready` whether calls would be
//! carried, and `/live` that this process answers at all.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{
    clock, limits,
    listen::{Listener, Transport},
    metrics,
    switchboard::Switchboard,
};

/// Answers until it is dropped.
pub(crate) async fn serve(listener: Listener, board: Arc<Switchboard>) {
    let room = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok(socket) => {
                let board = Arc::clone(&board);
                tokio::spawn(async move {
                    converse(socket, board).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept on the admin endpoint");
                sleep(limits::REDIAL_PAUSE).await;
            }
        }
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
    if *method != Method::GET {
        return text(StatusCode::METHOD_NOT_ALLOWED, "expected GET\n");
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

fn unwritten() -> Response<Full<Bytes>> {
    text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "could not write the answer\n",
    )
}

fn page(kind: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn text(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
