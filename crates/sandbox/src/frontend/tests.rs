//! Deadlines are read as gRPC writes them.

use super::*;

#[test]
fn a_deadline_has_digits_and_a_unit() {
    let read = |text: &str| {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", text.parse().unwrap());
        grpc_timeout(&metadata)
    };
    assert_eq!(read("2H"), Some(Duration::from_hours(2)));
    assert_eq!(read("3M"), Some(Duration::from_mins(3)));
    assert_eq!(read("70S"), Some(Duration::from_secs(70)));
    assert_eq!(read("1500m"), Some(Duration::from_millis(1_500)));
    assert_eq!(read("99999999u"), Some(Duration::from_micros(99_999_999)));
    assert_eq!(read("5n"), Some(Duration::from_nanos(5)));
    for text in ["", "S", "70", "70s", "-1S", "1.5S"] {
        assert_eq!(read(text), None, "{text}");
    }
    assert_eq!(grpc_timeout(&MetadataMap::new()), None);
}
