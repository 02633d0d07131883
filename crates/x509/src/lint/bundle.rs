//! The set of accepted CAs: its size, its members, and how they stand to each other.

use std::collections::BTreeMap;

use super::{CLOUD, EVERYWHERE, Family, Lint, NOT_CLOUD, Report, Severity, label, validity};
use crate::{
    bundle::{MAX_CLOUD_MEMBERS, MAX_CLOUD_PEM_BYTES, TrustBundle},
    certificate::Certificate,
};

pub(super) const LINTS: &[&Lint] = &[
    &EMPTY_BUNDLE,
    &TOO_MANY_MEMBERS,
    &BUNDLE_TOO_LARGE,
    &NO_ROOM_FOR_ROLLOVER,
    &EXPIRED_MEMBER,
    &MEMBER_NOT_YET_VALID,
    &IDLE_MEMBER,
    &ORPHAN_INTERMEDIATE,
    &MEMBERS_SHARE_KEY,
    &MEMBERS_SHARE_SUBJECT,
    &MEMBERS_SHARE_KEY_ID,
    &PUBLICLY_TRUSTED,
];

static EMPTY_BUNDLE: Lint = Lint {
    code: "NL601",
    name: "EmptyBundle",
    severity: Severity::Error,
    family: Family::Bundle,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates",
    says: "The bundle has no CA: no client can be accepted, and with the last CA some tools turn mTLS off.",
    advice: "Add the CA that signed the workers' leaves.",
};

static TOO_MANY_MEMBERS: Lint = Lint {
    code: "NL602",
    name: "TooManyMembers",
    severity: Severity::Error,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "docs.temporal.io/evaluate/cloud/limits",
    says: "Temporal Cloud keeps at most 16 CA certificates for a namespace.",
    advice: "Remove CAs that are expired or that nobody presents any more: `newleaf status` names them.",
};

static BUNDLE_TOO_LARGE: Lint = Lint {
    code: "NL603",
    name: "BundleTooLarge",
    severity: Severity::Error,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "docs.temporal.io/evaluate/cloud/limits",
    says: "Temporal Cloud keeps at most 32 KB of CA certificates for a namespace, counted before base64.",
    advice: "Remove CAs that nobody presents any more; an ECDSA CA takes a third of the room of an RSA one.",
};

static NO_ROOM_FOR_ROLLOVER: Lint = Lint {
    code: "NL604",
    name: "NoRoomForRollover",
    severity: Severity::Warning,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "docs.temporal.io/evaluate/cloud/limits",
    says: "One CA more would pass the limits of 16 certificates or 32 KB. A rollover needs that room, because for a \
           while the old CA and the new one stand side by side.",
    advice: "Make room before the next rollover: remove CAs that nobody presents any more.",
};

static EXPIRED_MEMBER: Lint = Lint {
    code: "NL605",
    name: "ExpiredMember",
    severity: Severity::Error,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "github.com/temporalio/tcld/issues/406",
    says: "A member has expired. Temporal Cloud refuses every update whose result still holds an expired CA, so \
           adding one CA or removing one of two expired ones fails.",
    advice: "Remove all expired members in the very update that makes the next change; newleaf does so.",
};

static MEMBER_NOT_YET_VALID: Lint = Lint {
    code: "NL606",
    name: "MemberNotYetValid",
    severity: Severity::Error,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "github.com/temporalio/tcld/issues/406 (the message names both ends of the validity)",
    says: "A member's validity has not begun. Temporal Cloud builds each member's chain at the moment of the update \
           and refuses one that is not valid then.",
    advice: "Wait until it is valid, or issue the CA with a first instant in the past.",
};

static IDLE_MEMBER: Lint = Lint {
    code: "NL607",
    name: "IdleMember",
    severity: Severity::Warning,
    family: Family::Bundle,
    profiles: NOT_CLOUD,
    citation: "Go crypto/x509 (Verify: every certificate of a chain, its root too, must be valid); RFC 5280 §6.1.3",
    says: "A member is not valid now. Go's verifier, which is Temporal's, and OpenSSL's accept nothing under it.",
    advice: "Remove it if it has expired; if it is not valid yet, nothing under it may be presented until then.",
};

static ORPHAN_INTERMEDIATE: Lint = Lint {
    code: "NL608",
    name: "OrphanIntermediate",
    severity: Severity::Error,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates",
    says: "A member is neither a root nor signed by another member. Temporal Cloud wants the whole way up to a \
           self-signed root in the bundle.",
    advice: "Add the CA that signed it, up to the root.",
};

static MEMBERS_SHARE_KEY: Lint = Lint {
    code: "NL609",
    name: "MembersShareKey",
    severity: Severity::Warning,
    family: Family::Bundle,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §6.1.1 (a trust anchor is a name and a key)",
    says: "Two members have the same key. Removing one does not distrust what it signed, as long as the other stays.",
    advice: "Keep one of them; give the next generation a key of its own.",
};

static MEMBERS_SHARE_SUBJECT: Lint = Lint {
    code: "NL610",
    name: "MembersShareSubject",
    severity: Severity::Warning,
    family: Family::Bundle,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (allowed since March 2025)",
    says: "Two members with different keys have the same subject, case apart. Verifiers must try both, and people \
           cannot tell the generations apart. CAs that `tcld` makes for one organization are like that.",
    advice: "Put the generation into the next CA's common name: `newleaf ca new`.",
};

