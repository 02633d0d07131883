//! Whole worlds drawn by chance: chains of any depth, keys of any kind, sets of constraints and names, policies, decoys, octets
//! turned over and signed again. Whatever Go refuses must be refused.
//!
//! Three hundred worlds in every run, twenty thousand where `RUN_SLOW_TESTS` is set.

mod extension;
mod network;

use self::extension::{constraints, names, policy};
use super::*;
use crate::forge::rsa_algorithm;

/// A linear congruential generator (Knuth, MMIX): the same worlds in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n
    }

    /// One time in `n`.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn some<T: Copy>(&mut self, all: &[T], most: usize) -> Vec<T> {
        let n = self.below(most + 1);
        (0..n).map(|_| self.of(all)).collect()
    }
}

/// Gives a certificate the algorithm of whoever signs it.
fn signed(forge: Forge) -> Forge {
    let algorithm = match forge.signer {
        "rsa2048-a" => rsa_algorithm("1.2.840.113549.1.1.11"),
        "p384-a" | "p384-b" => algorithm("1.2.840.10045.4.3.3"),
        "p521-a" => algorithm("1.2.840.10045.4.3.4"),
        "ed25519-a" => algorithm("1.3.101.112"),
        _ => algorithm("1.2.840.10045.4.3.2"),
    };
    forge.signed_with(algorithm)
}

/// Changes a certificate a little, or not.
fn changed(chance: &mut Chance, mut forge: Forge, told: &mut Vec<String>, who: &str) -> Forge {
    let is_leaf = who == "leaf";
    for _ in 0..2 {
        if chance.one_in(4) {
            let constraints = constraints(chance);
            told.push(format!(
                "{who}: constraints {}",
                constraints.2.escape_ascii()
            ));
            forge = forge.extension(constraints);
        }
        if chance.one_in(if is_leaf { 2 } else { 5 }) {
            let names = names(chance);
            told.push(format!("{who}: names {}; ", names.2.escape_ascii()));
            forge = forge.extension(names);
        }
        if chance.one_in(4) {
            let policy = policy(chance);
            told.push(format!("{who}: policy {policy:x?}"));
            forge = forge.extension(policy);
        }
    }
    if chance.one_in(8) {
        let changes: Vec<&Change> = CHANGES
            .iter()
            .chain(FORMS)
            .chain(OF_A_LEAF.iter().chain(KEYS).filter(|_| is_leaf))
            .collect();
        let change = chance.of(&changes);
        told.push(format!("{who}: {}; ", change.0));
        forge = (change.1)(forge);
    }
    forge
}

/// Turns octets over before it is signed.
fn sealed(chance: &mut Chance, forge: &Forge, told: &mut Vec<String>) -> Vec<u8> {
    let mut tbs = forge.tbs();
    if chance.one_in(12) {
        for _ in 0..=chance.below(2) {
            let at = chance.below(tbs.len());
            let by = [1_u8, 2, 4, 8, 16, 32, 64, 128, 0xff][chance.below(9)];
            tbs[at] ^= by;
            told.push(format!("octet {at} ^ {by:#x}"));
        }
    }
    forge.sealed(&tbs)
}

/// A bundle and what is presented to it.
struct World {
    told: Vec<String>,
    bundle: Vec<Vec<u8>>,
    presented: Vec<Vec<u8>>,
}

const STEPS: [&str; 7] = [
    "p256-b",
    "p256-d",
    "p384-a",
    "p384-b",
    "p521-a",
    "rsa2048-a",
    "ed25519-a",
];

fn limit(chance: &mut Chance) -> Option<u8> {
    [None, None, Some(3), Some(2), Some(1), Some(0)][chance.below(6)]
}

