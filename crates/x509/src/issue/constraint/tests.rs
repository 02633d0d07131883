//! What a constrained CA may certify.

use super::*;
use crate::{
    PrivateKey,
    forge::{Forge, O, days, key, name, now, tlv},
    issue::{
        CaScope, CaTemplate, Issuer, LeafTemplate, LeafUse, Serial, Subject, Validity, leaf, root,
    },
};

fn constrained(names: Constraints, sans: Vec<San>) -> Result<Certificate, IssueError> {
    let ca_key = key("p256-a");
    let scope = CaScope {
        path_length: 0,
        names,
    };
    let validity = Validity {
        not_before: now(),
        not_after: now() + days(1),
    };
    let template = CaTemplate {
        subject: Subject::new("g1", None, None)?,
        serial: Serial::from_random([7; 16]),
        validity,
    };
    let ca = root(&template, &scope, &ca_key)?;
    let template = LeafTemplate {
        subject: Subject::new("w", Some("acme".to_owned()), None)?,
        sans,
        serial: Serial::from_random([1; 16]),
        validity,
        usage: LeafUse::Client,
    };
    let leaf_key: PrivateKey = key("p256-b");
    leaf(&template, &leaf_key, &Issuer::new(&ca, &ca_key)?)
}

#[test]
fn a_constrained_ca_certifies_only_what_it_may() {
    let dns = |name: &str| vec![San::Dns(name.to_owned())];
    let names = || Constraints {
        permitted: vec![Constraint::Dns("workers.example".to_owned())],
        excluded: vec![Constraint::Dns("old.workers.example".to_owned())],
    };
    assert!(constrained(names(), dns("a.workers.example")).is_ok());
    assert!(
        constrained(names(), Vec::new()).is_ok(),
        "no name of the kind"
    );
    for other in ["a.example", "b.old.workers.example"] {
        let refused = constrained(names(), dns(other)).unwrap_err();
        let said = refused.to_string();
        assert!(said.ends_with(&format!("found `DNS:{other}`")), "{said}");
    }
    let below = Constraints {
        permitted: vec![Constraint::Dns(".workers.example".to_owned())],
        excluded: Vec::new(),
    };
    assert!(constrained(below.clone(), dns("a.workers.example")).is_ok());
    assert!(constrained(below, dns("workers.example")).is_err());
    let networks = || Constraints {
        permitted: vec![Constraint::Network([10, 0, 0, 0].into(), 8)],
        excluded: Vec::new(),
    };
    assert!(constrained(networks(), vec![San::Ip([10, 1, 2, 3].into())]).is_ok());
    assert!(constrained(networks(), vec![San::Ip([11, 1, 2, 3].into())]).is_err());
}

#[test]
fn hosts_of_uris_and_mailboxes_are_constrained() {
    let uri = |uri: &str| San::Uri(uri.to_owned());
    let mail = |mail: &str| San::Email(mail.to_owned());
    let of_uri = |host: &str| Constraint::Uri(host.to_owned());
    let of_mail = |host: &str| Constraint::Email(host.to_owned());
    let permitted: [(Constraint, San, bool); 15] = [
        (of_uri("w.example"), uri("spiffe://w.example/a"), true),
        (
            of_uri("w.example"),
            uri("https://u@W.example:7233/?q"),
            true,
        ),
        // Go would take it, OpenSSL would not.
        (of_uri("w.example"), uri("spiffe://a.w.example/a"), false),
        (of_uri(".w.example"), uri("spiffe://a.w.example/a"), true),
        (of_uri(".w.example"), uri("spiffe://w.example/a"), false),
        (of_uri(".w.example"), uri("spiffe://.w.example/a"), false),
        (of_uri("w.example"), uri("spiffe://xw.example/a"), false),
        (of_uri("w.example"), uri("spiffe://w.example.evil/a"), false),
        (of_uri("w.example"), uri("spiffe://evil/w.example"), false),
        (of_uri("w.example"), uri("urn:w.example"), false),
        (of_uri("10.0.0.1"), uri("https://10.0.0.1/"), false),
        (
            of_uri("w.example"),
            San::Dns("other.example".to_owned()),
            true,
        ),
        (of_mail("w.example"), mail("a@w.example"), true),
        (of_mail("w.example"), mail("a@b.w.example"), false),
        (of_mail("a@w.example"), mail("b@w.example"), false),
    ];
    for (constraint, san, expected) in permitted {
        let said = format!("{constraint:?} {san:?}");
        let names = Constraints {
            permitted: vec![constraint],
            excluded: Vec::new(),
        };
        assert_eq!(constrained(names, vec![san]).is_ok(), expected, "{said}");
    }
    let excluded = [
        (of_uri("w.example"), uri("spiffe://a.w.example/a"), false),
        (of_uri("w.example"), uri("spiffe://other.example/a"), true),
        (of_uri("w.example"), uri("urn:other"), false),
        (of_mail("w.example"), mail("a@b.w.example"), false),
    ];
    for (constraint, san, expected) in excluded {
        let said = format!("{constraint:?} {san:?}");
        let names = Constraints {
            permitted: Vec::new(),
            excluded: vec![constraint],
        };
        assert_eq!(constrained(names, vec![san]).is_ok(), expected, "{said}");
    }
}

/// Somebody else's CA may constrain what Go does not interpret; no leaf below it would ever be accepted.
#[test]
fn a_constraint_that_go_does_not_interpret_allows_nothing() {
    let directory = tlv(0xa4, &name(&[(O, "acme")]));
    let subtrees = tlv(0xa0, &tlv(0x30, &directory));
    let ca = Forge::root("g1", "p256-a")
        .extension(("2.5.29.30", true, tlv(0x30, &subtrees)))
        .certificate();
    assert!(matches!(
        allow(&ca, &[]),
        Err(IssueError::ConstraintsUnread { .. })
    ));
}

#[test]
fn constraints_that_cannot_be_written_are_refused() {
    for constraint in [
        Constraint::Dns("wörker.example".to_owned()),
        Constraint::Dns(String::new()),
        Constraint::Uri("spiffe://w.example".to_owned()),
        Constraint::Network([10, 0, 0, 0].into(), 33),
    ] {
        let names = Constraints {
            permitted: vec![constraint],
            excluded: Vec::new(),
        };
        let refused = constrained(names, Vec::new()).unwrap_err();
        assert!(matches!(refused, IssueError::Constraint { .. }));
    }
}
