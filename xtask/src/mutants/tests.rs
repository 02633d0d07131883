//! The machinery on a package small enough to be read here, broken in every way that matters.

use std::path::Path;
use std::time::Duration;

use super::list::List;
use super::stage::Stage;
use super::{MutantsError, Verdict, failed_tests, try_all};

const MANIFEST: &str = "[package]\nname = \"scales\"\nedition = \"2024\"\n\n[workspace]\n";

const SOURCE: &str = r"
pub fn heavier(a: u32, b: u32) -> u32 {
    if a > b { a } else { b }
}

pub fn unwatched() -> u32 {
    7
}

#[test]
fn the_heavier_one_is_found() {
    assert_eq!(heavier(1, 2), 2);
}
";

/// Writes the package and a list with one mutation of it; tries the list.
fn attempt(find: &str, replace: &str, limit: Duration) -> Result<Vec<Verdict>, MutantsError> {
    let directory = tempfile::tempdir().unwrap();
    let checkout = directory.path().join("checkout");
    write(&checkout, "Cargo.toml", MANIFEST);
    write(&checkout, "src/lib.rs", SOURCE);
    let list = format!(
        "package = \"scales\"\n[[mutation]]\nname = \"m\"\ninvariant = \"0\"\n\
         file = \"src/lib.rs\"\nfind = '{find}'\nreplace = '{replace}'\n"
    );
    let list = List::parse(&list).unwrap();
    let stage = Stage::set(&checkout, &directory.path().join("cache"), limit)?;
    let mut verdicts = Vec::new();
    let survived = try_all(&stage, &list, |_, verdict| {
        verdicts.push(match verdict {
            Verdict::Caught(tests) => Verdict::Caught(tests.clone()),
            Verdict::CaughtByTime => Verdict::CaughtByTime,
            Verdict::Survived => Verdict::Survived,
        });
    })?;
    assert_eq!(
        survived,
        verdicts
            .iter()
            .filter(|verdict| **verdict == Verdict::Survived)
            .count()
    );
    let copy = fs_err::read_to_string(directory.path().join("cache/copy/src/lib.rs")).unwrap();
    assert_eq!(copy, SOURCE, "what was broken must be whole again");
    Ok(verdicts)
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs_err::create_dir_all(path.parent().unwrap()).unwrap();
    fs_err::write(path, text).unwrap();
}

const AMPLE: Duration = Duration::from_mins(5);

#[test]
fn a_mutation_that_a_test_notices_is_caught() {
    let verdicts = attempt("a > b", "a < b", AMPLE).unwrap();
    assert_eq!(
        verdicts,
        [Verdict::Caught(vec!["the_heavier_one_is_found".into()])]
    );
}

#[test]
fn a_mutation_that_no_test_notices_survives() {
    assert_eq!(
        attempt("    7", "    8", AMPLE).unwrap(),
        [Verdict::Survived]
    );
}

#[test]
fn a_mutation_that_does_not_compile_proves_nothing() {
    let error = attempt("a > b", "a >", AMPLE).unwrap_err();
    assert!(
        matches!(&error, MutantsError::DoesNotCompile { name, .. } if name == "m"),
        "{error}"
    );
}

#[test]
fn a_mutation_must_have_one_place() {
    let error = attempt("u32", "u64", AMPLE).unwrap_err();
    assert!(
        matches!(&error, MutantsError::Place { found: 4, .. }),
        "{error}"
    );
    let error = attempt("u128", "u64", AMPLE).unwrap_err();
    assert!(
        matches!(&error, MutantsError::Place { found: 0, .. }),
        "{error}"
    );
    let error = attempt("a > b", "a > b", AMPLE).unwrap_err();
    assert!(
        matches!(&error, MutantsError::ChangesNothing { .. }),
        "{error}"
    );
}

#[test]
fn a_mutation_that_turns_for_ever_is_caught_by_time() {
    let limit = Duration::from_secs(3);
    let verdicts = attempt("if a > b", "loop {} if a > b", limit).unwrap();
    assert_eq!(verdicts, [Verdict::CaughtByTime]);
}

#[test]
fn tests_that_fail_unbroken_prove_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let checkout = directory.path().join("checkout");
    write(&checkout, "Cargo.toml", MANIFEST);
    write(
        &checkout,
        "src/lib.rs",
        &SOURCE.replace("heavier(1, 2), 2", "heavier(1, 2), 3"),
    );
    let list = "package = \"scales\"\n[[mutation]]\nname = \"m\"\ninvariant = \"0\"\n\
                file = \"src/lib.rs\"\nfind = '    7'\nreplace = '    8'\n";
    let stage = Stage::set(&checkout, &directory.path().join("cache"), AMPLE).unwrap();
    let error = try_all(&stage, &List::parse(list).unwrap(), |_, _| ()).unwrap_err();
    assert!(matches!(error, MutantsError::Baseline { .. }), "{error}");
}

#[test]
fn an_empty_list_is_refused() {
    assert!(matches!(
        List::parse("package = 'a'"),
        Err(MutantsError::EmptyList)
    ));
    assert!(matches!(
        List::parse("package = 'a'\nmutant = []"),
        Err(MutantsError::ParseList { .. })
    ));
}

#[test]
fn failed_tests_are_read_from_what_libtest_says() {
    let said = "test a::b ... ok\ntest a::c ... FAILED\ntest d ... FAILED\ntest result: FAILED.\n";
    assert_eq!(failed_tests(said), ["a::c", "d"]);
}