/// Draws a world.
fn world(chance: &mut Chance) -> World {
    let mut told = Vec::new();
    let root = Forge::root("g1", "p256-a").extension(basic_constraints(true, limit(chance)));
    let root = if chance.one_in(3) {
        changed(chance, root, &mut told, "root")
    } else {
        root
    };
    let root = signed(root);
    let mut chain: Vec<(Forge, Vec<u8>)> = vec![(root.clone(), sealed(chance, &root, &mut told))];
    let depth = chance.below(4);
    let mut keys = STEPS.to_vec();
    for step in 0..depth {
        let key = keys.remove(chance.below(keys.len()));
        let above = chain.last().unwrap().0.clone();
        // What no key of ours is in any more cannot sign.
        let name = if chance.one_in(10) {
            "g1".to_owned()
        } else {
            format!("i{step}")
        };
        let ca = Forge::intermediate(&name, key, &above);
        let ca = ca.extension(basic_constraints(true, limit(chance)));
        let ca = signed(changed(chance, ca, &mut told, &format!("i{step}")));
        let der = sealed(chance, &ca, &mut told);
        chain.push((ca, der));
    }
    let leaf = Forge::leaf("worker", "p256-c", &chain.last().unwrap().0);
    let leaf = signed(changed(chance, leaf, &mut told, "leaf"));
    let leaf = sealed(chance, &leaf, &mut told);
    let mut steps: Vec<_> = chain
        .iter()
        .skip(1)
        .map(|(_, der)| der.clone())
        .rev()
        .collect();
    let mut bundle = vec![chain[0].1.clone()];
    arrange(chance, &mut steps, &mut bundle, &chain, &mut told);
    let presented = [vec![leaf], steps].concat();
    World {
        told,
        bundle,
        presented,
    }
}

/// Moves, doubles and leaves out what is presented, and puts others beside it.
fn arrange(
    chance: &mut Chance,
    steps: &mut Vec<Vec<u8>>,
    bundle: &mut Vec<Vec<u8>>,
    chain: &[(Forge, Vec<u8>)],
    told: &mut Vec<String>,
) {
    if chance.one_in(6) && steps.len() > 1 {
        told.push("reversed".to_owned());
        steps.reverse();
    }
    if chance.one_in(10) && !steps.is_empty() {
        told.push("one twice".to_owned());
        steps.push(steps[0].clone());
    }
    if chance.one_in(20) && !steps.is_empty() {
        told.push("one left out".to_owned());
        steps.pop();
    }
    if chance.one_in(6) {
        told.push("the root presented".to_owned());
        steps.push(chain[0].1.clone());
    }
    if chance.one_in(8) {
        // The CA again, with other words: another path to the same key.
        let mut other = chain[chance.below(chain.len())].0.clone();
        other = changed(chance, other, told, "twin");
        let der = sealed(chance, &other, told);
        if chance.one_in(2) {
            told.push("twin presented".to_owned());
            steps.insert(chance.below(steps.len() + 1), der);
        } else {
            told.push("twin trusted".to_owned());
            bundle.insert(chance.below(2), der);
        }
    }
    if chance.one_in(8) {
        told.push("a step trusted".to_owned());
        bundle.push(chain[chance.below(chain.len())].1.clone());
    }
    if chance.one_in(8) {
        told.push("a namesake trusted".to_owned());
        bundle.insert(0, Forge::root("g1", "p384-a").der());
    }
    if chance.one_in(12) {
        told.push("a stranger presented".to_owned());
        let stranger = changed(chance, Forge::root("other", "p384-b"), told, "stranger");
        steps.push(sealed(chance, &stranger, told));
    }
}

