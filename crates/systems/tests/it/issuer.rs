//! The local CA: whole CAs, honest ledgers, destroyed keys.

use std::os::unix::fs::PermissionsExt as _;

use jiff::SignedDuration;
use newleaf_identity::generate::{self, KeyKind};
use newleaf_rotation::HolderId;
use newleaf_systems::{
    issuer::{BACKDATE, IssuerError, LeafEnd, LeafRequest},
    ledger::Role,
};
use newleaf_x509::{
    TrustBundle,
    issue::{IssueError, Subject},
    lint::{Context, Profile},
};

use crate::desk::{Desk, NEW, OLD, now};

fn request() -> LeafRequest {
    LeafRequest {
        generation: OLD,
        subject: Subject::new("worker-a", None, None).unwrap(),
        sans: Vec::new(),
        key: KeyKind::EcdsaP256,
        lifetime: SignedDuration::from_hours(24),
        end: LeafEnd::Refused,
        role: Role::Holder(HolderId::new("worker-a")),
        rotation: None,
    }
}

fn context() -> Context {
    Context {
        profile: Profile::TemporalCloud,
        now: now(),
    }
}

#[test]
fn a_new_ca_is_whole_lints_clean_and_its_key_is_nobody_elses() {
    let (desk, ca) = Desk::with_ca();
    let sight = desk.ca().look(OLD, &context()).unwrap();
    assert_eq!(sight.ca.unwrap().fingerprint, ca.fingerprint());
    assert!(sight.key);
    assert!(sight.findings.is_empty(), "{:?}", sight.findings);
    assert_eq!(ca.subject().to_string(), "O=acme, CN=payments-ca g1");
    let mode = fs_err::metadata(desk.path("ca/g1/ca.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_ca_is_never_overwritten() {
    let (desk, ca) = Desk::with_ca();
    let error = desk.ca().make(OLD, now()).unwrap_err();
    assert!(
        matches!(
            error,
            IssuerError::Exists {
                generation: OLD,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(desk.ca().existing(OLD).unwrap(), ca);
    // A key without a certificate is somebody's too.
    fs_err::remove_file(desk.path("ca/g1/ca.crt")).unwrap();
    assert!(matches!(
        desk.ca().make(OLD, now()),
        Err(IssuerError::Exists { .. })
    ));
}

#[test]
fn what_a_crash_left_beside_the_cas_is_no_obstacle() {
    let desk = Desk::new();
    fs_err::create_dir_all(desk.path("ca/.g1.newleaf")).unwrap();
    fs_err::write(desk.path("ca/.g1.newleaf/ca.key"), "half a key").unwrap();
    desk.ca().make(OLD, now()).unwrap();
    assert!(!desk.path("ca/.g1.newleaf").exists());
}

#[test]
fn a_leaf_is_accepted_where_its_ca_is_and_stands_in_the_ledger() {
    let (desk, ca) = Desk::with_ca();
    let new = desk.ca().sign(request(), &*desk.ledger, now()).unwrap();
    new.chain
        .accepted_by(&TrustBundle::new([ca]), now())
        .unwrap();
    let [entry] = &desk.ledger.all()[..] else {
        panic!("{:?}", desk.ledger.all())
    };
    assert_eq!(entry.fingerprint, new.chain.leaf().fingerprint());
    assert_eq!(entry.not_after, new.chain.leaf().not_after());
}

#[test]
fn no_leaf_leaves_our_hands_without_a_ledger_entry() {
    let (desk, _ca) = Desk::with_ca();
    desk.ledger.fail();
    let result = desk.ca().sign(request(), &*desk.ledger, now());
    assert!(matches!(result, Err(IssuerError::Ledger(_))));
}

#[test]
fn a_leaf_that_would_outlive_its_ca_is_refused_and_never_shortened_unasked() {
    let (desk, ca) = Desk::with_ca();
    let long = LeafRequest {
        lifetime: SignedDuration::from_hours(24 * 366),
        ..request()
    };
    match desk.ca().sign(long.clone(), &*desk.ledger, now()) {
        Err(IssuerError::Issue(IssueError::LeafOutlivesCa { .. })) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("a leaf was signed"),
    }
    assert!(desk.ledger.all().is_empty());
    let asked = LeafRequest {
        end: LeafEnd::WithCa,
        ..long
    };
    let new = desk.ca().sign(asked, &*desk.ledger, now()).unwrap();
    assert_eq!(new.chain.leaf().not_after(), ca.not_after());
}

#[test]
fn a_leaf_is_backdated_but_not_before_its_ca() {
    let (desk, ca) = Desk::with_ca();
    let soon = ca.not_before() + SignedDuration::from_mins(1);
    let first = desk.ca().sign(request(), &*desk.ledger, soon).unwrap();
    assert_eq!(first.chain.leaf().not_before(), ca.not_before());
    let later = now() + SignedDuration::from_hours(1);
    let second = desk.ca().sign(request(), &*desk.ledger, later).unwrap();
    let backdated = later - BACKDATE;
    assert_eq!(
        second.chain.leaf().not_before().as_second(),
        backdated.as_second()
    );
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let (desk, _ca) = Desk::with_ca();
    let key = desk.path("ca/g1/ca.key");
    fs_err::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(desk.ca().sign(request(), &*desk.ledger, now()).is_err());
    let findings = desk.ca().look(OLD, &context()).unwrap().findings;
    assert!(findings[0].contains("0644"), "{findings:?}");
}

#[test]
fn a_key_that_is_another_cas_is_found_and_signs_nothing() {
    let (desk, _ca) = Desk::with_ca();
    let other = generate::key(KeyKind::EcdsaP256).unwrap();
    let path = desk.path("ca/g1/ca.key");
    fs_err::write(&path, other.to_pem().as_bytes()).unwrap();
    let findings = desk.ca().look(OLD, &context()).unwrap().findings;
    assert!(!findings.is_empty());
    match desk.ca().sign(request(), &*desk.ledger, now()) {
        Err(IssuerError::Issue(IssueError::KeyMismatch { .. })) => {}
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("a leaf was signed"),
    }
    assert!(desk.ledger.all().is_empty());
}

#[test]
fn a_destroyed_key_is_gone_its_certificate_stays_and_twice_is_once() {
    let (desk, ca) = Desk::with_ca();
    desk.ca().destroy_key(OLD).unwrap();
    desk.ca().destroy_key(OLD).unwrap();
    assert!(!desk.path("ca/g1/ca.key").exists());
    assert_eq!(desk.ca().existing(OLD).unwrap(), ca);
    assert!(matches!(
        desk.ca().sign(request(), &*desk.ledger, now()),
        Err(IssuerError::NoKey { .. })
    ));
    assert!(matches!(
        desk.ca().make(OLD, now()),
        Err(IssuerError::Exists { .. })
    ));
}

#[test]
fn an_expired_ca_is_found() {
    let (desk, ca) = Desk::with_ca();
    let late = Context {
        now: ca.not_after() + SignedDuration::from_secs(1),
        ..context()
    };
    assert!(!desk.ca().look(OLD, &late).unwrap().findings.is_empty());
}

#[test]
fn a_ledger_that_lost_entries_proves_nothing() {
    let (desk, _ca) = Desk::with_ca();
    assert!(desk.ca().is_complete(OLD, 0).unwrap());
    desk.ca().sign(request(), &*desk.ledger, now()).unwrap();
    assert!(desk.ca().is_complete(OLD, desk.ledger.all().len()).unwrap());
    desk.ledger.lose_everything();
    assert!(!desk.ca().is_complete(OLD, desk.ledger.all().len()).unwrap());
}

#[test]
fn of_an_imported_ca_not_every_leaf_is_known() {
    let (desk, _ca) = Desk::with_ca();
    fs_err::remove_file(desk.path("ca/g1/issued")).unwrap();
    desk.ca().sign(request(), &*desk.ledger, now()).unwrap();
    assert!(!desk.ca().is_complete(OLD, 1_000).unwrap());
}

#[test]
fn generations_are_listed_in_order_and_other_things_passed_over() {
    let (desk, _ca) = Desk::with_ca();
    desk.ca().make(NEW, now()).unwrap();
    fs_err::create_dir(desk.path("ca/backup")).unwrap();
    fs_err::create_dir(desk.path("ca/g7")).unwrap();
    let found: Vec<_> = desk
        .ca()
        .generations()
        .unwrap()
        .into_iter()
        .map(|(g, _)| g)
        .collect();
    assert_eq!(found, [OLD, NEW]);
}

#[test]
fn a_certificate_file_with_a_key_in_it_is_refused() {
    let (desk, ca) = Desk::with_ca();
    let key = fs_err::read_to_string(desk.path("ca/g1/ca.key")).unwrap();
    fs_err::write(desk.path("ca/g1/ca.crt"), ca.to_pem() + &key).unwrap();
    let error = desk.ca().existing(OLD).unwrap_err();
    assert!(matches!(error, IssuerError::Store { .. }));
    assert!(!format!("{error:?}").contains(key.lines().nth(1).unwrap()));
}
