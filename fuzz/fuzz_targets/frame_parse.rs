//! Frames of a stranger: what is read lies within what came, whatever the lengths and flags say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use newleaf_proxy::h2::frame::{Frame, Head};

fuzz_target!(|input: &[u8]| {
    let mut rest = input;
    while let Some((head, following)) = Head::read(rest) {
        let length = usize::try_from(head.length()).unwrap();
        let Some((payload, next)) = following.split_at_checked(length) else {
            return;
        };
        rest = next;
        match Frame::read(head, payload) {
            Ok(Frame::Data(data)) => assert!(data.bytes.len() <= length && data.stream != 0),
            Ok(Frame::Headers(fragment) | Frame::Continuation(fragment)) => {
                assert!(fragment.bytes.len() <= length && fragment.stream != 0);
            }
            Ok(_) | Err(_) => {}
        }
    }
});
