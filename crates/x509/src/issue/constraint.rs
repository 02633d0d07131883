//! Name constraints (RFC 5280 §4.2.1.10): what a CA may certify, and whether a leaf keeps to it.

use std::net::IpAddr;

use x509_parser::{
    extensions::{GeneralName as Parsed, GeneralSubtree},
    prelude::{FromDer as _, X509Certificate},
};

use super::{IssueError, San};
use crate::{certificate::Certificate, der::Writer, extension::GeneralName, syntax};

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
/// every chain below a CA with a constraint that it does not interpret; webpki refuses it too. Of URIs and mailboxes, Go and
/// OpenSSL interpret the constraints; webpki refuses every leaf that has such a name below a CA that constrains them.
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

/// On which side a branch stands, which decides how it is read where its readers differ.
#[derive(Clone, Copy)]
enum Side {
    /// Whoever reads it most narrowly must still find the name in it.
    Permitted,
    /// Whoever reads it most widely must still not find the name in it.
    Excluded,
}

/// Asks whether the constraints of a CA's certificate, whoever made it, let it certify these names. A leaf that a server of
/// Temporal's would refuse is not made.
pub(super) fn allow(ca: &Certificate, sans: &[San]) -> Result<(), IssueError> {
    if ca.extensions().name_constraints.is_none() {
        return Ok(());
    }
    let refused = || IssueError::ConstraintsUnread {
        ca: ca.subject().to_string(),
    };
    let (_, parsed) = X509Certificate::from_der(ca.der()).map_err(|_error| refused())?;
    let found = parsed.name_constraints().map_err(|_error| refused())?;
    let Some(constraints) = found.map(|found| found.value) else {
        return Err(refused());
    };
    let permitted = constraints
        .permitted_subtrees
        .as_deref()
        .unwrap_or_default();
    let excluded = constraints.excluded_subtrees.as_deref().unwrap_or_default();
    if !permitted.iter().chain(excluded).all(is_interpreted) {
        return Err(refused());
    }
    let allowed = |san: &&San| {
        let of_kind = |branch: &&GeneralSubtree<'_>| san.is_of_kind(&branch.base);
        let mut narrow = permitted.iter().filter(of_kind).peekable();
        let permitted = narrow.peek().is_none()
            || narrow.any(|branch| san.lies_below(&branch.base, Side::Permitted));
        let mut wide = excluded.iter().filter(of_kind);
        permitted && !wide.any(|branch| san.lies_below(&branch.base, Side::Excluded))
    };
    match sans.iter().find(|san| !allowed(san)) {
        None => Ok(()),
        Some(san) => Err(IssueError::Constrained {
            ca: ca.subject().to_string(),
            found: GeneralName::from(san).to_string(),
        }),
    }
}

/// Returns whether Go interprets the branch; one that it does not makes it refuse every chain.
fn is_interpreted(branch: &GeneralSubtree<'_>) -> bool {
    matches!(
        branch.base,
        Parsed::DNSName(_) | Parsed::RFC822Name(_) | Parsed::URI(_) | Parsed::IPAddress(_)
    )
}

impl San {
    fn is_of_kind(&self, base: &Parsed<'_>) -> bool {
        matches!(
            (self, base),
            (Self::Dns(_), Parsed::DNSName(_))
                | (Self::Email(_), Parsed::RFC822Name(_))
                | (Self::Uri(_), Parsed::URI(_))
                | (Self::Ip(_), Parsed::IPAddress(_))
        )
    }

    fn lies_below(&self, base: &Parsed<'_>, side: Side) -> bool {
        match (self, base) {
            (Self::Dns(name), Parsed::DNSName(domain)) => match (domain.strip_prefix('.'), side) {
                // Go takes a leading period for "below, and not this name itself".
                (Some(_), Side::Permitted) => is_host(name, domain, side),
                (Some(_), Side::Excluded) | (None, _) => is_within(name, domain),
            },
            (Self::Email(mailbox), Parsed::RFC822Name(base)) => match base.rsplit_once('@') {
                Some(_) => match side {
                    Side::Permitted => mailbox == base,
                    Side::Excluded => mailbox.eq_ignore_ascii_case(base),
                },
                None => host_of_mailbox(mailbox).is_some_and(|host| is_host(host, base, side)),
            },
            (Self::Uri(uri), Parsed::URI(base)) => match host_of_uri(uri) {
                Some(host) => is_host(host, base, side),
                // RFC 5280: what has no host name is never acceptable where hosts are constrained.
                None => matches!(side, Side::Excluded),
            },
            (Self::Ip(IpAddr::V4(ip)), Parsed::IPAddress(base)) => in_network(&ip.octets(), base),
            (Self::Ip(IpAddr::V6(ip)), Parsed::IPAddress(base)) => in_network(&ip.octets(), base),
            _ => false,
        }
    }
}

/// Returns whether a host is what a branch of mailboxes or URIs names. Without a leading period that is this very host for
/// RFC 5280 and everything below it for Go.
fn is_host(host: &str, base: &str, side: Side) -> bool {
    match (base.strip_prefix('.'), side) {
        (Some(domain), _) => host.len() > base.len() && is_within(host, domain),
        (None, Side::Permitted) => host.eq_ignore_ascii_case(base),
        (None, Side::Excluded) => is_within(host, base),
    }
}

/// Returns whether a name is a domain or lies below it; every name lies below the empty one.
fn is_within(name: &str, domain: &str) -> bool {
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let (name, domain) = (name.to_ascii_lowercase(), domain.to_ascii_lowercase());
    let below = name.strip_suffix(&domain);
    domain.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn host_of_mailbox(mailbox: &str) -> Option<&str> {
    mailbox.rsplit_once('@').map(|(_, host)| host)
}

/// Returns the host of a URI with an authority; an address is no host name (RFC 5280 §4.2.1.10).
fn host_of_uri(uri: &str) -> Option<&str> {
    let (_, rest) = uri.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _port)| host);
    let is_name = syntax::is_host(host.as_bytes()) && host.parse::<IpAddr>().is_err();
    is_name.then_some(host)
}

/// Returns whether an address lies in a network, which is written as address and mask.
fn in_network(address: &[u8], base: &[u8]) -> bool {
    let Some((network, mask)) = base.split_at_checked(address.len()) else {
        return false;
    };
    let masked = |octets: &[u8]| {
        let pairs = octets.iter().zip(mask);
        pairs.map(|(octet, mask)| octet & mask).collect::<Vec<_>>()
    };
    mask.len() == address.len() && masked(address) == masked(network)
}

#[cfg(test)]
mod tests;