static MEMBERS_SHARE_KEY_ID: Lint = Lint {
    code: "NL611",
    name: "MembersShareKeyId",
    severity: Severity::Warning,
    family: Family::Bundle,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.2.1.2",
    says: "Two members with different keys have the same subject key identifier. A verifier that chooses the issuer \
           by it may choose the wrong one.",
    advice: "Issue the younger one again with an identifier computed from its own key.",
};

static PUBLICLY_TRUSTED: Lint = Lint {
    code: "NL612",
    name: "PubliclyTrusted",
    severity: Severity::Warning,
    family: Family::Bundle,
    profiles: CLOUD,
    citation: "docs.temporal.io/cloud/certificates (CA bundle)",
    says: "The public trusts this CA: anybody may get a leaf under it. Temporal Cloud takes it only with certificate \
           filters beside it, and the filters cannot be cleared while it is there.",
    advice: "Use a CA of your own, or set filters that only your leaves match.",
};

pub(super) fn check(report: &mut Report<'_>, bundle: &TrustBundle) {
    if bundle.is_empty() {
        report.add(
            &EMPTY_BUNDLE,
            "the bundle",
            "expected at least one CA, found none",
        );
    }
    size(report, bundle);
    for member in bundle.publicly_trusted() {
        let found = "expected a CA of your own, found one of the public's roots";
        report.add(&PUBLICLY_TRUSTED, label(member), found);
    }
    for member in bundle.members() {
        report.ca(member);
        instant(report, member);
    }
    // More than can be accepted are not compared with each other: the work would grow with their square.
    if bundle.len() <= MAX_CLOUD_MEMBERS {
        orphans(report, bundle);
    }
    twins(report, bundle);
}

fn orphans(report: &mut Report<'_>, bundle: &TrustBundle) {
    for member in bundle.members() {
        if !bundle.members().iter().any(|ca| member.is_signed_by(ca)) {
            let issuer = member.issuer();
            let found = format!("expected a root or the CA `{issuer}` beside it, found neither");
            report.add(&ORPHAN_INTERMEDIATE, label(member), found);
        }
    }
}

fn size(report: &mut Report<'_>, bundle: &TrustBundle) {
    let (members, bytes) = (bundle.len(), bundle.to_pem().len());
    let largest = bundle.members().iter().map(|m| m.to_pem().len()).max();
    if members > MAX_CLOUD_MEMBERS {
        let found =
            format!("expected at most {MAX_CLOUD_MEMBERS} CA certificates, found {members}");
        report.add(&TOO_MANY_MEMBERS, "the bundle", found);
    }
    if bytes > MAX_CLOUD_PEM_BYTES {
        let found = format!("expected at most {MAX_CLOUD_PEM_BYTES} bytes of PEM, found {bytes}");
        report.add(&BUNDLE_TOO_LARGE, "the bundle", found);
    }
    let fits = members <= MAX_CLOUD_MEMBERS && bytes <= MAX_CLOUD_PEM_BYTES;
    let one_more = bytes.saturating_add(largest.unwrap_or(0));
    if fits && (members == MAX_CLOUD_MEMBERS || one_more > MAX_CLOUD_PEM_BYTES) {
        let found = format!(
            "expected room for one CA more, found {members} certificates and {bytes} bytes"
        );
        report.add(&NO_ROOM_FOR_ROLLOVER, "the bundle", found);
    }
}

fn instant(report: &mut Report<'_>, member: &Certificate) {
    let now = report.context.now;
    if now > member.not_after() {
        let found = validity::ended(member, now);
        report.add(&EXPIRED_MEMBER, label(member), found.as_str());
        report.add(&IDLE_MEMBER, label(member), found);
    }
    if now < member.not_before() {
        let found = validity::not_begun(member, now);
        report.add(&MEMBER_NOT_YET_VALID, label(member), found.as_str());
        report.add(&IDLE_MEMBER, label(member), found);
    }
}

/// Lints what two members should not share, each against the first that had it.
fn twins(report: &mut Report<'_>, bundle: &TrustBundle) {
    let mut keys: BTreeMap<_, &Certificate> = BTreeMap::new();
    let mut subjects: BTreeMap<_, &Certificate> = BTreeMap::new();
    let mut key_ids: BTreeMap<_, &Certificate> = BTreeMap::new();
    for member in bundle.members() {
        if let Some(other) = keys.get(member.public_key().spki()) {
            let found = format!(
                "expected a key of its own, found the key of {}",
                label(other)
            );
            report.add(&MEMBERS_SHARE_KEY, label(member), found);
            continue;
        }
        let subject = member.subject().folded();
        if let Some(other) = subjects.get(&subject) {
            let found = format!(
                "expected a subject of its own, found that of {}",
                label(other)
            );
            report.add(&MEMBERS_SHARE_SUBJECT, label(member), found);
        }
        let key_id = member
            .extensions()
            .subject_key_id
            .as_ref()
            .map(|id| &id.value);
        if let Some(other) = key_id.and_then(|id| key_ids.get(id)) {
            let found = format!(
                "expected a key identifier of its own, found that of {}",
                label(other)
            );
            report.add(&MEMBERS_SHARE_KEY_ID, label(member), found);
        }
        keys.insert(member.public_key().spki(), member);
        subjects.entry(subject).or_insert(member);
        if let Some(id) = key_id {
            key_ids.entry(id).or_insert(member);
        }
    }
}
