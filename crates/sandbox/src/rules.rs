//! What the Cloud Ops API accepts as a namespace's specification, and how it says no.
//!
//! The rules themselves are `x509`'s lints; here are the order in which they are asked and the words of the answer:
//! for expired members those that Temporal Cloud was seen to use (tcld issue 406), because tools recognise them.

use std::fmt::Write as _;

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, TrustBundle,
    bundle::MAX_CLOUD_PEM_BYTES,
    certificate::CertificatesError,
    lint::{self, Context, Profile, Severity},
    pem,
};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::NamespaceSpec;

use crate::trust::{Trust, TrustError};

/// The lint that is told in Temporal's own words.
const EXPIRED_MEMBER: &str = "ExpiredMember";

/// Reads a specification into what it trusts, or says in Temporal's words which rule it breaks.
pub(crate) fn read(spec: &NamespaceSpec, now: Timestamp) -> Result<Trust, String> {
    let trust = read_unjudged(spec)?;
    let broken = broken_bundle_rules(&trust.bundle, now);
    if !broken.is_empty() {
        return Err(invalid_ca(&broken));
    }
    Ok(trust)
}

/// Reads a specification without judging the bundle's members, for a bundle that is in force already.
pub(crate) fn read_unjudged(spec: &NamespaceSpec) -> Result<Trust, String> {
    let n_bytes = spec
        .mtls_auth
        .as_ref()
        .map_or(0, |mtls| mtls.accepted_client_ca.len());
    if n_bytes > MAX_CLOUD_PEM_BYTES {
        return Err(invalid_ca(&[format!(
            "the CA bundle has {n_bytes} bytes, which exceeds the maximum of {MAX_CLOUD_PEM_BYTES}"
        )]));
    }
    let trust = Trust::of(spec).map_err(|error| match error {
        TrustError::AcceptedClientCas(error) => invalid_ca(&[unreadable(&error)]),
        TrustError::Filters(error) => format!("invalid certificate filters: {error}"),
    })?;
    if trust.enabled && trust.bundle.is_empty() {
        return Err(invalid_ca(&[
            "mTLS is enabled without any CA certificate".to_owned()
        ]));
    }
    Ok(trust)
}

/// Writes the bundle the way the server keeps it: one PEM block after the other and nothing else.
pub(crate) fn normalise(spec: &NamespaceSpec, trust: &Trust) -> NamespaceSpec {
    let mut spec = spec.clone();
    if let Some(mtls) = spec.mtls_auth.as_mut() {
        mtls.accepted_client_ca = trust.bundle.to_pem().into_bytes();
    }
    spec
}

fn unreadable(error: &CertificatesError) -> String {
    if error.found_private_key() {
        return "expected only certificates, found a private key".to_owned();
    }
    match error {
        CertificatesError::Pem(pem::PemError::Empty) => "no certificate found".to_owned(),
        CertificatesError::Pem(error) => error.to_string(),
        CertificatesError::UnexpectedBlock { .. } => error.to_string(),
        CertificatesError::Certificate { line, source } => format!("line {line}: {source}"),
    }
}

/// Lists as Go's `multierror` does.
fn invalid_ca(broken: &[String]) -> String {
    let mut text = match broken.len() {
        1 => "invalid ca certificate: 1 error occurred:".to_owned(),
        n => format!("invalid ca certificate: {n} errors occurred:"),
    };
    for rule in broken {
        // Writing to a String cannot fail.
        let _written = write!(text, "\n\t* {rule}");
    }
    text + "\n\n"
}

/// Judges the bundle: by the known words for expired members, else by what `x509` knows to be refused.
fn broken_bundle_rules(bundle: &TrustBundle, now: Timestamp) -> Vec<String> {
    if bundle.is_empty() {
        return Vec::new();
    }
    let context = Context {
        profile: Profile::TemporalCloud,
        now,
    };
    let expired = bundle
        .expired_at(now)
        .flat_map(|member| expired_words(member, now));
    let broken = lint::bundle(bundle, &context)
        .into_iter()
        .filter(|finding| finding.lint.severity == Severity::Error)
        .filter(|finding| finding.lint.name != EXPIRED_MEMBER)
        .map(|finding| format!("{}: {}", finding.subject, finding.message));
    expired.chain(broken).collect()
}

fn expired_words(member: &Certificate, now: Timestamp) -> [String; 2] {
    let subject = go_name(member);
    let not_after = member.not_after();
    [
        format!(
            "certificate with subject '{subject}' received is expired as of '{}'",
            not_after.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
        ),
        format!(
            "unable to construct full certificate chain for cert with subject '{subject}'. Error: x509: certificate has \
             expired or is not yet valid: current time {} is after {}",
            now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
        ),
    ]
}

/// Prints a subject as Go does: the most specific attribute first, commas without spaces.
fn go_name(certificate: &Certificate) -> String {
    let mut attributes: Vec<_> = certificate
        .subject()
        .attributes()
        .map(|a| format!("{}={}", a.short_name(), a.value))
        .collect();
    attributes.reverse();
    attributes.join(",")
}

#[cfg(test)]
mod tests;