/// What newleaf says. A server passes over what it cannot read among its CAs.
fn ours(world: &World) -> Verdict {
    let read = |der: &Vec<u8>| Certificate::from_der(der);
    let bundle = world.bundle.iter().filter_map(|der| read(der).ok());
    let bundle = TrustBundle::new(bundle);
    let Ok(chain) = world
        .presented
        .iter()
        .map(read)
        .collect::<Result<Vec<_>, _>>()
    else {
        return Some("unreadable".to_owned());
    };
    match Chain::new(chain) {
        Ok(chain) => chain
            .accepted_by(&bundle, now())
            .err()
            .map(|no| no.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

/// Draws a chain of CAs that state, require, map and inhibit policies, and are otherwise without fault.
fn world_of_policies(chance: &mut Chance) -> World {
    let mut told = Vec::new();
    let mut above = Forge::root("g1", "p256-a").extension(basic_constraints(true, None));
    let bundle = vec![above.der()];
    let mut presented = Vec::new();
    let depth = chance.below(4);
    for step in 0..=depth {
        let is_leaf = step == depth;
        let key = ["p256-b", "p256-d", "p384-a", "p256-c"][if is_leaf { 3 } else { step }];
        let own_name = chance.one_in(6).then(|| "g1".to_owned());
        let name = own_name.unwrap_or_else(|| format!("i{step}"));
        let mut forge = if is_leaf {
            Forge::leaf("worker", key, &above)
        } else {
            Forge::intermediate(&name, key, &above).extension(basic_constraints(true, None))
        };
        for _ in 0..chance.below(5) {
            let (kind, _, value) = policy(chance);
            told.push(format!("{name}: {kind} {value:x?}"));
            forge = forge.extension((kind, false, value));
        }
        above = signed(forge);
        presented.insert(0, above.der());
    }
    World {
        told,
        bundle,
        presented,
    }
}

/// The rules by which newleaf, which asks webpki beside Go, refuses what Go accepts (docs/corpora.md). Where several paths are
/// tried, the reason is that of the last.
const STRICTER: &[&str] = &[
    "BadDer",
    "EmptyEkuExtension",
    "InvalidSignatureForPublicKey",
    "MalformedDnsIdentifier",
    "MalformedNameConstraint",
    "NameConstraintViolation",
    "PathLenConstraintViolated",
    "RequiredEkuNotFound",
    "TrailingData",
    "UnsupportedCertVersion",
    "UnsupportedCriticalExtension",
    "UnsupportedSignatureAlgorithmForPublicKey",
    "Go cannot hold",
    "a certificate policy is required",
    "a key on P-224",
    "expected a leaf first",
    "that no TLS handshake is signed with",
];

/// What both say of worlds: how many both accept, what only newleaf accepts, and what only Go does, by newleaf's reason.
type Compared = (usize, Vec<String>, Vec<(String, String)>);

fn compare(n: usize, draw: fn(&mut Chance) -> World) -> Option<Compared> {
    let mut chance = Chance(2026);
    let worlds: Vec<_> = (0..n).map(|_| draw(&mut chance)).collect();
    let room = tempfile::tempdir().unwrap();
    let texts = worlds
        .iter()
        .map(|world| (world.bundle.as_slice(), world.presented.as_slice()));
    let gos = gos(&texts.collect::<Vec<_>>(), room.path())?;
    assert_eq!(gos.len(), worlds.len());
    let (mut accepted, mut worse, mut stricter) = (0, Vec::new(), Vec::new());
    for (number, (world, gos)) in worlds.iter().zip(gos).enumerate() {
        let told = format!("{number}: {}", world.told.join("; "));
        match (ours(world), gos) {
            (None, None) => accepted += 1,
            (None, Some(why)) => worse.push(format!("{told}: Go {why}")),
            (Some(why), None) => stricter.push((why, told)),
            (Some(_), Some(_)) => {}
        }
    }
    Some((accepted, worse, stricter))
}

fn how_many(always: usize, slow: usize) -> usize {
    let is_slow = std::env::var_os("RUN_SLOW_TESTS").is_some();
    if is_slow { slow } else { always }
}

#[test]
fn go_refuses_nothing_that_newleaf_accepts() {
    let Some((accepted, worse, stricter)) = compare(how_many(300, 20_000), world) else {
        return;
    };
    assert!(accepted > 50, "{accepted}");
    assert_eq!(worse, [""; 0]);
    // Of octets turned over, newleaf may say whatever it likes as long as it does not accept.
    let is_explained = |why: &str, told: &str| {
        let change = |known: &str| {
            known
                .split_once(": ")
                .is_some_and(|(_, name)| told.contains(name))
        };
        told.contains("octet ")
            || STRICTER.iter().any(|known| why.contains(known))
            || EXPLAINED.iter().any(|(known, _)| change(known))
    };
    let unexplained: Vec<_> = stricter
        .iter()
        .filter(|(why, told)| !is_explained(why, told))
        .map(|(why, told)| format!("{why}: {told}"))
        .collect();
    assert_eq!(unexplained, [""; 0]);
}

#[test]
fn policies_are_judged_as_go_judges_them() {
    let Some((accepted, worse, stricter)) = compare(how_many(500, 5_000), world_of_policies) else {
        return;
    };
    assert!(accepted > 50, "{accepted}");
    assert_eq!(worse, [""; 0]);
    assert_eq!(stricter, []);
}
