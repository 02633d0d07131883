//! What a change means is told from names, keys and signatures, whatever the text.

use super::*;
use crate::forge::{Forge, days, now};

fn ca(name: &str, key: &'static str) -> Certificate {
    Forge::root(name, key).certificate()
}

fn kinds(old: &[Certificate], new: &[Certificate]) -> Vec<FateKind> {
    let bundle = |members: &[Certificate]| TrustBundle::new(members.iter().cloned());
    compare(&bundle(old), &bundle(new))
        .iter()
        .map(Fate::kind)
        .collect()
}

#[test]
fn order_is_no_change() {
    let (g1, g2) = (ca("g1", "p256-a"), ca("g2", "p256-b"));
    assert_eq!(
        kinds(&[g1.clone(), g2.clone()], &[g2, g1]),
        [FateKind::Kept, FateKind::Kept]
    );
}

#[test]
fn a_rollover_adds_and_then_removes() {
    let (g1, g2) = (ca("g1", "p256-a"), ca("g2", "p256-b"));
    let both = [g1.clone(), g2.clone()];
    assert_eq!(
        kinds(std::slice::from_ref(&g1), &both),
        [FateKind::Kept, FateKind::Added]
    );
    assert_eq!(kinds(&both, &[g2]), [FateKind::Removed, FateKind::Kept]);
}

#[test]
fn the_same_key_under_the_same_name_goes_on() {
    let old = ca("g1", "p256-a");
    let new = Forge::root("g1", "p256-a")
        .with(|f| f.not_after = now() + days(900))
        .certificate();
    let old_bundle = TrustBundle::new([old.clone()]);
    let fates = compare(&old_bundle, &TrustBundle::new([new.clone()]));
    assert_eq!(fates, [Fate::Reissued { old, new }]);
}

#[test]
fn another_key_under_the_same_name_is_a_collision() {
    let (old, new) = (ca("g1", "p256-a"), ca("g1", "p256-b"));
    assert_eq!(kinds(&[old], &[new]), [FateKind::Rekeyed]);
}

#[test]
fn of_two_with_the_same_name_the_one_with_the_same_key_stands_in() {
    let old = ca("g1", "p256-a");
    let other = ca("g1", "p256-b");
    let same = Forge::root("g1", "p256-a")
        .with(|f| f.not_after = now() + days(900))
        .certificate();
    assert_eq!(
        kinds(&[old], &[other, same]),
        [FateKind::Reissued, FateKind::Added]
    );
}

#[test]
fn an_intermediate_whose_root_stays_is_covered() {
    let root = ca("root", "p256-a");
    let intermediate = Forge::root("middle", "p256-b")
        .with(|f| {
            f.issuer = Forge::root("root", "p256-a").subject;
            f.signer = "p256-a";
        })
        .certificate();
    let old = TrustBundle::new([root.clone(), intermediate.clone()]);
    let fates = compare(&old, &TrustBundle::new([root.clone()]));
    let covered = Fate::Removed {
        old: intermediate,
        covered_by: Some(root.clone()),
    };
    assert_eq!(fates, [Fate::Kept(root), covered]);
}
