//! The configuration is read whole before anything is done.

use crate::bench::Bench;

#[test]
fn what_is_generated_is_checked_in() {
    let bench = Bench::new();
    for (command, path) in [
        ("generate schema", "docs/newleaf.schema.json"),
        ("generate cli", "docs/cli.md"),
        ("generate lints", "docs/lints.md"),
    ] {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let kept = fs_err::read_to_string(root.join(path)).unwrap();
        assert!(
            bench.done(command).out == kept,
            "{path} is stale; run `cargo xtask generate`"
        );
    }
}

#[test]
fn a_missing_configuration_is_named() {
    let said = Bench::new().fails("config show", 2, "C001");
    assert!(said.err.contains("newleaf.yaml"), "{}", said.err);
}

#[test]
fn completions_are_made_for_every_shell() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            bench
                .done(&format!("completions {shell}"))
                .out
                .contains("newleaf"),
            "{shell}"
        );
    }
}
