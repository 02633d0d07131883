//! Sets of accepted CAs.

use super::*;
use crate::forge::{ski, tlv};

fn g(common_name: &str, key: &'static str) -> Forge {
    Forge::root(common_name, key)
}

fn of(forges: &[Forge]) -> TrustBundle {
    TrustBundle::new(forges.iter().map(Forge::certificate))
}

/// So many CAs that share one key, each made larger by so many bytes.
fn crowd(n: usize, padding: usize) -> TrustBundle {
    let padding = ("1.3.6.1.4.1.99999.2", false, tlv(0x04, &vec![0; padding]));
    let member = |i| g(&format!("g{i}"), "p256-a").extension(padding.clone());
    of(&(0..n).map(member).collect::<Vec<_>>())
}

/// Lints, and leaves out what the crowd has for sharing one key.
fn crowd_lint(crowd: &TrustBundle) -> Vec<Finding> {
    let mut findings = bundle(crowd, &CLOUD);
    findings.retain(|finding| finding.lint.name != "MembersShareKey");
    findings
}

pub(super) fn cases() -> Vec<Case> {
    let lint = |forges: &[Forge]| bundle(&of(forges), &CLOUD);
    let (old, new) = (g("g1", "p256-a"), g("g2", "p256-b"));
    let ended = old.clone().with(|f| f.not_after = now() - days(1));
    let to_come = new.clone().with(|f| f.not_before = now() + days(1));
    let middle = Forge::intermediate("i1", "p256-b", &old);
    let leaf = Forge::leaf("worker", "p256-b", &old);
    let key_again = g("g3", "p256-a");
    let id_again = new.clone().extension(ski("p256-a"));
    let self_hosted = |forges: &[Forge]| bundle(&of(forges), &SELF_HOSTED);
    vec![
        case(
            "a public root",
            bundle(&transition::public_root(), &CLOUD),
            &["NL308", "NL414", "NL612"],
        ),
        case("one", lint(std::slice::from_ref(&old)), &[]),
        case("old and new", lint(&[old.clone(), new.clone()]), &[]),
        case(
            "root and intermediate",
            lint(&[middle.clone(), old.clone()]),
            &[],
        ),
        case("none", lint(&[]), &["NL601"]),
        case("15", crowd_lint(&crowd(15, 0)), &[]),
        case("16", crowd_lint(&crowd(16, 0)), &["NL604"]),
        case("17", crowd_lint(&crowd(17, 0)), &["NL602"]),
        case("room for one more", crowd_lint(&crowd(10, 1500)), &[]),
        case(
            "no room for one more",
            crowd_lint(&crowd(12, 1500)),
            &["NL604"],
        ),
        case("too large", crowd_lint(&crowd(14, 1500)), &["NL603"]),
        case(
            "17, self-hosted",
            {
                let mut findings = bundle(&crowd(17, 2000), &SELF_HOSTED);
                findings.retain(|finding| finding.lint.name != "MembersShareKey");
                findings
            },
            &[],
        ),
        case("one ended", lint(&[ended.clone(), new.clone()]), &["NL605"]),
        case(
            "one to come",
            lint(&[old.clone(), to_come.clone()]),
            &["NL606"],
        ),
        case(
            "one ended, self-hosted",
            self_hosted(&[ended, new.clone()]),
            &["NL607"],
        ),
        case(
            "one to come, self-hosted",
            self_hosted(&[old.clone(), to_come]),
            &["NL607"],
        ),
        case(
            "orphans",
            lint(&[
                middle.clone(),
                g("g2", "p256-c").with(|f| f.signer = "p256-d"),
            ]),
            &["NL608", "NL608"],
        ),
        case("orphan, self-hosted", self_hosted(&[middle]), &[]),
        case("leaf", lint(&[old.clone(), leaf]), &["NL401", "NL404"]),
        case("key again", lint(&[old.clone(), key_again]), &["NL609"]),
        case(
            "subject again",
            lint(&[old.clone(), g("G1", "p256-b")]),
            &["NL610"],
        ),
        case("key identifier again", lint(&[old, id_again]), &["NL611"]),
    ]
}

#[test]
fn bundles() {
    check(cases());
}

#[test]
fn an_expired_ca_in_the_bundle_is_named() {
    let ended = g("g1", "p256-a").with(|f| f.not_after = now() - days(1));
    let findings = bundle(&of(&[ended.clone(), g("g2", "p256-b")]), &CLOUD);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].lint.name, "ExpiredMember");
    assert_eq!(findings[0].subject, label(&ended.certificate()).to_string());
    assert!(findings[0].message.ends_with("it ended 1 d ago"));
}
