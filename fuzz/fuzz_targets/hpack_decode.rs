//! Header blocks of a stranger, one after the other on one connection: limits hold, what was decoded can be sent on, and
//! while no table changes the same block gives the same block.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_proxy::h2::hpack::{
    DEFAULT_TABLE_SIZE, DecodeError, Decoder, Encoder, HeaderList, Limits,
};

const LIMITS: Limits = Limits {
    size: 2048,
    fields: 24,
};
const ROOMY: Limits = Limits {
    size: 1024 * 1024,
    fields: 100_000,
};

fuzz_target!(|input: &[u8]| {
    let mut decoder = Decoder::new(DEFAULT_TABLE_SIZE);
    let mut roomy = Decoder::new(DEFAULT_TABLE_SIZE);
    let mut encoder = Encoder::new(DEFAULT_TABLE_SIZE);
    let mut next_hop = Decoder::new(DEFAULT_TABLE_SIZE);
    let (mut list, mut all, mut received) =
        (HeaderList::new(), HeaderList::new(), HeaderList::new());
    let mut rest = input;
    while let Some((length, following)) = rest.split_first() {
        let (block, following) = following.split_at(following.len().min(usize::from(*length)));
        rest = following;
        let before = (decoder.generation(), encoder.generation());
        let judged = decoder.decode(block, LIMITS, &mut list);
        assert!(list.size() <= LIMITS.size && list.len() <= LIMITS.fields);
        // Limits decide what is kept, never what the table holds.
        let unlimited = roomy.decode(block, ROOMY, &mut all);
        assert_eq!(decoder.generation(), roomy.generation());
        match judged {
            Ok(()) => assert_eq!((unlimited, &all), (Ok(()), &list)),
            Err(DecodeError::Oversized { size, fields, .. }) => {
                assert_eq!((unlimited, all.size(), all.len()), (Ok(()), size, fields));
            }
            Err(DecodeError::Corrupt(_)) => {
                assert_eq!(judged, unlimited);
                assert_eq!(list.size(), 0);
                return;
            }
        }
        let mut translation = Vec::new();
        encoder.encode(&list, &mut translation);
        assert_eq!(next_hop.decode(&translation, ROOMY, &mut received), Ok(()));
        assert!(
            list.iter()
                .map(|f| (f.name, f.value))
                .eq(received.iter().map(|f| (f.name, f.value)))
        );
        if before == (decoder.generation(), encoder.generation()) {
            let mut again = Vec::new();
            assert_eq!(decoder.decode(block, LIMITS, &mut list), judged);
            encoder.encode(&list, &mut again);
            assert_eq!(translation, again);
            assert_eq!(before, (decoder.generation(), encoder.generation()));
        }
    }
});
