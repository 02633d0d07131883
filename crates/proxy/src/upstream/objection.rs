//! What is wrong with a candidate, before any server is asked.
//!
//! The lints are those of `newleaf lint`. What is an error to them is refused by a server, or will strand whoever relies on it,
//! so the candidate is not even dialled; what is a warning works today, and is said once.

use jiff::Timestamp;
use newleaf_identity::Identity;
use newleaf_x509::lint::{self, Context, Finding, Profile, Severity};

/// The end of the host names of Temporal Cloud, by namespace and by region; also of what is meant by a PrivateLink name.
const CLOUD_DOMAINS: [&str; 2] = [".tmprl.cloud", ".api.temporal.io"];

/// Why a candidate is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Objection {
    /// It is not meant for clients.
    #[error(
        "expected leaf `{subject}` to allow client authentication in its extended key usage (NL411); `newleaf explain NL411` tells more"
    )]
    NotForClients {
        /// The leaf's subject.
        subject: String,
    },
    /// A lint calls it an error.
    #[error("cannot use {subject}: {message} ({code}); `newleaf explain {code}` tells more")]
    Lint {
        /// The lint's code.
        code: &'static str,
        /// The certificate.
        subject: String,
        /// What was expected, and what was found.
        message: String,
    },
}

/// Returns by whose rules clients of the server of this name are judged.
pub(crate) fn profile(server_name: &str) -> Profile {
    let name = server_name.to_ascii_lowercase();
    if CLOUD_DOMAINS.iter().any(|domain| name.ends_with(domain)) {
        Profile::TemporalCloud
    } else {
        Profile::SelfHosted
    }
}

/// Returns what is to be warned of, if nothing speaks against the candidate.
pub(crate) fn judge(
    identity: &Identity,
    profile: Profile,
    now: Timestamp,
) -> Result<Vec<Finding>, Objection> {
    let leaf = identity.leaf();
    if !leaf.allows_client_auth() {
        return Err(Objection::NotForClients {
            subject: leaf.subject().to_string(),
        });
    }
    let mut findings = lint::chain(identity.chain(), &Context { profile, now });
    findings.retain(|finding| finding.lint.severity >= Severity::Warning);
    let error = findings
        .iter()
        .find(|finding| finding.lint.severity == Severity::Error);
    match error {
        Some(finding) => Err(Objection::Lint {
            code: finding.lint.code,
            subject: finding.subject.clone(),
            message: finding.message.clone(),
        }),
        None => Ok(findings),
    }
}

#[cfg(test)]
mod tests;
