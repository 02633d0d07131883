//! Extensions: defaults written out, bits that say nothing, lists that list nothing, constraints and policies.

use std::collections::BTreeSet;

use super::{Fault, frame};
use crate::der::{self, Item, Items, tag};

/// `id-ce`, 2.5.29: what the object identifiers of most extensions begin with.
const ID_CE: [u8; 2] = [0x55, 0x1d];

/// `id-pe`, 1.3.6.1.5.5.7.1: authority (1) and subject (11) information access.
const ID_PE: [u8; 7] = [0x2b, 6, 1, 5, 5, 7, 1];

/// `anyPolicy`, 2.5.29.32.0.
const ANY_POLICY: [u8; 4] = [0x55, 0x1d, 0x20, 0];

const KEY_USAGE: u8 = 15;
const BASIC_CONSTRAINTS: u8 = 19;
const NAME_CONSTRAINTS: u8 = 30;
const DISTRIBUTION_POINTS: u8 = 31;
const POLICIES: u8 = 32;
const POLICY_MAPPINGS: u8 = 33;
const FRESHEST_CRL: u8 = 46;

/// The arcs below `id-ce` whose extension is a sequence that must not be empty: subject directory attributes, subject
/// and issuer alternative names, name constraints, CRL distribution points, certificate policies, policy mappings,
/// policy constraints, extended key usage, freshest CRL.
const NEVER_EMPTY: [u8; 10] = [9, 17, 18, 30, 31, 32, 33, 36, 37, 46];

/// Walks the content of `Extensions`.
pub(super) fn walk(faults: &mut Vec<Fault>, all: Items<'_>) {
    let mut asserted = BTreeSet::new();
    let mut mapped = Vec::new();
    for (oid, critical, value) in frame::extensions(all) {
        if critical == Some(&[0]) {
            let place = format!("`critical` as FALSE in extension {}", der::dotted(oid));
            faults.push(Fault::DefaultWritten { place });
        }
        let below_ce = oid.strip_prefix(&ID_CE);
        let is_list = match below_ce {
            Some(arc) => matches!(arc, [arc] if NEVER_EMPTY.contains(arc)),
            None => matches!(oid.strip_prefix(&ID_PE), Some([1 | 11])),
        };
        if is_list && value.content.is_empty() {
            let oid = der::dotted(oid);
            faults.push(Fault::EmptyExtension { oid });
        }
        match below_ce {
            Some([KEY_USAGE]) => key_usage(faults, value),
            Some([BASIC_CONSTRAINTS]) => basic_constraints(faults, value),
            Some([NAME_CONSTRAINTS]) => constraints(faults, value),
            Some([DISTRIBUTION_POINTS | FRESHEST_CRL]) => points(faults, value),
            Some([POLICIES]) => policies(faults, &mut asserted, value),
            Some([POLICY_MAPPINGS]) => mapped.extend(mappings(faults, value)),
            Some(_) | None => {}
        }
    }
    // Mappings may stand before the policies that they map.
    for policy in mapped {
        if !asserted.contains(policy) {
            let policy = der::dotted(policy);
            faults.push(Fault::PolicyNotAsserted { policy });
        }
    }
}

/// A named bit list leaves out all zero bits at its end (X.690 §11.2.2), so an empty one is `03 01 00`. There are nine
/// usages, so the second octet has one bit and there is no third.
fn key_usage(faults: &mut Vec<Fault>, value: Item<'_>) {
    let Some((unused, octets)) = value.content.split_first() else {
        return;
    };
    let minimal = octets.last().map_or(*unused == 0, |last| {
        *last != 0 && u32::from(*unused) == last.trailing_zeros()
    });
    let known = matches!(octets, [] | [_] | [_, 0 | 0x80]);
    if value.tag == tag::BIT_STRING && !(minimal && known) {
        faults.push(Fault::KeyUsageBits);
    }
}

fn basic_constraints(faults: &mut Vec<Fault>, value: Item<'_>) {
    let ca = value.items().next_with(tag::BOOLEAN);
    if ca.is_some_and(|ca| ca.content == [0]) {
        let place = "`cA` as FALSE in the basic constraints".to_owned();
        faults.push(Fault::DefaultWritten { place });
    }
}

/// Walks permitted and excluded subtrees: `SEQUENCE { base GeneralName, [0] minimum, [1] maximum }` each.
fn constraints(faults: &mut Vec<Fault>, value: Item<'_>) {
    for subtree in value.items().flat_map(Item::items) {
        let mut parts = subtree.items();
        let Some(base) = parts.next() else { continue };
        if parts.next().is_some() {
            faults.push(Fault::ConstraintBounds);
        }
        match base.tag & 0x1f {
            3 => faults.push(Fault::ConstraintForm {
                form: "x400Address",
            }),
            5 => faults.push(Fault::ConstraintForm {
                form: "ediPartyName",
            }),
            8 => faults.push(Fault::ConstraintForm {
                form: "registeredID",
            }),
            6 if !is_host(base.content) => {
                let found = String::from_utf8_lossy(base.content).into_owned();
                faults.push(Fault::ConstraintHost { found });
            }
            _ => {}
        }
    }
}

/// Returns whether a URI constraint is a host name, or a domain with a leading period.
pub(crate) fn is_host(constraint: &[u8]) -> bool {
    let name = constraint.strip_prefix(b".").unwrap_or(constraint);
    !name.is_empty()
        && name
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b".-_".contains(octet))
}

/// A point has a place `[0]`, reasons `[1]`, or the CRL's issuer `[2]`; reasons alone lead nowhere.
fn points(faults: &mut Vec<Fault>, value: Item<'_>) {
    for point in value.items() {
        if !point.items().any(|part| matches!(part.tag & 0x1f, 0 | 2)) {
            faults.push(Fault::PointWithoutPlace);
        }
    }
}

fn policies<'a>(faults: &mut Vec<Fault>, asserted: &mut BTreeSet<&'a [u8]>, value: Item<'a>) {
    for policy in value.items() {
        let Some(oid) = policy.items().next_with(tag::OID) else {
            continue;
        };
        if !asserted.insert(oid.content) {
            let policy = der::dotted(oid.content);
            faults.push(Fault::PolicyRepeated { policy });
        }
    }
}

/// Returns the policies that are mapped from: of the pairs, the first.
fn mappings<'a>(faults: &mut Vec<Fault>, value: Item<'a>) -> Vec<&'a [u8]> {
    let mut from = Vec::new();
    for pair in value.items() {
        let pair: Vec<_> = pair.items().map(|oid| oid.content).collect();
        if pair.contains(&&ANY_POLICY[..]) {
            faults.push(Fault::PolicyMapsAny);
        } else {
            from.extend(pair.first());
        }
    }
    from
}
