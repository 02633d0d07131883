//! Tests of [`super`] as a whole: the RFC's own examples, other implementations as judges, and round trips.

mod examples;
mod oracle;
mod peer;
mod stories;

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// A name and a value, as other implementations take them.
type Pair = (Vec<u8>, Vec<u8>);

const ROOMY: Limits = Limits {
    size: 1024 * 1024,
    fields: 10_000,
};

/// What happens to one direction of a connection.
#[derive(Clone, Debug)]
enum Event {
    /// A list is sent; `true` marks a field as sensitive.
    List(Vec<(Pair, bool)>),
    /// The receiver allows another size of table.
    Resize(usize),
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop::sample::select(vec![
        &b":path"[..],
        b":status",
        b"authorization",
        b"content-type",
        b"grpc-timeout",
        b"te",
        b"user-agent",
        b"x-a",
    ]);
    prop_oneof![
        3 => usual.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let usual = prop::sample::select(vec![&b""[..], b"200", b"a", b"b", b"application/grpc"]);
    prop_oneof![
        3 => usual.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let list = prop::collection::vec(((name(), value()), prop::bool::weighted(0.1)), 0..8);
    let size = prop_oneof![Just(0), Just(4096), 0_usize..600];
    let event = prop_oneof![
        6 => list.prop_map(Event::List),
        1 => size.prop_map(Event::Resize),
    ];
    prop::collection::vec(event, 0..30)
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(events in events(), bound in 0_usize..9000) {
        let mut encoder = Encoder::new(bound);
        let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
        let mut list = HeaderList::new();
        for event in events {
            let fields = match event {
                Event::Resize(size) => {
                    decoder.set_max_table_size(size);
                    encoder.set_max_table_size(size);
                    continue;
                }
                Event::List(fields) => fields,
            };
            let sent: HeaderList = fields.iter().map(|(pair, sensitive)| Field {
                indexing: if *sensitive { Indexing::Never } else { Indexing::Allowed },
                ..as_field(pair)
            }).collect();
            let mut block = Vec::new();
            encoder.encode(&sent, &mut block);
            // A smaller bound than the peer's limit is an encoder's own affair, unless it was never told.
            prop_assert_eq!(decoder.decode(&block, ROOMY, &mut list), Ok(()));
            prop_assert_eq!(pairs(&list), pairs(&sent));
            for (got, sent) in list.iter().zip(&sent) {
                let marked = sent.indexing == Indexing::Never || sent.name == b"authorization";
                prop_assert_eq!(got.indexing == Indexing::Never, marked);
            }
        }
    }

    /// What the memo stands on: while both generations stay, the same block gives the same block.
    #[test]
    fn standing_generations_mean_the_same_block(events in events()) {
        let mut sender = Encoder::new(DEFAULT_TABLE_SIZE);
        let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
        let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
        let mut list = HeaderList::new();
        for event in events {
            let Event::List(fields) = event else { continue };
            let mut block = Vec::new();
            sender.encode(fields.iter().map(|(pair, _)| as_field(pair)), &mut block);
            let before = (decoder.generation(), encoder.generation());
            let mut first = Vec::new();
            decoder.decode(&block, ROOMY, &mut list).unwrap();
            encoder.encode(&list, &mut first);
            if before == (decoder.generation(), encoder.generation()) {
                let mut second = Vec::new();
                decoder.decode(&block, ROOMY, &mut list).unwrap();
                encoder.encode(&list, &mut second);
                prop_assert_eq!(first, second);
                prop_assert_eq!(before, (decoder.generation(), encoder.generation()));
            }
        }
    }

    #[test]
    fn nothing_that_comes_in_makes_it_panic(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..10)) {
        let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
        let mut list = HeaderList::new();
        let limits = Limits { size: 1000, fields: 10 };
        for block in blocks {
            if let Err(DecodeError::Corrupt(_)) = decoder.decode(&block, limits, &mut list) {
                break;
            }
            prop_assert!(list.size() <= limits.size && list.len() <= limits.fields);
        }
    }
}

/// The worst that 1 MiB of block can ask for: insertions that each evict another entry, bombs, and long Huffman codes. A
/// debug build takes some hundredths of a second; what grows faster than the block would take minutes.
#[test]
fn hostile_blocks_take_time_in_proportion() {
    let insertions = [0x40, 0, 0].repeat(350_000);
    let long_codes = {
        let mut block = vec![0x00, 0x00];
        integer::write(integer::HUFFMAN, 1_000_000, &mut block);
        block.extend([0xff, 0xff, 0xff, 0x5f].repeat(250_000));
        block
    };
    let mut bomb = vec![0x40, 1, b'a'];
    integer::write(integer::RAW, 4000, &mut bomb);
    bomb.extend(vec![b'x'; 4000]);
    bomb.extend(vec![0xbe; 1_000_000]);
    #[expect(clippy::disallowed_methods, reason = "the bound is on real time")]
    let started = Instant::now();
    for block in [insertions, long_codes, bomb] {
        let mut list = HeaderList::new();
        let limits = Limits {
            size: 16 * 1024,
            fields: 100,
        };
        let judged = Decoder::new(DEFAULT_TABLE_SIZE).decode(&block, limits, &mut list);
        assert!(judged.is_err());
    }
    assert!(started.elapsed() < Duration::from_secs(10));
}

fn as_field(pair: &Pair) -> Field<'_> {
    Field::new(&pair.0, &pair.1)
}

fn pairs(list: &HeaderList) -> Vec<Pair> {
    list.iter()
        .map(|field| (field.name.to_vec(), field.value.to_vec()))
        .collect()
}

/// Decodes a block that must be good.
fn decoded(decoder: &mut Decoder, block: &[u8]) -> Vec<Pair> {
    let mut list = HeaderList::new();
    decoder.decode(block, ROOMY, &mut list).unwrap();
    pairs(&list)
}

fn encoded(encoder: &mut Encoder, pairs: &[Pair]) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.encode(pairs.iter().map(as_field), &mut block);
    block
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
