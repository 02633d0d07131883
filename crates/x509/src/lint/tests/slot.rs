//! The CA files of a Temporal server of one's own.

use super::*;

fn file(forges: &[&Forge]) -> TrustBundle {
    TrustBundle::new(forges.iter().map(|forge| forge.certificate()))
}

pub(super) fn cases() -> Vec<Case> {
    let (old, new) = (Forge::root("g1", "p256-a"), Forge::root("g2", "p256-b"));
    let (one, two) = (file(&[&old]), file(&[&new]));
    let (old_new, new_old) = (file(&[&old, &new]), file(&[&new, &old]));
    let files = |files: &[TrustBundle]| ca_slot_files(files, &SELF_HOSTED);
    let change = |a: &[&TrustBundle], b: &[&TrustBundle]| {
        let cloned =
            |files: &[&TrustBundle]| files.iter().map(|f| (*f).clone()).collect::<Vec<_>>();
        ca_slot_change(&cloned(a), &cloned(b), &SELF_HOSTED)
    };
    vec![
        case("one a file", files(&[one.clone(), two.clone()]), &[]),
        case("one repeated", files(&[one.clone(), one.clone()]), &[]),
        case(
            "two in a file",
            files(std::slice::from_ref(&old_new)),
            &["NL901"],
        ),
        case(
            "an empty file",
            files(&[one.clone(), file(&[])]),
            &["NL902"],
        ),
        case(
            "for the cloud",
            ca_slot_files(std::slice::from_ref(&old_new), &CLOUD),
            &[],
        ),
        case(
            "old, then old and new",
            change(&[&one], &[&old_new]),
            &["NL903"],
        ),
        case(
            "new and old, then new",
            change(&[&new_old], &[&two]),
            &["NL903"],
        ),
        case("old, then new and old", change(&[&one], &[&new_old]), &[]),
        case(
            "the second slot changes",
            change(&[&one, &one], &[&one, &two]),
            &[],
        ),
        case("nothing changes", change(&[&one], &[&one]), &[]),
    ]
}

#[test]
fn slots() {
    check(cases());
}
