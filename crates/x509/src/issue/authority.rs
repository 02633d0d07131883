//! CA certificates: roots, intermediates, and what they may sign.

use std::net::IpAddr;

use super::{Draft, IssueError, Issuer, Role, Serial, Subject, Validity};
use crate::{
    Chain, TrustBundle, certificate::Certificate, chain::Refusal, der::Writer, key::PublicKey,
    name::DistinguishedName, signer::Signer, syntax,
};

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

/// The names that a CA may certify, as RFC 5280 §4.2.1.10 has them. Where nothing of a kind is permitted, every name of
/// that kind is, unless it is excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Constraints {
    /// Only what lies below one of these of its kind.
    pub permitted: Vec<Constraint>,
    /// Nothing that lies below one of these.
    pub excluded: Vec<Constraint>,
}

/// One branch of the tree of names.
///
/// Directory names are left out on purpose: the extension is critical, and Go's verifier, which is Temporal's, refuses
/// every chain below a CA with a constraint that it does not interpret; webpki refuses it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// A DNS name and everything below it.
    Dns(String),
    /// A mailbox, or all of a host.
    Email(String),
    /// The host of a URI; with a leading period, every host below a domain.
    Uri(String),
    /// A network.
    Network(IpAddr, u8),
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

/// Asks the judge of TLS servers whether the CA's own name constraints let it certify a leaf. A leaf that no verifier
/// would accept is not handed out.
pub(super) fn constraints_allow(ca: &Certificate, leaf: &Certificate) -> Result<(), IssueError> {
    if ca.extensions().name_constraints.is_none() {
        return Ok(());
    }
    let Ok(chain) = Chain::new([leaf.clone()]) else {
        return Ok(());
    };
    match chain.accepted_by(&TrustBundle::new([ca.clone()]), leaf.not_before()) {
        Err(Refusal::Path { .. }) if leaf.allows_client_auth() => Err(IssueError::Constrained {
            ca: ca.subject().to_string(),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn draft<'a>(template: &'a CaTemplate, scope: &'a CaScope, key: &'a PublicKey) -> Draft<'a> {
    Draft {
        subject: &template.subject,
        serial: &template.serial.0,
        validity: template.validity,
        key,
        role: Role::Ca {
            path_length: scope.path_length,
            names: &scope.names,
        },
    }
}

impl Constraint {
    /// Asks whether the branch can be written, and is one.
    pub(super) fn can_be_written(&self) -> Result<(), IssueError> {
        let (can, found) = match self {
            Self::Dns(name) | Self::Email(name) => {
                let can = !name.is_empty() && name.chars().all(|c| c.is_ascii_graphic());
                (can, name.clone())
            }
            Self::Uri(host) => (syntax::is_host(host.as_bytes()), host.clone()),
            Self::Network(address, prefix) => {
                let most = if address.is_ipv4() { 32 } else { 128 };
                (*prefix <= most, format!("{address}/{prefix}"))
            }
        };
        can.then_some(()).ok_or(IssueError::Constraint { found })
    }

    /// Writes the branch as the `GeneralName` that it is (RFC 5280 §4.2.1.10).
    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Email(name) => writer.element(0x81, name.as_bytes()),
            Self::Dns(name) => writer.element(0x82, name.as_bytes()),
            Self::Uri(host) => writer.element(0x86, host.as_bytes()),
            Self::Network(IpAddr::V4(address), prefix) => {
                let mask = u32::MAX
                    .checked_shl(32u32.saturating_sub((*prefix).into()))
                    .unwrap_or(0);
                let network = address.to_bits() & mask;
                writer.element(0x87, &[network, mask].map(u32::to_be_bytes).concat());
            }
            Self::Network(IpAddr::V6(address), prefix) => {
                let mask = u128::MAX
                    .checked_shl(128u32.saturating_sub((*prefix).into()))
                    .unwrap_or(0);
                let network = address.to_bits() & mask;
                writer.element(0x87, &[network, mask].map(u128::to_be_bytes).concat());
            }
        }
    }
}

#[cfg(test)]
mod tests;
