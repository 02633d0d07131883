//! What is written, and what is meant.

use newleaf_systems::domain::EvidenceSource;

use super::*;

const SMALLEST: &str = "\
domains:
  payments:
    trust_points:
      payments.a2dd6:
        manual: {}
        endpoints:
          - address: payments.a2dd6.tmprl.cloud:7233
    holders:
      worker-b:
        store: { directory: b }
      worker-a:
        store: { directory: a }
    issuer: { unencrypted: true }
";

fn read(text: &str) -> Result<Config, ConfigError> {
    resolve::resolve(Path::new("etc/newleaf.yaml"), text)
}

/// Reads the smallest configuration with `from` replaced by `to`, and returns message and place.
#[track_caller]
fn refused(from: &str, to: &str) -> String {
    assert!(SMALLEST.contains(from), "{from}");
    let error = read(&SMALLEST.replacen(from, to, 1)).unwrap_err();
    let place = error.place().map(ToString::to_string).unwrap_or_default();
    format!("{error}\n{place}")
}

#[test]
fn the_smallest_configuration_has_every_default() {
    let config = read(SMALLEST).unwrap();
    assert_eq!(config.state(), Path::new("etc/.newleaf"));
    let domain = config.domain("payments").unwrap();
    assert_eq!(domain.issuer.directory, Path::new("etc/ca"));
    assert_eq!(domain.issuer.common_name, "payments-ca");
    assert_eq!(domain.leaf.lifetime, SignedDuration::from_hours(30 * 24));
    assert_eq!(domain.timing.final_soak, SignedDuration::from_hours(24));
    assert_eq!(domain.timing.passes, 3);
    assert_eq!(domain.approvals, BTreeSet::from([Phase::Distrusted]));
    let waves: Vec<Vec<_>> = domain
        .waves
        .iter()
        .map(|wave| wave.iter().map(HolderId::as_str).collect())
        .collect();
    assert_eq!(waves, [["worker-b"], ["worker-a"]], "the order of the file");
    assert!(domain.open().is_ok());
}

/// The seeds of the fuzz target, which CI has no time to run: each is read, or refused at a place and in words
/// that fit a terminal.
#[test]
fn the_seeds_of_the_fuzzer_are_read_or_refused_at_a_place() {
    let seeds = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/config");
    let mut n_read = 0;
    for seed in fs_err::read_dir(seeds).unwrap() {
        let text = fs_err::read_to_string(seed.unwrap().path()).unwrap();
        // Cut short anywhere, it is still somebody's file.
        for cut in (0..=text.len()).filter_map(|end| text.get(..end)) {
            match read(cut) {
                Ok(_) => n_read += 1,
                Err(error) => {
                    assert!(error.place().is_some(), "{error}: {cut}");
                    let said = error.to_string();
                    let drives = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
                    assert!(!said.contains(drives), "{said:?}");
                }
            }
        }
    }
    assert!(n_read > 0);
}

#[test]
fn every_default_can_be_used() {
    type Read = fn(&str) -> Result<SignedDuration, String>;
    let table: [(&str, Read); 4] = [
        (defaults::ISSUER_LIFETIME, crate::text::positive_span),
        (defaults::LEAF_LIFETIME, crate::text::positive_span),
        (defaults::POLL, crate::text::positive_span),
        (defaults::REFRESH_INTERVAL, crate::text::span),
    ];
    for (said, read) in table {
        assert!(read(said).is_ok(), "{said}");
    }
}

