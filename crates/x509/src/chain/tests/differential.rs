//! "Will Temporal accept this?", asked of Go: chains that are wrong in one way or in two, judged by newleaf and by
//! Go's crypto/x509, which is Temporal's. webpki has its say within newleaf's verdict.
//!
//! Each of [`CHANGES`] and [`FORMS`] is made to the root, to the intermediate and to the leaf; then a thousand pairs of
//! changes are, chosen by a seeded generator. Where the verdicts differ, [`EXPLAINED`] says why, change by change. Whatever
//! Go refuses, some lint of severity error must explain. Without Go the test says so and passes; with `CI=true` it fails.

mod changes;
mod forms;
mod hunt;

use std::{fmt, path::Path, process::Command};

use super::*;
use crate::{
    lint::{self, Context, Profile, Severity},
    pem,
};

use self::{
    changes::{CHANGES, Change, OF_A_LEAF},
    forms::{FORMS, KEYS},
};

/// Where newleaf and Go differ over a single change, and why that is right.
const EXPLAINED: &[(&str, &str)] = &[
    ("Root: key usage: nothing", ZERO_BITS),
    ("Root: no purpose in the list", NO_PURPOSE),
    ("Root: version 1", OLD),
    ("Root: version 1, written out", OLD),
    ("Root: version 2", OLD),
    ("Root: unique identifiers", UNIQUE),
    (
        "Root: permitted directory names, not critical",
        DIRECTORY_NAMES,
    ),
    ("Root: an extension with a tail", TAIL),
    ("Middle: UTC time without seconds", TIMES),
    ("Middle: times with an offset", TIMES),
    ("Middle: key usage: nothing", ZERO_BITS),
    ("Middle: any purpose", ANY),
    ("Middle: no purpose in the list", NO_PURPOSE),
    ("Middle: unique identifiers", UNIQUE),
    ("Middle: policies critical", POLICIES),
    (
        "Middle: permitted directory names, not critical",
        DIRECTORY_NAMES,
    ),
    ("Middle: an extension with a tail", TAIL),
    ("Leaf: UTC time without seconds", TIMES),
    ("Leaf: times with an offset", TIMES),
    ("Leaf: a CA", CA),
    ("Leaf: path length 0", CA),
    ("Leaf: basic constraints not critical", CA),
    ("Leaf: any purpose", ANY),
    ("Leaf: no purpose in the list", NO_PURPOSE),
    ("Leaf: version 1", OLD),
    ("Leaf: version 1, written out", OLD),
    ("Leaf: version 2", OLD),
    ("Leaf: unique identifiers", UNIQUE),
    ("Leaf: policies critical", POLICIES),
    ("Leaf: an extension with a tail", TAIL),
    ("Leaf: a CA by a strange tag", CA),
    ("Leaf: a point on P-224", P_224),
];

const ZERO_BITS: &str =
    "a key usage that allows nothing allows nobody to sign; Go takes it for no key usage";
const NO_PURPOSE: &str =
    "webpki and RFC 5280 §4.2.1.12 want one purpose at least; Go takes none for any";
const ANY: &str = "webpki wants clientAuth by name, as RFC 5280 §4.2.1.12 lets verifiers";
const OLD: &str = "extensions are of version 3, and a CA that has none says nothing of being one: docs.temporal.io asks for \
                   version 3";
const UNIQUE: &str = "webpki refuses unique identifiers, which RFC 5280 §4.1.2.8 forbids";
const TIMES: &str = "webpki wants seconds and `Z`, as RFC 5280 §4.1.2.5 does";
const POLICIES: &str = "webpki knows no policies, and refuses what is critical and not known";
const DIRECTORY_NAMES: &str =
    "webpki keeps to directory name constraints, which Go does not know and passes over";
const TAIL: &str = "an extension ends where its value ends; Go passes over what follows";
const P_224: &str = "TLS 1.3 does not know the curve, and nothing in newleaf computes on it to tell a point that is not on it, which Go \
                     does not read";
const CA: &str = "a client that presents a CA certificate has a key that should be elsewhere";

/// How many pairs of changes are judged.
const N_PAIRS: usize = 1_000;

/// Who in the chain is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Root,
    Middle,
    Leaf,
}

const EVERYBODY: [Who; 3] = [Who::Root, Who::Middle, Who::Leaf];

/// A chain with its changes.
struct Case {
    changes: Vec<(Who, &'static Change)>,
}

/// What somebody says of a chain: nothing, if it is accepted.
type Verdict = Option<String>;

impl Case {
    /// Makes root, intermediate and leaf, each from the one above as it was changed.
    fn forge(&self) -> [Vec<u8>; 3] {
        let changed = |who, forge: Forge| {
            let mine = self.changes.iter().filter(|(whose, _)| *whose == who);
            mine.fold(forge, |forge, (_, change)| (change.1)(forge))
        };
        let root = Forge::root("g1", "p256-a").extension(basic_constraints(true, Some(1)));
        let root = changed(Who::Root, root);
        let middle = changed(Who::Middle, Forge::intermediate("i1", "p256-b", &root));
        let leaf = changed(Who::Leaf, Forge::leaf("worker", "p256-c", &middle));
        [root.der(), middle.der(), leaf.der()]
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self
            .changes
            .iter()
            .map(|(who, change)| format!("{who:?}: {}", change.0));
        f.write_str(&names.collect::<Vec<_>>().join(" + "))
    }
}

/// Every change alone, then pairs.
fn cases() -> Vec<Case> {
    let of_a_leaf = || {
        OF_A_LEAF
            .iter()
            .chain(KEYS)
            .map(|change| (Who::Leaf, change))
    };
    let every = || {
        let common = EVERYBODY
            .into_iter()
            .flat_map(|who| CHANGES.iter().chain(FORMS).map(move |change| (who, change)));
        common.chain(of_a_leaf())
    };
    let single = every().map(|change| Case {
        changes: vec![change],
    });
    let all: Vec<_> = every().collect();
    // A linear congruential generator (Knuth, MMIX): the same pairs in every run.
    let mut state: u64 = 2026;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        all[usize::try_from(state >> 33).unwrap() % all.len()]
    };
    let pairs: Vec<_> = (0..N_PAIRS)
        .map(|_| Case {
            changes: vec![next(), next()],
        })
        .collect();
    single.chain(pairs).collect()
}

