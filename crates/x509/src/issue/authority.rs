//! CA certificates: roots, intermediates, and what they may sign.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints,
};

use super::{IssueError, Issuer, Serial, Subject, Validity, params, read_back};
use crate::{
    Chain, TrustBundle,
    certificate::Certificate,
    chain::Refusal,
    key::PublicKey,
    name::DistinguishedName,
    signer::{Pen, Signer},
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
    let params = ca_params(template, scope)?;
    let pen = Pen::new(key)?;
    let signed = params.self_signed(&pen);
    read_back(&signed.map_err(|error| pen.error(&error))?)
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
    let mut params = ca_params(template, scope)?;
    params.use_authority_key_identifier_extension = true;
    read_back(&issuer.sign(|signer| params.signed_by(&key.certified()?, signer))?)
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

fn ca_params(template: &CaTemplate, scope: &CaScope) -> Result<CertificateParams, IssueError> {
    let mut params = params(&template.subject, &template.serial, template.validity)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(scope.path_length));
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
    ];
    let subtrees = |constraints: &[Constraint]| {
        let subtrees = constraints.iter().map(Constraint::to_rcgen);
        subtrees.collect::<Result<Vec<_>, _>>()
    };
    let Constraints {
        permitted,
        excluded,
    } = &scope.names;
    if !permitted.is_empty() || !excluded.is_empty() {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: subtrees(permitted)?,
            excluded_subtrees: subtrees(excluded)?,
        });
    }
    Ok(params)
}

impl Constraint {
    fn to_rcgen(&self) -> Result<GeneralSubtree, IssueError> {
        let ascii = |text: &str| {
            if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
                return Ok(text.to_owned());
            }
            Err(IssueError::Constraint {
                found: text.to_owned(),
            })
        };
        match self {
            Self::Dns(name) => Ok(GeneralSubtree::DnsName(ascii(name)?)),
            Self::Email(name) => Ok(GeneralSubtree::Rfc822Name(ascii(name)?)),
            Self::Network(address, prefix) => {
                let most = if address.is_ipv4() { 32 } else { 128 };
                if *prefix > most {
                    let found = format!("{address}/{prefix}");
                    return Err(IssueError::Constraint { found });
                }
                let subnet = CidrSubnet::from_addr_prefix(*address, *prefix);
                Ok(GeneralSubtree::IpAddress(subnet))
            }
        }
    }
}

#[cfg(test)]
mod tests;
