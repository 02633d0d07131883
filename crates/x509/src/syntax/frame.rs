//! The frame: version, algorithms, times, unique identifiers; and the way to names and extensions.

use super::{Fault, extension, name};
use crate::der::{self, Item, Items, tag};

/// `[0] EXPLICIT Version`.
pub(super) const VERSION: u8 = 0xa0;

/// `[1] IMPLICIT UniqueIdentifier` and `[2]`, primitive.
const UNIQUE_IDENTIFIERS: [u8; 2] = [0x81, 0x82];

/// `[3] EXPLICIT Extensions`.
const EXTENSIONS: u8 = 0xa3;

/// `rsaEncryption`, and what all algorithms of PKCS #1 begin with: 1.2.840.113549.1.1.
const PKCS_1: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];

/// The last arcs of those with mandatory NULL parameters: RSA itself, and with MD5, SHA-1, SHA-256, -384, -512, -224.
const WITH_NULL: [u8; 7] = [1, 4, 5, 11, 12, 13, 14];

/// Walks the content of a `TBSCertificate`.
pub(super) fn walk(faults: &mut Vec<Fault>, mut tbs: Items<'_>) {
    if let Some(version) = tbs.next_with(VERSION)
        && version.items().next().and_then(|n| n.with(tag::INTEGER)) == Some(&[0])
    {
        let place = "version 1".to_owned();
        faults.push(Fault::DefaultWritten { place });
    }
    tbs.next_with(tag::INTEGER);
    if tbs.next_with(tag::SEQUENCE).is_some_and(lacks_null) {
        faults.push(Fault::RsaSignatureParameters);
    }
    let issuer = tbs.next_with(tag::SEQUENCE);
    if let Some(validity) = tbs.next_with(tag::SEQUENCE) {
        let ends = ["the first instant", "the last instant"];
        for (end, time) in ends.into_iter().zip(validity.items()) {
            instant(faults, end, time);
        }
    }
    let subject = tbs.next_with(tag::SEQUENCE);
    for name in [issuer, subject].into_iter().flatten() {
        name::walk(faults, name);
    }
    let key = tbs.next_with(tag::SEQUENCE);
    if key
        .and_then(|key| key.items().next())
        .is_some_and(lacks_null)
    {
        faults.push(Fault::RsaKeyParameters);
    }
    for unique in UNIQUE_IDENTIFIERS {
        if tbs.next_with(unique).is_some() {
            faults.push(Fault::UniqueIdentifier);
        }
    }
    if let Some(extensions) = tbs.next_with(EXTENSIONS).and_then(|all| all.items().next()) {
        extension::walk(faults, extensions.items());
    }
}

/// Returns whether an `AlgorithmIdentifier` is one of RSA's without the NULL that belongs there.
fn lacks_null(algorithm: Item<'_>) -> bool {
    let mut parts = algorithm.items();
    let oid = parts.next_with(tag::OID).map_or(&[][..], |oid| oid.content);
    let is_rsa = oid
        .strip_prefix(&PKCS_1)
        .is_some_and(|arc| matches!(arc, [last] if WITH_NULL.contains(last)));
    let null = Item {
        tag: tag::NULL,
        content: &[],
    };
    is_rsa && parts.next() != Some(null)
}

fn instant(faults: &mut Vec<Fault>, end: &'static str, time: Item<'_>) {
    let is_utc = time.tag == tag::UTC_TIME;
    // The two forms differ in the digits of the year only: 13 and 15 octets, the last of them a `Z`.
    let length = if is_utc { 13 } else { 15 };
    let exact = time.content.len() == length
        && time
            .content
            .split_last()
            .is_some_and(|(zulu, digits)| *zulu == b'Z' && digits.iter().all(u8::is_ascii_digit));
    if !exact {
        faults.push(Fault::TimeNotExact { end });
    }
    let before_2050 = time
        .content
        .get(..4)
        .is_some_and(|year| (&b"1950"[..]..&b"2050"[..]).contains(&year));
    if !is_utc && before_2050 {
        faults.push(Fault::TimeForm { end });
    }
}

/// Walks nothing but the top: returns the object identifier, criticality and content of each extension.
pub(super) fn extensions(
    mut all: Items<'_>,
) -> impl Iterator<Item = (&[u8], Option<&[u8]>, Item<'_>)> {
    std::iter::from_fn(move || {
        let mut parts = all.next()?.items();
        let oid = parts.next_with(tag::OID)?.content;
        let critical = parts
            .next_with(tag::BOOLEAN)
            .map(|critical| critical.content);
        let value = parts.next_with(tag::OCTET_STRING)?.content;
        let value = der::items(value).next()?;
        Some((oid, critical, value))
    })
}
