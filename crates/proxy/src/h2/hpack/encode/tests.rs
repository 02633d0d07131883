//! Tests of [`super`].

use super::*;
use crate::h2::hpack::{Decoder, HeaderList, Limits};

#[test]
fn a_field_is_inserted_once_and_then_an_index() {
    let mut encoder = Encoder::new(4096);
    let first = encode(&mut encoder, &[("user-agent", "grpc-go/1.76.0")]);
    let generation = encoder.generation();
    assert_eq!(first[0], 0x40 | 0x3a);
    assert_eq!(
        encode(&mut encoder, &[("user-agent", "grpc-go/1.76.0")]),
        [0xbe]
    );
    assert_eq!(encoder.generation(), generation);
}

#[test]
fn volatile_fields_never_enter_the_table() {
    let mut encoder = Encoder::new(4096);
    let generation = encoder.generation();
    for name in [
        &b"grpc-timeout"[..],
        b"content-length",
        b"date",
        b"x-request-id",
    ] {
        let field = Field::new(name, b"1");
        let mut out = Vec::new();
        encoder.encode([field], &mut out);
        assert_eq!(out[0] & 0xf0, 0, "{field:?}");
    }
    assert_eq!(encoder.generation(), generation);
}

#[test]
fn sensitive_fields_are_never_indexed_by_anybody() {
    let mut encoder = Encoder::new(4096);
    let generation = encoder.generation();
    for field in [
        Field::new(b"authorization", b"secret"),
        Field::new(b"cookie", b"secret"),
        Field::never_indexed(b"x-api-key", b"k"),
        Field::never_indexed(b":method", b"GET"),
    ] {
        let mut out = Vec::new();
        encoder.encode([field], &mut out);
        assert_eq!(out[0] & 0xf0, 0x10, "{field:?}");
        let list = decode(&mut Decoder::new(4096), &out);
        let expected = Field::never_indexed(field.name, field.value);
        assert!(list.iter().eq([expected]));
    }
    assert_eq!(encoder.generation(), generation);
}

/// Where a field came from is a hint. Whoever changes what came from a table gets what they wrote.
#[test]
fn a_changed_field_is_what_it_was_changed_to() {
    let mut decoder = Decoder::new(4096);
    decode(&mut decoder, &[0x40, 1, b'a', 1, b'b']);
    let mut encoder = Encoder::new(4096);
    encode(&mut encoder, &[("a", "b")]);
    for block in [[0x82], [0xbe]] {
        let list = decode(&mut decoder, &block);
        let mut field = list.iter().next().unwrap();
        field.value = b"changed";
        let mut out = Vec::new();
        encoder.encode([field], &mut out);
        let list = decode(&mut Decoder::new(4096), &out);
        assert_eq!(list.iter().next(), Some(field));
    }
}

#[test]
fn a_full_table_stays_as_it_is() {
    let mut encoder = Encoder::new(4096);
    let mut decoder = Decoder::new(4096);
    let mut insertions = 0;
    for number in 0..200 {
        let value = number.to_string();
        let before = encoder.generation();
        let block = encode(&mut encoder, &[("x-number", &value)]);
        insertions += usize::from(encoder.generation() != before);
        assert_eq!(fields(&decode(&mut decoder, &block)), [("x-number", value)]);
    }
    assert!((95..110).contains(&insertions), "{insertions}");
    let before = encoder.generation();
    let first = encode(&mut encoder, &[("x-number", "0")]);
    assert_eq!(first[0] & 0x80, 0x80, "the first is still there");
    assert_eq!(encoder.generation(), before);
    assert!(encoder.table.size() <= 4096);
}

#[test]
fn no_field_takes_more_than_its_share() {
    let mut encoder = Encoder::new(4096);
    let generation = encoder.generation();
    encode(&mut encoder, &[("x-large", &"x".repeat(1024))]);
    assert_eq!(encoder.generation(), generation);
}

#[test]
fn less_than_the_default_needs_no_word() {
    let mut encoder = Encoder::new(200);
    let mut decoder = Decoder::new(4096);
    for number in 0..20 {
        let value = number.to_string();
        let block = encode(&mut encoder, &[("a", &value)]);
        assert_eq!(fields(&decode(&mut decoder, &block)), [("a", value)]);
    }
    assert!(encoder.table.size() <= 200);
    assert_eq!(encode(&mut encoder, &[("a", "0")]).len(), 1);
}

#[test]
fn the_next_block_tells_a_new_size() {
    let mut encoder = Encoder::new(4096);
    encoder.set_max_table_size(4096);
    assert_eq!(
        encode(&mut encoder, &[(":method", "GET")]),
        [0x82],
        "no news"
    );
    encoder.set_max_table_size(65_536);
    assert_eq!(
        encode(&mut encoder, &[(":method", "GET")]),
        [0x82],
        "more than we use"
    );
    encoder.set_max_table_size(0);
    assert_eq!(encode(&mut encoder, &[(":method", "GET")]), [0x20, 0x82]);
    assert_eq!(encode(&mut encoder, &[(":method", "GET")]), [0x82]);
    encoder.set_max_table_size(10);
    encoder.set_max_table_size(5);
    encoder.set_max_table_size(20);
    assert_eq!(
        encode(&mut encoder, &[]),
        [0x25, 0x34],
        "the smallest, then the last (§4.2)"
    );
    encoder.set_max_table_size(4096);
    encoder.set_max_table_size(20);
    assert_eq!(encode(&mut encoder, &[]), [0x34], "there and back");
}

#[test]
fn both_ends_evict_alike_when_the_size_changes() {
    let mut encoder = Encoder::new(4096);
    let mut decoder = Decoder::new(4096);
    for size in [4096, 100, 4096, 0, 400, 300, 4096] {
        encoder.set_max_table_size(size);
        for number in 0..12 {
            let value = number.to_string();
            let block = encode(&mut encoder, &[("a", &value), ("b", &value)]);
            let expected = [("a", value.clone()), ("b", value)];
            assert_eq!(fields(&decode(&mut decoder, &block)), expected);
        }
    }
}

fn encode(encoder: &mut Encoder, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let list = fields
        .iter()
        .map(|(name, value)| Field::new(name.as_bytes(), value.as_bytes()));
    encoder.encode(list, &mut out);
    out
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> HeaderList {
    let limits = Limits {
        size: 16 * 1024,
        fields: 100,
    };
    let mut list = HeaderList::new();
    decoder.decode(block, limits, &mut list).unwrap();
    list
}

fn fields(list: &HeaderList) -> Vec<(&str, String)> {
    list.iter()
        .map(|field| {
            let value = String::from_utf8(field.value.to_vec()).unwrap();
            (str::from_utf8(field.name).unwrap(), value)
        })
        .collect()
}

/// Who remembers a block must not remember one that changes the table's size: said again, it would empty the peer's table.
#[test]
fn a_block_that_tells_the_size_of_the_table_is_one_of_its_kind() {
    let mut encoder = Encoder::new(4096);
    encoder.set_max_table_size(0);
    encoder.set_max_table_size(4096);
    let before = encoder.generation();
    let told = encode(&mut encoder, &[(":method", "POST")]);
    assert_eq!(told, [0x20, 0x3f, 0xe1, 0x1f, 0x83]);
    let after = encoder.generation();
    assert_ne!(after, before);
    assert_eq!(encode(&mut encoder, &[(":method", "POST")]), [0x83]);
    assert_eq!(encoder.generation(), after);
}
