//! Values as people write them.

use super::*;

#[test]
fn spans_are_read_in_units_of_one_length() {
    let seconds = |text: &str| span(text).map(|span| span.as_secs());
    assert_eq!(seconds("30d"), Ok(30 * 86_400));
    assert_eq!(seconds("24h"), Ok(86_400));
    assert_eq!(seconds("1h 30m"), Ok(5_400));
    assert_eq!(seconds("2w"), Ok(14 * 86_400));
    assert_eq!(seconds("0s"), Ok(0));
    assert_eq!(span("250ms").unwrap().as_millis(), 250);
    for refused in [
        "",
        "30",
        "d",
        "1mo",
        "2y",
        "-3h",
        "3h ago",
        "1e9d",
        "99999999999999d",
    ] {
        assert!(span(refused).is_err(), "{refused}");
    }
    assert!(positive_span("0s").is_err());
    assert!(positive_span("1s").is_ok());
}

#[test]
fn months_are_refused_with_the_reason() {
    let error = span("1mo").unwrap_err();
    assert!(
        error.ends_with("found `1mo`: months and years differ in length"),
        "{error}"
    );
}

#[test]
fn names_are_read_by_their_kind() {
    assert_eq!(san("dns:w.x"), Ok(San::Dns("w.x".to_owned())));
    assert_eq!(
        san("uri:spiffe://a/b"),
        Ok(San::Uri("spiffe://a/b".to_owned()))
    );
    assert_eq!(san("email:a@b"), Ok(San::Email("a@b".to_owned())));
    assert_eq!(san("ip:::1"), Ok(San::Ip("::1".parse().unwrap())));
    for refused in ["w.x", "dns:", "ip:w.x", "mail:a@b"] {
        assert!(san(refused).is_err(), "{refused}");
    }
}

#[test]
fn kinds_of_key_have_one_name() {
    use clap::ValueEnum as _;
    for key in KeyName::value_variants() {
        let on_the_command_line = key.to_possible_value().unwrap();
        let in_the_configuration: KeyName = serde_json::from_value(key.name().into()).unwrap();
        assert_eq!(on_the_command_line.get_name(), key.name());
        assert_eq!(in_the_configuration, *key);
    }
}
