//! Frames come back as they were written, however the bytes are cut.

use std::convert::Infallible;

use super::{Cutter, Frame, flag, kind, put_goaway, put_head, put_number, put_settings};

fn written() -> Vec<u8> {
    let mut bytes = Vec::new();
    put_settings(&mut bytes, &[(4, 1 << 20), (3, 7)]);
    put_number(&mut bytes, kind::WINDOW_UPDATE, 5, 77);
    put_head(
        &mut bytes,
        6,
        (kind::DATA, flag::PADDED | flag::END_STREAM),
        9,
    );
    bytes.extend_from_slice(b"\x02abc\0\0");
    put_goaway(&mut bytes, 9, 0);
    bytes
}

fn described(frame: Frame<'_>) -> String {
    let settings: Vec<_> = match frame.kind {
        kind::SETTINGS => frame.settings().collect(),
        _other => Vec::new(),
    };
    let content = String::from_utf8_lossy(frame.content().unwrap_or_default());
    match frame.kind {
        kind::DATA => format!("data {} {content}", frame.stream),
        kind::SETTINGS => format!("settings {settings:?}"),
        other => format!("{other} {} {:?}", frame.stream, frame.first_number()),
    }
}

#[test]
fn every_cut_gives_the_same_frames() {
    let bytes = written();
    let expected = [
        "settings [(4, 1048576), (3, 7)]",
        "8 5 Some(77)",
        "data 9 abc",
        "7 0 Some(9)",
    ];
    for at in 0..bytes.len() {
        let (head, tail) = bytes.split_at(at);
        let mut cutter = Cutter::default();
        let mut seen = Vec::new();
        for part in [head, tail] {
            let kept: Result<(), Infallible> = cutter.cut(part, |frame| {
                seen.push(described(frame));
                Ok(())
            });
            assert!(kept.is_ok());
        }
        assert_eq!(seen, expected, "cut at {at}");
    }
}

#[test]
fn padding_longer_than_its_frame_is_nothing() {
    let frame = Frame {
        kind: kind::DATA,
        flags: flag::PADDED,
        stream: 1,
        payload: b"\x05ab",
    };
    assert_eq!(frame.content(), None);
}
