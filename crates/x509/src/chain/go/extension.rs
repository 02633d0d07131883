//! Extensions, as Go reads them: those that it knows must have their form, the others may say what they like.

use std::collections::BTreeSet;

use super::{Name, Reading, Why, constraint, domain::Uri, policy::Policies, strict::Reader};
use crate::der::{self, tag};

/// `id-ce`, 2.5.29.
const ID_CE: [u8; 2] = [0x55, 0x1d];

/// Authority information access, 1.3.6.1.5.5.7.1.1.
const ACCESS: [u8; 8] = [0x2b, 6, 1, 5, 5, 7, 1, 1];

/// The forms of general names that Go reads.
const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;
const IP: u8 = 0x87;

/// Reads all extensions.
pub(super) fn read<'a>(reading: &mut Reading<'a>, mut all: Reader<'a>) -> Result<(), Why> {
    let mut all = all.read(tag::SEQUENCE).ok_or("malformed extensions")?;
    let mut seen = BTreeSet::new();
    while !all.is_empty() {
        let mut extension = all.read(tag::SEQUENCE).ok_or("malformed extension")?;
        let oid = extension.oid().ok_or("malformed extension identifier")?;
        let mut critical = false;
        if extension.is_next(tag::BOOLEAN) {
            critical = extension.boolean().ok_or("malformed criticality")?;
        }
        let value = extension.read(tag::OCTET_STRING);
        let value = value.ok_or("malformed extension value")?;
        if !seen.insert(oid) {
            return Err(format!("extension {} is there twice", der::dotted(oid)).into());
        }
        if critical && let Some(whose) = never_critical(oid) {
            return Err(format!("{whose} marked critical").into());
        }
        let malformed = || format!("extension {} is malformed", der::dotted(oid));
        let handled = match oid.strip_prefix(&ID_CE) {
            Some([17]) => names(reading, value)?,
            Some([30]) => constraint::read(&mut reading.asked, value)?,
            Some([arc]) => standard(reading, *arc, value).ok_or_else(malformed)?,
            Some(_) | None if oid == ACCESS => access(value).ok_or_else(malformed)?,
            Some(_) | None => false,
        };
        if critical && !handled {
            reading.unhandled.get_or_insert(oid);
        }
    }
    Ok(())
}

fn never_critical(oid: &[u8]) -> Option<&'static str> {
    match oid.strip_prefix(&ID_CE) {
        Some([14]) => Some("subject key identifier"),
        Some([35]) => Some("authority key identifier"),
        Some(_) | None => (oid == ACCESS).then_some("authority information access"),
    }
}

/// Reads a standard extension, and returns whether Go handles it; `None` if it is malformed.
fn standard<'a>(reading: &mut Reading<'a>, arc: u8, mut value: Reader<'a>) -> Option<bool> {
    let said = &mut reading.policies;
    match arc {
        14 => {
            value.read(tag::OCTET_STRING)?;
        }
        15 => {
            value.bits()?;
        }
        19 => {
            let read = basic_constraints(value.read(tag::SEQUENCE)?)?;
            (reading.is_ca, reading.path_length) = read;
        }
        31 => points(value.read(tag::SEQUENCE)?)?,
        32 => said.stated = policies(value.read(tag::SEQUENCE)?)?,
        33 => said.mappings = mappings(value.read(tag::SEQUENCE)?)?,
        35 => {
            value.read(tag::SEQUENCE)?.optional(0x80).ok()?;
        }
        36 => policy_constraints(said, value.read(tag::SEQUENCE)?)?,
        37 => purposes(value.read(tag::SEQUENCE)?)?,
        54 => said.inhibit_any = number(value.integer()?)?,
        _ => return Some(false),
    }
    Some(true)
}

/// Returns whether it is a CA, and its path length. What is not where it belongs is passed over.
fn basic_constraints(mut value: Reader<'_>) -> Option<(bool, Option<u64>)> {
    let mut is_ca = false;
    if value.is_next(tag::BOOLEAN) {
        is_ca = value.boolean()?;
    }
    let mut limit = None;
    if value.is_next(tag::INTEGER) {
        limit = Some(number(value.integer()?)??);
    }
    Some((is_ca, limit))
}

