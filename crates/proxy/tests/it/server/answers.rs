//! What the server answers, where that is nobody's business but the request's.

use bytes::{Buf as _, Bytes};
use h2::{Reason, RecvStream, SendStream, server::SendResponse};
use http::{HeaderValue, Method, Request, Response, header::CONTENT_TYPE};

use super::grpc_status;
use crate::caller::drain;

/// The octets before each message of gRPC: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// How many messages `/load.Mirror/Spread` answers with.
const N_SPREAD: usize = 20;

/// The head of an answer, as clients of gRPC demand it.
pub(super) fn head() -> Response<()> {
    let mut head = Response::new(());
    let kind = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert(CONTENT_TYPE, kind);
    head
}

/// Returns all that was sent.
pub(super) async fn received(request: Request<RecvStream>) -> Result<Bytes, h2::Error> {
    drain(&mut request.into_body()).await
}

/// Answers the first of many messages, once all have come, as a client-streaming method does.
pub(super) async fn collect(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let mut messages = received(request).await?;
    let length = messages.slice(1..).get_u32();
    let n_bytes = PREFIX_BYTES + usize::try_from(length).unwrap();
    let mut sink = respond.send_response(head(), false)?;
    send(&mut sink, messages.split_to(n_bytes)).await?;
    sink.send_trailers(grpc_status(0))
}

/// Answers one message many times, as a server-streaming method does.
pub(super) async fn spread(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let message = received(request).await?;
    let mut sink = respond.send_response(head(), false)?;
    for _ in 0..N_SPREAD {
        send(&mut sink, message.clone()).await?;
    }
    sink.send_trailers(grpc_status(0))
}

/// Answers each chunk as it comes, as a bidirectional stream does.
pub(super) async fn chat(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let mut sink = respond.send_response(head(), false)?;
    let mut body = request.into_body();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        send(&mut sink, data).await?;
    }
    sink.send_trailers(grpc_status(0))
}

/// Answers some octets, whatever it was sent.
pub(super) async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    if request.method() == Method::HEAD {
        respond.send_response(Response::new(()), true)?;
        return Ok(());
    }
    received(request).await?;
    let mut sink = respond.send_response(head(), false)?;
    send(
        &mut sink,
        Bytes::from_static(b"an answer of thirty-two octets.."),
    )
    .await?;
    sink.send_trailers(grpc_status(0))
}

/// Sends under flow control, in parts that h2 has room for.
pub(crate) async fn send(sink: &mut SendStream<Bytes>, mut data: Bytes) -> Result<(), h2::Error> {
    while !data.is_empty() {
        sink.reserve_capacity(data.len());
        while sink.capacity() == 0 {
            let capacity = std::future::poll_fn(|cx| sink.poll_capacity(cx)).await;
            capacity.ok_or(h2::Error::from(Reason::CANCEL))??;
        }
        let part = data.split_to(sink.capacity().min(data.len()));
        sink.send_data(part, false)?;
    }
    Ok(())
}
