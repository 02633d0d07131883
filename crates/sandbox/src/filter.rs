//! Certificate filters: their syntax, and which leaves they match.

use newleaf_x509::{Certificate, extension::GeneralName, name::oid};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::CertificateFilterSpec;

/// Returns whether every field that is set matches the leaf. Case does not count.
pub(crate) fn matches(filter: &CertificateFilterSpec, leaf: &Certificate) -> bool {
    let subject = leaf.subject();
    let sans = leaf
        .extensions()
        .subject_alt_names
        .as_ref()
        .map_or(&[][..], |sans| sans.value.as_slice());
    let any = |pattern: &str, mut values: Box<dyn Iterator<Item = String> + '_>| {
        pattern.is_empty() || values.any(|value| matches_text(pattern, &value))
    };
    let of = |oid| Box::new(subject.values(oid).map(str::to_owned));
    any(&filter.common_name, of(oid::COMMON_NAME))
        && any(&filter.organization, of(oid::ORGANIZATION))
        && any(&filter.organizational_unit, of(oid::ORGANIZATIONAL_UNIT))
        && any(
            &filter.subject_alternative_name,
            Box::new(sans.iter().filter_map(san_text)),
        )
}

fn san_text(san: &GeneralName) -> Option<String> {
    match san {
        GeneralName::Dns(text) | GeneralName::Uri(text) | GeneralName::Email(text) => {
            Some(text.clone())
        }
        GeneralName::Ip(ip) => Some(ip.to_string()),
        GeneralName::Directory(_) | GeneralName::Other(_) | GeneralName::Malformed(_) => None,
    }
}

fn matches_text(pattern: &str, value: &str) -> bool {
    let (pattern, value) = (pattern.to_lowercase(), value.to_lowercase());
    if let Some(end) = pattern.strip_prefix('*') {
        return value.ends_with(end);
    }
    match pattern.strip_suffix('*') {
        Some(start) => value.starts_with(start),
        None => value == pattern,
    }
}

/// Names the rule that the filter breaks: at least one field, at most one `*` in each, at its beginning or end.
pub(crate) fn broken_rule(filter: &CertificateFilterSpec) -> Option<String> {
    let fields = [
        &filter.common_name,
        &filter.organization,
        &filter.organizational_unit,
        &filter.subject_alternative_name,
    ];
    if fields.iter().all(|field| field.trim().is_empty()) {
        return Some("certificate filter must have at least one field set".to_owned());
    }
    let broken = fields.into_iter().find(|field| {
        let inner = field.strip_prefix('*').or(field.strip_suffix('*'));
        *field == "*" || inner.unwrap_or(field).contains('*')
    })?;
    Some(format!(
        "certificate filter has an invalid wildcard: '{broken}'"
    ))
}
