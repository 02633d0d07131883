//! Deadlines and statuses as the gRPC specification writes them.

use std::time::Duration;

use super::{Code, Timeout, answer_fields, frame, message_bytes, only_asks, status_fields};

#[test]
fn deadlines_are_read() {
    let check = |text: &str, expected: Option<Duration>| {
        let read = Timeout::read(text.as_bytes());
        assert_eq!(read.map(|read| read.duration()), expected, "{text}");
        if let Some(read) = read {
            assert_eq!(read.text(), text.as_bytes());
        }
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
        check(wrong, None);
    }
}

#[test]
fn statuses_are_written() {
    let status = status_fields(Code::Unavailable, "caf\u{e9} 100% closed\n");
    let answer = answer_fields(&status);
    let fields: Vec<_> = answer
        .iter()
        .map(|field| (field.name, field.value))
        .collect();
    let expected: [(&[u8], &[u8]); 4] = [
        (b":status", b"200"),
        (b"content-type", b"application/grpc"),
        (b"grpc-status", b"14"),
        (b"grpc-message", b"caf%C3%A9 100%25 closed%0A"),
    ];
    assert_eq!(fields, expected);
    assert_eq!(Code::of(2), Code::Other(2));
    assert_eq!(Code::of(14), Code::Unavailable);
}

#[test]
fn messages_are_framed() {
    assert_eq!(frame(b""), [0, 0, 0, 0, 0]);
    assert_eq!(frame(b"ab"), [0, 0, 0, 0, 2, b'a', b'b']);
}

#[test]
fn what_only_asks() {
    let service = "/temporal.api.workflowservice.v1.WorkflowService/";
    for method in [
        "PollActivityTaskQueue",
        "DescribeNamespace",
        "GetWorkflowExecutionHistory",
        "QueryWorkflow",
        "ListWorkflowExecutions",
    ] {
        assert!(
            only_asks(format!("{service}{method}").as_bytes()),
            "{method}"
        );
    }
    for method in [
        "StartWorkflowExecution",
        "RespondWorkflowTaskCompleted",
        "RecordActivityTaskHeartbeat",
        "SignalWorkflowExecution",
        "",
    ] {
        assert!(
            !only_asks(format!("{service}{method}").as_bytes()),
            "{method}"
        );
    }
    assert!(only_asks(b"/grpc.health.v1.Health/Check"));
    assert!(!only_asks(b"/acme.Orders/GetAndDelete"));
    assert!(!only_asks(b"/temporal.api.GetWhatever"));
}

#[test]
fn what_is_left_of_a_deadline_is_said_in_milliseconds() {
    let check = |text: &str, spent: Duration, expected: &str| {
        let left = Timeout::read(text.as_bytes()).unwrap().after(spent);
        assert_eq!(left.text(), expected.as_bytes());
        assert_eq!(Some(left), Timeout::read(expected.as_bytes()));
    };
    check("70S", Duration::from_millis(100), "69900m");
    check("70S", Duration::from_secs(71), "1m");
    // Eight digits of milliseconds are not enough for it.
    check("100001S", Duration::from_secs(1), "100001S");
}

#[test]
fn a_message_says_its_length_at_its_beginning() {
    assert_eq!(message_bytes(&frame(&[7; 300])), Some(305));
    assert_eq!(message_bytes(&[1, 0, 1, 0, 0, 7]), Some(65_541));
    assert_eq!(message_bytes(&[0, 0, 0, 1]), None);
}
