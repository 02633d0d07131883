//! The extensions of usual certificates, read in one walk.
//!
//! A certificate has a handful of extensions in their plainest forms; those are read here without a copy that is not kept.
//! Whatever is unusual in the least (another extension, one that is there twice, a rare form) is left to the parser, which
//! then reads all of them: this file never decides what a certificate says, only how fast. A test holds the two together.

use x509_parser::prelude::X509Certificate;

use super::{
    AuthorityKeyId, BasicConstraints, Extension, Extensions, GeneralName, KeyUsage, Purpose,
};
use crate::der::{self, Item, tag};

/// `id-ce`, 2.5.29.
const ID_CE: [u8; 2] = [0x55, 0x1d];

/// `id-kp`, 1.3.6.1.5.5.7.3: 1 is a TLS server, 2 a client.
const ID_KP: [u8; 7] = [0x2b, 6, 1, 5, 5, 7, 3];

/// Reads the extensions, if all of them are usual.
pub(super) fn read(certificate: &X509Certificate<'_>) -> Option<Extensions> {
    let mut read = Extensions::default();
    for extension in certificate.extensions() {
        let critical = extension.critical;
        let arc = extension.oid.as_bytes().strip_prefix(&ID_CE)?;
        let value = only(extension.value)?;
        // What is there twice is unusual: no field is filled again.
        let is_new = match arc {
            [14] => fill(&mut read.subject_key_id, critical, key_id(value)),
            [15] => fill(&mut read.key_usage, critical, key_usage(value)),
            [17] => fill(&mut read.subject_alt_names, critical, names(value)),
            [19] => fill(&mut read.basic_constraints, critical, constraints(value)),
            [35] => fill(&mut read.authority_key_id, critical, authority(value)),
            [37] => fill(&mut read.extended_key_usage, critical, purposes(value)),
            _ => None,
        };
        is_new?;
    }
    Some(read)
}

fn fill<T>(field: &mut Option<Extension<T>>, critical: bool, value: Option<T>) -> Option<()> {
    let value = value?;
    field
        .replace(Extension { critical, value })
        .is_none()
        .then_some(())
}

/// Returns the one element that these bytes are, and nothing after it.
fn only(bytes: &[u8]) -> Option<Item<'_>> {
    let mut items = der::items(bytes);
    let item = items.next()?;
    items.is_empty().then_some(item)
}

/// Reads each element of a sequence, if all can be read and they fill it.
fn each<'a>(sequence: Item<'a>, mut read: impl FnMut(Item<'a>) -> Option<()>) -> Option<()> {
    let mut items = der::items(sequence.with(tag::SEQUENCE)?);
    items.by_ref().try_for_each(&mut read)?;
    items.is_empty().then_some(())
}

fn key_id(value: Item<'_>) -> Option<Vec<u8>> {
    value.with(tag::OCTET_STRING).map(<[u8]>::to_vec)
}

fn key_usage(value: Item<'_>) -> Option<KeyUsage> {
    let bits = value.with(tag::BIT_STRING)?;
    let (octets, last) = match bits {
        [_, one] if *one != 0 => ([*one, 0], *one),
        [_, one, 0x80] => ([*one, 0x80], 0x80),
        _ => return None,
    };
    let unused = bits.first().map(|unused| u32::from(*unused));
    let flags = u16::from_le_bytes(octets.map(u8::reverse_bits));
    (unused == Some(last.trailing_zeros())).then_some(KeyUsage { flags })
}

fn constraints(value: Item<'_>) -> Option<BasicConstraints> {
    let mut parts = der::items(value.with(tag::SEQUENCE)?);
    let ca = parts.next().map_or(Some(false), is_true)?;
    let limit = parts.next().map(|limit| limit.with(tag::INTEGER));
    let path_length = match limit {
        None => None,
        Some(Some([octet @ 0..=0x7f])) => Some(u32::from(*octet)),
        Some(_) => return None,
    };
    parts
        .is_empty()
        .then_some(BasicConstraints { ca, path_length })
}

fn is_true(item: Item<'_>) -> Option<bool> {
    (item.with(tag::BOOLEAN)? == [0xff]).then_some(true)
}

fn authority(value: Item<'_>) -> Option<AuthorityKeyId> {
    let mut parts = der::items(value.with(tag::SEQUENCE)?);
    let key_id = parts.next()?.with(0x80)?;
    (parts.is_empty() && !key_id.is_empty()).then(|| AuthorityKeyId {
        key_id: Some(key_id.to_vec()),
        names_issuer_and_serial: false,
    })
}

fn purposes(value: Item<'_>) -> Option<Vec<Purpose>> {
    let (mut server, mut client) = (false, false);
    each(value, |purpose| {
        let set = match purpose.with(tag::OID)?.strip_prefix(&ID_KP)? {
            [1] => &mut server,
            [2] => &mut client,
            _ => return None,
        };
        (!std::mem::replace(set, true)).then_some(())
    })?;
    let named = [(server, Purpose::ServerAuth), (client, Purpose::ClientAuth)];
    let named = named.into_iter().filter(|(set, _)| *set);
    Some(named.map(|(_, purpose)| purpose).collect())
}

fn names(value: Item<'_>) -> Option<Vec<GeneralName>> {
    let mut names = Vec::with_capacity(4);
    each(value, |item| {
        names.push(name(item)?);
        Some(())
    })?;
    Some(names)
}

fn name(item: Item<'_>) -> Option<GeneralName> {
    let text = || {
        let text = std::str::from_utf8(item.content).ok()?;
        text.is_ascii().then(|| text.to_owned())
    };
    Some(match item.tag {
        0x81 => GeneralName::Email(text()?),
        0x82 => GeneralName::Dns(text()?),
        0x86 => GeneralName::Uri(text()?),
        0x87 => GeneralName::Ip(super::ip(item.content)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
