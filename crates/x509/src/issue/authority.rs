//! CA certificates: roots, intermediates, and what they may sign.

use super::{Constraints, Draft, IssueError, Issuer, Role, Serial, Subject, Validity};
use crate::{certificate::Certificate, key::PublicKey, name::DistinguishedName, signer::Signer};

/// Everything a CA certificate says besides its key and what it may sign.
#[derive(Clone, Debug)]
pub struct CaTemplate {
    /// Who is certified; the generation belongs in the common name.
    pub subject: Subject,
    /// The serial number.
    pub serial: Serial,
    /// From when to when.
    pub validity: Validity,
}

/// What a CA may sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaScope {
    /// How many CAs may follow below it; with 0 it signs leaves and nothing else.
    pub path_length: u8,
    /// Which names it may certify.
    pub names: Constraints,
}

/// Issues a self-signed CA certificate: path length 0, so that it signs leaves and nothing else.
pub fn ca(template: &CaTemplate, key: &dyn Signer) -> Result<Certificate, IssueError> {
    root(template, &CaScope::default(), key)
}

/// Issues a self-signed CA certificate.
pub fn root(
    template: &CaTemplate,
    scope: &CaScope,
    key: &dyn Signer,
) -> Result<Certificate, IssueError> {
    template.validity.must_last()?;
    draft(template, scope, key.public_key()).self_signed(key)
}

/// Issues a CA certificate for a public key, signed by `issuer`: never for longer, for longer chains, or under the same
/// name as its parent.
pub fn intermediate(
    template: &CaTemplate,
    scope: &CaScope,
    key: &PublicKey,
    issuer: &Issuer<'_>,
) -> Result<Certificate, IssueError> {
    let parent = issuer.certificate();
    let Validity {
        not_before,
        not_after,
    } = template.validity;
    let limit = parent.extensions().basic_constraints.as_ref();
    if let Some(limit) = limit.and_then(|limit| limit.value.path_length)
        && u32::from(scope.path_length) >= limit
    {
        return Err(IssueError::PathLength {
            parent: parent.subject().to_string(),
            parent_path_length: limit,
            path_length: scope.path_length,
        });
    }
    if not_before < parent.not_before() || not_after > parent.not_after() {
        return Err(IssueError::CaOutsideParent {
            not_before,
            not_after,
            parent_not_before: parent.not_before(),
            parent_not_after: parent.not_after(),
        });
    }
    if DistinguishedName::from(&template.subject).collides_with(parent.subject()) {
        let subject = parent.subject().to_string();
        return Err(IssueError::SubjectIsIssuer { subject });
    }
    template.validity.must_last()?;
    draft(template, scope, key).signed_by(parent, issuer.signer())
}

fn draft<'a>(template: &'a CaTemplate, scope: &'a CaScope, key: &'a PublicKey) -> Draft<'a> {
    Draft {
        subject: &template.subject,
        name: DistinguishedName::from(&template.subject),
        serial: &template.serial.0,
        validity: template.validity,
        key,
        role: Role::Ca {
            path_length: scope.path_length,
            names: &scope.names,
        },
    }
}

#[cfg(test)]
mod tests;
