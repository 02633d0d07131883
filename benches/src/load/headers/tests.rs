//! Blocks that a real library can read.

use super::*;
use crate::hpack;

/// A server's block ends with the field that is read back: so the whole block was understood, tables and all.
#[test]
fn blocks_are_read_as_they_were_meant_however_long_the_connection_lives() {
    let mut headers = Headers::of("/service/method", "payments", Timeout::Left);
    headers.fields.push((":status", "299".to_owned()));
    let mut encoder = Encoder::new();
    let mut decoder = hpack::Decoder::default();
    let mut block = Vec::new();
    for _call in 0..1_000 {
        block.clear();
        encoder.encode(0, &headers, &mut block);
        let fields = decoder.decode(&block).unwrap();
        assert_eq!(fields.status, Some(299));
        assert!(encoder.size <= 4096);
    }
    assert!(encoder.inserted > 1_000, "every deadline enters the table");
}
