//! Checks of source files one by one: how they begin, how long and wide they are, what they must not hold.

use super::Problem;
use crate::workspace::Tree;

/// A file is about one thing; past this many lines it is usually about two. Tests are left out:
/// a long table of cases is still one thing.
const MAX_LINES: usize = 400;

/// A comment is read beside its code; rustfmt does not wrap it. Past this many columns it runs over the edge.
const MAX_COLUMNS: usize = 130;

/// Files that may be longer, and why. A reason says what the one thing in the file is.
pub(super) const LONG_FILES: &[(&str, &str)] = &[];

/// What no source may hold, and what to do instead. The words are put together here so that this
/// table does not find itself.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("#[", "allow("),
        "use `#[expect(…, reason = \"…\")]`, which complains when outlived",
    ),
    (
        concat!("#![", "allow("),
        "use `#![expect(…, reason = \"…\")]`, which complains when outlived",
    ),
    (concat!("todo", "!("), "finish it or leave it out"),
    (
        concat!("FIX", "ME"),
        "fix it, or open an issue and say in a sentence what holds meanwhile",
    ),
    (concat!("#[", "ignore"), "assert what happens today instead"),
    (concat!("#[", "should_panic"), "assert the error instead"),
];

/// The paragraphs every crate's documentation begins with, in this order.
const PARAGRAPHS: &[&str] = &[
    "**What lives here.**",
    "**What never will.**",
    "**Where to start reading.**",
];

/// Checks every source; `long_files` are allowed to be long.
pub(super) fn check(tree: &Tree, long_files: &[(&str, &str)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.files("", ".rs") {
        problems.extend(begins_with_docs(path, text));
        problems.extend(is_short(path, text, long_files));
        problems.extend(holds_nothing_forbidden(path, text));
        problems.extend(wraps_its_comments(path, text));
        if path.ends_with("src/lib.rs") {
            problems.extend(has_three_paragraphs(path, text));
        }
    }
    problems.extend(
        long_files
            .iter()
            .filter_map(|(path, _)| is_still_long(tree, path)),
    );
    problems
}

fn begins_with_docs(path: &str, text: &str) -> Option<Problem> {
    (!text.starts_with("//!"))
        .then(|| Problem::new(path, "must begin with `//!`: what is this file for?"))
}

fn is_short(path: &str, text: &str, long_files: &[(&str, &str)]) -> Option<Problem> {
    let lines = text.lines().count();
    let long = lines > MAX_LINES && !is_test(path);
    let excused = long_files.iter().any(|(file, _)| *file == path);
    (long && !excused).then(|| {
        Problem::new(
            path,
            format!("has {lines} lines, expected at most {MAX_LINES}: is it two things?"),
        )
    })
}

/// An exception that is no longer needed must go, or it would excuse the next growth unseen.
fn is_still_long(tree: &Tree, path: &str) -> Option<Problem> {
    let lines = tree.get(path).map_or(0, |text| text.lines().count());
    (lines <= MAX_LINES).then(|| {
        Problem::new(
            path,
            format!("has {lines} lines and needs no exception in `LONG_FILES`"),
        )
    })
}

fn holds_nothing_forbidden(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for (word, instead) in FORBIDDEN.iter().filter(|(word, _)| line.contains(word)) {
            let place = format!("{path}:{number}");
            problems.push(Problem::new(place, format!("holds `{word}`: {instead}")));
        }
    }
    problems
}

fn wraps_its_comments(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let columns = line.chars().count();
        if line.trim_start().starts_with("//") && columns > MAX_COLUMNS {
            let place = format!("{path}:{number}");
            let what =
                format!("a comment of {columns} columns, expected at most {MAX_COLUMNS}: wrap it");
            problems.push(Problem::new(place, what));
        }
    }
    problems
}

fn has_three_paragraphs(path: &str, text: &str) -> Option<Problem> {
    let docs: String = text
        .lines()
        .take_while(|line| line.starts_with("//!"))
        .fold(String::new(), |all, line| all + line);
    let places: Vec<_> = PARAGRAPHS
        .iter()
        .map(|paragraph| docs.find(paragraph))
        .collect();
    let in_order = places.iter().all(Option::is_some) && places.is_sorted();
    (!in_order).then(|| {
        Problem::new(
            path,
            format!("its docs must have the paragraphs {}", PARAGRAPHS.join(" ")),
        )
    })
}

/// Whether a source is only built for tests.
pub(super) fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}
