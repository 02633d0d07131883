//! The extensions of a certificate that decide what it may do (RFC 5280 §4.2.1).

mod key_usage;
mod usual;

use std::{borrow::Cow, fmt, net::IpAddr};

use x509_parser::{
    extensions::{
        AuthorityKeyIdentifier as ParsedAki, ExtendedKeyUsage as ParsedEku, GeneralName as Parsed,
    },
    prelude::{FromDer as _, X509Certificate},
};

pub use self::key_usage::{KeyUsage, Usage};
use crate::{der, name::DistinguishedName};

/// An extension's value, and whether a verifier that does not know it must refuse the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension<T> {
    /// Whether the extension is marked critical.
    pub critical: bool,
    /// What it says.
    pub value: T,
}

/// Basic constraints (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BasicConstraints {
    /// Whether the subject is a CA.
    pub ca: bool,
    /// How many intermediates may follow; `None` is no limit.
    pub path_length: Option<u32>,
}

/// A purpose named by extended key usage (RFC 5280 §4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Any purpose.
    Any,
    /// TLS server.
    ServerAuth,
    /// TLS client: what a worker is.
    ClientAuth,
    /// Another purpose, by object identifier in dotted form.
    Other(String),
}

/// A subject alternative name (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GeneralName {
    /// A DNS name.
    Dns(String),
    /// A URI, for example a SPIFFE id.
    Uri(String),
    /// An IP address.
    Ip(IpAddr),
    /// An email address.
    Email(String),
    /// A directory name.
    Directory(DistinguishedName),
    /// Something else, described.
    Other(String),
    /// A name that does not follow its own syntax, described.
    Malformed(String),
}

/// Authority key identifier (RFC 5280 §4.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityKeyId {
    /// The issuer's subject key identifier.
    pub key_id: Option<Vec<u8>>,
    /// Whether the issuer is also named by its own issuer and serial number.
    pub names_issuer_and_serial: bool,
}

/// Everything the extensions of one certificate say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extensions {
    /// Basic constraints.
    pub basic_constraints: Option<Extension<BasicConstraints>>,
    /// Key usage.
    pub key_usage: Option<Extension<KeyUsage>>,
    /// Extended key usage.
    pub extended_key_usage: Option<Extension<Vec<Purpose>>>,
    /// Subject alternative names.
    pub subject_alt_names: Option<Extension<Vec<GeneralName>>>,
    /// Subject key identifier (SKI).
    pub subject_key_id: Option<Extension<Vec<u8>>>,
    /// Authority key identifier (AKI).
    pub authority_key_id: Option<Extension<AuthorityKeyId>>,
    /// Whether name constraints are present, and critical.
    pub name_constraints: Option<Extension<()>>,
    /// Extensions that newleaf does not interpret: object identifiers in dotted form.
    pub others: Vec<Extension<String>>,
    /// Object identifiers that appear more than once, which RFC 5280 §4.2 forbids.
    pub repeated: Vec<String>,
    /// Object identifiers whose content could not be read.
    pub unreadable: Vec<String>,
}

impl<T> Extension<T> {
    /// Makes one that a verifier may pass over.
    pub(crate) fn plain(value: T) -> Self {
        let critical = false;
        Self { critical, value }
    }

    /// Makes one that a verifier must know.
    pub(crate) fn critical(value: T) -> Self {
        let critical = true;
        Self { critical, value }
    }
}

impl Purpose {
    /// Returns the name that RFC 5280 gives the purpose, or its object identifier.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Any => "anyExtendedKeyUsage",
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::Other(oid) => return Cow::Owned(oid.clone()),
        })
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl GeneralName {
    /// Prints as [`fmt::Display`] does, without a formatter if there is a text to print to.
    pub(crate) fn print(&self, f: &mut impl fmt::Write) -> fmt::Result {
        match self {
            Self::Dns(name) => labelled(f, "DNS:", name),
            Self::Uri(uri) => labelled(f, "URI:", uri),
            Self::Ip(ip) => write!(f, "IP:{ip}"),
            Self::Email(email) => labelled(f, "email:", email),
            Self::Directory(name) => write!(f, "DirName:{name}"),
            Self::Other(what) => write!(f, "other:{what}"),
            Self::Malformed(what) => write!(f, "malformed:{what}"),
        }
    }
}

/// Prints as `DNS:worker.example`, the form openssl uses.
impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f)
    }
}

/// Writes a name behind its label. Nearly every name needs no escape, and is written at once.
fn labelled(f: &mut impl fmt::Write, label: &str, name: &str) -> fmt::Result {
    f.write_str(label)?;
    let plain = |octet: u8| octet.is_ascii_graphic() && !b"\"'\\".contains(&octet);
    if name.bytes().all(plain) {
        f.write_str(name)
    } else {
        write!(f, "{}", name.escape_debug())
    }
}

