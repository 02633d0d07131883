//! Chains, alone and against a bundle.

use super::*;
use crate::forge::{aki, basic_constraints, eku, key_usage, name};

fn root() -> Forge {
    Forge::root("g1", "p256-a").extension(basic_constraints(true, Some(1)))
}

fn middle() -> Forge {
    Forge::intermediate("i1", "p256-b", &root())
}

fn worker() -> Forge {
    Forge::leaf("worker", "p256-c", &middle())
}

fn certificates(forges: &[&Forge]) -> Vec<Certificate> {
    forges.iter().map(|forge| forge.certificate()).collect()
}

/// Lints a chain of forged certificates, leaf first, against a bundle of others.
fn lint(forges: &[&Forge], bundle: &[&Forge]) -> Vec<Finding> {
    let chain = Chain::new(certificates(forges)).unwrap();
    chain_to(&chain, &TrustBundle::new(certificates(bundle)), &CLOUD)
}

pub(super) fn cases() -> Vec<Case> {
    let (root, middle, worker) = (root(), middle(), worker());
    let stranger = Forge::root("x1", "p256-d");
    let alone = Chain::new(certificates(&[&worker, &middle])).unwrap();
    let in_400_days = |forge: &Forge| forge.clone().with(|f| f.not_after = now() + days(400));
    let direct = Forge::leaf("worker", "p256-b", &root);
    let same_name = |forge: &Forge| {
        forge
            .clone()
            .with(|f| f.subject = name(&[(forge::O, "Acme"), (forge::CN, "G1")]))
    };
    let named_as_root = same_name(&worker);
    let middle_as_root = same_name(&middle);
    let under_it = Forge::leaf("worker", "p256-c", &middle_as_root);
    let narrow = Forge::root("g1", "p256-a");
    let no_signing = root.clone().extension(key_usage(&[0]));
    let for_servers = root.clone().extension(eku(&["1.3.6.1.5.5.7.3.1"]));
    let misled = worker.clone().extension(aki("p256-d"));
    let ended = root.clone().with(|f| f.not_after = now() - days(1));
    let ended_leaf = worker.clone().with(|f| f.not_after = now() - days(2));
    let early = worker
        .clone()
        .with(|f| f.not_before = middle.not_before - days(1));
    let retyped = worker.clone().with(|f| {
        f.issuer = forge::name_of(&[(forge::O, 0x13, b"acme"), (forge::CN, 0x13, b"i1")]);
    });
    let constrained = root.clone().extension(name_constraints());
    let constrained_middle = middle.clone().extension(name_constraints());
    vec![
        case("whole", lint(&[&worker, &middle], &[&root]), &[]),
        case("whole, alone", chain(&alone, &CLOUD), &[]),
        case("direct", lint(&[&direct], &[&root]), &[]),
        case(
            "leaf outlives root",
            lint(&[&in_400_days(&direct)], &[&root]),
            &["NL307", "NL501"],
        ),
        case(
            "intermediate outlives root",
            lint(&[&worker, &in_400_days(&middle)], &[&root]),
            &["NL502"],
        ),
        case(
            "leaf named as the root",
            lint(&[&named_as_root, &middle], &[&root]),
            &["NL503"],
        ),
        case(
            "intermediate named as the root",
            lint(&[&under_it, &middle_as_root], &[&root]),
            &["NL503"],
        ),
        case(
            "unknown CA",
            lint(&[&worker, &middle], &[&stranger]),
            &["NL504"],
        ),
        case(
            "intermediate left out",
            lint(&[&worker], &[&root]),
            &["NL504"],
        ),
        case("no CA", lint(&[&worker, &middle], &[]), &["NL504"]),
        case(
            "root ended",
            lint(&[&worker, &middle], &[&ended]),
            &["NL501", "NL502", "NL504"],
        ),
        case(
            "leaf ended",
            lint(&[&ended_leaf, &middle], &[&root]),
            &["NL301"],
        ),
        case(
            "a name that the root forbids",
            lint(&[&direct], &[&constrained]),
            &["NL505"],
        ),
        case(
            "a name that the intermediate forbids",
            lint(&[&worker, &constrained_middle], &[&root]),
            &["NL026"],
        ),
        case(
            "a stranger in it",
            lint(&[&worker, &middle, &stranger], &[&root]),
            &["NL506", "NL507"],
        ),
        case(
            "root sent along",
            lint(&[&worker, &middle, &root], &[&root]),
            &["NL507"],
        ),
        case(
            "path length 0",
            lint(&[&worker, &middle], &[&narrow]),
            &["NL508"],
        ),
        case(
            "root may not sign",
            lint(&[&direct], &[&no_signing]),
            &["NL504"],
        ),
        case(
            "root for servers",
            lint(&[&direct], &[&for_servers]),
            &["NL504"],
        ),
        case(
            "leaf begins before its CA",
            lint(&[&early, &middle], &[&root]),
            &["NL510"],
        ),
        case(
            "issuer named in another type of string",
            lint(&[&retyped, &middle], &[&root]),
            &["NL504", "NL511"],
        ),
        case(
            "misled by its AKI",
            lint(&[&misled, &middle], &[&root]),
            &["NL509"],
        ),
    ]
}

/// Name constraints that permit no name that these tests use: only directory names under `O=elsewhere`.
fn name_constraints() -> forge::Extension {
    let elsewhere = forge::tlv(0xa4, &name(&[(forge::O, "elsewhere")]));
    let permitted = forge::tlv(0xa0, &forge::tlv(0x30, &elsewhere));
    ("2.5.29.30", true, forge::tlv(0x30, &permitted))
}

#[test]
fn chains() {
    check(cases());
}
