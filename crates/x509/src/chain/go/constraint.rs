//! Name constraints, as Go reads them.

use std::net::IpAddr;

use super::{
    Asked, Why, domain, is_mapped,
    strict::{Malformed, Reader},
};
use crate::der::tag;

/// Permitted and excluded subtrees, constructed.
const PERMITTED: u8 = 0xa0;
const EXCLUDED: u8 = 0xa1;

/// An address and its mask.
const NETWORK: u8 = 0x87;

/// Reads them, and returns whether Go knows every form of name in them.
pub(super) fn read(asked: &mut Asked, mut value: Reader<'_>) -> Result<bool, Why> {
    asked.is_some = true;
    let malformed = "malformed name constraints";
    let mut both = value.read(tag::SEQUENCE).ok_or(malformed)?;
    let permitted = both.optional(PERMITTED).map_err(|Malformed| malformed)?;
    let excluded = both.optional(EXCLUDED).map_err(|Malformed| malformed)?;
    if !value.is_empty() || !both.is_empty() {
        return Err(malformed.into());
    }
    let subtrees = [(true, permitted), (false, excluded)];
    let mut subtrees: Vec<_> = subtrees
        .into_iter()
        .filter_map(|(permits, side)| Some((permits, side.filter(|side| !side.is_empty())?)))
        .collect();
    if subtrees.is_empty() {
        return Err("empty name constraints".into());
    }
    let mut handled = true;
    for (permits, side) in &mut subtrees {
        while !side.is_empty() {
            let mut subtree = side.read(tag::SEQUENCE).ok_or(malformed)?;
            let (form, base) = subtree.any().ok_or(malformed)?;
            handled &= base_of(form, base.bytes())?;
            if form == NETWORK {
                asked.permits_networks |= *permits;
                asked.has_odd_network |= is_odd(base.bytes());
            }
        }
    }
    Ok(handled)
}

fn base_of(form: u8, base: &[u8]) -> Result<bool, Why> {
    let text = str::from_utf8(base).ok().filter(|text| text.is_ascii());
    let fits = match form {
        0x81 => text.is_some_and(|text| {
            if text.contains('@') {
                domain::is_mailbox(text)
            } else {
                domain::is_constraint(text)
            }
        }),
        0x82 => text.is_some_and(domain::is_constraint),
        0x86 => {
            text.is_some_and(|text| domain::is_constraint(text) && text.parse::<IpAddr>().is_err())
        }
        NETWORK => is_network(base),
        _ => return Ok(false),
    };
    let broken = "a name constraint is no domain, no mailbox or no network";
    fits.then_some(true).ok_or_else(|| broken.into())
}

/// An address and a mask of ones, then zeros.
fn is_network(base: &[u8]) -> bool {
    let half = base.len() / 2;
    let Some((_, mask)) = base
        .split_at_checked(half)
        .filter(|_| [8, 32].contains(&base.len()))
    else {
        return false;
    };
    let mut after = mask.iter().skip_while(|octet| **octet == 0xff);
    let last = after.next().copied().unwrap_or(0);
    last.leading_ones() + last.trailing_zeros() == 8 && after.all(|octet| *octet == 0)
}

/// Whether the base is not the first address of the network, or is IPv4 in IPv6.
fn is_odd(base: &[u8]) -> bool {
    let (base, mask) = base.split_at_checked(base.len() / 2).unwrap_or_default();
    is_mapped(base)
        || base
            .iter()
            .zip(mask)
            .any(|(octet, mask)| octet & !mask != 0)
}
