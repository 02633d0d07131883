//! Tests of [`super`].

use super::*;

#[test]
fn what_was_put_is_got_while_the_tables_stand() {
    let mut memo = Memo::new();
    memo.put(versions(1, 2), b"in", b"out", 7);
    assert_eq!(
        memo.get(versions(1, 2), b"in").map(whole),
        Some((&b"out"[..], 7))
    );
    assert_eq!(memo.get(versions(1, 2), b"i").map(whole), None);
    for other in [versions(2, 2), versions(1, 3), versions(2, 1)] {
        assert_eq!(memo.get(other, b"in").map(whole), None);
    }
    let mut another = versions(1, 2);
    another.encoder.connection = 99;
    assert_eq!(
        memo.get(another, b"in").map(whole),
        None,
        "another connection"
    );
}

#[test]
fn a_note_can_be_replaced() {
    let mut memo = Memo::new();
    memo.put(versions(1, 2), b"in", b"out", 7);
    assert_eq!(memo.note(versions(1, 2), b"in", 8), Some(7));
    assert_eq!(
        memo.get(versions(1, 2), b"in").map(whole),
        Some((&b"out"[..], 8))
    );
    assert_eq!(memo.note(versions(1, 2), b"other", 9), None);
    assert_eq!(memo.get(versions(1, 2), b"other").map(whole), None);
}

#[test]
fn tables_that_come_back_are_found_again() {
    let mut memo = Memo::new();
    for encoder in 0..3 {
        memo.put(
            versions(1, encoder),
            b"in",
            &[u8::try_from(encoder).unwrap()],
            (),
        );
    }
    for encoder in 0..3 {
        let expected = [u8::try_from(encoder).unwrap()];
        let got = memo.get(versions(1, encoder), b"in").unwrap();
        assert_eq!(got.translation, expected);
    }
}

#[test]
fn blocks_of_one_length_are_told_apart_whichever_was_found_last() {
    let mut memo = Memo::new();
    for octet in 0..3 {
        memo.put(versions(1, 1), &[octet; 20], &[octet], ());
    }
    // Each after each of the others, and after itself.
    for octet in [0, 1, 2, 0, 2, 1, 1, 0, 0, 2, 2] {
        let got = memo.get(versions(1, 1), &[octet; 20]).unwrap();
        assert_eq!(got.translation, [octet]);
    }
    assert!(memo.get(versions(1, 1), &[3; 20]).is_none());
    assert!(memo.get(versions(1, 2), &[2; 20]).is_none());
    memo.forget(versions(1, 1).encoder.connection);
    assert!(memo.get(versions(1, 1), &[2; 20]).is_none());
}

#[test]
fn it_does_not_grow_without_end() {
    let mut memo = Memo::new();
    let translation = vec![0; 2000];
    for number in 0..10_000_u32 {
        memo.put(versions(1, 1), &number.to_be_bytes(), &translation, number);
        assert!(memo.n_bytes <= TOTAL_BYTES);
        let last = memo.get(versions(1, 1), &number.to_be_bytes()).map(whole);
        assert_eq!(
            last,
            Some((&translation[..], number)),
            "the newest is there"
        );
    }
    let held = memo.sets.iter().flatten().flatten();
    assert_eq!(
        memo.n_bytes,
        held.map(|entry| entry.bytes.len()).sum::<usize>()
    );
}

#[test]
fn most_of_a_working_set_stays() {
    let mut memo = Memo::new();
    for number in 0..400_u32 {
        memo.put(versions(1, 1), &number.to_be_bytes(), b"out", ());
    }
    let held =
        (0..400_u32).filter(|number| memo.get(versions(1, 1), &number.to_be_bytes()).is_some());
    assert!(held.count() > 380);
}

#[test]
fn one_block_between_many_tables_stays_for_most() {
    let places: [fn(&mut Versions) -> &mut u64; 4] = [
        |versions| &mut versions.decoder.connection,
        |versions| &mut versions.decoder.generation,
        |versions| &mut versions.encoder.connection,
        |versions| &mut versions.encoder.generation,
    ];
    let long = [0x82, 0x86, 0xbe, 0xbf, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4].repeat(3);
    for place in places {
        for block in [&long[..2], &long[..9], &long] {
            let of = |number| {
                let mut versions = versions(5, 7);
                *place(&mut versions) = number;
                versions
            };
            let mut memo = Memo::new();
            for number in 1..=400 {
                memo.put(of(number), block, b"out", ());
            }
            let held = (1..=400).filter(|number| memo.get(of(*number), block).is_some());
            let n_held = held.count();
            assert!(n_held > 380, "{n_held} of 400");
        }
    }
}

#[test]
fn what_is_too_long_is_not_kept() {
    let mut memo = Memo::new();
    memo.put(versions(1, 1), &[0; 2], &[0; ENTRY_BYTES - 1], ());
    assert_eq!(memo.n_bytes, 0);
    memo.put(versions(1, 1), &[0; 2], &[0; ENTRY_BYTES - 2], ());
    assert_eq!(memo.n_bytes, ENTRY_BYTES);
}

fn whole<T: Copy>(recalled: Recalled<'_, T>) -> (&[u8], T) {
    (recalled.translation, *recalled.note)
}

fn versions(decoder: u64, encoder: u64) -> Versions {
    Versions {
        decoder: Version {
            connection: 10,
            generation: decoder,
        },
        encoder: Version {
            connection: 20,
            generation: encoder,
        },
    }
}

#[test]
fn a_connection_is_forgotten_and_the_others_stay() {
    let mut memo = Memo::new();
    let of = |connection| {
        let mut versions = versions(1, 1);
        versions.encoder.connection = connection;
        versions
    };
    for connection in 1..=3 {
        memo.put(of(connection), b"in", b"out", ());
    }
    memo.forget(2);
    let known = [1, 2, 3].map(|connection| memo.get(of(connection), b"in").is_some());
    assert_eq!(known, [true, false, true]);
    assert_eq!(memo.n_bytes, 10);
}
