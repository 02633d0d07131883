//! Which credentials are worth a try.

use super::*;
use crate::testing::{Ca, ecdsa};

fn identity() -> Arc<Identity> {
    Arc::new(Ca::new().client(&ecdsa(), 2026))
}

fn credentials(identity: Option<&Arc<Identity>>, api_key: Option<&str>) -> Credentials {
    Credentials {
        identity: identity.cloned(),
        api_key: api_key.map(|text| Arc::new(ApiKey::parse(text).ok().unwrap())),
    }
}

#[test]
fn where_both_are_new_each_is_worth_a_try_alone() {
    let (one, two) = (identity(), identity());
    let adopted = credentials(Some(&one), Some("first"));
    let wanted = credentials(Some(&two), Some("second"));
    let ways = wanted.ways_from(Some(&adopted));
    let expected = [
        wanted.clone(),
        credentials(Some(&two), Some("first")),
        credentials(Some(&one), Some("second")),
    ];
    assert!(ways == expected);
    // The first time, and where one thing is new, there is one way.
    assert!(wanted.ways_from(None) == [wanted.clone()]);
    for adopted in [&expected[1], &expected[2]] {
        assert!(wanted.ways_from(Some(adopted)) == [wanted.clone()]);
    }
}

#[test]
fn names_are_for_people_and_hold_no_key() {
    let one = identity();
    let leaf = one.fingerprint();
    let shown = [
        credentials(Some(&one), None),
        credentials(Some(&one), Some("open-sesame")),
        credentials(None, Some("open-sesame")),
    ]
    .map(|credentials| credentials.to_string());
    let expected = [
        format!("leaf {leaf}"),
        format!("leaf {leaf} and an API key"),
        "an API key".to_owned(),
    ];
    assert_eq!(shown, expected);
}
