//! Files as people and programs write them.

use std::path::PathBuf;

use super::*;

fn written(text: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    fs_err::write(&path, text).unwrap();
    (directory, path)
}

fn set_up(text: &str) -> Setup {
    let (_directory, resolv_conf) = written(text);
    setup(&ResolverOptions {
        resolv_conf,
        ..ResolverOptions::system()
    })
}

#[test]
fn what_is_not_understood_is_passed_over() {
    let setup = set_up(
        "# made by hand\nnameserver 10.0.0.2\nnameserver fe80::1%2\nnameserver x\nblah\noptions trust-ad new:1 edns0",
    );
    assert_eq!(setup.told(), "10.0.0.2:53, [fe80::1%2]:53");
    assert!(setup.edns && !setup.tcp && !setup.no_aaaa);
}

#[test]
fn patience_has_bounds() {
    let patient = set_up("options timeout:30 attempts:5");
    assert_eq!(
        (patient.timeout, patient.attempts),
        (limits::DNS_SERVER, limits::DNS_ATTEMPTS)
    );
    let hasty = set_up("options timeout:0 attempts:0");
    assert_eq!((hasty.timeout, hasty.attempts), (limits::DNS_SERVER_MIN, 1));
}

/// As with the C library: then there is one on this machine.
#[test]
fn without_a_file_the_machine_itself_is_asked() {
    let options = ResolverOptions {
        resolv_conf: PathBuf::from("/nowhere"),
        ..ResolverOptions::system()
    };
    assert_eq!(setup(&options).told(), "127.0.0.1:53, [::1]:53");
}

#[test]
fn hosts_are_found_by_each_of_their_names() {
    let (_directory, path) = written(
        "127.0.0.1 localhost\n10.0.0.1\ttemporal.test Temporal # not this: other\n::2 temporal.test\n10.0.0.1 temporal\nx temporal\n",
    );
    let found = |host: &str| -> Vec<String> {
        hosts(&path, host).iter().map(ToString::to_string).collect()
    };
    assert_eq!(found("temporal.test"), ["10.0.0.1", "::2"]);
    assert_eq!(found("TEMPORAL."), ["10.0.0.1"]);
    assert!(found("other").is_empty());
    assert!(hosts(Path::new("/nowhere"), "temporal").is_empty());
}
