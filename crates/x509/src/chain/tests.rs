//! Whom a bundle accepts.

mod differential;

use super::*;
use crate::forge::{self, Forge, algorithm, basic_constraints, days, now};

fn chain(forges: &[&Forge]) -> Chain {
    Chain::new(forges.iter().map(|forge| forge.certificate())).unwrap()
}

fn bundle(forges: &[&Forge]) -> TrustBundle {
    TrustBundle::new(forges.iter().map(|forge| forge.certificate()))
}

#[test]
fn the_accepting_ca_is_told() {
    let (old, new) = (Forge::root("g1", "p256-a"), Forge::root("g2", "p256-b"));
    let both = bundle(&[&old, &new]);
    for ca in [&old, &new] {
        let worker = chain(&[&Forge::leaf("worker", "p256-c", ca)]);
        assert_eq!(worker.accepted_by(&both, now()), Ok(&ca.certificate()));
    }
}

#[test]
fn two_generations_with_one_name_are_told_apart_by_the_signature() {
    let (old, new) = (Forge::root("ca", "p256-a"), Forge::root("ca", "p256-b"));
    let worker = chain(&[&Forge::leaf("worker", "p256-c", &new)]);
    let both = bundle(&[&old, &new]);
    assert_eq!(worker.accepted_by(&both, now()), Ok(&new.certificate()));
    assert!(worker.accepted_by(&bundle(&[&old]), now()).is_err());
}

/// Go takes a leaf that is in its pool for its own root; a bundle of ours holds CAs.
#[test]
fn a_leaf_in_the_bundle_is_not_its_own_ca() {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-c", &root);
    let itself = bundle(&[&leaf]);
    let refused = chain(&[&leaf]).accepted_by(&itself, now());
    assert!(
        matches!(refused, Err(Refusal::UnknownIssuer { n_accepted: 0, .. })),
        "{refused:?}"
    );
}

#[test]
fn refusals_say_why() {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-c", &root);
    let ended = root.clone().with(|f| f.not_after = now() - days(1));
    let refusal = |bundle: &TrustBundle, at| {
        chain(&[&leaf])
            .accepted_by(bundle, at)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refusal(&bundle(&[]), now()),
        "expected a chain to one of the 0 accepted client CAs, found issuer `O=acme, CN=g1`",
    );
    assert_eq!(
        refusal(&bundle(&[&ended]), now()),
        "expected a chain to one of the 0 accepted client CAs, found issuer `O=acme, CN=g1`; `O=acme, CN=g1` of the \
         bundle, which signed it, ended at 2026-02-28T00:00:00Z",
    );
    assert_eq!(
        refusal(&bundle(&[&root]), now() + days(81)),
        "expected a leaf valid at 2026-05-21T00:00:00Z, found one valid from 2026-02-19T00:00:00Z to \
         2026-05-20T00:00:00Z",
    );
}

#[test]
fn the_reason_that_tells_most_is_told() {
    let leaf = |ca: &Forge| chain(&[&Forge::leaf("worker", "p256-c", ca)]);
    let told = |chain: &Chain, bundle: &TrustBundle| {
        chain.accepted_by(bundle, now()).unwrap_err().to_string()
    };
    let root = Forge::root("g1", "p256-a").extension(basic_constraints(true, None));
    let namesake = Forge::root("g1", "p256-b");
    let another_key = "InvalidSignatureForPublicKey";
    assert!(told(&leaf(&root), &bundle(&[&namesake])).contains(another_key));
    // A CA that did sign, and does not count, tells more than a namesake of it that does.
    let unfit: [(Forge, &str); 4] = [
        (
            root.clone().with(|f| f.not_after = now() - days(1)),
            "ended at 2026-02-28",
        ),
        (
            root.clone().with(|f| f.not_before = now() + days(1)),
            "begins only at 2026-03-02",
        ),
        (Forge::leaf("g1", "p256-a", &root), "is no CA"),
        (
            root.clone().extension(forge::key_usage(&[0])),
            "may not sign certificates",
        ),
    ];
    for (ca, expected) in &unfit {
        let told = told(&leaf(&root), &bundle(&[ca, &namesake]));
        assert!(told.contains(expected), "{told}");
    }
    // And a path that breaks a rule more than either.
    let middle = Forge::intermediate("i1", "p256-b", &root);
    let ended = middle.clone().with(|f| f.not_after = now() - days(1));
    let chain = chain(&[&Forge::leaf("worker", "p256-c", &middle), &ended]);
    for order in [[&root, &namesake], [&namesake, &root]] {
        let told = told(&chain, &bundle(&order));
        assert!(
            told.contains("an intermediate ended at 2026-02-28"),
            "{told}"
        );
    }
}

