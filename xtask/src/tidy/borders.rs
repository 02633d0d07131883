//! The borders between rooms, judged on the dependency graph: which room may use which, and what
//! a room may not reach even through others. Dependencies of tests are free; they do not ship.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Deserialize;

use super::Problem;

/// Which rooms a room may name in its `Cargo.toml`. A crate without a row has no place yet.
const ROOMS: &[(&str, &[&str])] = &[
    ("newleaf-x509", &[]),
    ("newleaf-rotation", &["newleaf-x509"]),
    ("newleaf-identity", &["newleaf-x509"]),
    ("newleaf-keystore", &["newleaf-x509"]),
    (
        "newleaf-systems",
        &[
            "newleaf-x509",
            "newleaf-rotation",
            "newleaf-identity",
            "newleaf-keystore",
        ],
    ),
    (
        "newleaf-controller",
        &["newleaf-x509", "newleaf-rotation", "newleaf-systems"],
    ),
    ("newleaf-proxy", &["newleaf-x509", "newleaf-identity"]),
    ("newleaf-sandbox", &["newleaf-x509", "newleaf-identity"]),
    (
        "newleaf",
        &[
            "newleaf-x509",
            "newleaf-rotation",
            "newleaf-identity",
            "newleaf-keystore",
            "newleaf-systems",
            "newleaf-controller",
            "newleaf-proxy",
            "newleaf-sandbox",
        ],
    ),
    ("xtask", &["newleaf-rotation", "newleaf-x509"]),
    ("newleaf-parts", &[]),
    // The instruments use no code of the data path they measure.
    ("newleaf-benches", &["newleaf-x509", "newleaf-identity"]),
];

/// What nobody who only thinks may reach: runtimes, the network, clouds, randomness, databases.
/// A name ending in `*` stands for every crate that begins so.
const OUTSIDE_WORLD: &[&str] = &[
    "tokio",
    "hyper",
    "tonic",
    "h2",
    "kube",
    "aws-sdk*",
    "aws-config",
    "rand",
    "reqwest",
    "rusqlite",
];

/// What a room may not reach, however long the way.
const OUT_OF_REACH: &[(&str, &[&str])] = &[
    ("newleaf-x509", OUTSIDE_WORLD),
    ("newleaf-rotation", OUTSIDE_WORLD),
    (
        // The data plane stays small, and holds nothing that could write to a cloud.
        "newleaf-proxy",
        &[
            "newleaf-systems",
            "newleaf-keystore",
            "newleaf-controller",
            "newleaf-sandbox",
            "tonic*",
            "temporalio*",
            "rusqlite",
            "kube*",
            "aws-sdk*",
        ],
    ),
];

/// What `cargo metadata` says, as far as borders need it.
#[derive(Debug, Deserialize)]
pub(super) struct Graph {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Debug, Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    /// Absent for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

impl Dependency {
    fn ships(&self) -> bool {
        self.dep_kinds.iter().any(|kind| kind.kind.is_none())
    }
}

/// Checks every border of the workspace.
pub(super) fn check(graph: &Graph) -> Vec<Problem> {
    let edges = Edges::of(graph);
    let mut problems = Vec::new();
    for member in edges.members.iter().copied() {
        problems.extend(names_only_its_neighbours(&edges, member));
    }
    for (room, forbidden) in OUT_OF_REACH {
        problems.extend(cannot_reach(&edges, room, forbidden));
    }
    problems
}

/// The graph by name: what each package ships with, directly.
struct Edges<'a> {
    direct: BTreeMap<&'a str, BTreeSet<&'a str>>,
    members: BTreeSet<&'a str>,
}

impl<'a> Edges<'a> {
    /// Two versions of one crate count as one: a border is about names.
    fn of(graph: &'a Graph) -> Self {
        let names: BTreeMap<_, _> = graph
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let name = |id: &'a String| names.get(id.as_str()).copied().unwrap_or(id);
        let mut direct: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for node in &graph.resolve.nodes {
            let shipped = node.deps.iter().filter(|dependency| dependency.ships());
            direct
                .entry(name(&node.id))
                .or_default()
                .extend(shipped.map(|d| name(&d.pkg)));
        }
        Self {
            direct,
            members: graph.workspace_members.iter().map(name).collect(),
        }
    }

    fn direct(&self, package: &str) -> impl Iterator<Item = &'a str> {
        self.direct.get(package).into_iter().flatten().copied()
    }
}

fn names_only_its_neighbours(edges: &Edges<'_>, member: &str) -> Vec<Problem> {
    let Some((_, neighbours)) = ROOMS.iter().find(|(room, _)| *room == member) else {
        return vec![Problem::new(
            member,
            "has no row in `ROOMS`: which rooms may it use?",
        )];
    };
    let rooms = edges
        .direct(member)
        .filter(|name| edges.members.contains(name));
    let strangers = rooms.filter(|name| !neighbours.contains(name));
    strangers
        .map(|name| {
            Problem::new(
                member,
                format!("may not use `{name}`: data walks the other way"),
            )
        })
        .collect()
}

/// Walks outwards from `room`, nearest first, so that the way shown is the shortest.
fn cannot_reach(edges: &Edges<'_>, room: &str, forbidden: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeSet::from([room]);
    let mut open = VecDeque::from([vec![room]]);
    while let Some(way) = open.pop_front() {
        let Some(last) = way.last() else { continue };
        for next in edges.direct(last) {
            if !seen.insert(next) {
                continue;
            }
            let longer: Vec<_> = way.iter().copied().chain([next]).collect();
            if forbidden.iter().any(|pattern| matches(pattern, next)) {
                let what = format!("may not reach `{next}`, but does: {}", longer.join(" → "));
                problems.push(Problem::new(room, what));
            } else {
                open.push_back(longer);
            }
        }
    }
    problems
}

fn matches(pattern: &str, name: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == name, |begin| name.starts_with(begin))
}
