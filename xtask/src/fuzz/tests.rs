//! Tests of [`super`].

use super::*;

#[test]
fn every_target_is_a_binary_with_seeds() {
    let fuzz = Workspace::of_this_build().root().join("fuzz");
    let manifest = fs_err::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    let targets = targets(&fuzz).unwrap();
    assert!(!targets.is_empty());
    for target in targets {
        let path = format!("path = \"fuzz_targets/{target}.rs\"");
        assert!(manifest.contains(&path), "`{target}` has no [[bin]]");
        let seeds = fs_err::read_dir(fuzz.join("corpus").join(&target)).unwrap();
        assert!(seeds.count() > 0, "`{target}` has no seeds");
    }
}

#[test]
fn only_known_targets_are_chosen() {
    let known = || vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(choose(known(), &[]).unwrap(), known());
    assert_eq!(choose(known(), &["b".to_owned()]).unwrap(), ["b"]);
    let error = choose(known(), &["c".to_owned()]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected one of the targets a, b, found `c`"
    );
}

#[test]
fn statistics_are_read() {
    let said = "Done\nstat::number_of_executed_units: 1234\nstat::peak_rss_mb: 40\n";
    let inputs = statistic(said, "stat::number_of_executed_units:");
    assert_eq!(inputs, Some("1234"));
    assert_eq!(statistic("", "stat::x:"), None);
}
