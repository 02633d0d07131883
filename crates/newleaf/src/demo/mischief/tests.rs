//! Tests of the choice of crashes.

use super::pick;

#[test]
fn a_seed_repeats_itself() {
    assert_eq!(pick(5, 42), pick(5, 42));
    assert_ne!(pick(5, 42), pick(5, 43));
}

#[test]
fn every_step_can_be_hit() {
    let hit: std::collections::BTreeSet<usize> = pick(2_000, 1)
        .into_iter()
        .map(|crash| crash.step(19))
        .collect();
    assert_eq!(hit, (0..19).collect());
}

#[test]
fn they_come_in_order() {
    let picked = pick(50, 9);
    assert!(picked.is_sorted_by_key(|crash| crash.step(19)));
}
