//! Distinguished names and times, as Go reads them.

use jiff::civil;

use super::{Why, strict::Reader};
use crate::der::tag;

/// Reads a name: every value must be a string of a type that Go knows.
pub(super) fn read(name: Option<Reader<'_>>) -> Result<(), Why> {
    let malformed = "malformed name";
    let mut rdns = name.ok_or(malformed)?;
    while !rdns.is_empty() {
        let mut rdn = rdns.read(tag::SET).ok_or(malformed)?;
        while !rdn.is_empty() {
            let mut attribute = rdn.read(tag::SEQUENCE).ok_or(malformed)?;
            attribute.oid().ok_or("malformed attribute in a name")?;
            let (kind, value) = attribute.any().ok_or(malformed)?;
            string(kind, value.bytes())?;
        }
    }
    Ok(())
}

fn string(kind: u8, text: &[u8]) -> Result<(), Why> {
    let broken = match kind {
        tag::UTF8_STRING if str::from_utf8(text).is_err() => "invalid UTF8String in a name",
        tag::PRINTABLE_STRING if !text.iter().copied().all(is_taken_for_printable) => {
            "invalid PrintableString in a name"
        }
        tag::IA5_STRING if !text.is_ascii() => "invalid IA5String in a name",
        tag::NUMERIC_STRING if !text.iter().all(|c| c.is_ascii_digit() || *c == b' ') => {
            "invalid NumericString in a name"
        }
        tag::BMP_STRING if !is_bmp(text) => "invalid BMPString in a name",
        tag::UTF8_STRING
        | tag::PRINTABLE_STRING
        | tag::IA5_STRING
        | tag::NUMERIC_STRING
        | tag::BMP_STRING
        | tag::TELETEX_STRING => return Ok(()),
        other => return Err(format!("a name has a value of the unknown type {other:#04x}").into()),
    };
    Err(broken.into())
}

/// The alphabet of `PrintableString`, with the star and the ampersand that Go takes too.
fn is_taken_for_printable(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(&octet)
}

/// Units of 16 bits, none of them a surrogate or reserved for ever; one terminator is passed over.
fn is_bmp(text: &[u8]) -> bool {
    let (units, rest) = text.as_chunks::<2>();
    let reserved = |unit: &[u8; 2]| {
        let unit = u16::from_be_bytes(*unit);
        matches!(unit, 0xd800..=0xdfff | 0xfdd0..=0xfdef | 0xfffe..)
    };
    rest.is_empty() && !units.iter().any(reserved)
}

/// Reads the two ends of the validity.
pub(super) fn validity(ends: Option<Reader<'_>>) -> Result<(), Why> {
    let mut ends = ends.ok_or("malformed validity")?;
    for _ in ["not before", "not after"] {
        let (kind, time) = ends.any().ok_or("malformed validity")?;
        let text = str::from_utf8(time.bytes()).unwrap_or_default();
        let read = match kind {
            tag::UTC_TIME => utc(text),
            tag::GENERALIZED_TIME => text.split_at_checked(4).and_then(|(year, rest)| {
                let rest = instant(number(year)?, rest)?;
                is_zone(rest).then_some(())
            }),
            _ => return Err("unsupported time format".into()),
        };
        read.ok_or("malformed time")?;
    }
    Ok(())
}

/// Two digits for the year, and the seconds may be missing.
fn utc(text: &str) -> Option<()> {
    let (year, rest) = text.split_at_checked(2)?;
    // Which century it is changes no leap year between 1950 and 2049.
    let year = number(year)? + 2000;
    let with_seconds = instant(year, rest).is_some_and(is_zone);
    let without = || {
        let (minutes, zone) = rest.split_at_checked(8)?;
        let whole = format!("{minutes}00");
        (instant(year, &whole)?.is_empty() && is_zone(zone)).then_some(())
    };
    if with_seconds { Some(()) } else { without() }
}

/// Takes month, day, hour, minute and second, if they are of the calendar.
fn instant(year: i16, text: &str) -> Option<&str> {
    let (digits, rest) = text.split_at_checked(10)?;
    let mut pairs = digits.as_bytes().as_chunks::<2>().0.iter().map(|pair| {
        let pair = str::from_utf8(pair).ok()?;
        number(pair).and_then(|n| i8::try_from(n).ok())
    });
    let mut next = || pairs.next().flatten();
    let (month, day, hour, minute, second) = (next()?, next()?, next()?, next()?, next()?);
    civil::Date::new(year, month, day).ok()?;
    civil::Time::new(hour, minute, second, 0).ok()?;
    Some(rest)
}

fn number(digits: &str) -> Option<i16> {
    let all_digits = digits.bytes().all(|digit| digit.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

/// `Z`, or an offset that is not nothing.
fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', offset @ ..] => {
            offset.len() == 4 && offset.iter().all(u8::is_ascii_digit) && offset != b"0000"
        }
        [..] => false,
    }
}
