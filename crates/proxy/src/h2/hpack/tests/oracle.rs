//! The `fluke-hpack` crate as judge, in both directions.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn it_reads_what_we_write(events in events()) {
        let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
        let mut decoder = fluke_hpack::Decoder::new();
        for event in events {
            match event {
                Event::Resize(size) => {
                    encoder.set_max_table_size(size);
                    decoder.set_max_allowed_table_size(size);
                }
                // It refuses a block of nothing but sizes, which HTTP/2 has no use for.
                Event::List(fields) if fields.is_empty() => {}
                Event::List(fields) => {
                    let sent: Vec<Pair> = fields.into_iter().map(|(pair, _)| pair).collect();
                    let block = encoded(&mut encoder, &sent);
                    prop_assert_eq!(decoder.decode(&block).unwrap(), sent);
                }
            }
        }
    }

    #[test]
    fn we_read_what_it_writes(events in events()) {
        let mut encoder = fluke_hpack::Encoder::new();
        let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
        let mut block = Vec::new();
        for event in events {
            match event {
                Event::Resize(size) => {
                    encoder.set_max_table_size(size);
                    // It obeys, and leaves it to others to say so.
                    integer::write(integer::TABLE_SIZE, size, &mut block);
                }
                Event::List(fields) => {
                    let sent: Vec<Pair> = fields.into_iter().map(|(pair, _)| pair).collect();
                    let borrowed = sent.iter().map(|(name, value)| (&name[..], &value[..]));
                    block.extend(encoder.encode(borrowed));
                    prop_assert_eq!(decoded(&mut decoder, &block), sent);
                    block.clear();
                }
            }
        }
    }
}
