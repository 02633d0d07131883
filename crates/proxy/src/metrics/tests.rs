//! The whole page, as a machine gets it.

use std::{collections::BTreeMap, net::SocketAddr};

use jiff::Timestamp;

use super::*;
use crate::{
    expiry::Stage,
    relay::FailureCause,
    status::{BytesStatus, CallsStatus, LookupStatus},
};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn connection(draining: bool, streams: usize) -> ConnectionStatus {
    ConnectionStatus {
        upstream: "cloud".to_owned(),
        leaf: Some(Fingerprint::of(b"leaf")),
        issuer: Some("CN=say \"g1\"".to_owned()),
        authority_key_id: None,
        ca: Some(Fingerprint::of(b"ca")),
        opened_at: at("2026-01-01T00:00:00Z"),
        streams,
        draining,
    }
}

fn upstream(name: &str, identity: Option<IdentityStatus>) -> UpstreamStatus {
    UpstreamStatus {
        name: name.to_owned(),
        ready: identity.is_some(),
        name_lookup: identity.as_ref().map(|_named| LookupStatus {
            addresses: vec![SocketAddr::from(([192, 0, 2, 1], 7233))],
            due_at: at("2026-01-01T00:00:15Z"),
            trouble: None,
        }),
        identity,
        api_key: None,
        current: name == "cloud",
        adopted: 3,
        refused: 1,
        last_refusal: None,
        trouble: None,
    }
}

#[test]
fn the_page() {
    let failed = FailureCause::ALL.map(|cause| (cause, 0));
    let mut failed_by_cause = BTreeMap::from(failed);
    failed_by_cause.insert(FailureCause::Lost, 2);
    let identity = IdentityStatus {
        generation: 3,
        leaf: Fingerprint::of(b"leaf"),
        issuer: "CN=g1".to_owned(),
        authority_key_id: None,
        ca: None,
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2026-04-01T00:00:00Z"),
        stage: Stage::Fresh,
        expiry: String::new(),
    };
    let status = Status {
        started_at: at("2026-01-01T00:00:00Z"),
        ready: true,
        identity: None,
        connections: vec![
            connection(true, 4),
            connection(false, 1),
            connection(false, 2),
        ],
        adopted: 3,
        refused: 1,
        last_refusal: None,
        last_refusal_at: None,
        replayed: 5,
        failed: 2,
        calls: CallsStatus {
            answered: 1000,
            failed: 2,
            failed_by_cause,
            reset: 7,
        },
        bytes: BytesStatus {
            from_callers: 10,
            to_callers: 20,
            from_servers: 30,
            to_servers: 40,
        },
        upstreams: vec![
            upstream("cloud", Some(identity.clone())),
            upstream("by key alone", None),
        ],
        listeners: vec![ListenerStatus {
            place: "0.0.0.0:7233".to_owned(),
            identity,
            current: false,
            last_refusal: None,
        }],
    };
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    let page = text(status).unwrap().replace(&version, "version=\"…\"");
    assert_eq!(page, include_str!("tests/page.txt"), "{page}");
}

/// Alerts as Prometheus reads them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    name: String,
    rules: Vec<Rule>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    r#for: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

/// Returns the names of our metrics in a text.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("newleaf_proxy_"))
}

#[test]
fn alerts_ask_for_what_is_there() {
    let page = include_str!("tests/page.txt");
    let samples: Vec<_> = page
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(names)
        .collect();
    let guide = include_str!("../../../../docs/proxy.md");
    let alerts = include_str!("../../../../docs/proxy-alerts.yaml");
    for name in names(guide).chain(names(alerts)) {
        assert!(samples.contains(&name), "`{name}` is no metric");
    }
    let rules: Rules = serde_saphyr::from_str(alerts).unwrap();
    assert_eq!(rules.groups.len(), 1);
    let group = rules.groups.first().unwrap();
    assert_eq!(
        (group.name.as_str(), group.rules.len()),
        ("newleaf-proxy", 8)
    );
    for rule in &group.rules {
        assert!(names(&rule.expr).next().is_some(), "{}", rule.alert);
        assert!(rule.r#for.as_deref().is_none_or(|span| span.ends_with('m')));
        let severity = rule.labels.get("severity").map(String::as_str);
        assert!(matches!(severity, Some("critical" | "warning")));
        let said: Vec<_> = rule.annotations.keys().collect();
        assert_eq!(said, ["description", "summary"]);
        let kind = rule.alert.strip_prefix("NewleafProxy").unwrap();
        assert!(guide.contains(kind), "the guide does not tell of {kind}");
    }
}