#[test]
fn what_is_not_known_is_shown_with_a_caret() {
    insta::assert_snapshot!(refused("manual: {}", "manaul: {}"), @r"
    unknown field `manaul`, expected one of temporal_cloud, self_hosted, manual, endpoints
      --> etc/newleaf.yaml:5:9
       |
     5 |         manaul: {}
       |         ^^^^^^
    ");
    insta::assert_snapshot!(refused("    holders:", "    waves: [[worker-c]]\n    holders:"), @r"
    expected the name of a holder, found `worker-c`; this trust domain has `worker-b`, `worker-a`
      --> etc/newleaf.yaml:8:14
       |
     8 |     waves: [[worker-c]]
       |              ^^^^^^^^
    ");
    insta::assert_snapshot!(refused("    holders:", "    leaf: { lifetime: 1mo }\n    holders:"), @r"
    expected a span in weeks, days, hours, minutes or seconds, found `1mo`: months and years differ in length
      --> etc/newleaf.yaml:8:23
       |
     8 |     leaf: { lifetime: 1mo }
       |                       ^^^
    ");
    insta::assert_snapshot!(refused("{ unencrypted: true }", "{ key: rsa-1024 }"), @r"
    unknown variant `rsa-1024`, expected one of ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072, rsa-4096
       --> etc/newleaf.yaml:13:20
        |
     13 |     issuer: { key: rsa-1024 }
        |                    ^^^^^^^^
    ");
    insta::assert_snapshot!(refused("{ directory: b }", "{ directory: b"), @r"
    while parsing a flow mapping, did not find expected ',' or '}'
       --> etc/newleaf.yaml:11:15
        |
     11 |       worker-a:
        |               ^
    ");
}

#[test]
fn what_is_missing_is_named() {
    insta::assert_snapshot!(refused("store: { directory: b }", "common_name: b"), @r"
    expected `store`, such as `store: { directory: /etc/worker/tls }`, found nothing
       --> etc/newleaf.yaml:10:9
        |
     10 |         common_name: b
        |         ^
    ");
    insta::assert_snapshot!(refused("        manual: {}\n", ""), @r"
    expected exactly one of `temporal_cloud`, `self_hosted` and `manual`, found none
      --> etc/newleaf.yaml:5:9
       |
     5 |         endpoints:
       |         ^
    ");
    insta::assert_snapshot!(refused("manual: {}", "temporal_cloud: {}"), @r"
    expected `api_key`, a reference such as `env:TEMPORAL_CLOUD_API_KEY`, found nothing
      --> etc/newleaf.yaml:5:25
       |
     5 |         temporal_cloud: {}
       |                         ^
    ");
    insta::assert_snapshot!(refused("manual: {}", "self_hosted: { slots: [one.pem] }"), @r"
    expected at least 2 of `slots`, found 1: a rollover trusts two CAs at once, one a file
      --> etc/newleaf.yaml:5:22
       |
     5 |         self_hosted: { slots: [one.pem] }
       |                      ^
    ");
}

#[test]
fn a_proxy_is_asked_over_tcp_or_on_a_unix_socket() {
    let told = |admin: &str| {
        let holder = format!("store: {{ directory: b }}\n        evidence: [{{ proxy: {admin} }}]");
        SMALLEST.replacen("store: { directory: b }", &holder, 1)
    };
    let config = read(&told("unix:/run/admin.sock")).unwrap();
    let domain = config.domain("payments").unwrap();
    let sources = domain.holders.iter().flat_map(|holder| &holder.evidence);
    let admin = "unix:/run/admin.sock".to_owned();
    assert_eq!(
        sources.collect::<Vec<_>>(),
        [&EvidenceSource::Proxy { admin }]
    );
    insta::assert_snapshot!(read(&told("unix:admin.sock")).unwrap_err(), @"expected an absolute path after `unix:`, found `admin.sock`");
}

#[test]
fn references_are_found_or_refused() {
    let pollers = "store: { directory: b }\n        evidence: [{ pollers: { trust_point: other, task_queue: q } }]";
    insta::assert_snapshot!(refused("store: { directory: b }", pollers), @r"
    expected the name of a trust point, found `other`; this trust domain has `payments.a2dd6`
       --> etc/newleaf.yaml:11:46
        |
     11 |         evidence: [{ pollers: { trust_point: other, task_queue: q } }]
        |                                              ^^^^^
    ");
    insta::assert_snapshot!(
        refused("    holders:", "    waves: [[worker-a], [worker-a]]\n    holders:"), @r"
    expected each holder in one wave, found `worker-a` again
      --> etc/newleaf.yaml:8:26
       |
     8 |     waves: [[worker-a], [worker-a]]
       |                          ^^^^^^^^
    "
    );
    insta::assert_snapshot!(refused("    holders:", "    waves: [[worker-a]]\n    holders:"), @r"
    expected every holder in a wave, found `worker-b` in none
       --> etc/newleaf.yaml:11:9
        |
     11 |         store: { directory: b }
        |         ^
    ");
    insta::assert_snapshot!(refused("{ directory: b }", "{ directory: a }"), @r"
    expected a directory of its own for holder `worker-a`, found `etc/a`, which is that of holder `worker-b`
       --> etc/newleaf.yaml:12:9
        |
     12 |         store: { directory: a }
        |         ^
    ");
}

#[test]
fn a_secret_that_was_written_down_is_not_shown() {
    let secret = "tmprl_api_key_that_nobody_may_see";
    for place in [
        "temporal_cloud: { api_key: SECRET }",
        "temporal_cloud:\n          api_key:\n            SECRET",
    ] {
        let shown = refused("manual: {}", &place.replace("SECRET", secret));
        assert!(
            shown.starts_with("expected a reference to a secret, `env:NAME` or `file:PATH`"),
            "{shown}"
        );
        assert!(shown.contains("newleaf.yaml:"), "{shown}");
        assert!(!shown.contains(secret), "{shown}");
    }
    // Even an error elsewhere on the line does not quote it.
    let shown = refused(
        "manual: {}",
        &format!("temporal_cloud: {{ api_key: \"env:{secret}\", adress: x }}"),
    );
    assert!(
        shown.contains("adress") && !shown.contains(secret),
        "{shown}"
    );
}

#[test]
fn secrets_are_read_late_and_refused_with_advice() {
    let cloud = "temporal_cloud: { api_key: \"env:NEWLEAF_TEST_NO_SUCH_VARIABLE\" }";
    let config = read(&SMALLEST.replace("manual: {}", cloud)).unwrap();
    let failure = config.domain("payments").unwrap().open().err().unwrap();
    let shown = format!("{failure:?}");
    assert!(shown.contains("NEWLEAF_TEST_NO_SUCH_VARIABLE"), "{shown}");
}

#[test]
fn an_api_key_travels_over_tls_only() {
    let cloud = "temporal_cloud: { api_key: \"env:KEY\", address: \"http://localhost:1\" }";
    assert!(
        refused("manual: {}", cloud).starts_with("expected an address that begins with `https://`")
    );
}

#[test]
fn each_setting_tells_where_it_came_from() {
    let config =
        read(&SMALLEST.replace("    holders:", "    leaf: { lifetime: 7d }\n    holders:"))
            .unwrap();
    let find = |key: &str| {
        let setting = config
            .settings()
            .iter()
            .find(|setting| setting.key == key)
            .unwrap();
        (setting.value.as_str(), setting.line)
    };
    assert_eq!(find("domains.payments.leaf.lifetime"), ("7d", Some(8)));
    assert_eq!(find("domains.payments.leaf.key"), ("ecdsa-p256", None));
}

/// Reads the smallest configuration with an issuer.
fn with_issuer(issuer: &str) -> Result<Config, ConfigError> {
    read(&SMALLEST.replacen("{ unencrypted: true }", issuer, 1))
}

#[test]
fn a_cas_keys_are_kept_as_is_said() {
    use newleaf_systems::domain::Custody;

    let custody = |issuer: &str| {
        let config = with_issuer(issuer).unwrap();
        config.domain("payments").unwrap().issuer.custody.clone()
    };
    assert!(matches!(custody("{ unencrypted: true }"), Custody::Plain));
    assert!(matches!(
        custody("{ passphrase: \"env:P\" }"),
        Custody::Sealed(_)
    ));
    let token = custody("{ token: { module: /m.so, label: t, pin: \"file:pin\" } }");
    assert!(matches!(token, Custody::Token { options, .. } if options.token == "t"));
}

/// A key that lies open is somebody's wish.
#[test]
fn how_a_cas_keys_are_kept_must_be_said() {
    for unsaid in ["{}", "{ unencrypted: false }", "{ organization: acme }"] {
        let refused = with_issuer(unsaid).unwrap_err().to_string();
        assert!(refused.contains("found none"), "{refused}");
    }
    insta::assert_snapshot!(refused("    issuer: { unencrypted: true }\n", ""), @r"
    expected one of `issuer.passphrase`, `issuer.token` and `issuer.unencrypted: true`, found none: nothing says how the CA's keys are kept
      --> etc/newleaf.yaml:3:5
       |
     3 |     trust_points:
       |     ^
    ");
    for both in [
        "{ unencrypted: true, passphrase: \"env:P\" }",
        "{ unencrypted: true, token: { module: /m.so, label: t, pin: \"env:P\" } }",
    ] {
        let refused = with_issuer(both).unwrap_err().to_string();
        assert!(refused.contains("found two"), "{refused}");
    }
}

#[test]
fn what_may_be_a_passphrase_is_not_shown() {
    for issuer in [
        "{ passphrase: hunter2 }",
        "{ passphrase: prompt }",
        "{ token: { module: /m.so, label: t, pin: \"1234\" } }",
    ] {
        let refused = with_issuer(issuer).unwrap_err();
        assert!(
            refused.to_string().starts_with("expected `env:NAME`"),
            "{refused}"
        );
        assert!(!refused.to_string().contains("hunter2"));
    }
    let both = "{ passphrase: \"env:P\", token: { module: /m.so, label: t, pin: \"env:P\" } }";
    let both = with_issuer(both).unwrap_err();
    assert!(both.to_string().contains("found two"), "{both}");
    let halfway = with_issuer("{ token: { module: /m.so } }").unwrap_err();
    assert!(halfway.to_string().contains("`label`"), "{halfway}");
}

#[test]
fn profiles_say_what_leaves_are_like() {
    let text = format!(
        "{SMALLEST}profiles:\n  worker: {{ lifetime: 7d, usage: client-and-server, sans: [\"dns:{{common_name}}.x\"] }}\n"
    );
    let config = read(&text).unwrap();
    let profile = config.profile("worker").unwrap();
    assert_eq!(profile.lifetime, SignedDuration::from_hours(7 * 24));
    assert_eq!(profile.sans_of("a").unwrap().len(), 1);
    assert!(config.profile("other").is_err());
    for wrong in [
        "sans: [a.x]",
        "allow_sans: [\"dns:*.*\"]",
        "lifetime: 0s",
        "purpose: client",
    ] {
        assert!(
            read(&format!("{SMALLEST}profiles: {{ w: {{ {wrong} }} }}\n")).is_err(),
            "{wrong}"
        );
    }
}
