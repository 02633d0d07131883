//! Addresses of which some do not answer, on loopback.

use tokio::{net::TcpListener, time::Instant};

use super::*;
use crate::dns::ResolverOptions;

/// A port that nobody listens on.
async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap()
}

/// A name that stands for these hosts, on this port; what it stands for is written in the directory.
fn way(hosts: &[&str], port: u16) -> (Way, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hosts");
    let lines = hosts.iter().map(|host| format!("{host} temporal.test\n"));
    fs_err::write(&path, lines.collect::<String>()).unwrap();
    let resolver = Resolver::new(ResolverOptions {
        hosts: path,
        ..ResolverOptions::system()
    });
    let way = Way::to(format!("temporal.test:{port}"), None, resolver);
    (way, directory)
}

#[tokio::test]
async fn an_address_that_refuses_costs_no_time() {
    let there = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = there.local_addr().unwrap();
    let addresses = vec![nobody().await, nobody().await, address];
    let began = Instant::now();
    let socket = connect_to_any(addresses).await.unwrap();
    assert_eq!(socket.peer_addr().unwrap(), address);
    assert!(began.elapsed() < limits::HEAD_START);
}

#[tokio::test]
async fn the_next_dial_begins_with_the_next_address() {
    let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let one_address = one.local_addr().unwrap();
    let two_address = SocketAddr::from(([127, 0, 0, 2], one_address.port()));
    let _two = TcpListener::bind(two_address).await.unwrap();
    let (way, _hosts) = way(&["127.0.0.1", "127.0.0.2"], one_address.port());
    for n_turned in 0..4 {
        let socket = way.connect(n_turned).await.unwrap();
        assert_eq!(
            socket.peer_addr().unwrap(),
            [one_address, two_address][n_turned % 2]
        );
    }
}

/// One dial does not try all of many, and another begins elsewhere.
#[tokio::test]
async fn of_many_addresses_each_has_its_dial() {
    let hosts: Vec<_> = (1..=20).map(|n| format!("127.0.0.{n}")).collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    let last = TcpListener::bind("127.0.0.20:0").await.unwrap();
    let port = last.local_addr().unwrap().port();
    let (way, _hosts) = way(&hosts, port);
    assert_eq!(way.look().await.unwrap().addresses.len(), 20);
    assert!(way.connect(20 - limits::ADDRESSES - 1).await.is_err());
    assert!(way.connect(20 - limits::ADDRESSES).await.is_ok());
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
    let socket = connect_to_any(vec![gone, address]).await.unwrap();
    assert_eq!(socket.peer_addr().unwrap(), address);
    let waited = began.elapsed();
    assert!(
        waited >= limits::HEAD_START && waited < limits::CONNECT,
        "{waited:?}"
    );
}

#[tokio::test]
async fn nowhere_to_go_is_told() {
    let address = nobody().await;
    let (way, _hosts) = way(&["127.0.0.1"], address.port());
    let error = way.connect(0).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        format!("could not connect to `temporal.test:{}`", address.port())
    );
    let WayError::Connect { source, .. } = error else {
        panic!("expected no connection, found {error}");
    };
    assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused);
}
