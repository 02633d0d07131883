//! The admin endpoint: `GET /status` tells everything, `GET /ready` whether calls would be carried.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use crate::{limits, switchboard::Switchboard};

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, board: Arc<Switchboard>) {
    let room = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS));
    while let Ok(permit) = Arc::clone(&room).acquire_owned().await {
        match listener.accept().await {
            Ok((socket, _peer)) => {
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

async fn converse(socket: TcpStream, board: Arc<Switchboard>) {
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
        "/status" => match serde_json::to_vec(&board.ledger().status()) {
            Ok(status) => json(status),
            Err(_error) => text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "could not write the status\n",
            ),
        },
        "/ready" if board.is_ready() => text(StatusCode::OK, "ready\n"),
        "/ready" => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "some upstream has no connection under proved credentials; /status says which and why\n",
        ),
        _ => text(StatusCode::NOT_FOUND, "expected /status or /ready\n"),
    }
}

fn json(body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    let kind = header::HeaderValue::from_static("application/json");
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
