//! Addresses of which some do not answer, on loopback.

use tokio::{net::TcpListener, time::Instant};

use super::{super::names::Answer, *};

/// A port that nobody listens on.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

fn way(addresses: Vec<SocketAddr>) -> Way {
    let lookup = move |_place| -> Answer {
        let addresses = addresses.clone();
        Box::pin(async move { Ok(addresses) })
    };
    let resolver = Resolver::new(lookup, limits::LOOK_INTERVAL);
    Way::to("temporal.test:7233".to_owned(), None, resolver)
}

#[tokio::test]
async fn an_address_that_refuses_costs_no_time() {
    let there = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = there.local_addr().unwrap();
    let way = way(vec![nobody().await, nobody().await, address]);
    let began = Instant::now();
    let socket = way.connect(0).await.unwrap();
    assert_eq!(socket.peer_addr().unwrap(), address);
    assert!(began.elapsed() < limits::HEAD_START);
}

#[tokio::test]
async fn the_next_dial_begins_with_the_next_address() {
    let listeners = [
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
        TcpListener::bind("127.0.0.1:0").await.unwrap(),
    ];
    let addresses = listeners.map(|listener| (listener.local_addr().unwrap(), listener));
    let way = way(addresses.iter().map(|(address, _)| *address).collect());
    for n_turned in 0..4 {
        let socket = way.connect(n_turned).await.unwrap();
        assert_eq!(socket.peer_addr().unwrap(), addresses[n_turned % 2].0);
    }
}

/// An accept queue that is full answers nothing, as a host that is gone does.
#[tokio::test]
async fn an_address_that_is_silent_has_a_head_start_and_no_more() {
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let silent = silent.listen(1).unwrap();
    let gone = silent.local_addr().unwrap();
    let mut crowd = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(300), TcpStream::connect(gone)).await {
        crowd.push(connected.unwrap());
        assert!(crowd.len() < 100, "its queue never fills");
    }
    let there = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = there.local_addr().unwrap();
    let began = Instant::now();
    let socket = way(vec![gone, address]).connect(0).await.unwrap();
    assert_eq!(socket.peer_addr().unwrap(), address);
    let waited = began.elapsed();
    assert!(
        waited >= limits::HEAD_START && waited < limits::CONNECT,
        "{waited:?}"
    );
}

#[tokio::test]
async fn nowhere_to_go_is_told() {
    let error = way(vec![nobody().await]).connect(0).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "could not connect to `temporal.test:7233`"
    );
    let WayError::Connect { source, .. } = error else {
        panic!("expected no connection, found {error}");
    };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
}
