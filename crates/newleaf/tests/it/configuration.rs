//! The configuration is read whole before anything is done.

use crate::bench::Bench;

#[test]
fn what_is_generated_is_checked_in() {
    let bench = Bench::new();
    for (command, path) in [
        ("generate schema", "docs/newleaf.schema.json"),
        ("generate cli", "docs/cli.md"),
        ("generate lints", "docs/lints.md"),
        ("generate plan-rules", "docs/plan-rules.md"),
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

#[test]
fn what_the_configuration_refers_to_is_checked() {
    let bench = Bench::new();
    let with = |kind: &str| {
        let text = format!(
            "domains:\n  d:\n    issuer: {{ unencrypted: true }}\n    trust_points:\n      p.a:\n        {kind}\n        endpoints: [{{ address: \"h:1\", server_ca: ca.pem }}]\n    holders: {{ w: {{ store: {{ directory: w }} }} }}\n"
        );
        bench.write("newleaf.yaml", &text);
    };
    with("manual: {}");
    bench.fails("config check", 2, "F001");
    bench.done("ca new --unencrypted --out ca --common-name server-ca");
    bench.write("ca.pem", &bench.read("ca/ca.crt"));
    bench.done("config check");
    with("temporal_cloud: { api_key: \"env:NEWLEAF_TEST_NO_SUCH_VARIABLE\" }");
    let said = bench.fails("config check", 2, "C004");
    assert!(
        said.err
            .contains("help: set the variable `NEWLEAF_TEST_NO_SUCH_VARIABLE`"),
        "{}",
        said.err
    );
    with("temporal_cloud: { api_key: \"file:key\" }");
    bench.fails("config check", 2, "C004");
    bench.write("key", "\n");
    let said = bench.fails("config check", 2, "C004");
    assert!(said.err.contains("caused by: it is empty"), "{}", said.err);
    bench.write("key", "secret\n");
    bench.done("config check");
}
