//! Distinguished names: read, print (RFC 4514), compare.

use std::{borrow::Cow, fmt, sync::Arc};

use x509_parser::{prelude::FromDer as _, x509::X509Name};

use crate::{
    der::{self, Item, Items, tag},
    fingerprint::Hex,
    issue::Subject,
};

/// A sequence of relative distinguished names (RDNs), in the order of the certificate. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DistinguishedName {
    /// The attributes of all RDNs, one behind the other: nearly every RDN has one.
    attributes: Arc<[Attribute]>,
}

/// One attribute of a name, such as `CN=payments`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attribute {
    /// The attribute's object identifier in dotted form.
    pub oid: Cow<'static, str>,
    /// The value, if it is text; else its content octets in hexadecimal with a leading `#`, as RFC 4514 §2.4 prints
    /// what it cannot say.
    pub value: String,
    /// Whether the value is text: a string of one of the types that Go reads.
    pub is_text: bool,
    /// Whether it is text of a type that is still written: a UTF-8, printable, numeric or IA5 string.
    pub is_current: bool,
    /// Whether it stands in the same RDN as the one before it.
    joined: bool,
}

/// Object identifiers of the attributes that newleaf writes and Temporal's filters read.
pub mod oid {
    /// `CN`, X.520 commonName.
    pub const COMMON_NAME: &str = "2.5.4.3";
    /// `O`, X.520 organizationName.
    pub const ORGANIZATION: &str = "2.5.4.10";
    /// `OU`, X.520 organizationalUnitName.
    pub const ORGANIZATIONAL_UNIT: &str = "2.5.4.11";
    /// `emailAddress` of PKCS #9.
    pub const EMAIL_ADDRESS: &str = "1.2.840.113549.1.9.1";
}

/// As many attributes as most names have at most.
const ROOM: usize = 4;

/// What the object identifiers of X.520's attributes begin with, 2.5.4, in DER.
const X520: [u8; 2] = [0x55, 4];

/// The name that a subject will have once it is certified.
impl From<&Subject> for DistinguishedName {
    fn from(subject: &Subject) -> Self {
        let attribute = |oid, value: &str| Attribute {
            oid: Cow::Borrowed(oid),
            value: value.to_owned(),
            is_text: true,
            is_current: true,
            joined: false,
        };
        let organization = subject.organization();
        let unit = subject.organizational_unit();
        let organization = organization.map(|value| attribute(oid::ORGANIZATION, value));
        let unit = unit.map(|value| attribute(oid::ORGANIZATIONAL_UNIT, value));
        let common_name = attribute(oid::COMMON_NAME, subject.common_name());
        // Each part knows how many it has, so that the room is found at once.
        let there = organization.into_iter().chain(unit).chain([common_name]);
        Self {
            attributes: there.collect(),
        }
    }
}

impl DistinguishedName {
    pub(crate) fn read(name: &X509Name<'_>) -> Self {
        Self::of(der::within(name.as_raw()))
    }

    /// Reads the RDNs of a name. A certificate's are found without the parser, which stops at an RDN that is empty and hides
    /// what follows it.
    pub(crate) fn of(rdns: Items<'_>) -> Self {
        // Loops: iterators within iterators cost as much again as what they do.
        let mut attributes = Vec::with_capacity(ROOM);
        for rdn in rdns {
            for (n, item) in rdn.items().enumerate() {
                if let Some(attribute) = Attribute::read(item, n > 0) {
                    attributes.push(attribute);
                }
            }
        }
        Self {
            attributes: attributes.into(),
        }
    }

