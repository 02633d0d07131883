//! From one bundle to the next: whom the change would cut off, and whether it can be made at all.

use std::collections::BTreeMap;

use super::{CLOUD, EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label, validity};
use crate::{bundle::TrustBundle, certificate::Certificate, chain::Chain};

pub(super) const LINTS: &[&Lint] = &[
    &LAST_CA_REMOVED,
    &CHAIN_CUT_OFF,
    &EXPIRED_MEMBER_KEPT,
    &NOTHING_CHANGES,
    &NEW_CA_REUSES_KEY,
    &NEW_CA_REUSES_SUBJECT,
    &NEW_CA_REUSES_KEY_ID,
    &NO_OVERLAP,
    &IN_USE_NOT_ACCEPTED,
];

static LAST_CA_REMOVED: Lint = Lint {
    code: "NL701",
    name: "LastCaRemoved",
    severity: Severity::Error,
    family: Family::Transition,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates",
    says: "The change removes the last CA: every client is cut off. With some tools this also turns mTLS off and \
           deletes the certificate filters.",
    advice: "Add the new CA first, move every client to it, then remove the old one: `newleaf rotate ca`.",
};

static CHAIN_CUT_OFF: Lint = Lint {
    code: "NL702",
    name: "ChainCutOff",
    severity: Severity::Error,
    family: Family::Transition,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (wait until all workers have moved)",
    says: "A chain that is in use is accepted now and would not be after the change.",
    advice: "Renew that client under a CA that stays, see it present the new leaf, then remove the old CA.",
};

static EXPIRED_MEMBER_KEPT: Lint = Lint {
    code: "NL703",
    name: "ExpiredMemberKept",
    severity: Severity::Error,
    family: Family::Transition,
    profiles: CLOUD,
    citation: "github.com/temporalio/tcld/issues/406",
    says: "The proposed bundle holds an expired CA. Temporal Cloud judges the whole result and refuses the update, \
           whatever it adds or removes beside.",
    advice: "Leave all expired CAs out of the proposed bundle: one update adds the new one and drops them.",
};

static NOTHING_CHANGES: Lint = Lint {
    code: "NL704",
    name: "NothingChanges",
    severity: Severity::Note,
    family: Family::Transition,
    profiles: EVERYWHERE,
    citation: "github.com/temporalio/terraform-provider-temporalcloud/issues/90",
    says: "Both bundles hold the same certificates. Temporal Cloud compares them without regard to white space and \
           answers such an update with an error, \"nothing to change\".",
    advice: "Nothing must be done.",
};

static NEW_CA_REUSES_KEY: Lint = Lint {
    code: "NL705",
    name: "NewCaReusesKey",
    severity: Severity::Error,
    family: Family::Transition,
    profiles: TEMPORAL,
    citation: "RFC 5280 §6.1.1 (a trust anchor is a name and a key)",
    says: "A new CA has the key of an old one. Nothing is rotated: whoever holds the old key can sign for the new CA, \
           and removing the old certificate distrusts nothing.",
    advice: "Make the new CA with a new key: `newleaf ca new`.",
};

static NEW_CA_REUSES_SUBJECT: Lint = Lint {
    code: "NL706",
    name: "NewCaReusesSubject",
    severity: Severity::Error,
    family: Family::Transition,
    profiles: TEMPORAL,
    citation: "docs.temporal.io/cloud/certificates (allowed in a bundle since March 2025)",
    says: "A new CA has the subject of an old one, case apart. Temporal Cloud allows it, but then a leaf's issuer no \
           longer tells which CA it needs, and nobody can prove that the old one is out of use.",
    advice: "Put the generation into the new CA's common name: `newleaf ca new`.",
};

static NEW_CA_REUSES_KEY_ID: Lint = Lint {
    code: "NL707",
    name: "NewCaReusesKeyId",
    severity: Severity::Error,
    family: Family::Transition,
    profiles: TEMPORAL,
    citation: "RFC 5280 §4.2.1.2",
    says: "A new CA has another key but the subject key identifier of an old one. Verifiers that choose the issuer by \
           it choose the wrong one.",
    advice: "Issue the new CA again with an identifier computed from its own key.",
};

