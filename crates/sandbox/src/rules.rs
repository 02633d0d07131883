//! What the Cloud Ops API accepts as a namespace's specification, and how it says no.
//!
//! The rules are those of Temporal's page "Certificates" and of observed answers (tcld issue 406 for expired
//! members, with its very words, because tools recognise them).

use std::fmt::Write as _;

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, KeyAlgorithm, SignatureAlgorithm, TrustBundle, certificate::CertificatesError, pem,
};
use temporalio_protos::protos::temporal::api::cloud::namespace::v1::{
    CertificateFilterSpec, NamespaceSpec,
};

use crate::{filter, trust::Trust};

/// The largest bundle, before base64.
const MAX_BUNDLE_BYTES: usize = 32 * 1024;

/// The most members of a bundle.
const MAX_BUNDLE_MEMBERS: usize = 16;

/// The most filters of a namespace.
const MAX_FILTERS: usize = 25;

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
    if n_bytes > MAX_BUNDLE_BYTES {
        return Err(invalid_ca(&[format!(
            "the CA bundle has {n_bytes} bytes, which exceeds the maximum of {MAX_BUNDLE_BYTES}"
        )]));
    }
    let trust = Trust::of(spec).map_err(|error| invalid_ca(&[unreadable(&error)]))?;
    if trust.enabled && trust.bundle.is_empty() {
        return Err(invalid_ca(&[
            "mTLS is enabled without any CA certificate".to_owned()
        ]));
    }
    match broken_filter_rule(&trust.filters) {
        Some(rule) => Err(format!("invalid certificate filters: {rule}")),
        None => Ok(trust),
    }
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

fn broken_bundle_rules(bundle: &TrustBundle, now: Timestamp) -> Vec<String> {
    let mut broken = Vec::new();
    if bundle.len() > MAX_BUNDLE_MEMBERS {
        broken.push(format!(
            "the CA bundle has {} certificates, which exceeds the maximum of {MAX_BUNDLE_MEMBERS}",
            bundle.len()
        ));
    }
    for member in bundle.members() {
        broken.extend(broken_member_rules(member, bundle, now));
    }
    broken
}

fn broken_member_rules(member: &Certificate, bundle: &TrustBundle, now: Timestamp) -> Vec<String> {
    let subject = go_name(member);
    if member.not_after() < now {
        let not_after = member.not_after();
        return vec![
            format!(
                "certificate with subject '{subject}' received is expired as of '{}'",
                not_after.strftime("%Y-%m-%d %H:%M:%S +0000 UTC")
            ),
            format!(
                "unable to construct full certificate chain for cert with subject '{subject}'. Error: x509: \
                 certificate has expired or is not yet valid: current time {} is after {}",
                now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                not_after.strftime("%Y-%m-%dT%H:%M:%SZ")
            ),
        ];
    }
    let mut broken = Vec::new();
    let mut unless = |kept: bool, rule: &str| {
        if !kept {
            broken.push(format!("certificate with subject '{subject}' {rule}"));
        }
    };
    unless(member.version() == 3, "is not an X.509v3 certificate");
    unless(member.is_ca(), "is not a CA certificate");
    unless(
        is_accepted_signature(member.signature_algorithm()),
        "is not signed by RSA or ECDSA with SHA-256 or stronger",
    );
    unless(
        is_accepted_key(member.public_key().algorithm()),
        "has a key that is neither RSA nor ECDSA",
    );
    if !leads_to_root(member, bundle) {
        broken.push(format!(
            "unable to construct full certificate chain for cert with subject '{subject}'. Error: x509: certificate \
             signed by unknown authority"
        ));
    }
    broken
}

fn is_accepted_signature(algorithm: &SignatureAlgorithm) -> bool {
    match algorithm {
        SignatureAlgorithm::RsaSha256
        | SignatureAlgorithm::RsaSha384
        | SignatureAlgorithm::RsaSha512
        | SignatureAlgorithm::RsaPss
        | SignatureAlgorithm::EcdsaSha256
        | SignatureAlgorithm::EcdsaSha384
        | SignatureAlgorithm::EcdsaSha512 => true,
        SignatureAlgorithm::RsaMd5
        | SignatureAlgorithm::RsaSha1
        | SignatureAlgorithm::RsaPssWeak
        | SignatureAlgorithm::EcdsaSha1
        | SignatureAlgorithm::Ed25519
        | SignatureAlgorithm::Other(_) => false,
    }
}

fn is_accepted_key(algorithm: KeyAlgorithm) -> bool {
    match algorithm {
        KeyAlgorithm::EcdsaP256
        | KeyAlgorithm::EcdsaP384
        | KeyAlgorithm::EcdsaP521
        | KeyAlgorithm::Rsa(_) => true,
        KeyAlgorithm::Ed25519 | KeyAlgorithm::Other => false,
    }
}

/// Walks from issuer to issuer within the bundle. A walk longer than the bundle goes in a circle.
fn leads_to_root(member: &Certificate, bundle: &TrustBundle) -> bool {
    let mut current = member;
    for _ in 0..=bundle.len() {
        if current.is_self_issued() {
            return current.is_signed_by(current);
        }
        let issuer = bundle
            .members()
            .iter()
            .find(|candidate| current.is_signed_by(candidate));
        match issuer {
            Some(issuer) => current = issuer,
            None => return false,
        }
    }
    false
}

fn broken_filter_rule(filters: &[CertificateFilterSpec]) -> Option<String> {
    if filters.len() > MAX_FILTERS {
        return Some(format!(
            "{} certificate filters exceed the maximum of {MAX_FILTERS}",
            filters.len()
        ));
    }
    filters.iter().find_map(filter::broken_rule)
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
