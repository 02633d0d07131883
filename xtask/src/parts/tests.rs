//! The table agrees with itself, and parts are found, missed and made anew as told.
//! Nothing here goes to the network: what must be fetched is missing here.

use std::collections::BTreeMap;

use super::{Check, GoModule, Kitchen, PARTS, PEERS, Part, Reason, Source, Standing};
use crate::environment::Environment;

/// The parts share one environment: two locks that disagree would break each other's part.
#[test]
fn lock_files_agree_on_every_version() {
    let mut pinned = BTreeMap::new();
    for part in PARTS.iter().chain(PEERS) {
        let Source::Python { lock, .. } = part.source else {
            continue;
        };
        for line in lock.lines().filter(|line| line.contains("==")) {
            let (package, version) = line.split_once("==").unwrap();
            let condition = version
                .split_once(';')
                .map_or("", |(_, condition)| condition)
                .trim();
            let key = (package, condition.to_owned());
            let version = version.split([' ', ';']).next().unwrap();
            let earlier = pinned.insert(key, version);
            assert!(
                earlier.is_none_or(|v| v == version),
                "{package}: {earlier:?} and {version}"
            );
        }
        assert!(
            lock.contains("--hash=sha256:"),
            "{}: nothing is pinned by its hash",
            part.name
        );
    }
}

#[test]
fn fetched_parts_come_before_linked_ones() {
    let fetched = |source: &Source| matches!(source, Source::Python { .. });
    for table in [PARTS, PEERS] {
        assert!(table.is_sorted_by_key(|part| !fetched(&part.source)));
    }
}

/// A Go part whose sums are missing could be anything.
#[test]
fn every_go_part_is_pinned() {
    for part in PARTS.iter().chain(PEERS) {
        let Source::Go { module, .. } = &part.source else {
            continue;
        };
        let file = |name| module.files.iter().find(|(n, _)| *n == name);
        assert!(file("go.mod").is_some(), "{}", part.name);
        assert!(
            file("go.sum").is_some_and(|(_, sums)| sums.contains(" h1:")),
            "{}",
            part.name
        );
    }
}

#[test]
fn without_go_its_parts_are_missing() {
    let cache = tempfile::tempdir().unwrap();
    let environment = Environment::for_test(cache.path()).with_empty_path();
    let kitchen = Kitchen {
        environment: &environment,
        directory: cache.path(),
    };
    let module = GoModule {
        files: &[],
        package: ".",
        needs_c: false,
    };
    let standing = kitchen.make(&part(Source::Go {
        module,
        check: SHELL_OF_GO,
    }));
    assert!(
        matches!(standing, Standing::Missing(Reason::NotOnPath)),
        "{standing:?}"
    );
}

const SHELL_OF_GO: Check = Check {
    program: "newleaf-no-such-program",
    ..SHELL
};
const SHELL: Check = Check {
    program: "sh",
    arguments: &["-c", "echo one; echo two 2.0"],
    says: "two 2.",
};
const OTHER_SHELL: Check = Check {
    says: "three",
    ..SHELL
};

fn part(source: Source) -> Part {
    Part {
        name: "part",
        purpose: "showing how parts are made",
        source,
    }
}

#[track_caller]
fn make(directory: &std::path::Path, source: Source) -> Standing {
    fs_err::create_dir_all(directory.join("bin")).unwrap();
    let environment = Environment::for_test(directory);
    Kitchen {
        environment: &environment,
        directory,
    }
    .make(&part(source))
}

#[test]
fn a_part_is_real_when_it_answers_as_expected() {
    let cache = tempfile::tempdir().unwrap();
    // Twice: the second time it is there already.
    for _ in 0..2 {
        let standing = make(cache.path(), Source::Path { check: SHELL });
        assert!(
            matches!(&standing, Standing::Real(proof) if proof == "two 2.0"),
            "{standing:?}"
        );
    }
}

#[test]
fn another_answer_is_not_the_part() {
    let cache = tempfile::tempdir().unwrap();
    let standing = make(cache.path(), Source::Path { check: OTHER_SHELL });
    let Standing::Missing(reason) = standing else {
        panic!("{standing:?}")
    };
    let expected = "answered otherwise than expected: expected `three`, found `one`";
    assert_eq!(reason.to_string(), expected);
}

#[test]
fn what_cannot_be_installed_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let check = Check {
        program: "newleaf-no-such-program",
        ..SHELL
    };
    let standing = make(
        cache.path(),
        Source::Debian {
            package: "no-such-package",
            check,
        },
    );
    let Standing::Missing(Reason::NeedsPackage { package }) = standing else {
        panic!("{standing:?}")
    };
    assert_eq!(package, "no-such-package");
}

/// A link that points nowhere, as an upgrade of the system leaves it.
#[test]
fn a_broken_link_is_made_anew() {
    let cache = tempfile::tempdir().unwrap();
    let link = cache.path().join("bin").join("sh");
    fs_err::create_dir_all(link.parent().unwrap()).unwrap();
    fs_err::os::unix::fs::symlink("/nowhere/sh", &link).unwrap();
    let standing = make(cache.path(), Source::Path { check: SHELL });
    assert!(matches!(standing, Standing::Real(_)), "{standing:?}");
}

/// An environment whose Python is there and cannot run, as a killed installation leaves it. The
/// lock names nothing, so that no index is asked.
#[test]
fn a_half_made_environment_is_made_anew() {
    let cache = tempfile::tempdir().unwrap();
    let python = cache.path().join("bin").join("python");
    fs_err::create_dir_all(python.parent().unwrap()).unwrap();
    fs_err::write(&python, "half").unwrap();
    let check = Check {
        program: "python",
        arguments: &["-c", "print('works')"],
        says: "works",
    };
    let standing = make(
        cache.path(),
        Source::Python {
            lock: "# nothing\n",
            check,
        },
    );
    assert!(matches!(standing, Standing::Real(_)), "{standing:?}");
}

#[test]
fn without_python_its_parts_are_missing() {
    let cache = tempfile::tempdir().unwrap();
    let environment = Environment::for_test(cache.path()).with_empty_path();
    let kitchen = Kitchen {
        environment: &environment,
        directory: cache.path(),
    };
    let check = Check {
        program: "python",
        ..SHELL
    };
    let standing = kitchen.make(&part(Source::Python { lock: "", check }));
    assert!(
        matches!(standing, Standing::Missing(Reason::NotOnPath)),
        "{standing:?}"
    );
}