#[test]
fn the_path_length_of_an_accepted_ca_counts() {
    for (limit, expected) in [(None, true), (Some(1), true), (Some(0), false)] {
        let root = Forge::root("g1", "p256-a").extension(basic_constraints(true, limit));
        let middle = Forge::intermediate("i1", "p256-b", &root);
        let worker = chain(&[&Forge::leaf("worker", "p256-c", &middle), &middle]);
        assert_eq!(
            worker.accepted_by(&bundle(&[&root]), now()).is_ok(),
            expected,
            "{limit:?}"
        );
    }
}

#[test]
fn an_intermediate_may_itself_be_accepted() {
    let root = Forge::root("g1", "p256-a");
    let middle = Forge::intermediate("i1", "p256-b", &root);
    let worker = chain(&[&Forge::leaf("worker", "p256-c", &middle)]);
    assert_eq!(
        worker.accepted_by(&bundle(&[&middle]), now()),
        Ok(&middle.certificate())
    );
    assert!(worker.accepted_by(&bundle(&[&root]), now()).is_err());
}

/// webpki's bound; Go has none but its hundred signatures.
#[test]
fn six_intermediates_are_followed() {
    for (n, expected) in [(6, true), (7, false)] {
        let root = Forge::root("g1", "p256-a").extension(basic_constraints(true, None));
        let mut cas = vec![root.clone()];
        for name in ["i1", "i2", "i3", "i4", "i5", "i6", "i7"]
            .into_iter()
            .take(n)
        {
            let above = cas.last().unwrap();
            let ca = Forge::intermediate(name, "p256-b", above);
            cas.push(ca.extension(basic_constraints(true, None)));
        }
        let leaf = Forge::leaf("worker", "p256-c", cas.last().unwrap());
        let presented: Vec<_> = std::iter::once(&leaf).chain(&cas[1..]).collect();
        let accepting = bundle(&[&root]);
        let accepted = chain(&presented).accepted_by(&accepting, now());
        assert_eq!(accepted.is_ok(), expected, "{n}");
    }
}

#[test]
fn p521_signatures_are_verified() {
    let by = |hash: &str| Forge::root("g1", "p521-a").signed_with(algorithm(hash));
    // The signature is made over SHA-512, whatever the certificate says.
    let root = by("1.2.840.10045.4.3.4");
    let lying = by("1.2.840.10045.4.3.3").certificate();
    let worker =
        Forge::leaf("worker", "p256-c", &root).signed_with(algorithm("1.2.840.10045.4.3.4"));
    let certificate = root.certificate();
    assert!(certificate.is_signed_by(&certificate));
    assert!(!lying.is_signed_by(&lying));
    assert!(worker.certificate().is_signed_by(&certificate));
    assert!(
        chain(&[&worker])
            .accepted_by(&bundle(&[&root]), now())
            .is_ok()
    );
}

#[test]
fn a_chain_begins_with_a_leaf() {
    let root = Forge::root("g1", "p256-a");
    let leaf = Forge::leaf("worker", "p256-c", &root);
    assert_eq!(Chain::new([]), Err(ChainError::Empty));
    let found = MAX_CERTIFICATES + 1;
    let endless = std::iter::repeat_n(leaf.certificate(), found);
    assert_eq!(Chain::new(endless), Err(ChainError::TooLong { found }));
    assert!(matches!(
        Chain::new([root.certificate()]),
        Err(ChainError::CaFirst { .. })
    ));
    let whole = chain(&[&leaf, &root]);
    assert_eq!(Chain::from_pem(&whole.to_pem()), Ok(whole.clone()));
    assert_eq!(whole.not_after(), leaf.not_after);
    assert_eq!(whole.intermediates(), [root.certificate()]);
    let key = forge::key("p256-c").to_pem();
    let error = Chain::from_pem(&format!("{}{}", whole.to_pem(), *key)).unwrap_err();
    assert!(matches!(error, ChainError::Pem(error) if error.found_private_key()));
}
