//! Deadlines and statuses as the gRPC specification writes them.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

use super::{Code, answer, frame, status, timeout};

#[test]
fn deadlines_are_read() {
    let check = |text: &'static str, expected: Option<Duration>| {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", HeaderValue::from_static(text));
        assert_eq!(timeout(&headers), expected, "{text}");
    };
    check("1H", Some(Duration::from_hours(1)));
    check("2M", Some(Duration::from_mins(2)));
    check("70S", Some(Duration::from_secs(70)));
    check("99999999m", Some(Duration::from_millis(99_999_999)));
    check("5u", Some(Duration::from_micros(5)));
    check("5n", Some(Duration::from_nanos(5)));
    for wrong in [
        "",
        "S",
        "1",
        "123456789S",
        "-1S",
        "1.5S",
        "1x",
        "+1S",
        "1\u{e9}",
    ] {
        let Ok(value) = HeaderValue::from_str(wrong) else {
            continue;
        };
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", value);
        assert_eq!(timeout(&headers), None, "{wrong}");
    }
    assert_eq!(timeout(&HeaderMap::new()), None);
}

#[test]
fn statuses_are_written_and_read() {
    let response = answer(Code::Unavailable, "caf\u{e9} 100% closed\n");
    let (code, message) = status(response.headers()).unwrap();
    assert_eq!(code, Code::Unavailable);
    assert_eq!(message, "caf%C3%A9 100%25 closed%0A");
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert_eq!(Code::of(8), Code::Other(8));
}

#[test]
fn messages_are_framed() {
    assert_eq!(frame(b"").as_ref(), [0, 0, 0, 0, 0]);
    assert_eq!(frame(b"ab").as_ref(), [0, 0, 0, 0, 2, b'a', b'b']);
}
