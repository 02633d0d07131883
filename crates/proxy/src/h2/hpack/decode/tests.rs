//! Tests of [`super`].

use super::*;
use crate::h2::hpack::integer;

const ROOMY: Limits = Limits {
    size: 16 * 1024,
    fields: 100,
};

#[test]
fn corrupt_blocks_are_refused_by_rule() {
    for (block, expected) in [
        (&[0x80][..], Corruption::IndexZero),
        (
            &[0xbe],
            Corruption::IndexUnknown {
                index: 62,
                last: 61,
            },
        ),
        (
            &[0x7f, 0x00],
            Corruption::IndexUnknown {
                index: 63,
                last: 61,
            },
        ),
        (&[0x40], Corruption::Truncated),
        (&[0x40, 0x01], Corruption::Truncated),
        (&[0x40, 0x01, b'a'], Corruption::Truncated),
        (&[0x40, 0x01, b'a', 0x02, b'b'], Corruption::Truncated),
        (
            &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80],
            Corruption::IntegerTooLarge,
        ),
        (&[0x04, 0x81, 0xff], Corruption::Padding),
        (
            &[0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
            Corruption::EndOfString,
        ),
        (&[0x82, 0x20], Corruption::TableSizeLate),
        (
            &[0x3f, 0xe2, 0x1f],
            Corruption::TableTooLarge {
                size: 4097,
                allowed: 4096,
            },
        ),
    ] {
        let mut list = HeaderList::new();
        let judged = Decoder::new(4096).decode(block, ROOMY, &mut list);
        assert_eq!(judged, Err(DecodeError::Corrupt(expected)), "{block:x?}");
        assert_eq!(
            (list.len(), list.size()),
            (0, 0),
            "{block:x?} left something"
        );
    }
}

#[test]
fn a_smaller_table_must_be_confirmed_before_the_first_field() {
    let mut decoder = Decoder::new(4096);
    let mut list = HeaderList::new();
    decoder.set_max_table_size(100);
    assert_eq!(
        decoder.decode(&[0x82], ROOMY, &mut list),
        Err(Corruption::TableSizeMissing {
            size: 4096,
            allowed: 100,
        }
        .into())
    );
    assert_eq!(decoder.decode(&[0x3f, 69, 0x82], ROOMY, &mut list), Ok(()));
    assert_eq!(decoder.decode(&[0x82], ROOMY, &mut list), Ok(()));
    decoder.set_max_table_size(200);
    assert_eq!(
        decoder.decode(&[0x82], ROOMY, &mut list),
        Ok(()),
        "a larger one need not be taken"
    );
}

#[test]
fn sizes_may_change_twice_at_the_start() {
    let mut decoder = Decoder::new(4096);
    let mut list = HeaderList::new();
    decoder
        .decode(&[0x40, 1, b'a', 1, b'b'], ROOMY, &mut list)
        .unwrap();
    let judged = decoder.decode(&[0x20, 0x3f, 0xe1, 0x1f, 0xbe], ROOMY, &mut list);
    let gone = Corruption::IndexUnknown {
        index: 62,
        last: 61,
    };
    assert_eq!(judged, Err(gone.into()), "the first size emptied the table");
}

#[test]
fn an_oversized_list_leaves_the_connection_alive() {
    let mut decoder = Decoder::new(4096);
    let mut list = HeaderList::new();
    // Two fields that enter the table, of 33 + 33 octets and 33 + 34, where only one has room.
    let block = [0x40, 1, b'a', 0, 0x82, 0x40, 1, b'b', 1, b'c'];
    let limits = Limits {
        size: 33 + 42,
        fields: 9,
    };
    assert_eq!(
        decoder.decode(&block, limits, &mut list),
        Err(DecodeError::Oversized {
            size: 33 + 42 + 34,
            fields: 3,
            limits
        })
    );
    assert_eq!(fields(&list), ["a: ", ":method: GET"], "what fits is there");
    decoder.decode(&[0xbe, 0xbf], ROOMY, &mut list).unwrap();
    assert_eq!(fields(&list), ["b: c", "a: "], "the table followed");
}

#[test]
fn the_number_of_fields_is_limited_too() {
    let limits = Limits {
        size: 1000,
        fields: 2,
    };
    let mut list = HeaderList::new();
    let judged = Decoder::new(4096).decode(&[0x82, 0x82, 0x82], limits, &mut list);
    assert!(matches!(
        judged,
        Err(DecodeError::Oversized { fields: 3, .. })
    ));
    assert_eq!(list.len(), 2);
}

/// One octet stands for 4,000. The list would grow to 64 MB if its limit were looked at only afterwards.
#[test]
fn a_bomb_is_not_unpacked() {
    let mut decoder = Decoder::new(4096);
    let mut list = HeaderList::new();
    let mut bomb = vec![0x40, 1, b'a'];
    integer::write(integer::RAW, 4000, &mut bomb);
    bomb.extend_from_slice(&[b'x'; 4000]);
    bomb.extend_from_slice(&[0xbe; 16 * 1024]);
    let judged = decoder.decode(&bomb, ROOMY, &mut list);
    assert!(matches!(
        judged,
        Err(DecodeError::Oversized { fields: 16_385, .. })
    ));
    assert!(list.size() <= ROOMY.size);
    assert!(list.buffer().capacity() <= 2 * ROOMY.size);
}

#[test]
fn never_indexed_stays_so() {
    let mut list = HeaderList::new();
    Decoder::new(4096)
        .decode(
            &[0x10, 1, b'a', 1, b'b', 0x00, 1, b'c', 0],
            ROOMY,
            &mut list,
        )
        .unwrap();
    let indexing: Vec<_> = list.iter().map(|field| field.indexing).collect();
    assert_eq!(indexing, [Indexing::Never, Indexing::Allowed]);
}

#[test]
fn the_generation_stays_while_the_table_does() {
    let mut decoder = Decoder::new(4096);
    let mut list = HeaderList::new();
    let generation = decoder.generation();
    for block in [
        &[0x82][..],
        &[0x04, 1, b'/'],
        &[0x10, 1, b'a', 0],
        &[0x3f, 0xe1, 0x1f],
    ] {
        decoder.decode(block, ROOMY, &mut list).unwrap();
        assert_eq!(decoder.generation(), generation, "{block:x?}");
    }
    for block in [&[0x40, 1, b'a', 0][..], &[0x20], &[0x21]] {
        let before = decoder.generation();
        decoder.decode(block, ROOMY, &mut list).unwrap();
        assert_ne!(decoder.generation(), before, "{block:x?}");
    }
}

/// A field whose name comes from an entry that goes to make room for it (RFC 7541 §4.4).
#[test]
fn a_name_outlives_its_entry() {
    let mut decoder = Decoder::new(40);
    let mut list = HeaderList::new();
    decoder
        .decode(&[0x40, 3, b'a', b'b', b'c', 0], ROOMY, &mut list)
        .unwrap();
    decoder
        .decode(&[0x7e, 2, b'x', b'y', 0xbe], ROOMY, &mut list)
        .unwrap();
    assert_eq!(fields(&list), ["abc: xy", "abc: xy"]);
}

fn fields(list: &HeaderList) -> Vec<String> {
    list.iter()
        .map(|field| {
            format!(
                "{}: {}",
                field.name.escape_ascii(),
                field.value.escape_ascii()
            )
        })
        .collect()
}
