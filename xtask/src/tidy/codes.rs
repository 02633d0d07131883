//! Every stable code that a person can meet has its page, and every page has its code.

use std::collections::BTreeMap;

use super::Problem;
use super::sources::is_test;
use crate::workspace::Tree;

/// A family of codes, each one letter and three digits, as in `R012`. (The codes of lints are not
/// here: their pages are made from their table, and `cargo xtask generate --check` compares.)
#[derive(Debug)]
pub(super) struct Family {
    /// The letters its codes begin with.
    pub(super) letters: &'static str,
    /// Where its codes are given out: paths begin so.
    pub(super) sources: &'static str,
    /// Where its pages lie, one `CODE.md` each; ends with `/`.
    pub(super) pages: &'static str,
}

/// Every family there is. A new family of codes needs one line here.
pub(super) const FAMILIES: &[Family] = &[Family {
    letters: "CFIJRWZ",
    sources: "crates/newleaf/src/code.rs",
    pages: "docs/codes/",
}];

/// Checks the pages of every family.
pub(super) fn check(tree: &Tree, families: &[Family]) -> Vec<Problem> {
    families
        .iter()
        .flat_map(|family| check_family(tree, family))
        .collect()
}

fn check_family(tree: &Tree, family: &Family) -> Vec<Problem> {
    let given_out = given_out(tree, family);
    let page_of = |code: &str| format!("{}{code}.md", family.pages);
    let without_page = given_out
        .iter()
        .filter(|(code, _)| tree.get(&page_of(code)).is_none())
        .map(|(code, place)| {
            Problem::new(
                place.clone(),
                format!("`{code}` has no page {}", page_of(code)),
            )
        });
    let pages = tree.files(family.pages, ".md").filter_map(|(path, _)| {
        let code = path.strip_prefix(family.pages)?.strip_suffix(".md")?;
        is_code(code, family.letters).then_some((path, code))
    });
    let without_code = pages
        .filter(|(_, code)| !given_out.contains_key(code))
        .map(|(path, code)| Problem::new(path, format!("`{code}` is given out nowhere")));
    without_page.chain(without_code).collect()
}

/// The codes written as whole string literals in the family's sources, and where first.
fn given_out<'a>(tree: &'a Tree, family: &Family) -> BTreeMap<&'a str, String> {
    let mut codes = BTreeMap::new();
    let sources = tree
        .files("", ".rs")
        .filter(|(path, _)| path.starts_with(family.sources));
    for (path, text) in sources.filter(|(path, _)| !is_test(path)) {
        for (number, line) in (1..).zip(text.lines()) {
            let literals = line.split('"').skip(1).step_by(2);
            for code in literals.filter(|literal| is_code(literal, family.letters)) {
                codes
                    .entry(code)
                    .or_insert_with(|| format!("{path}:{number}"));
            }
        }
    }
    codes
}

fn is_code(text: &str, letters: &str) -> bool {
    text.strip_prefix(|first| letters.contains(first))
        .is_some_and(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
