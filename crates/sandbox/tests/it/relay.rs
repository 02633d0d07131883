//! Calls reach a real frontend behind the endpoint, unbuffered, with their trailers.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
};

use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    body::{Bytes, Frame, Incoming},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, body::Body};

use crate::{
    client::canary,
    pki::Ca,
    play::{Play, options},
};

/// A plaintext HTTP/2 server that sends back each frame as it comes, and then trailers.
async fn echo() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let served = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service_fn(echo_one));
            tokio::spawn(served);
        }
    });
    (address, serving)
}

async fn echo_one(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path().to_owned();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    trailers.insert("asked-for", path.parse().unwrap());
    let frames = request
        .into_body()
        .into_data_stream()
        .map(|data| data.map(Frame::data));
    let frames = frames.chain(tokio_stream::once(Ok(Frame::trailers(trailers))));
    Ok(Response::new(Body::new(StreamBody::new(frames))))
}

#[tokio::test]
async fn bodies_stream_both_ways_and_trailers_arrive() {
    let (upstream, _serving) = echo().await;
    let g1 = Ca::new("payments g1");
    let mut options = options(&[&g1]);
    options.namespaces[0].upstream = Some(upstream);
    let play = Play::new(options).await;
    let leaf = g1.leaf("worker-1");
    let config = std::sync::Arc::new(play.presenting(Some(&leaf)));
    let wire = crate::client::Wire::connect(play.endpoint(), &config)
        .await
        .unwrap();

    let (send, frames) = mpsc::channel::<Result<Frame<Bytes>, Infallible>>(1);
    let request = Request::post("https://localhost/temporal.Any/Method")
        .body(Body::new(StreamBody::new(ReceiverStream::new(frames))))
        .unwrap();
    let mut response = wire
        .sender()
        .send_request(request)
        .await
        .unwrap()
        .into_body();
    for text in ["one", "two"] {
        // The second frame is sent only after the first has come back.
        send.send(Ok(Frame::data(Bytes::from(text)))).await.unwrap();
        let frame = response.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), text);
    }
    drop(send);
    let trailers = response
        .frame()
        .await
        .unwrap()
        .unwrap()
        .into_trailers()
        .unwrap();
    assert_eq!(trailers["asked-for"], "/temporal.Any/Method");
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn an_upstream_that_is_away_makes_calls_unavailable() {
    let (upstream, serving) = echo().await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    let g1 = Ca::new("payments g1");
    let mut options = options(&[&g1]);
    options.namespaces[0].upstream = Some(upstream);
    let play = Play::new(options).await;
    let refused = canary(play.endpoint(), play.presenting(Some(&g1.leaf("worker-1")))).await;
    assert_eq!(
        refused.map(|_wire| ()).unwrap_err().code(),
        Code::Unavailable
    );
}
