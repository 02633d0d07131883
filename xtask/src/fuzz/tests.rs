//! Tests of [`super`].

use super::*;

#[test]
fn every_target_is_a_binary_with_seeds() {
    let fuzz = Workspace::of_this_build().root().join("fuzz");
    let manifests = ["Cargo.toml", "config/Cargo.toml"]
        .map(|manifest| fs_err::read_to_string(fuzz.join(manifest)).unwrap());
    let manifests = manifests.concat();
    let targets = targets(&fuzz).unwrap();
    assert!(!targets.is_empty());
    for target in targets {
        let path = format!("fuzz_targets/{target}.rs\"");
        assert!(manifests.contains(&path), "`{target}` has no [[bin]]");
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
fn figures_are_read() {
    let said = "#8\tINITED cov: 45 ft: 45 corp: 4/4b\n#99\tNEW    cov: 50 ft: 52\nDone 1234 runs in 61 second(s)\n\
                stat::number_of_executed_units: 1234\nstat::average_exec_per_sec:     20\n";
    assert_eq!(
        Figures::of(said)
            .to_string()
            .split_whitespace()
            .collect::<Vec<_>>(),
        ["20", "1234", "50", "61"]
    );
    assert_eq!(Figures::of("").seconds, "?");
}
