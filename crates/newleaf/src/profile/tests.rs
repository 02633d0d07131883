//! What a request may ask for.

use super::*;

#[track_caller]
fn check(pattern: &str, san: &str, expected: bool) {
    let pattern = SanPattern::parse(pattern).unwrap();
    assert_eq!(
        pattern.matches(&text::san(san).unwrap()),
        expected,
        "{pattern} {san}"
    );
}

#[test]
fn an_asterisk_stands_for_something() {
    check("dns:*.workers.example", "dns:a.workers.example", true);
    check("dns:*.workers.example", "dns:A.Workers.Example", true);
    check("dns:*.workers.example", "dns:.workers.example", false);
    check("dns:*.workers.example", "dns:workers.example", false);
    check("dns:*.workers.example", "dns:a.workers.example.evil", false);
    check("dns:a.x", "dns:a.x", true);
    check("dns:a.x", "uri:a.x", false);
    check("uri:spiffe://acme/*", "uri:spiffe://acme/worker", true);
    check("uri:spiffe://acme/*", "uri:spiffe://ACME/worker", false);
    check("ip:10.0.0.7", "ip:10.0.0.7", true);
    check("email:*@acme.example", "email:w@acme.example", true);
}

#[test]
fn patterns_have_one_asterisk_at_most() {
    for bad in ["dns:*.*", "a.x", "host:a", "dns:"] {
        assert!(SanPattern::parse(bad).is_err(), "{bad}");
    }
}
