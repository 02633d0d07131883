//! A CA is never more than its parent.

use super::*;
use crate::{
    PrivateKey,
    forge::{days, key, now},
    issue::{LeafTemplate, LeafUse, San, leaf},
};

fn template(common_name: &str, length: i64) -> CaTemplate {
    CaTemplate {
        subject: Subject::new(common_name, Some("acme".to_owned()), None).unwrap(),
        serial: Serial::from_random([7; 16]),
        validity: Validity {
            not_before: now(),
            not_after: now() + days(length),
        },
    }
}

fn scope(path_length: u8) -> CaScope {
    CaScope {
        path_length,
        names: Constraints::default(),
    }
}

fn below(
    parent_scope: u8,
    template: &CaTemplate,
    scope: &CaScope,
) -> Result<(Certificate, Certificate), IssueError> {
    let parent_key = key("p256-a");
    let parent = root(
        &self::template("root g1", 100),
        &self::scope(parent_scope),
        &parent_key,
    )?;
    let issuer = Issuer::new(&parent, &parent_key)?;
    let made = intermediate(template, scope, key("p256-b").public_key(), &issuer)?;
    Ok((parent, made))
}

#[test]
fn an_intermediate_is_signed_by_its_parent_and_names_its_key() {
    let (parent, made) = below(1, &template("workers g1", 50), &scope(0)).unwrap();
    assert!(made.is_signed_by(&parent) && made.is_ca());
    let aki = made.extensions().authority_key_id.as_ref().unwrap();
    let ski = parent.extensions().subject_key_id.as_ref().unwrap();
    assert_eq!(aki.value.key_id.as_ref(), Some(&ski.value));
    let constraints = made.extensions().basic_constraints.as_ref().unwrap();
    assert_eq!(constraints.value.path_length, Some(0));
    assert!(constraints.critical);
}

#[test]
fn a_parent_of_leaves_signs_no_ca() {
    let refused = below(0, &template("workers g1", 50), &scope(0)).unwrap_err();
    assert!(matches!(
        refused,
        IssueError::PathLength {
            parent_path_length: 0,
            path_length: 0,
            ..
        }
    ));
    let refused = below(1, &template("workers g1", 50), &scope(1)).unwrap_err();
    assert!(matches!(refused, IssueError::PathLength { .. }));
    assert!(below(2, &template("workers g1", 50), &scope(1)).is_ok());
}

#[test]
fn a_ca_stays_within_its_parents_validity() {
    assert!(below(1, &template("workers g1", 100), &scope(0)).is_ok());
    let refused = below(1, &template("workers g1", 101), &scope(0)).unwrap_err();
    assert!(matches!(refused, IssueError::CaOutsideParent { .. }));
    let mut early = template("workers g1", 50);
    early.validity.not_before = now() - days(1);
    let refused = below(1, &early, &scope(0)).unwrap_err();
    assert!(matches!(refused, IssueError::CaOutsideParent { .. }));
}

#[test]
fn a_ca_is_not_named_as_its_parent() {
    let refused = below(1, &template("ROOT  g1", 50), &scope(0)).unwrap_err();
    assert!(matches!(refused, IssueError::SubjectIsIssuer { .. }));
}

fn constrained(names: Constraints, sans: Vec<San>) -> Result<Certificate, IssueError> {
    let ca_key = key("p256-a");
    let scope = CaScope {
        path_length: 0,
        names,
    };
    let ca = root(&template("g1", 100), &scope, &ca_key)?;
    let template = LeafTemplate {
        subject: Subject::new("w", Some("acme".to_owned()), None)?,
        sans,
        serial: Serial::from_random([1; 16]),
        validity: Validity {
            not_before: now(),
            not_after: now() + days(1),
        },
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
        assert!(matches!(refused, IssueError::Constrained { .. }), "{other}");
    }
    let networks = || Constraints {
        permitted: vec![Constraint::Network([10, 0, 0, 0].into(), 8)],
        excluded: Vec::new(),
    };
    assert!(constrained(networks(), vec![San::Ip([10, 1, 2, 3].into())]).is_ok());
    assert!(constrained(networks(), vec![San::Ip([11, 1, 2, 3].into())]).is_err());
}

#[test]
fn constraints_that_cannot_be_written_are_refused() {
    for constraint in [
        Constraint::Dns("wörker.example".to_owned()),
        Constraint::Dns(String::new()),
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
