//! Names: the types and alphabets of their strings.

use super::Fault;
use crate::der::{self, Item, tag};

/// Attributes that have one type of string only: country, serial number and `dnQualifier` (RFC 5280 appendix A.1),
/// domain component (RFC 4519 §2.4), e-mail address (RFC 2985 §5.2.1).
const ONE_TYPE: [(&[u8], u8, &str); 5] = [
    (&[0x55, 4, 6], tag::PRINTABLE_STRING, "PrintableString"),
    (&[0x55, 4, 5], tag::PRINTABLE_STRING, "PrintableString"),
    (&[0x55, 4, 46], tag::PRINTABLE_STRING, "PrintableString"),
    (
        &[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25],
        tag::IA5_STRING,
        "IA5String",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1],
        tag::IA5_STRING,
        "IA5String",
    ),
];

pub(super) fn walk(faults: &mut Vec<Fault>, name: Item<'_>) {
    // Once for a name, however many there are.
    if name.items().any(|rdn| rdn.content.is_empty()) {
        faults.push(Fault::EmptyRdn);
    }
    for attribute in name.items().flat_map(Item::items) {
        let mut parts = attribute.items();
        if let (Some(kind), Some(value)) = (parts.next_with(tag::OID), parts.next()) {
            string(faults, kind.content, value);
        }
    }
}

fn string(faults: &mut Vec<Fault>, kind: &[u8], value: Item<'_>) {
    let own = ONE_TYPE.iter().find(|(oid, ..)| *oid == kind);
    if let Some((_, wanted, expected)) = own
        && value.tag != *wanted
    {
        faults.push(Fault::StringType {
            attribute: der::dotted(kind),
            expected,
        });
    }
    let mut strange = value.content.iter().filter(|octet| !is_printable(**octet));
    if value.tag == tag::PRINTABLE_STRING
        && let Some(first) = strange.next()
    {
        let tolerated = std::iter::once(first)
            .chain(strange)
            .all(|octet| b"*&".contains(octet));
        let attribute = der::dotted(kind);
        faults.push(Fault::NotPrintable {
            attribute,
            tolerated,
        });
    }
}

/// The alphabet of `PrintableString` (X.680 §41.4).
fn is_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(&octet)
}
