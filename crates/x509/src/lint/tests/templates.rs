//! What other tools issue, in their own shapes, and what newleaf issues.

use jiff::SignedDuration;

use super::*;
use crate::{
    forge::{CN, O, OU, aki, algorithm, basic_constraints, eku, key_usage, name, san, ski},
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Serial, Subject, Validity},
};

const SERVER_AND_CLIENT: [&str; 2] = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

/// `tcld generate-certificates ca --org acme`: only an organization, no path length, P-384.
fn tcld_ca() -> Forge {
    Forge::root("unused", "p384-a")
        .signed_with(algorithm("1.2.840.10045.4.3.3"))
        .with(|f| {
            f.subject = name(&[(O, "acme")]);
            f.issuer.clone_from(&f.subject);
        })
        .extension(basic_constraints(true, None))
        .extension(key_usage(&[0, 5, 6]))
        .extension(san(&[(2, b"client.root.acme.Ab3-")]))
}

/// `tcld generate-certificates leaf --org acme`: an empty OU, no usages, a day less than its CA.
fn tcld_leaf() -> Forge {
    let ca = tcld_ca();
    Forge::leaf("unused", "p384-b", &ca)
        .signed_with(algorithm("1.2.840.10045.4.3.3"))
        .with(|f| {
            f.subject = name(&[(O, "acme"), (OU, "")]);
            f.not_after = ca.not_after - days(1);
            f.extensions = vec![
                basic_constraints(false, None),
                aki("p384-a"),
                san(&[(2, b"client.endentity.acme.Zz9-")]),
            ];
        })
}

/// `certstrap sign`: every usage for every kind of key, server and client.
fn certstrap_leaf(ca: &Forge, key: &'static str) -> Forge {
    Forge::leaf("worker", key, ca)
        .extension(key_usage(&[0, 2, 3, 4]))
        .extension(eku(&SERVER_AND_CLIENT))
}

/// `step ca certificate`: a day, under an intermediate of ten years.
fn step_chain() -> (Forge, Forge, Forge) {
    let years = |f: &mut Forge| f.not_after = f.not_before + days(3650);
    let named = |cn: &str| name(&[(O, "Smallstep"), (CN, cn)]);
    let root = Forge::root("unused", "p256-a")
        .with(years)
        .with(|f| {
            f.subject = named("Smallstep Root CA");
            f.issuer.clone_from(&f.subject);
        })
        .extension(basic_constraints(true, Some(1)))
        .extension(key_usage(&[5, 6]));
    let middle = Forge::intermediate("unused", "p256-b", &root)
        .with(years)
        .with(|f| f.subject = named("Smallstep Intermediate CA"))
        .extension(key_usage(&[5, 6]));
    let leaf = Forge::leaf("worker", "p256-c", &middle)
        .with(|f| {
            f.subject = name(&[(CN, "worker")]);
            f.not_before = now() - SignedDuration::from_mins(1);
            f.not_after = now() + days(1);
        })
        .extension(eku(&SERVER_AND_CLIENT))
        .extension(san(&[(2, b"worker")]));
    (root, middle, leaf)
}

fn against(chain: &[&Forge], bundle: &[&Forge]) -> Vec<Finding> {
    let chain = Chain::new(chain.iter().map(|f| f.certificate())).unwrap();
    let bundle = TrustBundle::new(bundle.iter().map(|f| f.certificate()));
    chain_to(&chain, &bundle, &CLOUD)
}

pub(super) fn cases() -> Vec<Case> {
    let tcld_bundle = |forges: &[Forge]| {
        bundle(
            &TrustBundle::new(forges.iter().map(Forge::certificate)),
            &CLOUD,
        )
    };
    let next_tcld_ca = tcld_ca()
        .with(|f| {
            f.spki = forge::spki("p384-b");
            f.signer = "p384-b";
        })
        .extension(ski("p384-b"));
    let without_ou = tcld_leaf().with(|f| f.subject = name(&[(O, "acme")]));
    let strap_ca = Forge::root("strap", "p256-a");
    let certstrap_rsa = certstrap_leaf(&strap_ca, "rsa2048-a");
    let certstrap_long =
        certstrap_leaf(&strap_ca, "p256-b").with(|f| f.not_after = f.not_before + days(730));
    let (root, middle, leaf) = step_chain();
    vec![
        case("tcld CA", tcld_bundle(&[tcld_ca()]), &["NL116", "NL414"]),
        case(
            "tcld leaf",
            against(&[&tcld_leaf()], &[&tcld_ca()]),
            &["NL101", "NL116", "NL209", "NL408", "NL412"],
        ),
        case(
            "tcld leaf without its OU",
            against(&[&without_ou], &[&tcld_ca()]),
            &["NL116", "NL209", "NL408", "NL412", "NL503"],
        ),
        case(
            "two tcld CAs of one organization",
            tcld_bundle(&[tcld_ca(), next_tcld_ca]),
            &["NL116", "NL116", "NL414", "NL414", "NL610"],
        ),
        case(
            "certstrap leaf, RSA",
            against(&[&certstrap_rsa], &[&strap_ca]),
            &["NL410"],
        ),
        case(
            "certstrap leaf, EC",
            against(&[&certstrap_leaf(&strap_ca, "p256-b")], &[&strap_ca]),
            &["NL410"],
        ),
        case(
            "certstrap leaf of two years",
            against(&[&certstrap_long], &[&strap_ca]),
            &["NL307", "NL410", "NL501"],
        ),
        case("step leaf", against(&[&leaf, &middle], &[&root]), &[]),
        case("step bundle", tcld_bundle(&[root, middle]), &[]),
    ]
}

#[test]
fn templates() {
    check(cases());
}

#[test]
fn what_newleaf_issues_has_no_finding_in_any_profile() {
    let (ca_key, leaf_key) = (forge::key("p384-a"), forge::key("p256-a"));
    let subject =
        |cn: &str| Subject::new(cn, Some("acme".to_owned()), Some("payments".to_owned())).unwrap();
    let validity = |length| Validity {
        not_before: now() - days(1),
        not_after: now() + days(length),
    };
    let ca = issue::ca(
        &CaTemplate {
            subject: subject("payments g1"),
            serial: Serial::from_random([1; 16]),
            validity: validity(365),
        },
        &ca_key,
    )
    .unwrap();
    let leaf = issue::leaf(
        &LeafTemplate {
            subject: subject("worker"),
            sans: vec![San::Dns("worker.example".to_owned())],
            serial: Serial::from_random([2; 16]),
            validity: validity(90),
            usage: LeafUse::Client,
        },
        &leaf_key,
        &Issuer::new(&ca, &ca_key).unwrap(),
    )
    .unwrap();
    let (chain, accepted) = (Chain::new([leaf]).unwrap(), TrustBundle::new([ca]));
    for context in [CLOUD, SELF_HOSTED, STANDARD] {
        assert_eq!(chain_to(&chain, &accepted, &context), []);
        assert_eq!(bundle(&accepted, &context), []);
        assert_eq!(pem_text(&accepted.to_pem(), &context), []);
    }
}
