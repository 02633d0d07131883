//! Each check on a small tree that is tidy but for one thing.

use super::{Problem, borders, codes, documents, sources};
use crate::workspace::Tree;

#[track_caller]
fn check(problems: &[Problem], expected: &[&str]) {
    let found: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

const TIDY_LIB: &str = "//! Values.\n//!\n//! **What lives here.** a\n//! **What never will.** b\n\
                        //! **Where to start reading.** c\n";

#[test]
fn a_tidy_source_has_no_problem() {
    let tree = Tree::of(&[
        ("crates/a/src/lib.rs", TIDY_LIB),
        ("crates/a/src/b.rs", "//! B.\n"),
    ]);
    check(&sources::check(&tree, &[]), &[]);
}

#[test]
fn a_file_says_what_it_is_for() {
    let tree = Tree::of(&[("a.rs", "fn main() {}\n")]);
    check(
        &sources::check(&tree, &[]),
        &["a.rs: must begin with `//!`: what is this file for?"],
    );
}

#[test]
fn a_crate_begins_with_three_paragraphs_in_order() {
    let expected = "crates/a/src/lib.rs: its docs must have the paragraphs **What lives here.** \
                    **What never will.** **Where to start reading.**";
    let (second, third) = (
        "//! **What never will.** b\n",
        "//! **Where to start reading.** c\n",
    );
    let missing = TIDY_LIB.replace(second, "");
    let swapped = missing.replace(third, &format!("{third}{second}"));
    let late = TIDY_LIB.replace("//!\n", "use std::fmt;\n");
    for text in [&missing, &swapped, &late] {
        let tree = Tree::of(&[("crates/a/src/lib.rs", text)]);
        check(&sources::check(&tree, &[]), &[expected]);
    }
}

#[test]
fn a_comment_is_wrapped() {
    let (fits, runs_over) = ("ö".repeat(127), "o".repeat(128));
    let text =
        format!("//! A.\n// {fits}\nconst A: &str = \"{runs_over} and more\";\n// {runs_over}\n");
    check(
        &sources::check(&Tree::of(&[("a.rs", &text)]), &[]),
        &["a.rs:4: a comment of 131 columns, expected at most 130: wrap it"],
    );
}

#[test]
fn a_long_file_needs_a_reason_and_a_short_one_must_not_have_one() {
    let long = format!("//! Long.\n{}", "\n".repeat(400));
    let tree = Tree::of(&[("a.rs", &long), ("a/tests.rs", &long), ("b.rs", "//! B.\n")]);
    check(
        &sources::check(&tree, &[]),
        &["a.rs: has 401 lines, expected at most 400: is it two things?"],
    );
    check(&sources::check(&tree, &[("a.rs", "a table")]), &[]);
    check(
        &sources::check(&tree, &[("a.rs", "a table"), ("b.rs", "was long once")]),
        &["b.rs: has 1 lines and needs no exception in `LONG_FILES`"],
    );
}

#[test]
fn forbidden_words_are_found_with_their_line() {
    // In two halves each, or `tidy` would find them here.
    let words = [
        ("#[", "allow(a)]"),
        ("#![", "allow(a)]"),
        ("todo", "!()"),
        ("FIX", "ME"),
        ("#[", "ignore]"),
    ];
    for word in words.map(|(begin, end)| format!("{begin}{end}")) {
        let text = format!("//! A.\n\n{word}\n");
        let problems = sources::check(&Tree::of(&[("a.rs", &text)]), &[]);
        assert_eq!(problems.len(), 1, "{word}");
        assert!(
            problems[0].to_string().starts_with("a.rs:3: holds `"),
            "{word}"
        );
    }
}

/// A graph of `(package, normal dependencies, dependencies of tests)`; all named `newleaf…` or
/// `xtask` are members.
fn graph(packages: &[(&str, &[&str], &[&str])]) -> borders::Graph {
    let quoted = |name: &str| format!("{name:?}");
    let member = |name: &str| name.starts_with("newleaf") || name == "xtask";
    let edge = |name: &&str, kind: &str| {
        format!(r#"{{"pkg":{name:?},"dep_kinds":[{{"kind":{kind},"target":null}}]}}"#)
    };
    let node = |(name, normal, dev): &(&str, &[&str], &[&str])| {
        let normal = normal.iter().map(|name| edge(name, "null"));
        let edges: Vec<_> = normal
            .chain(dev.iter().map(|name| edge(name, "\"dev\"")))
            .collect();
        format!(r#"{{"id":{name:?},"deps":[{}]}}"#, edges.join(","))
    };
    let names = packages.iter().map(|(name, ..)| *name);
    let members: Vec<_> = names
        .clone()
        .filter(|name| member(name))
        .map(quoted)
        .collect();
    let named: Vec<_> = names
        .map(|name| format!(r#"{{"id":{name:?},"name":{name:?}}}"#))
        .collect();
    let nodes: Vec<_> = packages.iter().map(node).collect();
    let json = format!(
        r#"{{"packages":[{}],"workspace_members":[{}],"resolve":{{"nodes":[{}]}}}}"#,
        named.join(","),
        members.join(","),
        nodes.join(",")
    );
    serde_json::from_str(&json).unwrap()
}

#[test]
fn data_walks_in_one_direction() {
    let right = graph(&[
        ("newleaf-rotation", &["newleaf-x509"], &[]),
        ("newleaf-x509", &[], &[]),
    ]);
    check(&borders::check(&right), &[]);
    let wrong = graph(&[
        ("newleaf-rotation", &[], &[]),
        ("newleaf-x509", &["newleaf-rotation"], &[]),
    ]);
    check(
        &borders::check(&wrong),
        &["newleaf-x509: may not use `newleaf-rotation`: data walks the other way"],
    );
}

#[test]
fn a_new_room_needs_a_row() {
    let tree = graph(&[("newleaf-attic", &[], &[])]);
    check(
        &borders::check(&tree),
        &["newleaf-attic: has no row in `ROOMS`: which rooms may it use?"],
    );
}

#[test]
fn the_outside_world_is_found_behind_others() {
    let packages = graph(&[
        ("newleaf-rotation", &["newleaf-x509"], &[]),
        ("newleaf-x509", &["pem"], &[]),
        ("pem", &["aws-sdk-acm"], &[]),
        ("aws-sdk-acm", &[], &[]),
    ]);
    check(
        &borders::check(&packages),
        &[
            "newleaf-x509: may not reach `aws-sdk-acm`, but does: newleaf-x509 → pem → aws-sdk-acm",
            "newleaf-rotation: may not reach `aws-sdk-acm`, but does: \
             newleaf-rotation → newleaf-x509 → pem → aws-sdk-acm",
        ],
    );
}

#[test]
fn tests_may_use_everything() {
    let tree = graph(&[
        ("newleaf-proxy", &[], &["newleaf-sandbox"]),
        ("newleaf-sandbox", &["tonic"], &[]),
        ("newleaf-x509", &[], &["tokio"]),
        ("tokio", &[], &[]),
        ("tonic", &[], &[]),
    ]);
    check(&borders::check(&tree), &[]);
}

const INDEX: (&str, &str) = ("docs/decisions/README.md", "[one](0001-one.md)\n");

#[test]
fn every_decision_is_linked() {
    let record = ("docs/decisions/0001-one.md", "# One\n");
    let map = ("ARCHITECTURE.md", "# Map\n");
    check(&documents::check(&Tree::of(&[map, INDEX, record])), &[]);
    let lost = ("docs/decisions/0002-two.md", "# Two\n");
    check(
        &documents::check(&Tree::of(&[map, INDEX, record, lost])),
        &["docs/decisions/0002-two.md: is not linked from docs/decisions/README.md"],
    );
}

#[test]
fn a_link_leads_somewhere() {
    let map = (
        "ARCHITECTURE.md",
        "# Map\n\n[gone](docs/gone.md#x) [web](https://a.b/c.md) [here](#x)\n",
    );
    check(
        &documents::check(&Tree::of(&[map])),
        &["ARCHITECTURE.md:3: links to `docs/gone.md#x`, which is not there"],
    );
    let up = (
        "docs/decisions/0001-one.md",
        "[map](../../ARCHITECTURE.md)\n",
    );
    check(
        &documents::check(&Tree::of(&[("ARCHITECTURE.md", ""), INDEX, up])),
        &[],
    );
}

#[test]
fn the_map_is_there_and_fits_into_a_head() {
    check(
        &documents::check(&Tree::of(&[])),
        &["ARCHITECTURE.md: is missing"],
    );
    let map = "line\n".repeat(151);
    check(
        &documents::check(&Tree::of(&[("ARCHITECTURE.md", &map)])),
        &["ARCHITECTURE.md: has 151 lines, expected at most 150"],
    );
}

const FAMILY: &[codes::Family] = &[codes::Family {
    letters: "KL",
    sources: "crates/x509/src/lint",
    pages: "docs/codes/",
}];

#[test]
fn every_code_has_its_page_and_every_page_its_code() {
    let table = (
        "crates/x509/src/lint.rs",
        "//! T.\nlet a = (\"L001\", \"says L003\", \"L02\", \"M004\");\n",
    );
    let page = ("docs/codes/L001.md", "# L001\n");
    let introduction = ("docs/codes/README.md", "# Codes\n");
    check(
        &codes::check(&Tree::of(&[table, page, introduction]), FAMILY),
        &[],
    );
    check(
        &codes::check(&Tree::of(&[table]), FAMILY),
        &["crates/x509/src/lint.rs:2: `L001` has no page docs/codes/L001.md"],
    );
    let stale = ("docs/codes/L009.md", "# L009\n");
    check(
        &codes::check(&Tree::of(&[table, page, stale]), FAMILY),
        &["docs/codes/L009.md: `L009` is given out nowhere"],
    );
}
