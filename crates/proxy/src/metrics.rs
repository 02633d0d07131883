//! The metrics, in the text format of OpenMetrics 1.0: the [`Status`], for machines that draw it.
//!
//! They are made of the status when they are asked for, so that the two cannot disagree. Labels come from closed sets and from
//! certificates that are in use; nothing that a caller sends becomes one.

use std::fmt;

use newleaf_x509::Fingerprint;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::status::{ConnectionStatus, IdentityStatus, ListenerStatus, Status, UpstreamStatus};

/// What the text is, for whoever asked over HTTP.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every name begins with.
const PREFIX: &str = "newleaf_proxy";

type Labels = Vec<(&'static str, String)>;

/// Writes a status as metrics.
pub(crate) fn text(status: Status) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Page(status)));
    let mut page = String::new();
    text::encode(&mut page, &registry)?;
    Ok(page)
}

/// One answer.
#[derive(Debug)]
struct Page(Status);

/// What a metric is, and how it is called.
struct Kind {
    name: &'static str,
    help: &'static str,
    unit: Option<Unit>,
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let page = &mut encoder;
        process(page, &self.0)?;
        identities(page, &self.0.upstreams)?;
        candidates(page, &self.0.upstreams)?;
        listeners(page, &self.0.listeners)?;
        connections(page, &self.0.connections)?;
        calls(page, &self.0)?;
        bytes(page, &self.0)
    }
}

fn process(page: &mut DescriptorEncoder<'_>, status: &Status) -> fmt::Result {
    let version = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    let about = "Which build this is.";
    info(page, "build", about, &version)?;
    let started_at = status.started_at.as_second();
    let about = "When this process began, since the epoch; all counts are from then on.";
    gauge(
        page,
        &kind("start_time", about, Some(Unit::Seconds)),
        started_at,
    )?;
    let about = "Whether a call that came now would be carried (1), or would wait (0).";
    gauge(page, &kind("ready", about, None), i64::from(status.ready))
}

fn identities(page: &mut DescriptorEncoder<'_>, upstreams: &[UpstreamStatus]) -> fmt::Result {
    let in_use = || {
        let with_identity = |upstream: &UpstreamStatus| {
            let identity = upstream.identity.clone()?;
            Some((of_upstream(upstream), identity))
        };
        upstreams.iter().filter_map(with_identity)
    };
    let about = "The identity in use.";
    let mut family = page.encode_descriptor("identity", about, None, MetricType::Info)?;
    for (mut labels, identity) in in_use() {
        labels.extend(certificate(
            Some(&identity.leaf),
            identity.ca.as_ref(),
            Some(&identity.issuer),
        ));
        family.encode_info(&labels)?;
    }
    let mut each = |kind: &Kind, value: fn(&IdentityStatus) -> i64| {
        let values: Vec<_> = in_use()
            .map(|(labels, identity)| (labels, value(&identity)))
            .collect();
        gauges(page, kind, values.iter().map(|(labels, n)| (labels, *n)))
    };
    let about =
        "Its generation: 1 for the first that was adopted, and one more for each that followed.";
    each(&kind("identity_generation", about, None), |identity| {
        i64::try_from(identity.generation).unwrap_or(i64::MAX)
    })?;
    let about = "The first instant of its leaf, since the epoch.";
    let seconds = Some(Unit::Seconds);
    each(
        &kind("identity_not_before", about, seconds.clone()),
        |identity| identity.not_before.as_second(),
    )?;
    let about = "The first end in its chain, since the epoch.";
    each(&kind("identity_not_after", about, seconds), |identity| {
        identity.not_after.as_second()
    })
}

