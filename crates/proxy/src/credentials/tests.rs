//! Which credentials are worth a try.

use newleaf_identity::generate::{self, KeyKind};
use newleaf_x509::{
    Chain,
    issue::{self, Issuer, LeafTemplate, LeafUse, Subject, Validity},
};

use super::*;

fn identity() -> Arc<Identity> {
    let validity = Validity {
        not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
        not_after: "2027-01-01T00:00:00Z".parse().unwrap(),
    };
    let key = generate::key(KeyKind::EcdsaP256).unwrap();
    let ca = issue::CaTemplate {
        subject: Subject::new("g1", None, None).unwrap(),
        serial: generate::serial().unwrap(),
        validity,
    };
    let ca = issue::ca(&ca, &key).unwrap();
    let template = LeafTemplate {
        subject: Subject::new("worker", None, None).unwrap(),
        sans: vec![],
        serial: generate::serial().unwrap(),
        validity,
        usage: LeafUse::Client,
    };
    let own = generate::key(KeyKind::EcdsaP256).unwrap();
    let leaf = issue::leaf(&template, &own, &Issuer::new(&ca, &key).unwrap()).unwrap();
    let now = "2026-06-01T00:00:00Z".parse().unwrap();
    let identity = Identity::new(Chain::new([leaf]).unwrap(), &own, now);
    Arc::new(identity.ok().unwrap())
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
