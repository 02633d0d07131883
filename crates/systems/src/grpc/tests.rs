//! Tests of framing and statuses; calls over a real connection are tried in `tests/it/canary.rs`.

use bytes::BytesMut;
use http::HeaderMap;
use temporalio_protos::protos::temporal::api::workflowservice::v1::DescribeNamespaceRequest;

use super::{CallError, frame, status, unescape, unframe};

fn request() -> DescribeNamespaceRequest {
    let mut request = DescribeNamespaceRequest::default();
    "payments.a2dd6".clone_into(&mut request.namespace);
    request
}

#[test]
fn what_is_framed_can_be_unframed() {
    let framed = frame(&request());
    assert_eq!(framed[..5], [0, 0, 0, 0, 16]);
    let body = unframe(BytesMut::from(&framed[..])).unwrap();
    assert_eq!(body[2..], *b"payments.a2dd6");
}

#[test]
fn a_short_or_compressed_or_cut_answer_is_an_error() {
    let framed = frame(&request());
    let compressed = [&[1], &framed[1..]].concat();
    for bad in [&framed[..3], &framed[..framed.len() - 1], &compressed] {
        let error = unframe(BytesMut::from(bad)).unwrap_err();
        assert!(matches!(error, CallError::Answer { .. }), "{error}");
    }
}

#[test]
fn a_status_needs_a_number_and_its_words_are_cut_short() {
    let mut headers = HeaderMap::new();
    assert_eq!(status(&headers), None);
    headers.insert("grpc-status", "7".parse().unwrap());
    headers.insert("grpc-message", "x".repeat(1000).parse().unwrap());
    assert_eq!(status(&headers), Some((7, "x".repeat(300))));
}

#[test]
fn the_words_of_a_status_are_unescaped() {
    for (escaped, words) in [
        ("Request%20unauthorized.", "Request unauthorized."),
        ("%C3%A9", "é"),
        ("100%", "100%"),
        ("%zz%2", "%zz%2"),
        ("", ""),
    ] {
        assert_eq!(unescape(escaped.as_bytes()), words);
    }
}
