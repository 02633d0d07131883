//! What keeps Go's crypto/x509, which is the reader of Temporal's servers, from reading a certificate at all, where webpki and
//! newleaf read on: found by holding the three against each other (`tests/differential.rs`), and no complete list.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ParsedPublicKey,
};

use crate::{
    certificate::Certificate,
    der::{self, Item, tag},
    extension::GeneralName,
    key::{KeyAlgorithm, PublicKey},
    syntax,
};

const UTF8_STRING: u8 = 0x0c;
const BMP_STRING: u8 = 0x1e;

/// The object identifier of name constraints.
const NAME_CONSTRAINTS: &str = "2.5.29.30";

/// The extensions, beside those that newleaf interprets, that Go handles where they are critical: certificate policies,
/// policy mappings, policy constraints, the inhibition of any policy, CRL distribution points.
const HANDLED: [&str; 5] = [
    "2.5.29.32",
    "2.5.29.33",
    "2.5.29.36",
    "2.5.29.54",
    "2.5.29.31",
];

/// Returns why Go does not read the certificate, in Go's words where they are plain.
pub(super) fn unreadable(certificate: &Certificate) -> Option<String> {
    serial(certificate.serial())
        .or_else(|| key(certificate.public_key()))
        .map(str::to_owned)
        .or_else(|| extensions(certificate))
        .or_else(|| alternative_names(certificate).map(str::to_owned))
        .or_else(|| {
            let (issuer, subject) = syntax::names(certificate.der())?;
            let mut values = [issuer, subject].into_iter().flat_map(values);
            values.find_map(string).map(str::to_owned)
        })
}

/// Returns a critical extension that Go does not handle, which makes it refuse even a root.
pub(super) fn unhandled(certificate: &Certificate) -> Option<&str> {
    let mut others = certificate.extensions().others.iter();
    let unhandled = others.find(|other| other.critical && !HANDLED.contains(&other.value.as_str()));
    unhandled.map(|other| other.value.as_str())
}

fn serial(octets: &[u8]) -> Option<&'static str> {
    match octets {
        [] | [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => Some("malformed serial number"),
        [0x80..=0xff, ..] => Some("negative serial number"),
        [..] => None,
    }
}

/// A point that is not on its curve is no key; who would use it finds that out too.
fn key(key: &PublicKey) -> Option<&'static str> {
    let curve = match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::EcdsaP384 => &ECDSA_P384_SHA384_ASN1,
        KeyAlgorithm::EcdsaP521 => &ECDSA_P521_SHA512_ASN1,
        KeyAlgorithm::Rsa(_) | KeyAlgorithm::Ed25519 | KeyAlgorithm::Other => return None,
    };
    let read = ParsedPublicKey::new(curve, key.spki());
    read.is_err()
        .then_some("its public key is not on its curve")
}

fn extensions(certificate: &Certificate) -> Option<String> {
    let extensions = certificate.extensions();
    if let Some(oid) = extensions.repeated.first() {
        return Some(format!("extension {oid} is there twice"));
    }
    if let Some(oid) = extensions.unreadable.first() {
        return Some(format!("extension {oid} is malformed"));
    }
    let empty = syntax::Fault::EmptyExtension {
        oid: NAME_CONSTRAINTS.to_owned(),
    };
    if certificate.faults().contains(&empty) {
        return Some("empty name constraints".to_owned());
    }
    let constrained = extensions.name_constraints.as_ref();
    if !certificate.is_ca() && constrained.is_some_and(|constraints| constraints.critical) {
        // Go reads some forms of them, and RFC 5280 §4.2.1.10 allows none.
        return Some("critical name constraints on a leaf".to_owned());
    }
    let ski = extensions.subject_key_id.as_ref().map(|id| id.critical);
    let aki = extensions.authority_key_id.as_ref().map(|id| id.critical);
    [(ski, "subject"), (aki, "authority")]
        .into_iter()
        .find(|(critical, _)| *critical == Some(true))
        .map(|(_, whose)| format!("{whose} key identifier marked critical"))
}

fn alternative_names(certificate: &Certificate) -> Option<&'static str> {
    let names = certificate.extensions().subject_alt_names.as_ref()?;
    names.value.iter().find_map(|name| match name {
        GeneralName::Dns(text) | GeneralName::Email(text) | GeneralName::Uri(text)
            if !text.is_ascii() =>
        {
            Some("an alternative name is not ASCII")
        }
        GeneralName::Uri(uri) if has_open_bracket(uri) => Some("an alternative name is no URI"),
        GeneralName::Malformed(_) => Some("an alternative name is malformed"),
        GeneralName::Dns(_)
        | GeneralName::Uri(_)
        | GeneralName::Ip(_)
        | GeneralName::Email(_)
        | GeneralName::Directory(_)
        | GeneralName::Other(_) => None,
    })
}

/// Returns a name that Go cannot hold against name constraints, and refuses as soon as a CA of the chain has any.
pub(super) fn incomparable(certificate: &Certificate) -> Option<&GeneralName> {
    let names = certificate.extensions().subject_alt_names.as_ref()?;
    names.value.iter().find(|name| match name {
        GeneralName::Dns(name) => name.is_empty() || !is_graphic(name),
        GeneralName::Email(address) => !address.contains('@') || !is_graphic(address),
        GeneralName::Uri(_)
        | GeneralName::Ip(_)
        | GeneralName::Directory(_)
        | GeneralName::Other(_)
        | GeneralName::Malformed(_) => false,
    })
}

fn is_graphic(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_graphic())
}

/// A host that begins as an IPv6 address must end as one.
fn has_open_bracket(uri: &str) -> bool {
    let authority = uri.split_once("://").map(|(_, rest)| rest);
    let host = authority.and_then(|rest| rest.split(['/', '?', '#']).next());
    host.is_some_and(|host| host.contains('[') && !host.contains(']'))
}

/// Returns the values of the attributes of a name.
fn values(name: &[u8]) -> impl Iterator<Item = Item<'_>> {
    der::items(name)
        .flat_map(Item::items)
        .filter_map(|attribute| {
            let mut parts = attribute.items();
            parts.next_with(tag::OID)?;
            parts.next()
        })
}

fn string(value: Item<'_>) -> Option<&'static str> {
    let text = value.content;
    match value.tag {
        UTF8_STRING if str::from_utf8(text).is_err() => Some("invalid UTF8String in a name"),
        tag::PRINTABLE_STRING if !text.iter().copied().all(is_taken_for_printable) => {
            Some("invalid PrintableString in a name")
        }
        tag::IA5_STRING if !text.is_ascii() => Some("invalid IA5String in a name"),
        BMP_STRING if !text.len().is_multiple_of(2) => Some("invalid BMPString in a name"),
        _ => None,
    }
}

/// The alphabet of `PrintableString`, with the star and the ampersand that Go takes too.
fn is_taken_for_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&octet)
}
