//! What Go's crypto/x509, which is the reader of Temporal's servers, reads of a certificate, and what it refuses to read where
//! webpki and newleaf read on.
//!
//! It follows `parseCertificate` of Go 1.26 field by field. The tests hold the two together: on other people's certificates
//! (`tests/it/corpora.rs`), and on ones that are wrong in one way or two (`tests/differential.rs`).

mod constraint;
mod domain;
mod extension;
mod key;
mod name;
pub(super) mod policy;
mod strict;

use std::{
    borrow::Cow,
    net::{Ipv4Addr, Ipv6Addr},
};

use self::{
    domain::Uri,
    strict::{Malformed, Reader},
};
use crate::{
    certificate::Certificate,
    der::{self, tag},
};

/// `[0] EXPLICIT Version`, and the extensions, `[3]`.
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;

/// `[1] IMPLICIT UniqueIdentifier` and `[2]`, primitive.
const UNIQUE_IDENTIFIERS: [u8; 2] = [0x81, 0x82];

/// Why Go does not read a certificate, in Go's words where they are plain.
pub(super) type Why = Cow<'static, str>;

/// What Go keeps of a certificate, as far as nobody else tells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Reading<'a> {
    /// What sort of key it certifies.
    pub(super) key: key::Kind,
    /// A critical extension that Go does not handle, which makes it refuse even a root.
    unhandled: Option<&'a [u8]>,
    /// What its name constraints ask of names below it.
    pub(super) asked: Asked,
    /// Whether it is a CA, and how many may follow below it.
    pub(super) is_ca: bool,
    pub(super) path_length: Option<u64>,
    /// What it says of policies, for which Go may refuse a path even where nobody asks for any: webpki looks at none.
    pub(super) policies: policy::Policies<'a>,
    /// The alternative names of which Go may have to say whether they lie within constraints.
    names: Vec<Name<'a>>,
}

/// What name constraints ask, as far as webpki does not judge it as Go does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Whether there are any.
    is_some: bool,
    /// Whether addresses must lie in networks. Go holds IPv4 in IPv6 (`::ffff:10.1.2.3`) against none of IPv6.
    permits_networks: bool,
    /// Whether there is a network whose base is not its first address, or is IPv4 in IPv6: where there are several, Go may not
    /// find it.
    has_odd_network: bool,
}

impl Asked {
    /// Adds what another CA of the path asks.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            is_some: self.is_some || other.is_some,
            permits_networks: self.permits_networks || other.permits_networks,
            has_odd_network: self.has_odd_network || other.has_odd_network,
        }
    }
}

/// Returns whether these are the 16 octets of an IPv4 address in IPv6, which Go takes for one of IPv4.
fn is_mapped(octets: &[u8]) -> bool {
    let octets = <[u8; 16]>::try_from(octets).map(Ipv6Addr::from);
    octets.is_ok_and(|address| address.to_ipv4_mapped().is_some())
}

/// An alternative name.
#[derive(Debug, PartialEq, Eq)]
enum Name<'a> {
    Ip(&'a [u8]),
    Dns(&'a str),
    Email(&'a str),
    Uri(&'a str, Uri),
}

/// Reads the certificate as Go does.
pub(super) fn read(certificate: &Certificate) -> Result<Reading<'_>, Why> {
    let reading = form(certificate)?;
    key::on_curve(certificate.public_key())?;
    Ok(reading)
}

/// Reads the certificate as Go does, but for the one thing that must be computed: whether its key lies on its curve.
pub(super) fn form(certificate: &Certificate) -> Result<Reading<'_>, Why> {
    let mut whole = Reader::new(certificate.der());
    let whole = whole.read(tag::SEQUENCE);
    let mut whole = whole.ok_or("malformed certificate")?;
    let tbs = whole.read(tag::SEQUENCE);
    let mut tbs = tbs.ok_or("malformed certificate")?;
    let version = version(&mut tbs)?;
    let serial = tbs.integer().ok_or("malformed serial number")?;
    if matches!(serial, [0x80..=0xff, ..]) {
        return Err("negative serial number".into());
    }
    let malformed = "malformed signature algorithm";
    let inner = tbs.read(tag::SEQUENCE).ok_or(malformed)?;
    let outer = whole.read(tag::SEQUENCE).ok_or(malformed)?;
    if inner != outer {
        return Err("inner and outer signature algorithm differ".into());
    }
    let mut algorithm = inner;
    algorithm.oid().ok_or(malformed)?;
    if !algorithm.is_empty() {
        algorithm.any().ok_or(malformed)?;
    }
    name::read(tbs.read(tag::SEQUENCE))?;
    name::validity(tbs.read(tag::SEQUENCE))?;
    name::read(tbs.read(tag::SEQUENCE))?;
    let mut reading = Reading {
        key: key::read(tbs.read(tag::SEQUENCE))?,
        ..Reading::default()
    };
    if version > 1 {
        for unique in UNIQUE_IDENTIFIERS {
            let found = tbs.optional(unique);
            found.map_err(|Malformed| "malformed unique identifier")?;
        }
    }
    if version == 3 {
        let extensions = tbs.optional(EXTENSIONS);
        let extensions = extensions.map_err(|Malformed| "malformed extensions")?;
        if let Some(extensions) = extensions {
            extension::read(&mut reading, extensions)?;
        }
    }
    whole.bits().ok_or("malformed signature")?;
    Ok(reading)
}

fn version(tbs: &mut Reader<'_>) -> Result<u8, Why> {
    let written = tbs.optional(VERSION);
    let written = written.map_err(|Malformed| "malformed version")?;
    let Some(mut written) = written else {
        return Ok(1);
    };
    let number = written.integer().ok_or("malformed version")?;
    match number {
        [number @ 0..=2] if written.is_empty() => Ok(number + 1),
        [..] => Err("invalid version".into()),
    }
}

impl Reading<'_> {
    /// Returns a critical extension that Go does not handle.
    pub(super) fn unhandled(&self) -> Option<String> {
        self.unhandled.map(der::dotted)
    }

    /// Returns a name that Go cannot hold against the constraints of the CAs above, and for which it refuses the path.
    pub(super) fn incomparable(&self, above: Asked) -> Option<Cow<'_, str>> {
        self.names
            .iter()
            .filter(|_| above.is_some)
            .find_map(|name| {
                let (text, comparable) = match name {
                    Name::Dns(name) => (*name, domain::is_domain(name)),
                    Name::Email(address) => (*address, domain::is_mailbox(address)),
                    Name::Uri(text, uri) => (*text, uri.is_comparable()),
                    Name::Ip(octets) => {
                        let strange = above.permits_networks && is_mapped(octets);
                        let refused = strange || above.has_odd_network;
                        return refused.then(|| address(octets).into());
                    }
                };
                (!comparable).then_some(text.into())
            })
    }
}

fn address(octets: &[u8]) -> String {
    let four = <[u8; 4]>::try_from(octets).map(|octets| Ipv4Addr::from(octets).to_string());
    let sixteen = <[u8; 16]>::try_from(octets).map(|octets| Ipv6Addr::from(octets).to_string());
    four.or(sixteen).unwrap_or_default()
}
