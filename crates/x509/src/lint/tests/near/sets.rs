//! Near misses of lints that look at several certificates together: chains, bundles, changes of bundles, filters and files.

use super::*;

pub(super) fn misses() -> Vec<Miss> {
    [chains(), bundles(), transitions(), filters_and_slots()]
        .into_iter()
        .flatten()
        .collect()
}

fn chain_of(forges: &[&Forge]) -> Chain {
    Chain::new(forges.iter().map(|forge| forge.certificate())).unwrap()
}

fn bundle_of(forges: &[&Forge]) -> TrustBundle {
    TrustBundle::new(forges.iter().map(|forge| forge.certificate()))
}

fn chains() -> Vec<Miss> {
    let root = root().extension(basic_constraints(true, Some(1)));
    let middle = Forge::intermediate("i1", "p256-c", &root);
    let worker = Forge::leaf("worker", "p256-b", &middle);
    let lint = |forges: &[&Forge]| chain_to(&chain_of(forges), &bundle_of(&[&root]), &CLOUD);
    let to_the_end = worker.clone().with(|f| f.not_after = root.not_after);
    vec![
        miss(
            "all end and begin at one instant",
            &["NL501", "NL502", "NL510"],
            lint(&[&to_the_end, &middle]),
        ),
        miss(
            "a whole chain",
            &[
                "NL503", "NL504", "NL505", "NL506", "NL507", "NL508", "NL509", "NL511",
            ],
            lint(&[&worker, &middle]),
        ),
    ]
}

fn bundles() -> Vec<Miss> {
    let (old, new) = (root(), Forge::root("g2", "p256-c"));
    let middle = Forge::intermediate("i1", "p256-b", &old);
    let lint = |forges: &[&Forge]| bundle(&bundle_of(forges), &CLOUD);
    let at_home = |forges: &[&Forge]| bundle(&bundle_of(forges), &SELF_HOSTED);
    let last = old.clone().with(|f| f.not_after = now());
    let first = old.clone().with(|f| f.not_before = now());
    let shadow =
        Forge::root("g1", "p256-c").with(|f| f.subject = name(&[(O, "acme"), (CN, "g 1")]));
    let crowd: Vec<Forge> = (0..15)
        .map(|i| Forge::root(&format!("g{i}"), "p256-a"))
        .collect();
    let crowd: Vec<&Forge> = crowd.iter().collect();
    vec![
        miss("one", &["NL601"], lint(&[&old])),
        miss("fifteen", &["NL602", "NL603", "NL604"], lint(&crowd)),
        miss("its last instant", &["NL605"], lint(&[&last])),
        miss("its first instant", &["NL606"], lint(&[&first])),
        miss("its last instant, at home", &["NL607"], at_home(&[&last])),
        miss(
            "an intermediate beside its root",
            &["NL608"],
            lint(&[&middle, &old]),
        ),
        miss("two generations", &["NL609", "NL611"], lint(&[&old, &new])),
        miss(
            "names that differ by a space",
            &["NL610"],
            lint(&[&old, &shadow]),
        ),
        miss(
            "a CA named as a public one",
            &["NL612"],
            lint(&[&Forge::root("ISRG Root X1", "p256-a")]),
        ),
    ]
}

fn transitions() -> Vec<Miss> {
    let (old, new) = (root(), Forge::root("g2", "p256-c"));
    let in_use = [chain_of(&[&worker()])];
    let change = |from: &[&Forge], to: &[&Forge]| {
        transition(&bundle_of(from), &bundle_of(to), &in_use, &CLOUD)
    };
    let gone = Forge::root("g0", "p256-d").with(|f| f.not_after = now() - days(1));
    vec![
        miss(
            "the new one beside the old",
            &[
                "NL702", "NL704", "NL705", "NL706", "NL707", "NL708", "NL709",
            ],
            change(&[&old], &[&old, &new]),
        ),
        miss(
            "an expired one is dropped",
            &["NL701", "NL703"],
            change(&[&old, &gone], &[&old]),
        ),
        miss(
            "an unused one is dropped",
            &["NL702", "NL708"],
            change(&[&old, &new], &[&old]),
        ),
    ]
}

fn filters_and_slots() -> Vec<Miss> {
    let of = |json: &str| serde_json::from_str::<Filters>(json).unwrap();
    let leaves = [worker().certificate()];
    let (own, public) = (bundle_of(&[&root()]), transition::public_root());
    let lint = |json: &str, bundle: &TrustBundle| filters(&of(json), &leaves, bundle, &CLOUD);
    let two = r#"{"filters":[{"commonName":"work*"},{"organization":"acme"}]}"#;
    let (old, new) = (
        bundle_of(&[&root()]),
        bundle_of(&[&Forge::root("g2", "p256-c")]),
    );
    vec![
        miss(
            "each admits it in its own way",
            &["NL801", "NL802", "NL803", "NL804"],
            lint(two, &own),
        ),
        miss("a public CA with filters", &["NL805"], lint(two, &public)),
        miss(
            "one CA a file",
            &["NL901", "NL902"],
            ca_slot_files(&[old.clone(), new.clone()], &SELF_HOSTED),
        ),
        miss(
            "a file's first changes",
            &["NL903"],
            ca_slot_change(&[old.clone(), old.clone()], &[old, new], &SELF_HOSTED),
        ),
    ]
}