    /// Reads a name in DER, such as a server sends of the client CAs that it accepts (RFC 8446 §4.2.4); `None` for
    /// anything else, or for a name with something behind it.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (rest, name) = X509Name::from_der(der).ok()?;
        rest.is_empty().then(|| Self::read(&name))
    }

    /// Returns whether the name has no attribute at all.
    pub fn is_empty(&self) -> bool {
        self.attributes.is_empty()
    }

    /// Returns all attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter()
    }

    /// Returns the values of one attribute type that are text, for example of [`oid::COMMON_NAME`].
    pub fn values<'a>(&'a self, oid: &'a str) -> impl Iterator<Item = &'a str> {
        self.attributes()
            .filter(move |a| a.is_text && a.oid == oid)
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
        Self {
            attributes: self.rdns().flat_map(folded).collect(),
        }
    }

    /// Returns whether a verifier that ignores case takes the two names for one.
    pub fn collides_with(&self, other: &Self) -> bool {
        // Names of which one has more parts than the other are not folded only to see that.
        self.attributes.len() == other.attributes.len()
            && self
                .rdns()
                .zip(other.rdns())
                .all(|(ours, theirs)| rdns_collide(ours, theirs))
    }

    /// Returns the RDNs, in order.
    fn rdns(&self) -> impl Iterator<Item = &[Attribute]> {
        self.attributes.chunk_by(|_, next| next.joined)
    }
}

/// Folds one RDN. Its attributes are a set, so their order does not count.
fn folded(rdn: &[Attribute]) -> Vec<Attribute> {
    let fold = |a: &Attribute| Attribute {
        oid: a.oid.clone(),
        value: fold_case(&a.value.split_whitespace().collect::<Vec<_>>().join(" ")),
        is_text: a.is_text,
        is_current: true,
        joined: true,
    };
    let mut folded: Vec<Attribute> = rdn.iter().map(fold).collect();
    folded.sort();
    if let Some(first) = folded.first_mut() {
        first.joined = false;
    }
    folded
}

/// Folds case as verifiers do that follow RFC 4518 §2.2, by way of capitals: `ß` is then `ss`, and a sigma the same wherever
/// it stands in its word. A dotless `ı` is an `i` too, which it is not there; so two names are rather taken for one than for
/// two.
fn fold_case(text: &str) -> String {
    let capitals = text.chars().flat_map(char::to_uppercase);
    capitals.flat_map(char::to_lowercase).collect()
}

/// Returns whether two RDNs are one when folded. One attribute of ASCII, as nearly all are, is compared where it stands.
fn rdns_collide(ours: &[Attribute], theirs: &[Attribute]) -> bool {
    if ours == theirs {
        return true;
    }
    match (ours, theirs) {
        ([our], [their]) if our.value.is_ascii() && their.value.is_ascii() => {
            let (mut a, mut b) = (ascii_words(&our.value), ascii_words(&their.value));
            let same_words = loop {
                match (a.next(), b.next()) {
                    (Some(a), Some(b)) if a.eq_ignore_ascii_case(b) => {}
                    (end, other) => break end.is_none() && other.is_none(),
                }
            };
            same_words && our.oid == their.oid && our.is_text == their.is_text
        }
        _ => ours.len() == theirs.len() && folded(ours) == folded(theirs),
    }
}

/// Splits ASCII text at white space, as [`str::split_whitespace`] does with any text at a higher price.
fn ascii_words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c| matches!(c, ' ' | '\t'..='\r'));
    words.filter(|word| !word.is_empty())
}

impl Attribute {
    fn read(attribute: Item<'_>, joined: bool) -> Option<Self> {
        let mut parts = attribute.items();
        let oid = parts.next_with(tag::OID)?.content;
        let value = parts.next()?;
        let current = current_text(value);
        let is_current = current.is_some();
        let text = current.map(str::to_owned).or_else(|| old_text(value));
        let is_text = text.is_some();
        Some(Self {
            oid: dotted(oid),
            value: text.unwrap_or_else(|| format!("#{}", Hex(value.content))),
            is_text,
            is_current,
            joined,
        })
    }

    /// Returns the usual short name of the attribute type (`CN`), or its dotted form.
    pub fn short_name(&self) -> &str {
        short_name(&self.oid)
    }
}

/// Reads a string of a type that is still written.
fn current_text(value: Item<'_>) -> Option<&str> {
    let text = str::from_utf8(value.content).ok()?;
    let fits = match value.tag {
        tag::UTF8_STRING => true,
        tag::PRINTABLE_STRING | tag::IA5_STRING => text.is_ascii(),
        tag::NUMERIC_STRING => text.bytes().all(|c| c.is_ascii_digit() || c == b' '),
        _ => false,
    };
    fits.then_some(text)
}

