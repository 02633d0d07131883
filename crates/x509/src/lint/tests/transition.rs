//! Changes of a bundle, and the filters beside it.

use super::*;
use crate::filter::{Filter, FilterText};

fn old() -> Forge {
    Forge::root("g1", "p256-a")
}

fn new() -> Forge {
    Forge::root("g2", "p256-b")
}

fn of(forges: &[&Forge]) -> TrustBundle {
    TrustBundle::new(forges.iter().map(|forge| forge.certificate()))
}

fn under(ca: &Forge) -> Chain {
    Chain::new([Forge::leaf("worker", "p256-c", ca).certificate()]).unwrap()
}

fn lint(current: &[&Forge], proposed: &[&Forge], in_use: &[Chain]) -> Vec<Finding> {
    transition(&of(current), &of(proposed), in_use, &CLOUD)
}

pub(super) fn cases() -> Vec<Case> {
    let (old, new) = (old(), new());
    let ended = Forge::root("g0", "p256-d").with(|f| f.not_after = now() - days(1));
    let same_key = Forge::root("g3", "p256-a");
    let same_subject = Forge::root("G1", "p256-b");
    let same_id = new.clone().extension(forge::ski("p256-a"));
    let renewed = old.clone().with(|f| f.not_after = now() + days(400));
    let (on_old, on_new) = (under(&old), under(&new));
    let gone = under(&Forge::root("g9", "p256-d"));
    vec![
        case(
            "add",
            lint(&[&old], &[&old, &new], std::slice::from_ref(&on_old)),
            &[],
        ),
        case("first CA", lint(&[], &[&old], &[]), &[]),
        case(
            "remove what nobody presents",
            lint(&[&old, &new], &[&new], std::slice::from_ref(&on_new)),
            &[],
        ),
        case("remove the last", lint(&[&old], &[], &[]), &["NL701"]),
        case(
            "remove the last in use",
            lint(&[&old], &[], std::slice::from_ref(&on_old)),
            &["NL701", "NL702"],
        ),
        case(
            "cut off",
            lint(&[&old, &new], &[&new], &[on_old.clone(), on_new]),
            &["NL702"],
        ),
        case(
            "add beside an expired one",
            lint(&[&ended, &old], &[&ended, &old, &new], &[]),
            &["NL703"],
        ),
        case(
            "add and drop the expired one",
            lint(&[&ended, &old], &[&old, &new], &[]),
            &[],
        ),
        case("replace an expired one", lint(&[&ended], &[&new], &[]), &[]),
        case(
            "one expired of two goes",
            {
                let other = ended.clone().with(|f| f.serial = vec![7]);
                lint(&[&ended, &other, &old], &[&other, &old], &[])
            },
            &["NL703"],
        ),
        case(
            "expired, self-hosted",
            {
                transition(
                    &of(&[&ended, &old]),
                    &of(&[&ended, &old, &new]),
                    &[],
                    &SELF_HOSTED,
                )
            },
            &[],
        ),
        case(
            "nothing",
            lint(&[&old, &new], &[&new, &old], std::slice::from_ref(&gone)),
            &["NL704"],
        ),
        case(
            "key again",
            lint(&[&old], &[&old, &same_key], &[]),
            &["NL705"],
        ),
        case(
            "subject again",
            lint(&[&old], &[&old, &same_subject], &[]),
            &["NL706"],
        ),
        case(
            "key and subject again",
            lint(&[&old], &[&old, &renewed], &[]),
            &["NL705", "NL706"],
        ),
        case(
            "key identifier again",
            lint(&[&old], &[&old, &same_id], &[]),
            &["NL707"],
        ),
        case("all at once", lint(&[&old], &[&new], &[]), &["NL708"]),
        case(
            "all at once, in use",
            lint(&[&old], &[&new], &[on_old]),
            &["NL702", "NL708"],
        ),
        case(
            "down already",
            lint(&[&old], &[&old, &new], &[gone]),
            &["NL709"],
        ),
    ]
}

fn filters_of(texts: &[(&str, &str)]) -> Filters {
    let filter = |(common_name, organization): &(&str, &str)| {
        Filter::try_from(FilterText {
            common_name: (*common_name).to_owned(),
            organization: (*organization).to_owned(),
            ..FilterText::default()
        })
        .unwrap()
    };
    Filters::new(texts.iter().map(filter)).unwrap()
}

pub(super) fn filter_cases() -> Vec<Case> {
    let bundle = of(&[&old()]);
    let leaves = [under(&old()).leaf().clone()];
    let lint = |texts| super::filters(&filters_of(texts), &leaves, &bundle, &CLOUD);
    let unknown = |texts| super::filters(&filters_of(texts), &[], &bundle, &CLOUD);
    vec![
        case("admitted", lint(&[("work*", "")]), &[]),
        case("both fields", lint(&[("work*", "ACME")]), &[]),
        case(
            "not admitted",
            lint(&[("work*", "else")]),
            &["NL801", "NL802"],
        ),
        case(
            "one of two admits",
            lint(&[("worker", ""), ("starter", "")]),
            &["NL802"],
        ),
        case("no leaf is known", unknown(&[("starter", "")]), &[]),
        case(
            "covered",
            unknown(&[("w*", ""), ("worker", "acme")]),
            &["NL803"],
        ),
        case(
            "the same, case apart",
            unknown(&[("Worker", ""), ("worker", "")]),
            &["NL803"],
        ),
        case(
            "beside each other",
            unknown(&[("w*", "a"), ("wo*", "b")]),
            &[],
        ),
        case("none", lint(&[]), &["NL804"]),
        case(
            "none beside a public root",
            super::filters(&filters_of(&[]), &leaves, &public_root(), &CLOUD),
            &["NL804", "NL805"],
        ),
        case(
            "none, self-hosted",
            super::filters(&filters_of(&[]), &leaves, &bundle, &SELF_HOSTED),
            &[],
        ),
    ]
}

pub(super) fn public_root() -> TrustBundle {
    let root = &webpki_root_certs::TLS_SERVER_ROOT_CERTS[0];
    TrustBundle::new([Certificate::from_der(root).unwrap()])
}

#[test]
fn transitions() {
    check(cases());
}

#[test]
fn filters() {
    check(filter_cases());
}

#[test]
fn a_chain_that_is_cut_off_is_named_with_its_ca() {
    let findings = lint(&[&old(), &new()], &[&new()], &[under(&old())]);
    assert_eq!(findings[0].subject, label(under(&old()).leaf()).to_string());
    assert_eq!(
        findings[0].message,
        format!(
            "expected {} to stay for it, found it removed",
            label(&old().certificate())
        ),
    );
}
