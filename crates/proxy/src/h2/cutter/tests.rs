//! Frames are the same wherever the bytes are cut.

use proptest::{collection::vec, prelude::*};

use super::Cutter;
use crate::h2::{
    breach::Breach,
    frame::{self, Frame, MAX_FRAME_LEN},
};

/// Returns the frames, DATA put together again.
fn cut(bytes: &[u8], lens: &[usize]) -> Vec<Vec<u8>> {
    let mut cutter = Cutter::default();
    let mut payloads = Vec::new();
    let mut open = Vec::new();
    let mut rest = bytes;
    for len in lens.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (mut piece, later) = rest.split_at((*len).clamp(1, rest.len()));
        while let Some((head, payload)) = cutter.next(&mut piece).unwrap() {
            let Frame::Data(data) = Frame::read(head, payload).unwrap() else {
                payloads.push(payload.to_vec());
                continue;
            };
            assert_eq!(data.bytes.len(), usize::try_from(data.cost).unwrap());
            open.extend_from_slice(data.bytes);
            if data.ends {
                payloads.push(std::mem::take(&mut open));
            }
        }
        assert!(piece.is_empty());
        cutter.shrink();
        rest = later;
    }
    payloads
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_do_not_matter(
        payloads in vec(vec(any::<u8>(), 0..5000), 1..20),
        lens in vec(1usize..6000, 1..10),
    ) {
        let mut bytes = Vec::new();
        for (number, payload) in payloads.iter().enumerate() {
            if number % 2 == 0 {
                frame::write_data(&mut bytes, 1, true, (payload, &[]));
            } else {
                frame::write_headers(&mut bytes, 1, false, payload, 16_384);
            }
        }
        prop_assert_eq!(&cut(&bytes, &lens), &payloads);
        prop_assert_eq!(&cut(&bytes, &[1]), &payloads);
        prop_assert_eq!(&cut(&bytes, &[usize::MAX]), &payloads);
    }
}

#[test]
fn a_frame_too_long_is_told_by_its_head() {
    let mut head: &[u8] = &[0, 0x40, 1, 0, 0, 0, 0, 0, 1];
    let too_long = Breach::FrameTooLong {
        limit: MAX_FRAME_LEN,
        found: MAX_FRAME_LEN + 1,
    };
    assert_eq!(Cutter::default().next(&mut head), Err(too_long));
}