/// Reads a string of a type that no CA should write any more, as Go does: a `TeletexString` as Latin-1, a `BMPString` in units of
/// 16 bits. Temporal's filters see the text that Go reads.
fn old_text(value: Item<'_>) -> Option<String> {
    match value.tag {
        tag::TELETEX_STRING => Some(value.content.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let (units, rest) = value.content.as_chunks::<2>();
            let units = match units {
                // Some writers end it as C does.
                [text @ .., [0, 0]] => text,
                all => all,
            };
            let each = units.iter().copied().map(u16::from_be_bytes);
            let text: Result<String, _> = char::decode_utf16(each).collect();
            text.ok().filter(|_| rest.is_empty())
        }
        _ => None,
    }
}

/// Returns an object identifier in dotted form; the usual ones need not be spelt out.
fn dotted(oid: &[u8]) -> Cow<'static, str> {
    Cow::Borrowed(match oid.strip_prefix(&X520) {
        Some([3]) => oid::COMMON_NAME,
        Some([10]) => oid::ORGANIZATION,
        Some([11]) => oid::ORGANIZATIONAL_UNIT,
        Some(_) | None => return Cow::Owned(der::dotted(oid)),
    })
}

/// Returns the usual short name of an attribute type, or its dotted form.
pub(crate) fn short_name(oid: &str) -> &str {
    match oid {
        oid::COMMON_NAME => "CN",
        oid::ORGANIZATION => "O",
        oid::ORGANIZATIONAL_UNIT => "OU",
        oid::EMAIL_ADDRESS => "emailAddress",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.12" => "title",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        other => other,
    }
}

impl DistinguishedName {
    /// Prints as [`fmt::Display`] does, without a formatter if there is a text to print to.
    pub(crate) fn print(&self, f: &mut impl fmt::Write) -> fmt::Result {
        for (n, attribute) in self.attributes.iter().enumerate() {
            f.write_str(match (n, attribute.joined) {
                (0, _) => "",
                (_, true) => "+",
                (_, false) => ", ",
            })?;
            f.write_str(attribute.short_name())?;
            f.write_str("=")?;
            if attribute.is_text {
                escape(f, &attribute.value)?;
            } else {
                f.write_str(&attribute.value)?;
            }
        }
        Ok(())
    }
}

/// Prints in the order of the certificate, as `O=acme, CN=payments g3`, with the escapes of RFC 4514 §2.4.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f)
    }
}

/// Returns whether a character is a control, or one that changes how those around it are shown: zero-width
/// characters, and the marks that turn the direction of writing (Unicode TR 36 §2.5).
pub fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{00ad}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn escape(f: &mut impl fmt::Write, value: &str) -> fmt::Result {
    // Nearly every value is plain, and is written at once.
    let plain = |octet: u8| {
        matches!(octet, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z'
            | b'-' | b'.' | b'_' | b'/' | b':' | b'@' | b'(' | b')' | b'\'' | b'&' | b'*' | b'!' | b'?' | b'=')
    };
    let mut before = b' ';
    let is_plain = value.bytes().all(|octet| {
        let before = std::mem::replace(&mut before, octet);
        plain(octet) || octet == b' ' && before != b' '
    });
    if is_plain && before != b' ' {
        return f.write_str(value);
    }
    let last = value.chars().count().saturating_sub(1);
    for (i, c) in value.chars().enumerate() {
        match c {
            ',' | '+' | '"' | '\\' | '<' | '>' | ';' => write!(f, "\\{c}")?,
            ' ' if i == 0 || i == last => f.write_str("\\ ")?,
            '#' if i == 0 => f.write_str("\\#")?,
            // What is not seen, or turns the line around, must not reach a terminal.
            c if is_unseen(c) => write!(f, "\\u{{{:04x}}}", u32::from(c))?,
            c => write!(f, "{c}")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
