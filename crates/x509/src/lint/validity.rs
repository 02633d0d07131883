//! From when to when: what has ended, has not begun, ends soon, or lasts too long.

use jiff::{SignedDuration, Timestamp};

use super::{EVERYWHERE, Family, Lint, Report, Severity, TEMPORAL, label};
use crate::{certificate::Certificate, describe::span};

pub(super) const LINTS: &[&Lint] = &[
    &EXPIRED,
    &NOT_YET_VALID,
    &VALIDITY_INVERTED,
    &CA_ENDS_SOON,
    &ROLLOVER_DUE,
    &RENEWAL_DUE,
    &LEAF_LIVES_LONG,
    &CA_LIVES_LONG,
    &NO_WELL_DEFINED_END,
    &BEGAN_JUST_NOW,
];

/// When a CA's end is alarming: twice the first of Temporal Cloud's mails (15 days before).
const CA_ALARM: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The latest start of a rollover, unless half of the CA's lifetime is less.
const ROLLOVER_BEFORE: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Leaves that live at most this long are renewed at half of their life, others at two thirds: what certbot does,
/// so that a short life leaves time for a second try.
const SHORT_LIFETIME: SignedDuration = SignedDuration::from_hours(10 * 24);

/// A leaf of more than a year outlives what `tcld` issues and four of the quarterly renewals that Temporal advises.
const LONG_LEAF: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A CA of more than ten years.
const LONG_CA: SignedDuration = SignedDuration::from_hours(3653 * 24);

/// How far the clocks of two machines may be apart: what step and certstrap at least take back from the first instant.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// Ends in the last two days of the year 9999 are the standard's way to say "no end" (RFC 5280 §4.1.2.5).
const NO_END_BEFORE_MAX: SignedDuration = SignedDuration::from_hours(48);

static EXPIRED: Lint = Lint {
    code: "NL301",
    name: "Expired",
    severity: Severity::Error,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5",
    says: "The validity has ended: verifiers refuse the certificate, and Go's, which is Temporal's, all that it \
           signed.",
    advice: "Issue a new one. If it is an accepted CA, remove it in the same update that adds the new one.",
};

static NOT_YET_VALID: Lint = Lint {
    code: "NL302",
    name: "NotYetValid",
    severity: Severity::Error,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5",
    says: "The validity has not begun: until then every verifier refuses the certificate. If it was just issued, the \
           clocks of the issuer and of this machine disagree.",
    advice: "Check both clocks; issue with a first instant a few minutes in the past.",
};

static VALIDITY_INVERTED: Lint = Lint {
    code: "NL303",
    name: "ValidityInverted",
    severity: Severity::Error,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5",
    says: "The validity ends before it begins: at no instant is the certificate valid.",
    advice: "Issue the certificate again with the earlier instant first.",
};

static CA_ENDS_SOON: Lint = Lint {
    code: "NL304",
    name: "CaEndsSoon",
    severity: Severity::Warning,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates; docs.temporal.io/cloud/notifications",
    says: "The CA ends within 30 days. With it end all leaves that it signed, whatever they say themselves, and \
           from then on Temporal Cloud refuses any update of a bundle that still holds it.",
    advice: "Roll the CA over now: `newleaf rotate ca`.",
};

static ROLLOVER_DUE: Lint = Lint {
    code: "NL305",
    name: "RolloverDue",
    severity: Severity::Note,
    family: Family::Validity,
    profiles: TEMPORAL,
    citation: "docs.temporal.io/evaluate/cloud/security (CA certificates yearly)",
    says: "Less than 90 days, or less than half of the CA's lifetime if that is shorter, are left. A rollover takes \
           as long as the slowest worker, so it begins now.",
    advice: "Plan it: `newleaf plan`, then `newleaf rotate ca`.",
};

static RENEWAL_DUE: Lint = Lint {
    code: "NL306",
    name: "RenewalDue",
    severity: Severity::Warning,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "docs.temporal.io/cloud/certificates (an expired leaf stops its worker)",
    says: "The leaf is past two thirds of its lifetime (half, if that is 10 days or less), so its renewal should have \
           happened. Temporal Cloud warns of CAs that end, but cannot know the leaves.",
    advice: "Renew it: `newleaf rotate leaf`.",
};

static LEAF_LIVES_LONG: Lint = Lint {
    code: "NL307",
    name: "LeafLivesLong",
    severity: Severity::Warning,
    family: Family::Validity,
    profiles: TEMPORAL,
    citation: "docs.temporal.io/evaluate/cloud/security (client certificates quarterly)",
    says: "The leaf lives more than a year. Temporal does not look at revocation lists, so a stolen leaf works until \
           it ends, until its CA is removed, or until a filter shuts it out.",
    advice: "Issue leaves of 90 days or less and let newleaf renew them.",
};

static CA_LIVES_LONG: Lint = Lint {
    code: "NL308",
    name: "CaLivesLong",
    severity: Severity::Note,
    family: Family::Validity,
    profiles: TEMPORAL,
    citation: "docs.temporal.io/evaluate/cloud/security (CA certificates yearly)",
    says: "The CA lives more than ten years. Its rollover will be done for the first time by people who have never \
           seen one.",
    advice: "Issue the next CA for one to three years, and rehearse its rollover.",
};