fn candidates(page: &mut DescriptorEncoder<'_>, upstreams: &[UpstreamStatus]) -> fmt::Result {
    let mut flag = |kind: &Kind, holds: fn(&UpstreamStatus) -> Option<bool>| {
        let of = |upstream| Some((of_upstream(upstream), i64::from(holds(upstream)?)));
        let values: Vec<_> = upstreams.iter().filter_map(of).collect();
        gauges(page, kind, values.iter().map(|(labels, n)| (labels, *n)))
    };
    let about = "Whether a call to the upstream would be carried now (1), or would wait (0).";
    flag(&kind("upstream_ready", about, None), |of| Some(of.ready))?;
    let about = "Whether the last DNS lookup of the upstream's name succeeded (1), or its earlier addresses are still in use (0).";
    flag(&kind("name_answered", about, None), |of| {
        let lookup = of.name_lookup.as_ref()?;
        Some(lookup.trouble.is_none())
    })?;
    let about = "Whether the credentials in use are what was read last (1), or that waits to be proved, or was refused (0).";
    flag(&kind("credentials_current", about, None), |of| {
        Some(of.current)
    })?;
    let mut each = |kind: &Kind, value: fn(&UpstreamStatus) -> u64| {
        let of = |upstream| (of_upstream(upstream), value(upstream));
        let values: Vec<_> = upstreams.iter().map(of).collect();
        counter(page, kind, &values)
    };
    let about = "Times that credentials were adopted: an identity, an API key, or both at once.";
    each(&kind("credentials_adopted", about, None), |of| of.adopted)?;
    let about = "Candidates that were refused, by our own check or by the server.";
    each(&kind("candidates_refused", about, None), |of| of.refused)
}

fn listeners(page: &mut DescriptorEncoder<'_>, all: &[ListenerStatus]) -> fmt::Result {
    let mut each = |kind: &Kind, value: fn(&ListenerStatus) -> i64| {
        let of = |listener: &ListenerStatus| {
            let labels = vec![("listener", listener.place.clone())];
            (labels, value(listener))
        };
        let values: Vec<_> = all.iter().map(of).collect();
        gauges(page, kind, values.iter().map(|(labels, n)| (labels, *n)))
    };
    let about = "The first instant of the leaf that callers are shown, since the epoch.";
    let seconds = Some(Unit::Seconds);
    each(
        &kind("listener_not_before", about, seconds.clone()),
        |listener| listener.identity.not_before.as_second(),
    )?;
    let about = "The first end in the chain that callers are shown, since the epoch.";
    each(&kind("listener_not_after", about, seconds), |listener| {
        listener.identity.not_after.as_second()
    })?;
    let about =
        "Whether what the listener uses is what its files last held (1), or that was refused (0).";
    each(&kind("listener_current", about, None), |listener| {
        i64::from(listener.current)
    })
}

fn of_upstream(upstream: &UpstreamStatus) -> Labels {
    vec![("upstream", upstream.name.clone())]
}

fn connections(page: &mut DescriptorEncoder<'_>, all: &[ConnectionStatus]) -> fmt::Result {
    let mut alike: Vec<(Labels, i64, i64)> = Vec::new();
    for connection in all {
        let mut labels = vec![("upstream", connection.upstream.clone())];
        labels.extend(certificate(
            connection.leaf.as_ref(),
            connection.ca.as_ref(),
            connection.issuer.as_deref(),
        ));
        let state = if connection.draining {
            "draining"
        } else {
            "live"
        };
        labels.push(("state", state.to_owned()));
        let n_streams = i64::try_from(connection.streams).unwrap_or(i64::MAX);
        match alike.iter_mut().find(|(known, ..)| *known == labels) {
            Some((_, n_connections, n_open)) => {
                *n_connections += 1;
                *n_open += n_streams;
            }
            None => alike.push((labels, 1, n_streams)),
        }
    }
    let about = "Connections to the server, by what they presented.";
    let of_connections = alike.iter().map(|(labels, n, _)| (labels, *n));
    gauges(page, &kind("connections", about, None), of_connections)?;
    let about = "Calls in flight on them.";
    let of_streams = alike.iter().map(|(labels, _, n)| (labels, *n));
    gauges(page, &kind("streams", about, None), of_streams)
}

