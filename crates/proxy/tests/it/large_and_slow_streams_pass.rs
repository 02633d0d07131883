//! Promise 6: bytes pass whole, in both directions, at the speed of the slower side, and cancellation passes too.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    caller::{Caller, End},
    pki::Ca,
    rig::{Rig, Running, eventually, options},
    server::{self, Server},
    stretch::Stretch,
};

#[tokio::test]
async fn large_messages() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let body: Bytes = (0u32..3_000_000).flat_map(u32::to_be_bytes).collect();
    let end = caller.call("/echo", body.clone(), &[]).await;
    assert!(
        end == End::Status(0, body),
        "12 MB did not come back as they went"
    );
}

/// A server that has room for all of it says nothing while it comes, and is not given up for that.
#[tokio::test]
async fn a_large_message_on_a_slow_way() {
    let g1 = Ca::new("g1");
    let server = Server::start(&[&g1]).await;
    server.rule(|rules| rules.window = 16 * 1024 * 1024);
    let stretch = Stretch::start(server.address).await;
    stretch.slow(800_000);
    let directory = tempfile::tempdir().unwrap();
    g1.leaf("worker").swap_into(directory.path());
    let mut options = options(stretch.address, &server.ca, directory.path());
    options.drain_timeout = Duration::from_mins(1);
    let proxy = Running::adopted(options).await;
    let mut caller = Caller::connect(proxy.address).await;
    // On loopback, the kernel takes 5 MB or so at once: what is asked behind them arrives when a silent server is given up.
    let body = Bytes::from(vec![7; 8_000_000]);
    let end = caller.call("/echo", body.clone(), &[]).await;
    assert!(end == End::Status(0, body), "{:?}", proxy.status().calls);
    // It was doubted, so that others would not have had to wait behind it.
    assert!(server.seen(|seen| seen.connections.len()) > 1);
}

#[tokio::test]
async fn both_ways_at_once() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let (response, mut sink) = caller.open("/chat", &[]).await.unwrap();
    let mut answers = response.await.unwrap().into_body();
    for round in 0u8..50 {
        let said = Bytes::from(vec![round; 1000]);
        server::send(&mut sink, said.clone()).await.unwrap();
        let mut heard = Vec::new();
        while heard.len() < said.len() {
            let data = answers.data().await.unwrap().unwrap();
            answers.flow_control().release_capacity(data.len()).unwrap();
            heard.extend_from_slice(&data);
        }
        assert_eq!(heard, said);
    }
    sink.send_data(Bytes::new(), true).unwrap();
    assert!(answers.data().await.is_none());
    let trailers = answers.trailers().await.unwrap().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
}

#[tokio::test]
async fn a_slow_reader_slows_the_writer() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let (response, _sink) = caller.open("/flood", &[]).await.unwrap();
    let mut body = response.await.unwrap().into_body();
    // Nothing is read: the server is stopped by the windows in between, long before its 64 MiB.
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let flooded = rig.server.seen(|s| s.n_flooded);
        if flooded == before && flooded > 0 {
            break;
        }
        before = flooded;
    }
    assert!(before < 8 * 1024 * 1024, "{before} bytes piled up");
    // Other calls are not held up by it.
    assert!(caller.clone().echo().await.is_ok());
    let mut n_bytes = 0;
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        n_bytes += data.len();
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    assert_eq!(n_bytes, 64 * 1024 * 1024);
}

#[tokio::test]
async fn cancellation() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    let (response, mut sink) = caller.open("/hold", &[("hold-ms", "60000")]).await.unwrap();
    eventually("the poll is held", || rig.server.seen(|s| s.n_holding) == 1).await;
    sink.send_reset(h2::Reason::CANCEL);
    drop(response);
    eventually("the server is told", || {
        rig.server.seen(|s| s.cancels == [h2::Reason::CANCEL])
    })
    .await;
    let no_streams = || rig.proxy.status().connections[0].streams == 0;
    eventually("the stream is not counted any more", no_streams).await;
    assert_eq!(rig.proxy.status().failed, 0, "it was the caller's wish");
}

#[tokio::test]
async fn no_request_chooses_its_upstream() {
    let rig = Rig::start().await;
    assert!(rig.caller().await.echo().await.is_ok());
    rig.server
        .seen(|s| assert_eq!(s.authorities, ["temporal.test"]));
}
