//! What a trust point accepts now: the trust bundle and the certificate filters, read from the place itself.

use newleaf_systems::{
    domain::{CloudOptions, PointKind, SlotOptions},
    self_hosted::Slots,
    temporal_cloud::CloudNamespace,
};

use super::item::Found;
use crate::{code, commands, failure::Failure, session::Session};

/// Reads a trust point that is named as `DOMAIN/POINT`.
pub(super) fn at(name: &str, session: &Session) -> Result<Found, Failure> {
    let unknown = |expected: String| Failure::new(&code::UNKNOWN_NAME, expected);
    let Some((domain, point)) = name.split_once('/') else {
        return Err(unknown(format!(
            "expected a trust point as `DOMAIN/POINT`, found `{name}`"
        )));
    };
    let config = session.config()?;
    let domain = config.domain(domain)?;
    let Some(found) = domain.points.iter().find(|p| p.id.as_str() == point) else {
        let known: Vec<_> = domain.points.iter().map(|p| p.id.as_str()).collect();
        return Err(unknown(format!(
            "expected a trust point of trust domain `{}`, found `{point}`",
            domain.id
        ))
        .hint(format!("it has `{}`", known.join("`, `"))));
    };
    match found.open()?.kind {
        PointKind::TemporalCloud(options) => cloud(name, &options, session),
        PointKind::SelfHosted(options) => slots(name, &options, session),
        PointKind::Manual => Err(Failure::new(
            &code::TRUST_POINT,
            format!("cannot read trust point `{name}`: a person changes it, and newleaf cannot look"),
        )
        .hint("name one of its endpoints instead: `newleaf inspect HOST:PORT` shows the client CAs that it asks for")),
    }
}

fn cloud(name: &str, options: &CloudOptions, session: &Session) -> Result<Found, Failure> {
    let reading = commands::block_on(async {
        let namespace = CloudNamespace::new(options)
            .map_err(|error| Failure::new(&code::TRUST_POINT, error))?;
        namespace
            .read(session.now())
            .await
            .map_err(|error| Failure::new(&code::TRUST_POINT, error))
    })?;
    let mut facts = vec![
        ("namespace", options.namespace.clone()),
        ("accepts", count(reading.bundle.len())),
    ];
    let filters = reading.filters.as_slice();
    if filters.is_empty() {
        facts.push(("filters", "none: every leaf of these CAs".to_owned()));
    }
    facts.extend(filters.iter().map(|filter| ("filter", filter.to_string())));
    Ok(Found {
        name: name.to_owned(),
        facts,
        certificates: reading.bundle.members().to_vec(),
        keys: Vec::new(),
    })
}

fn slots(name: &str, options: &SlotOptions, session: &Session) -> Result<Found, Failure> {
    let slots = Slots::read(options, session.now())
        .map_err(|error| Failure::new(&code::TRUST_POINT, error))?;
    let bundle = slots.bundle();
    Ok(Found {
        name: name.to_owned(),
        facts: vec![("accepts", count(bundle.len()))],
        certificates: bundle.members().to_vec(),
        keys: Vec::new(),
    })
}

fn count(n_cas: usize) -> String {
    match n_cas {
        1 => "leaves of 1 CA".to_owned(),
        n => format!("leaves of {n} CAs"),
    }
}
