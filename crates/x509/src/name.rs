//! Distinguished names: read, print (RFC 4514), compare.

use std::fmt;

use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// A sequence of relative distinguished names, in the order of the certificate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName {
    rdns: Vec<Vec<Attribute>>,
}

/// One attribute of a name, such as `CN=payments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute {
    /// The attribute's object identifier in dotted form.
    pub oid: String,
    /// The value, if it is text; else the bytes in hexadecimal with a leading `#` (RFC 4514 §2.4).
    pub value: String,
}

/// Object identifiers of the attributes that newleaf writes and Temporal's filters read.
pub mod oid {
    /// `CN`, X.520 commonName.
    pub const COMMON_NAME: &str = "2.5.4.3";
    /// `O`, X.520 organizationName.
    pub const ORGANIZATION: &str = "2.5.4.10";
    /// `OU`, X.520 organizationalUnitName.
    pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
}

const SHORT_NAMES: &[(&str, &str)] = &[
    (oid::COMMON_NAME, "CN"),
    ("2.5.4.4", "SN"),
    ("2.5.4.5", "serialNumber"),
    ("2.5.4.6", "C"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.9", "street"),
    (oid::ORGANIZATION, "O"),
    (oid::ORGANIZATIONAL_UNIT, "OU"),
    ("2.5.4.12", "title"),
    ("0.9.2342.19200300.100.1.1", "UID"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("1.2.840.113549.1.9.1", "emailAddress"),
];

impl DistinguishedName {
    pub(crate) fn read(name: &X509Name<'_>) -> Self {
        let rdns = name
            .iter()
            .map(|rdn| rdn.iter().map(Attribute::read).collect())
            .collect();
        Self { rdns }
    }

    /// Returns whether the name has no attribute at all.
    pub fn is_empty(&self) -> bool {
        self.rdns.iter().all(Vec::is_empty)
    }

    /// Returns all attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.rdns.iter().flatten()
    }

    /// Returns the values of one attribute type, for example of [`oid::COMMON_NAME`].
    pub fn values<'a>(&'a self, oid: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes()
            .filter(move |a| a.oid == oid)
            .map(|a| a.value.as_str())
    }

    /// Returns the first common name.
    pub fn common_name(&self) -> Option<&str> {
        self.values(oid::COMMON_NAME).next()
    }

    /// Returns the form in which names are compared: case folded, white space runs made one
    /// (RFC 5280 §7.1; Temporal compares names without regard to case).
    #[must_use]
    pub fn folded(&self) -> Self {
        let fold = |a: &Attribute| Attribute {
            oid: a.oid.clone(),
            value: a
                .value
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .to_lowercase(),
        };
        let rdns = self.rdns.iter().map(|rdn| {
            let mut folded: Vec<Attribute> = rdn.iter().map(fold).collect();
            folded.sort();
            folded
        });
        Self {
            rdns: rdns.collect(),
        }
    }

    /// Returns whether a verifier that ignores case takes the two names for one.
    pub fn collides_with(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Attribute {
    fn read(attribute: &AttributeTypeAndValue<'_>) -> Self {
        let value = attribute.as_str().map_or_else(
            |_| {
                attribute
                    .as_slice()
                    .iter()
                    .fold(String::from("#"), |s, b| s + &format!("{b:02x}"))
            },
            str::to_owned,
        );
        Self {
            oid: attribute.attr_type().to_id_string(),
            value,
        }
    }

    /// Returns the usual short name of the attribute type (`CN`), or its dotted form.
    pub fn short_name(&self) -> &str {
        SHORT_NAMES
            .iter()
            .find(|(oid, _)| *oid == self.oid)
            .map_or(&self.oid, |(_, name)| name)
    }
}

/// Prints in the order of the certificate, as `O=acme, CN=payments g3`, with the escapes of RFC 4514 §2.4.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, rdn) in self.rdns.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ", " })?;
            for (j, attribute) in rdn.iter().enumerate() {
                f.write_str(if j == 0 { "" } else { "+" })?;
                write!(f, "{}=", attribute.short_name())?;
                escape(f, &attribute.value)?;
            }
        }
        Ok(())
    }
}

fn escape(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => write!(f, "\\{c}")?,
            ' ' if i == 0 || i == last => f.write_str("\\ ")?,
            // A control character in a name must not reach a terminal.
            c if c.is_control() => write!(f, "\\u{{{:04x}}}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}
