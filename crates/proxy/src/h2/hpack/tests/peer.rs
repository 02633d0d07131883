//! The `h2` crate as judge: a real connection in memory, of which one side is ours.

use h2::{client, server};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM_AND_HEADERS: u8 = 0x05;
const END_HEADERS: u8 = 0x04;

/// The fields of a request beyond the four that begin with a colon.
fn regular_fields() -> impl Strategy<Value = Vec<Pair>> {
    let name = prop_oneof![
        3 => prop::sample::select(vec!["user-agent", "grpc-timeout", "authorization", "content-type", "x-a"])
            .prop_map(str::to_owned),
        1 => "x-[a-z0-9-]{0,20}",
    ];
    let value = prop_oneof![
        1 => prop::sample::select(vec!["", "a", "application/grpc"]).prop_map(str::to_owned),
        1 => "[!-~]{1,60}",
    ];
    prop::collection::vec(
        (name, value).prop_map(|(name, value)| (name.into_bytes(), value.into_bytes())),
        0..8,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_reads_what_we_write(requests in prop::collection::vec(regular_fields(), 1..6)) {
        let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
        let blocks: Vec<_> = requests
            .iter()
            .map(|fields| encoded(&mut encoder, &whole(fields)))
            .collect();
        let received = in_time(received_by_server(blocks));
        let expected: Vec<_> = requests.iter().map(|fields| header_map(fields)).collect();
        prop_assert_eq!(received, expected);
    }

    #[test]
    fn we_read_what_it_writes(requests in prop::collection::vec(regular_fields(), 1..6)) {
        let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
        let blocks = in_time(sent_by_client(requests.clone()));
        prop_assert_eq!(blocks.len(), requests.len());
        for (fields, block) in requests.iter().zip(blocks) {
            let (mut colons, regular): (Vec<_>, Vec<_>) = decoded(&mut decoder, &block)
                .into_iter()
                .partition(|(name, _)| name.starts_with(b":"));
            colons.sort();
            let mut expected = whole(&[]);
            expected.sort();
            prop_assert_eq!(colons, expected);
            prop_assert_eq!(header_map(&regular), header_map(fields));
        }
    }
}

/// Sends blocks as a client would and returns what an h2 server made of them.
async fn received_by_server(blocks: Vec<Vec<u8>>) -> Vec<HeaderMap> {
    let (mut ours, theirs) = tokio::io::duplex(1024 * 1024);
    ours.write_all(PREFACE).await.unwrap();
    ours.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let n_blocks = blocks.len();
    for (stream, block) in (1..).step_by(2).zip(blocks) {
        let headers = frame(HEADERS, END_STREAM_AND_HEADERS, stream, &block);
        ours.write_all(&headers).await.unwrap();
    }
    let mut server = server::handshake(theirs).await.unwrap();
    let mut received = Vec::new();
    while received.len() < n_blocks {
        let (request, _respond) = server.accept().await.unwrap().unwrap();
        received.push(request.into_parts().0.headers);
    }
    received
}

/// Lets an h2 client send requests and returns the blocks it sent.
async fn sent_by_client(requests: Vec<Vec<Pair>>) -> Vec<Vec<u8>> {
    let (mut ours, theirs) = tokio::io::duplex(1024 * 1024);
    let (mut client, connection) = client::handshake(theirs).await.unwrap();
    let driver = tokio::spawn(connection);
    let n_requests = requests.len();
    let mut answers = Vec::new();
    for fields in requests {
        let mut request = Request::post("http://localhost/a").body(()).unwrap();
        *request.headers_mut() = header_map(&fields);
        client = client.ready().await.unwrap();
        answers.push(client.send_request(request, true).unwrap());
    }
    let mut preface = [0; PREFACE.len()];
    ours.read_exact(&mut preface).await.unwrap();
    ours.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
    let mut blocks = Vec::new();
    let mut block = Vec::new();
    while blocks.len() < n_requests {
        let (kind, flags, payload) = read_frame(&mut ours).await;
        if kind == HEADERS || kind == CONTINUATION {
            block.extend(payload);
            if flags & END_HEADERS != 0 {
                blocks.push(std::mem::take(&mut block));
            }
        }
    }
    driver.abort();
    blocks
}

async fn read_frame(wire: &mut DuplexStream) -> (u8, u8, Vec<u8>) {
    let mut head = [0; 9];
    wire.read_exact(&mut head).await.unwrap();
    let [a, b, c, kind, flags, ..] = head;
    let length = u32::from_be_bytes([0, a, b, c]);
    let mut payload = vec![0; usize::try_from(length).unwrap()];
    wire.read_exact(&mut payload).await.unwrap();
    (kind, flags, payload)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length.to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Runs to the end, or panics after ten seconds.
fn in_time<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(async {
            tokio::time::timeout(Duration::from_secs(10), future)
                .await
                .unwrap()
        })
}

/// Returns the list of a request with these fields.
fn whole(fields: &[Pair]) -> Vec<Pair> {
    let colons = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "localhost"),
        (":path", "/a"),
    ];
    let colons = colons.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()));
    colons.into_iter().chain(fields.iter().cloned()).collect()
}

fn header_map(fields: &[Pair]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| {
            let name = HeaderName::from_bytes(name).unwrap();
            (name, HeaderValue::from_bytes(value).unwrap())
        })
        .collect()
}
