//! What HPACK costs per block of a worker's call, for callgrind to count.
//!
//! ```text
//! cargo build --release --package newleaf-proxy --example hpack_cost
//! valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/examples/hpack_cost plain 1000
//! ```
//!
//! Run it with two numbers of rounds and divide the difference: what the start costs falls out. `plain` decodes and
//! encodes each block, `memo` asks the memo first, `oracle` is `plain` on the `fluke-hpack` crate.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement that fails should stop"
)]

use std::{env, hint::black_box};

use newleaf_proxy::h2::hpack::{
    DEFAULT_TABLE_SIZE, Decoder, Encoder, Field, HeaderList, Limits, Memo, Version, Versions,
};

/// A long poll of the Go SDK, as it leaves the worker. Only the timeout differs from call to call.
const REQUEST: [(&str, &str); 14] = [
    (":method", "POST"),
    (":scheme", "http"),
    (
        ":path",
        "/temporal.api.workflowservice.v1.WorkflowService/PollWorkflowTaskQueue",
    ),
    (":authority", "127.0.0.1:7233"),
    ("content-type", "application/grpc"),
    ("user-agent", "grpc-go/1.76.0"),
    ("te", "trailers"),
    ("grpc-timeout", "69999512u"),
    ("client-name", "temporal-go"),
    ("client-version", "1.38.0"),
    ("supported-server-versions", ">=1.0.0 <2.0.0"),
    ("caller-type", "api"),
    ("temporal-namespace", "payments.a2dd6"),
    ("grpc-accept-encoding", "gzip"),
];

const LIMITS: Limits = Limits {
    size: 256 * 1024,
    fields: 1000,
};

fn main() {
    let mut arguments = env::args().skip(1);
    let way = arguments.next().unwrap();
    let rounds: u32 = arguments.next().unwrap().parse().unwrap();
    let mut sender = Encoder::new(DEFAULT_TABLE_SIZE);
    let mut blocks = [Vec::new(), Vec::new()];
    for block in &mut blocks {
        sender.encode(REQUEST.map(field), block);
    }
    match way.as_str() {
        "plain" => plain(&blocks, rounds),
        "memo" => memo(&blocks, rounds),
        "oracle" => oracle(&blocks, rounds),
        other => panic!("expected plain, memo or oracle, found {other}"),
    }
}

fn plain([first, block]: &[Vec<u8>; 2], rounds: u32) {
    let (mut decoder, mut encoder) = coders();
    let mut list = HeaderList::new();
    let mut out = Vec::new();
    decoder.decode(first, LIMITS, &mut list).unwrap();
    encoder.encode(&list, &mut out);
    for _round in 0..rounds {
        out.clear();
        decoder.decode(black_box(block), LIMITS, &mut list).unwrap();
        encoder.encode(&list, &mut out);
        black_box(&out);
    }
}

fn memo([first, block]: &[Vec<u8>; 2], rounds: u32) {
    let (mut decoder, mut encoder) = coders();
    let mut list = HeaderList::new();
    let mut out = Vec::new();
    decoder.decode(first, LIMITS, &mut list).unwrap();
    encoder.encode(&list, &mut out);
    out.clear();
    encoder.encode(&list, &mut out);
    let mut memo = Memo::new();
    memo.put(versions(&decoder, &encoder), block, &out, ());
    for _round in 0..rounds {
        out.clear();
        let versions = versions(&decoder, &encoder);
        let recalled = memo.get(black_box(versions), black_box(block)).unwrap();
        out.extend_from_slice(recalled.translation);
        black_box(&out);
    }
}

fn oracle([first, block]: &[Vec<u8>; 2], rounds: u32) {
    let mut decoder = fluke_hpack::Decoder::new();
    let mut encoder = fluke_hpack::Encoder::new();
    let mut translate = |block: &[u8]| {
        let list = decoder.decode(block).unwrap();
        encoder.encode(list.iter().map(|(name, value)| (&name[..], &value[..])))
    };
    translate(first);
    for _round in 0..rounds {
        black_box(translate(black_box(block)));
    }
}

fn coders() -> (Decoder, Encoder) {
    (
        Decoder::new(DEFAULT_TABLE_SIZE),
        Encoder::new(DEFAULT_TABLE_SIZE),
    )
}

fn versions(decoder: &Decoder, encoder: &Encoder) -> Versions {
    Versions {
        decoder: Version {
            connection: 1,
            generation: decoder.generation(),
        },
        encoder: Version {
            connection: 2,
            generation: encoder.generation(),
        },
    }
}

fn field<'list>((name, value): (&'list str, &'list str)) -> Field<'list> {
    Field::new(name.as_bytes(), value.as_bytes())
}
