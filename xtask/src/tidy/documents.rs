//! Checks of the pages: how long the map may be, and that every way leads somewhere.

use super::Problem;
use crate::workspace::Tree;

/// A map that does not fit into a head is not a map.
const MAX_ARCHITECTURE_LINES: usize = 150;

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const DECISIONS: &str = "docs/decisions/";
/// Where every decision record is linked from.
const DECISIONS_INDEX: &str = "docs/decisions/README.md";

/// Checks every page.
pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(map_is_short(tree));
    problems.extend(decisions_are_linked(tree));
    for (page, text) in tree.files("", ".md") {
        problems.extend(ways_lead_somewhere(tree, page, text));
    }
    problems
}

fn map_is_short(tree: &Tree) -> Option<Problem> {
    let Some(text) = tree.get(ARCHITECTURE) else {
        return Some(Problem::new(ARCHITECTURE, "is missing"));
    };
    let lines = text.lines().count();
    (lines > MAX_ARCHITECTURE_LINES).then(|| {
        let what = format!("has {lines} lines, expected at most {MAX_ARCHITECTURE_LINES}");
        Problem::new(ARCHITECTURE, what)
    })
}

fn decisions_are_linked(tree: &Tree) -> Vec<Problem> {
    let index = tree.get(DECISIONS_INDEX).unwrap_or_default();
    let records = tree.files(DECISIONS, ".md").map(|(path, _)| path);
    let lost = records.filter(|path| {
        let name = path.strip_prefix(DECISIONS).unwrap_or(path);
        *path != DECISIONS_INDEX && !index.contains(&format!("]({name})"))
    });
    lost.map(|path| Problem::new(path, format!("is not linked from {DECISIONS_INDEX}")))
        .collect()
}

/// Follows every link to a page or source of the checkout.
fn ways_lead_somewhere(tree: &Tree, page: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for target in links(line).filter(|target| is_ours(target)) {
            let path = resolve(page, target);
            if tree.get(&path).is_none() {
                let what = format!("links to `{target}`, which is not there");
                problems.push(Problem::new(format!("{page}:{number}"), what));
            }
        }
    }
    problems
}

/// The targets of the inline links of one line.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
}

/// Whether a link points to a text file of this checkout: no address, no place in the same page.
fn is_ours(target: &str) -> bool {
    let file = target.split('#').next().unwrap_or_default();
    let text = [".md", ".rs", ".toml"]
        .iter()
        .any(|end| file.ends_with(end));
    text && !target.contains("://")
}

/// The path that `target` means on `page`.
fn resolve(page: &str, target: &str) -> String {
    let target = target.split('#').next().unwrap_or_default();
    let mut path: Vec<&str> = page.split('/').collect();
    path.pop();
    for part in target.split('/') {
        match part {
            "." => {}
            ".." => drop(path.pop()),
            name => path.push(name),
        }
    }
    path.join("/")
}
