//! Rates are counted per owner, per account, and per second.

use jiff::SignedDuration;
use tonic::Code;

use super::*;

fn key(name: &str, owner: Owner) -> ApiKey {
    ApiKey {
        secret: format!("secret-of-{name}"),
        name: name.to_owned(),
        owner,
        expires_at: Timestamp::MAX,
    }
}

fn call(gate: &Gate, name: &str, now: Timestamp) -> Result<(), Code> {
    let mut headers = HeaderMap::new();
    let value = format!("Bearer secret-of-{name}");
    headers.insert("authorization", value.parse().unwrap());
    headers.insert(VERSION_HEADER, "v0.17.0".parse().unwrap());
    let admitted = gate.admit(&headers, now);
    admitted.map(|_key| ()).map_err(|status| status.code())
}

#[test]
fn each_owner_has_its_rate_and_the_account_has_one() {
    let keys = vec![
        key("ada", Owner::User),
        key("ci", Owner::ServiceAccount),
        key("bot", Owner::ServiceAccount),
    ];
    let gate = Gate::new(keys, Limits::DOCUMENTED);
    let now = Timestamp::UNIX_EPOCH;
    let accepted = |name: &str| (0..100).filter(|_| call(&gate, name, now).is_ok()).count();
    assert_eq!(accepted("ada"), 40);
    // What was refused counts too: 100 calls of the account's 160 are gone.
    assert_eq!(accepted("ci"), 60);
    assert_eq!(accepted("bot"), 0);
    assert_eq!(call(&gate, "bot", now), Err(Code::ResourceExhausted));
    let next_second = now + SignedDuration::from_secs(1);
    assert_eq!(call(&gate, "bot", next_second), Ok(()));
}

#[test]
fn versions_have_three_numbers() {
    for (text, is_one) in [
        ("v0.17.0", true),
        ("v0.19.1", true),
        ("0.17.0", false),
        ("v0.17", false),
        ("v0.17.x", false),
        ("2025-07-09-00", false),
    ] {
        assert_eq!(is_version(text), is_one, "{text}");
    }
}