static NO_OVERLAP: Lint = Lint {
    code: "NL708",
    name: "NoOverlap",
    severity: Severity::Warning,
    family: Family::Transition,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (concatenate the old and the new)",
    says: "The change replaces every CA at once: there is no time in which old and new leaves are both accepted, so \
           every client that has not been told of is cut off.",
    advice: "Add the new CA beside the old one first: `newleaf rotate ca`.",
};

static IN_USE_NOT_ACCEPTED: Lint = Lint {
    code: "NL709",
    name: "InUseNotAccepted",
    severity: Severity::Warning,
    family: Family::Transition,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §6.1",
    says: "A chain that is said to be in use is accepted neither before nor after the change. Either that client is \
           down already, or this is not the bundle that it meets.",
    advice: "Find the client; remove it from the list of those in use if it is gone.",
};

pub(super) fn check(
    report: &mut Report<'_>,
    current: &TrustBundle,
    proposed: &TrustBundle,
    in_use: &[Chain],
) {
    if current == proposed {
        let found = "expected a change, found the same set of certificates";
        report.add(&NOTHING_CHANGES, "the proposed bundle", found);
        return;
    }
    if proposed.is_empty() {
        let n = current.len();
        let found = format!("expected at least one CA to stay, found that all {n} go");
        report.add(&LAST_CA_REMOVED, "the proposed bundle", found);
    }
    let now = report.context.now;
    for expired in proposed.expired_at(now) {
        report.add(
            &EXPIRED_MEMBER_KEPT,
            label(expired),
            validity::ended(expired, now),
        );
    }
    reuse(report, &current.difference(proposed).added, current);
    let was_valid = current.members().iter().any(|ca| ca.is_valid_at(now));
    let stays = current
        .members()
        .iter()
        .any(|ca| ca.is_valid_at(now) && proposed.contains(ca.fingerprint()));
    if was_valid && !stays && !proposed.is_empty() {
        let found = "expected one valid CA of the current bundle to stay, found none";
        report.add(&NO_OVERLAP, "the proposed bundle", found);
    }
    for chain in in_use {
        in_use_chain(report, chain, current, proposed);
    }
}

/// Lints what CAs that are added should not have of one that is there already. Each is held against the first that has
/// it, not against all: the work would grow with their square.
fn reuse(report: &mut Report<'_>, added: &[Certificate], current: &TrustBundle) {
    let mut keys: BTreeMap<_, &Certificate> = BTreeMap::new();
    let mut subjects: BTreeMap<_, &Certificate> = BTreeMap::new();
    let mut key_ids: BTreeMap<_, &Certificate> = BTreeMap::new();
    for old in current.members() {
        keys.entry(old.public_key().spki()).or_insert(old);
        subjects.entry(old.subject().folded()).or_insert(old);
        if let Some(id) = &old.extensions().subject_key_id {
            key_ids.entry(&id.value).or_insert(old);
        }
    }
    for ca in added {
        let same_key = keys.get(ca.public_key().spki());
        if let Some(old) = same_key {
            let found = format!("expected a new key, found the key of {}", label(old));
            report.add(&NEW_CA_REUSES_KEY, label(ca), found);
        }
        if let Some(old) = subjects.get(&ca.subject().folded()) {
            let found = format!(
                "expected a new subject, found the subject of {}",
                label(old)
            );
            report.add(&NEW_CA_REUSES_SUBJECT, label(ca), found);
        }
        let key_id = ca.extensions().subject_key_id.as_ref();
        let same_key_id = key_id.and_then(|id| key_ids.get(&id.value));
        if let Some(old) = same_key_id
            && same_key.is_none()
        {
            let other = label(old);
            let found = format!("expected a new key identifier, found the one of {other}");
            report.add(&NEW_CA_REUSES_KEY_ID, label(ca), found);
        }
    }
}

fn in_use_chain(
    report: &mut Report<'_>,
    chain: &Chain,
    current: &TrustBundle,
    proposed: &TrustBundle,
) {
    let now = report.context.now;
    let Err(refusal) = chain.accepted_by(proposed, now) else {
        return;
    };
    match chain.accepted_by(current, now) {
        Ok(ca) => {
            let found = format!("expected {} to stay for it, found it removed", label(ca));
            report.add(&CHAIN_CUT_OFF, label(chain.leaf()), found);
        }
        Err(_) => report.add(
            &IN_USE_NOT_ACCEPTED,
            label(chain.leaf()),
            refusal.to_string(),
        ),
    }
}