static NO_WELL_DEFINED_END: Lint = Lint {
    code: "NL309",
    name: "NoWellDefinedEnd",
    severity: Severity::Warning,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5 (99991231235959Z)",
    says: "The certificate says that it has no end. Only the removal of its CA can take it out of use.",
    advice: "Issue it again with an end.",
};

static BEGAN_JUST_NOW: Lint = Lint {
    code: "NL310",
    name: "BeganJustNow",
    severity: Severity::Note,
    family: Family::Validity,
    profiles: EVERYWHERE,
    citation: "RFC 5280 §4.1.2.5",
    says: "The validity began less than a minute ago. A server whose clock is slower than the issuer's by more than \
           that refuses the certificate.",
    advice: "Wait a minute before it is presented, or issue with a first instant in the past, as newleaf does.",
};

/// Lints whether a certificate is valid at this instant.
pub(super) fn now(report: &mut Report<'_>, certificate: &Certificate) {
    let now = report.context.now;
    if now > certificate.not_after() {
        report.add(&EXPIRED, label(certificate), ended(certificate, now));
    }
    if now < certificate.not_before() {
        report.add(
            &NOT_YET_VALID,
            label(certificate),
            not_begun(certificate, now),
        );
    }
    let age = now.duration_since(certificate.not_before());
    if !age.is_negative() && age < CLOCK_SKEW {
        let found = format!(
            "expected a begin at least {} before now, {now}, found one {} before",
            span(CLOCK_SKEW),
            span(age)
        );
        report.add(&BEGAN_JUST_NOW, label(certificate), found);
    }
}

/// Says now, the limit and the gap.
pub(super) fn ended(certificate: &Certificate, now: Timestamp) -> String {
    let end = certificate.not_after();
    let gap = span(now.duration_since(end));
    format!("expected an end after now, {now}, found {end}: it ended {gap} ago")
}

/// Says now, the limit and the gap.
pub(super) fn not_begun(certificate: &Certificate, now: Timestamp) -> String {
    let begin = certificate.not_before();
    let gap = span(begin.duration_since(now));
    format!("expected a begin before now, {now}, found {begin}: it begins in {gap}")
}

pub(super) fn ca(report: &mut Report<'_>, certificate: &Certificate) {
    let lifetime = both(report, certificate);
    let (now, end) = (report.context.now, certificate.not_after());
    let left = end.duration_since(now);
    let due = ROLLOVER_BEFORE.min(lifetime / 2);
    if certificate.is_valid_at(now) {
        let gap = span(left);
        if left < CA_ALARM {
            let found = format!(
                "expected at least {} left at {now}, found {gap}: it ends {end}",
                span(CA_ALARM)
            );
            report.add(&CA_ENDS_SOON, label(certificate), found);
        } else if left < due {
            let found = format!(
                "expected at least {} left at {now}, found {gap}: it ends {end}",
                span(due)
            );
            report.add(&ROLLOVER_DUE, label(certificate), found);
        }
    }
    if lifetime > LONG_CA && !has_no_end(certificate) {
        let found = format!(
            "expected a lifetime of at most ten years, found {}",
            span(lifetime)
        );
        report.add(&CA_LIVES_LONG, label(certificate), found);
    }
}

pub(super) fn leaf(report: &mut Report<'_>, certificate: &Certificate) {
    let lifetime = both(report, certificate);
    let (now, end) = (report.context.now, certificate.not_after());
    let reserve = if lifetime <= SHORT_LIFETIME {
        lifetime / 2
    } else {
        lifetime / 3
    };
    let left = end.duration_since(now);
    if certificate.is_valid_at(now) && left < reserve {
        let (gap, reserve) = (span(left), span(reserve));
        let found = format!(
            "expected a renewal with {reserve} left, found {gap} left at {now}: it ends {end}"
        );
        report.add(&RENEWAL_DUE, label(certificate), found);
    }
    if lifetime > LONG_LEAF && !has_no_end(certificate) {
        let found = format!(
            "expected a lifetime of at most {}, found {}",
            span(LONG_LEAF),
            span(lifetime)
        );
        report.add(&LEAF_LIVES_LONG, label(certificate), found);
    }
}

/// Lints what leaves and CAs have in common, and returns the lifetime.
fn both(report: &mut Report<'_>, certificate: &Certificate) -> SignedDuration {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    if end < begin {
        let found = format!("expected an end after {begin}, found {end}");
        report.add(&VALIDITY_INVERTED, label(certificate), found);
    }
    if has_no_end(certificate) {
        let found = format!("expected an end that will come, found {end}");
        report.add(&NO_WELL_DEFINED_END, label(certificate), found);
    }
    end.duration_since(begin)
}

fn has_no_end(certificate: &Certificate) -> bool {
    Timestamp::MAX.duration_since(certificate.not_after()) < NO_END_BEFORE_MAX
}