/// Of a distribution point Go reads full names only, and of those the URIs that come first.
fn points(mut all: Reader<'_>) -> Option<()> {
    while !all.is_empty() {
        let mut point = all.read(tag::SEQUENCE)?;
        let Some(mut name) = point.optional(0xa0).ok()? else {
            continue;
        };
        let mut full = name.read(0xa0)?;
        while full.is_next(URI) {
            full.read(URI)?;
        }
    }
    Some(())
}

fn policies(mut all: Reader<'_>) -> Option<Vec<&[u8]>> {
    let (mut seen, mut stated) = (BTreeSet::new(), Vec::new());
    while !all.is_empty() {
        let policy = all.read(tag::SEQUENCE)?.read(tag::OID)?.bytes();
        let is_new = is_oid(policy) && seen.insert(policy);
        stated.push(is_new.then_some(policy)?);
    }
    Some(stated)
}

/// Arcs of any length, none with a needless octet.
fn is_oid(octets: &[u8]) -> bool {
    let ends = |octet: &u8| octet & 0x80 == 0;
    octets.last().is_some_and(ends)
        && octets
            .split_inclusive(ends)
            .all(|arc| arc.first() != Some(&0x80))
}

fn mappings(mut all: Reader<'_>) -> Option<Vec<(&[u8], &[u8])>> {
    let mut pairs = Vec::new();
    while !all.is_empty() {
        let mut mapping = all.read(tag::SEQUENCE)?;
        let (from, into) = (mapping.read(tag::OID)?, mapping.read(tag::OID)?);
        pairs.push((from.bytes(), into.bytes()));
    }
    Some(pairs)
}

fn policy_constraints(said: &mut Policies<'_>, mut value: Reader<'_>) -> Option<()> {
    if value.is_next(0x80) {
        said.require_explicit = number(value.integer_with(0x80)?)?;
    }
    if value.is_next(0x81) {
        said.inhibit_mapping = number(value.integer_with(0x81)?)?;
    }
    Some(())
}

/// Reads a number that Go keeps in 64 bits. A negative one says nothing to it.
#[expect(
    clippy::option_option,
    reason = "malformed is not the same as negative"
)]
fn number(octets: &[u8]) -> Option<Option<u64>> {
    let fits = octets.len() <= 8;
    let number = || {
        let fold = |number, octet: &u8| (number << 8) | u64::from(*octet);
        octets.iter().fold(0, fold)
    };
    fits.then(|| (!matches!(octets, [0x80..=0xff, ..])).then(number))
}

fn purposes(mut all: Reader<'_>) -> Option<()> {
    while !all.is_empty() {
        all.oid()?;
    }
    Some(())
}

fn access(mut value: Reader<'_>) -> Option<bool> {
    let mut all = value.read(tag::SEQUENCE)?;
    while !all.is_empty() {
        let mut description = all.read(tag::SEQUENCE)?;
        description.oid()?;
        description.optional(URI).ok()?;
    }
    Some(true)
}

/// Reads alternative names, and returns whether there is one of a form that Go knows.
fn names<'a>(reading: &mut Reading<'a>, mut value: Reader<'a>) -> Result<bool, Why> {
    let malformed = "malformed alternative names";
    let mut all = value.read(tag::SEQUENCE).ok_or(malformed)?;
    let mut handled = false;
    while !all.is_empty() {
        let (form, name) = all.any().ok_or(malformed)?;
        let text = || {
            let text = str::from_utf8(name.bytes()).ok();
            let ascii = text.filter(|text| text.is_ascii());
            ascii.ok_or("an alternative name is not ASCII")
        };
        match form {
            EMAIL => reading.names.push(Name::Email(text()?)),
            DNS => reading.names.push(Name::Dns(text()?)),
            URI => {
                let (text, not_one) = (text()?, "an alternative name is no URI");
                let uri = Uri::read(text).ok_or(not_one)?;
                reading.names.push(Name::Uri(text, uri));
            }
            IP if ![4, 16].contains(&name.bytes().len()) => {
                return Err("an IP address has neither 4 octets nor 16".into());
            }
            IP => reading.names.push(Name::Ip(name.bytes())),
            _ => continue,
        }
        handled = true;
    }
    Ok(handled)
}
