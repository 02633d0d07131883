//! A server that stops answering is noticed; one that answers is left alone.

use bytes::Bytes;
use h2::client::{Connection, SendRequest};
use tokio::{
    io::{DuplexStream, duplex},
    time::{Instant, timeout},
};

use super::silence;
use crate::limits;

type Client = (SendRequest<Bytes>, Connection<DuplexStream, Bytes>);

/// The handle must be held: without one, and without streams, a connection closes by itself.
async fn client(near: DuplexStream) -> Client {
    h2::client::handshake(near).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_silent() {
    let (near, _far) = duplex(64 * 1024);
    let (_handle, mut wire) = client(near).await;
    let ping = wire.ping_pong().unwrap();
    let began = Instant::now();
    tokio::select! {
        ended = wire => panic!("expected silence, found {ended:?}"),
        () = silence(ping) => {}
    }
    let noticed = limits::KEEPALIVE_INTERVAL + limits::KEEPALIVE_TIMEOUT;
    assert_eq!(began.elapsed().as_secs(), noticed.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_answers() {
    let (near, far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let mut server = h2::server::handshake(far).await.unwrap();
        while server.accept().await.is_some() {}
    });
    let (_handle, mut wire) = client(near).await;
    let ping = wire.ping_pong().unwrap();
    let many = limits::KEEPALIVE_INTERVAL * 20;
    tokio::select! {
        ended = wire => panic!("expected a live connection, found {ended:?}"),
        quiet = timeout(many, silence(ping)) => assert!(quiet.is_err()),
    }
}
