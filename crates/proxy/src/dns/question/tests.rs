//! What is asked for, in order, as resolv.conf(5) has it.

use super::*;
use crate::dns::{ResolverOptions, system};

#[track_caller]
fn check(host: &str, resolv_conf: &str, expect: &[&str]) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolv.conf");
    fs_err::write(&path, resolv_conf).unwrap();
    let setup = system::setup(&ResolverOptions {
        resolv_conf: path,
        ..ResolverOptions::system()
    });
    let candidates = candidates(host, &setup).unwrap_or_default();
    let names: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    assert_eq!(names, expect);
}

#[test]
fn a_name_with_enough_dots_is_asked_for_as_it_stands_first() {
    check("a.b", "search x y", &["a.b", "a.b.x", "a.b.y"]);
    check("a", "search x y", &["a.x", "a.y", "a"]);
    // As Kubernetes has it.
    let pod = "search ns.svc.cluster.local svc.cluster.local\noptions ndots:5";
    let expect = [
        "p.a2dd6.tmprl.cloud.ns.svc.cluster.local",
        "p.a2dd6.tmprl.cloud.svc.cluster.local",
        "p.a2dd6.tmprl.cloud",
    ];
    check("p.a2dd6.tmprl.cloud", pod, &expect);
}

#[test]
fn a_dot_at_the_end_ends_it() {
    check("a.", "search x y", &["a"]);
    check("a.b.", "search x\noptions ndots:5", &["a.b"]);
}

#[test]
fn the_last_of_search_and_domain_counts() {
    check("a", "search x y\ndomain z", &["a.z", "a"]);
    check("a", "domain z\nsearch .", &["a"]);
    check("a", "", &["a"]);
}

#[test]
fn what_is_no_name_is_not_asked_for() {
    check("", "", &[]);
    check("a..b", "", &[]);
    check(&"a".repeat(64), "", &[]);
}

#[test]
fn localhost_is_here_whatever_anybody_says() {
    for host in ["localhost", "LOCALHOST.", "app.localhost"] {
        assert!(is_localhost(host), "{host}");
    }
    for host in ["localhost.test", "notlocalhost", ""] {
        assert!(!is_localhost(host), "{host}");
    }
}
