//! A proxy that says what a test tells it to, byte by byte.

use std::time::Duration;

use tokio::{
    net::TcpListener,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::*;

/// Listens, answers one request with these parts, and returns the request.
async fn proxy(parts: &'static [&'static [u8]]) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            assert_ne!(socket.read_buf(&mut request).await.unwrap(), 0);
        }
        for part in parts {
            socket.write_all(part).await.unwrap();
            // So that parts arrive as parts; nothing depends on it.
            sleep(Duration::from_millis(2)).await;
        }
        String::from_utf8(request).unwrap()
    });
    (format!("http://{address}"), heard)
}

async fn pass(
    parts: &'static [&'static [u8]],
    credentials: Option<&str>,
) -> (Result<(), String>, String) {
    let (url, heard) = proxy(parts).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    fs_err::write(file.path(), credentials.unwrap_or_default()).unwrap();
    let file_path = credentials.map(|_| file.path().to_owned());
    let proxy = ConnectProxy::new(&url, file_path).unwrap();
    let socket = TcpStream::connect(proxy.address()).await.unwrap();
    let passed = proxy.pass(socket, "temporal.test:7233");
    let passed = timeout(Duration::from_secs(10), passed).await.unwrap();
    let said = passed
        .map(|_socket| ())
        .map_err(|error| crate::failure::sentence(&error));
    (said, heard.await.unwrap())
}

#[tokio::test]
async fn a_proxy_that_lets_us_through() {
    // RFC 9110 §9.3.6: lengths in such an answer mean nothing.
    let parts: &[&[u8]] = &[
        b"HTTP/1.1 2",
        b"00 Connection established\r\nContent-Length: 5\r",
        b"\n\r\n",
    ];
    let (passed, request) = pass(parts, None).await;
    assert_eq!(passed, Ok(()));
    let expected = "CONNECT temporal.test:7233 HTTP/1.1\r\nHost: temporal.test:7233\r\n\r\n";
    assert_eq!(request, expected);
}

#[tokio::test]
async fn a_proxy_that_asks_for_patience_first() {
    let parts: &[&[u8]] = &[
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 10",
        b"3 Early Hints\r\nx: y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ];
    let (passed, _) = pass(parts, None).await;
    assert_eq!(passed, Ok(()));
}

#[tokio::test]
async fn a_proxy_that_wants_to_know_who_asks() {
    let parts: &[&[u8]] = &[b"HTTP/1.1 200 OK\r\n\r\n"];
    let (passed, request) = pass(parts, Some("worker:open sesame\n")).await;
    assert_eq!(passed, Ok(()));
    let expected = "\r\nProxy-Authorization: Basic d29ya2VyOm9wZW4gc2VzYW1l\r\n\r\n";
    assert!(request.ends_with(expected), "{request}");
}

#[tokio::test]
async fn proxies_that_do_not_let_us_through_are_told_apart() {
    let cases: [(&[&[u8]], &str); 6] = [
        (
            &[b"HTTP/1.1 101 Switching Protocols\r\n\r\n"],
            "expected the proxy to let us through, found status 101 Switching Protocols",
        ),
        (
            &[b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"],
            "expected the proxy to let us through, found status 407 Proxy Authentication Required",
        ),
        (
            &[b"HTTP/1.1 502\r\n\r\n"],
            "expected the proxy to let us through, found status 502 ",
        ),
        (
            &[b"220 smtp.example.com ESMTP\r\n"],
            "expected an answer of HTTP/1.1 from the proxy: invalid HTTP version",
        ),
        (
            &[b"HTTP/1.1 200 OK\r\n\r\nhello"],
            "expected the proxy to be silent until the server speaks, found 5 bytes",
        ),
        (
            &[b"HTTP/1.1 200"],
            "could not speak to the proxy: unexpected end of file",
        ),
    ];
    for (parts, expected) in cases {
        let (passed, _) = pass(parts, None).await;
        assert_eq!(passed.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_proxy_that_never_stops_talking_is_given_up() {
    static WORDS: [u8; limits::TUNNEL_BYTES] = [b'x'; limits::TUNNEL_BYTES];
    static PARTS: [&[u8]; 2] = [b"HTTP/1.1 200 OK\r\nx: ", &WORDS];
    let (passed, _) = pass(&PARTS, None).await;
    assert_eq!(
        passed.unwrap_err(),
        "expected the proxy's answer within 16384 bytes"
    );
}

#[test]
fn a_proxy_that_only_ever_asks_for_patience_is_given_up() {
    let said = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(limits::TUNNEL_BYTES / 25);
    assert!(matches!(judge(&said), Ok(false)));
    let said = said.repeat(2);
    assert!(matches!(judge(&said), Err(TunnelError::Long { .. })));
}

#[tokio::test]
async fn credentials_that_would_say_more_than_who_asks_are_not_sent() {
    for text in ["no colon", "user:pass\r\nHost: other"] {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs_err::write(file.path(), text).unwrap();
        let path = file.path().to_owned();
        let proxy = ConnectProxy::new("http://127.0.0.1:1", Some(path)).unwrap();
        assert!(matches!(
            proxy.authorization(),
            Err(TunnelError::Credentials)
        ));
    }
}

#[test]
fn urls() {
    let read = |url| ConnectProxy::new(url, None).map(|proxy| proxy.address);
    assert_eq!(read("http://proxy.corp:3128").unwrap(), "proxy.corp:3128");
    assert_eq!(read("http://[::1]:3128/").unwrap(), "[::1]:3128");
    for form in [
        "proxy.corp:3128",
        "https://proxy.corp:3128",
        "http://proxy.corp",
        "http://",
        "http://proxy.corp:3128/path",
    ] {
        let error = read(form).unwrap_err();
        assert!(matches!(error, ConnectProxyError::Form { .. }), "{form}");
    }
    let error = read("http://user:pass@proxy.corp:3128").unwrap_err();
    assert!(!error.to_string().contains("pass@"), "{error}");
}