fn calls(page: &mut DescriptorEncoder<'_>, status: &Status) -> fmt::Result {
    let calls = &status.calls;
    let about = "Calls whose answer was the server's, whatever it says, and was passed on whole.";
    counter(
        page,
        &kind("calls_answered", about, None),
        &[(vec![], calls.answered)],
    )?;
    let about = "Calls that ended with a status that the proxy gave.";
    let causes = calls.failed_by_cause.iter();
    let failed: Vec<_> = causes
        .map(|(cause, n)| (vec![("cause", cause.word().to_owned())], *n))
        .collect();
    counter(page, &kind("calls_failed", about, None), &failed)?;
    let about = "Calls that the server reset.";
    counter(
        page,
        &kind("calls_reset", about, None),
        &[(vec![], calls.reset)],
    )?;
    let about = "Times a call was sent again that the server had provably not processed, or that only asks.";
    counter(
        page,
        &kind("calls_replayed", about, None),
        &[(vec![], status.replayed)],
    )
}

fn bytes(page: &mut DescriptorEncoder<'_>, status: &Status) -> fmt::Result {
    let of = |peer: &str, n| (vec![("peer", peer.to_owned())], n);
    let bytes = &status.bytes;
    let about = "Bytes of HTTP/2 that came from a peer, without TLS.";
    let received = [
        of("caller", bytes.from_callers),
        of("server", bytes.from_servers),
    ];
    counter(page, &kind("received", about, Some(Unit::Bytes)), &received)?;
    let about = "Bytes of HTTP/2 that were written to a peer, without TLS.";
    let sent = [
        of("caller", bytes.to_callers),
        of("server", bytes.to_servers),
    ];
    counter(page, &kind("sent", about, Some(Unit::Bytes)), &sent)
}

/// Labels for a leaf and what signed it. Without a leaf, as under an API key, they are empty; and a CA that the chain leaves
/// out, as it does with roots, has no fingerprint here.
fn certificate(
    leaf: Option<&Fingerprint>,
    ca: Option<&Fingerprint>,
    issuer: Option<&str>,
) -> Labels {
    let hex = |of: Option<&Fingerprint>| of.map(ToString::to_string).unwrap_or_default();
    vec![
        ("leaf", hex(leaf)),
        ("ca", hex(ca)),
        ("issuer", issuer.unwrap_or_default().to_owned()),
    ]
}

fn kind(name: &'static str, help: &'static str, unit: Option<Unit>) -> Kind {
    Kind { name, help, unit }
}

fn info(page: &mut DescriptorEncoder<'_>, name: &str, help: &str, labels: &Labels) -> fmt::Result {
    let mut metric = page.encode_descriptor(name, help, None, MetricType::Info)?;
    metric.encode_info(labels)
}

fn gauge(page: &mut DescriptorEncoder<'_>, kind: &Kind, value: i64) -> fmt::Result {
    gauges(page, kind, [(&vec![], value)])
}

fn gauges<'a>(
    page: &mut DescriptorEncoder<'_>,
    Kind { name, help, unit }: &Kind,
    values: impl IntoIterator<Item = (&'a Labels, i64)>,
) -> fmt::Result {
    let mut family = page.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
    for (labels, value) in values {
        let value = ConstGauge::new(value);
        if labels.is_empty() {
            return value.encode(family);
        }
        value.encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

fn counter(
    page: &mut DescriptorEncoder<'_>,
    Kind { name, help, unit }: &Kind,
    values: &[(Labels, u64)],
) -> fmt::Result {
    let mut family = page.encode_descriptor(name, help, unit.as_ref(), MetricType::Counter)?;
    for (labels, value) in values {
        let value = ConstCounter::new(*value);
        if labels.is_empty() {
            return value.encode(family);
        }
        value.encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
