//! Every exit code that `--help` names is met: 0 to 5 here, 70 in the program's own tests.

use crate::{
    bench::Bench,
    rotating::{Stage, exit},
};

#[test]
fn the_help_names_these_and_no_others() {
    let help = Bench::new().done("--help").out;
    let (_, list) = help.split_once("Exit codes:\n").unwrap();
    let lines = list
        .lines()
        .map_while(|line| line.split_whitespace().next());
    let codes: Vec<u8> = lines.map(|code| code.parse().unwrap()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 70, 255]);
}

#[test]
fn what_needs_no_rotation() {
    let bench = Bench::with_identity();
    bench.done("inspect ca/ca.crt");
    // 1: the world refused.
    bench.fails("sandbox --namespace no-account", 1, "W001");
    // 2: the input cannot be used.
    bench.fails("inspect missing.pem", 2, "F001");
    assert_eq!(bench.run("no-such-command").code, 2);
    // 3: a lint found an error.
    assert_eq!(
        bench.run("lint --at 2100-01-01T00:00:00Z ca/ca.crt").code,
        3
    );
    // 3: a chain that is refused.
    let refused = "verify --at 2100-01-01T00:00:00Z --bundle ca/ca.crt worker/tls.crt";
    assert_eq!(bench.run(refused).code, 3);
}

#[test]
fn a_rotation_that_waits_and_one_that_is_unsafe() {
    let stage = Stage::set();
    let bench = &stage.bench;
    let key = bench.read("sandbox/api-key");
    bench.write("sandbox/api-key", "not-the-key");
    // 5: nobody can tell whom the namespace accepts, so going on would be unsafe.
    let blocked = bench.run("rotate ca payments --yes");
    assert_eq!(blocked.code, 5, "{}", blocked.err);
    for said in [
        "error[R004]: ",
        "invalid API key",
        "what was in use still is",
    ] {
        assert!(blocked.err.contains(said), "{}", blocked.err);
    }
    let status = stage.status();
    assert_eq!(status["hold"]["kind"], "blocked", "{status}");
    assert!(!bench.path("ca/g2").exists());

    bench.write("sandbox/api-key", &key);
    let resumed = stage.start("resume");
    let id = stage.at("issuing/wave-1");
    bench.done(&format!("pause {id} --reason lunch"));
    // 4: nothing is wrong, a person is waited for.
    assert_eq!(exit(resumed), Some(4));
    assert_eq!(stage.status()["hold"]["kind"], "paused");
}
