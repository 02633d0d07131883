//! Which bundle is submitted.

use super::*;

const NOW: &str = "2026-11-22T12:00:00Z";

fn ca(pem: &str) -> Certificate {
    Certificate::all_from_pem(pem).unwrap().remove(0)
}

fn g1() -> Certificate {
    ca(include_str!("../simulator/cas/g1.pem"))
}

fn g2() -> Certificate {
    ca(include_str!("../simulator/cas/g2.pem"))
}

fn stranger() -> Certificate {
    ca(include_str!("../simulator/cas/stranger.pem"))
}

fn expired() -> Certificate {
    ca(include_str!("../simulator/cas/expired.pem"))
}

#[track_caller]
fn check(
    current: &[Certificate],
    accept: &[Certificate],
    refuse: &[Certificate],
    expected: &[Certificate],
) {
    let refuse: Vec<_> = refuse.iter().map(Certificate::fingerprint).collect();
    let current = TrustBundle::new(current.iter().cloned());
    let proposed = propose(&current, accept, &refuse, NOW.parse().unwrap()).unwrap();
    assert_eq!(proposed.members(), expected);
}

#[test]
fn the_new_ca_joins_the_old_one_and_strangers_stay() {
    check(
        &[g1(), stranger()],
        &[g1(), g2()],
        &[],
        &[g1(), stranger(), g2()],
    );
}

#[test]
fn the_old_ca_leaves_and_strangers_stay() {
    check(
        &[g1(), stranger(), g2()],
        &[g2()],
        &[g1()],
        &[stranger(), g2()],
    );
}

/// Temporal Cloud refuses any update that leaves an expired member, so all of them go in the same change.
#[test]
fn expired_members_leave_with_every_change() {
    check(&[expired(), g1()], &[g1(), g2()], &[], &[g1(), g2()]);
}

#[test]
fn doing_it_twice_is_doing_it_once() {
    check(&[g1(), g2()], &[g1(), g2()], &[], &[g1(), g2()]);
}

#[test]
fn an_expired_ca_is_never_asked_for() {
    let current = TrustBundle::new([g1()]);
    let error = propose(&current, &[expired()], &[], NOW.parse().unwrap()).unwrap_err();
    assert!(matches!(error, ChangeError::NotValidNow { .. }), "{error}");
}

#[test]
fn nobody_is_locked_out() {
    let current = TrustBundle::new([g1()]);
    let refuse = [g1().fingerprint()];
    let error = propose(&current, &[], &refuse, NOW.parse().unwrap()).unwrap_err();
    assert_eq!(error, ChangeError::Empty);
}
