//! A CA is never more than its parent.

use super::*;
use crate::forge::{days, key, now};

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