/// Returns what newleaf says, and whether some lint of severity error does.
fn ours([root, middle, leaf]: &[Vec<u8>; 3]) -> (Verdict, bool) {
    let read = [leaf, middle, root].map(|der| Certificate::from_der(der));
    let [Ok(leaf), Ok(middle), Ok(root)] = read else {
        return (Some("unreadable".to_owned()), true);
    };
    let bundle = TrustBundle::new([root]);
    let chain = match Chain::new([leaf, middle]) {
        Ok(chain) => chain,
        Err(error) => return (Some(error.to_string()), true),
    };
    let context = Context {
        profile: Profile::TemporalCloud,
        now: now(),
    };
    let findings = [
        lint::chain_to(&chain, &bundle, &context),
        lint::bundle(&bundle, &context),
    ]
    .concat();
    let is_error = lint::worst(&findings) == Some(Severity::Error);
    (
        chain
            .accepted_by(&bundle, now())
            .err()
            .map(|refusal| refusal.to_string()),
        is_error,
    )
}

/// A bundle, and what is presented to it.
type Question<'a> = (&'a [Vec<u8>], &'a [Vec<u8>]);

/// How many are judged by one process: its arguments have an end.
const N_AT_ONCE: usize = 2_000;

/// Asks Go about bundles and what is presented to them; nobody is asked where there is no Go.
fn gos(cases: &[Question<'_>], room: &Path) -> Option<Vec<Verdict>> {
    let groups = cases
        .chunks(N_AT_ONCE)
        .map(|group| gos_at_once(group, room));
    groups.collect::<Option<Vec<_>>>().map(|all| all.concat())
}

fn gos_at_once(cases: &[Question<'_>], room: &Path) -> Option<Vec<Verdict>> {
    let mut command = Command::new("go");
    command.args([
        "run",
        concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/verify.go"),
    ]);
    command.arg(now().as_second().to_string());
    for (number, (bundle, presented)) in cases.iter().enumerate() {
        for (kind, ders) in [("ca", bundle), ("chain", presented)] {
            let blocks = ders.iter().map(|der| pem::encode("CERTIFICATE", der));
            let path = room.join(format!("{number}-{kind}"));
            fs_err::write(&path, blocks.collect::<String>()).unwrap();
            command.arg(path);
        }
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            let must = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!must, "Go is missing, and CI=true: {error}");
            return None;
        }
    };
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "the judge itself failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let verdict = |line: &str| (line != "ok").then(|| line.to_owned());
    Some(said.lines().map(verdict).collect())
}

#[test]
fn go_agrees_on_what_temporal_will_accept() {
    let cases = cases();
    let forged: Vec<_> = cases.iter().map(Case::forge).collect();
    let room = tempfile::tempdir().unwrap();
    let pairs: Vec<_> = forged
        .iter()
        .map(|[root, middle, leaf]| ([root.clone()], [leaf.clone(), middle.clone()]))
        .collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(bundle, presented)| (bundle.as_slice(), presented.as_slice()))
        .collect();
    let Some(gos) = gos(&pairs, room.path()) else {
        eprintln!("not judged: Go is not installed here");
        return;
    };
    assert_eq!(gos.len(), cases.len());
    let (mut different, mut unexplained, mut unlinted) = (Vec::new(), Vec::new(), Vec::new());
    for ((case, forged), gos) in cases.iter().zip(&forged).zip(gos) {
        let (ours, is_error) = ours(forged);
        let told = format!("{case}: newleaf {ours:?}, Go {gos:?}");
        if gos.is_some() && !is_error {
            unlinted.push(told.clone());
        }
        if ours.is_some() == gos.is_some() {
            continue;
        }
        let explained = |(who, change): &(Who, &Change)| {
            let name = format!("{who:?}: {}", change.0);
            EXPLAINED.iter().any(|(known, _)| *known == name)
        };
        if case.changes.len() == 1 {
            different.push((case.to_string(), told));
        } else if !case.changes.iter().any(explained) {
            unexplained.push(told);
        }
    }
    let found: Vec<_> = different.iter().map(|(name, _)| name.as_str()).collect();
    let explained: Vec<_> = EXPLAINED.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, explained, "{different:#?}");
    assert!(EXPLAINED.iter().all(|(_, why)| !why.is_empty()));
    assert_eq!(unexplained, [""; 0]);
    assert_eq!(unlinted, [""; 0], "no lint says what is wrong");
}