impl Extensions {
    /// Reads the extensions of a certificate whose extensions were not parsed; the parser is asked only if one of them is
    /// unusual.
    pub(crate) fn of(certificate: &X509Certificate<'_>, der: &[u8]) -> Self {
        usual::read(certificate).unwrap_or_else(|| {
            let parsed = X509Certificate::from_der(der);
            parsed.map_or_else(|_| Self::default(), |(_, parsed)| Self::read(&parsed))
        })
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the library's list of extensions grows; what we do not interpret is kept by name"
    )]
    fn read(certificate: &X509Certificate<'_>) -> Self {
        use x509_parser::extensions::ParsedExtension as E;
        let mut read = Self::default();
        let mut seen = std::collections::BTreeSet::new();
        for extension in certificate.extensions() {
            let oid = extension.oid.to_id_string();
            if !seen.insert(oid.clone()) {
                read.repeated.push(oid);
                continue;
            }
            let critical = extension.critical;
            match extension.parsed_extension() {
                E::BasicConstraints(bc) => {
                    let value = BasicConstraints {
                        ca: bc.ca,
                        path_length: bc.path_len_constraint,
                    };
                    read.basic_constraints = Some(Extension { critical, value });
                }
                E::KeyUsage(ku) => {
                    let value = KeyUsage { flags: ku.flags };
                    read.key_usage = Some(Extension { critical, value });
                }
                E::ExtendedKeyUsage(eku) => {
                    read.extended_key_usage = Some(Extension {
                        critical,
                        value: purposes(eku),
                    });
                }
                E::SubjectAlternativeName(san) => {
                    let value = san.general_names.iter().map(GeneralName::read).collect();
                    read.subject_alt_names = Some(Extension { critical, value });
                }
                E::SubjectKeyIdentifier(id) => {
                    read.subject_key_id = Some(Extension {
                        critical,
                        value: id.0.to_vec(),
                    });
                }
                // The parser takes anything for a key identifier that says nothing.
                E::AuthorityKeyIdentifier(_)
                    if extension.value.first() != Some(&der::tag::SEQUENCE) =>
                {
                    read.unreadable.push(oid);
                }
                E::AuthorityKeyIdentifier(aki) => {
                    let value = AuthorityKeyId::read(aki);
                    read.authority_key_id = Some(Extension { critical, value });
                }
                E::NameConstraints(_) => {
                    read.name_constraints = Some(Extension {
                        critical,
                        value: (),
                    });
                }
                E::ParseError { .. } => read.unreadable.push(oid),
                _ => read.others.push(Extension {
                    critical,
                    value: oid,
                }),
            }
        }
        read
    }
}

impl AuthorityKeyId {
    fn read(aki: &ParsedAki<'_>) -> Self {
        Self {
            key_id: aki.key_identifier.as_ref().map(|id| id.0.to_vec()),
            names_issuer_and_serial: aki.authority_cert_serial.is_some(),
        }
    }
}

impl GeneralName {
    /// Returns the name as text, if it is of a kind that is written as text: DNS, URI, email, IP.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Dns(text) | Self::Uri(text) | Self::Email(text) => Some(text.clone()),
            Self::Ip(ip) => Some(ip.to_string()),
            Self::Directory(_) | Self::Other(_) | Self::Malformed(_) => None,
        }
    }

    pub(crate) fn read(name: &Parsed<'_>) -> Self {
        match name {
            Parsed::DNSName(name) => Self::Dns((*name).to_owned()),
            Parsed::URI(uri) => Self::Uri((*uri).to_owned()),
            Parsed::RFC822Name(email) => Self::Email((*email).to_owned()),
            Parsed::IPAddress(bytes) => ip(bytes).map_or_else(
                || Self::Malformed(format!("IP of {} bytes", bytes.len())),
                Self::Ip,
            ),
            Parsed::DirectoryName(name) => Self::Directory(DistinguishedName::read(name)),
            Parsed::OtherName(oid, _) | Parsed::RegisteredID(oid) => {
                Self::Other(oid.to_id_string())
            }
            Parsed::X400Address(_) => Self::Other("x400Address".to_owned()),
            Parsed::EDIPartyName(_) => Self::Other("ediPartyName".to_owned()),
            Parsed::Invalid(tag, _) => Self::Malformed(format!("tag {}", tag.0)),
        }
    }
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(four.into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(Into::into)
}

pub(crate) fn purposes(eku: &ParsedEku<'_>) -> Vec<Purpose> {
    let named = [
        (eku.any, Purpose::Any),
        (eku.server_auth, Purpose::ServerAuth),
        (eku.client_auth, Purpose::ClientAuth),
        (
            eku.code_signing,
            Purpose::Other("1.3.6.1.5.5.7.3.3".to_owned()),
        ),
        (
            eku.email_protection,
            Purpose::Other("1.3.6.1.5.5.7.3.4".to_owned()),
        ),
        (
            eku.time_stamping,
            Purpose::Other("1.3.6.1.5.5.7.3.8".to_owned()),
        ),
        (
            eku.ocsp_signing,
            Purpose::Other("1.3.6.1.5.5.7.3.9".to_owned()),
        ),
    ];
    let others = eku
        .other
        .iter()
        .map(|oid| Purpose::Other(oid.to_id_string()));
    named
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, purpose)| purpose)
        .chain(others)
        .collect()
}
