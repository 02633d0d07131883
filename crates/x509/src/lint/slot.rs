//! The CA files of a Temporal server of one's own (`clientCaFiles`), and what its reload sees of them.
//!
//! The server reads the files again every `refreshInterval`, but to decide whether anything has changed it compares
//! only the first certificate of each file (temporalio/temporal#11230).

use super::{Family, Lint, Report, SELF_HOSTED, Severity};
use crate::{bundle::TrustBundle, fingerprint::Fingerprint};

pub(super) const LINTS: &[&Lint] = &[&SLOT_HIDES_MEMBERS, &SLOT_EMPTY, &SLOT_CHANGE_UNSEEN];

static SLOT_HIDES_MEMBERS: Lint = Lint {
    code: "NL901",
    name: "SlotHidesMembers",
    severity: Severity::Warning,
    family: Family::Slot,
    profiles: SELF_HOSTED,
    citation: "github.com/temporalio/temporal/issues/11230",
    says: "A CA file holds more than one certificate. The server trusts them all when it starts, but its reload looks \
           at the first one only: a change of the others is not seen, and their end is not warned of.",
    advice: "Keep one CA a file, and a fixed list of files; a file that is not needed repeats a CA.",
};

static SLOT_EMPTY: Lint = Lint {
    code: "NL902",
    name: "SlotEmpty",
    severity: Severity::Error,
    family: Family::Slot,
    profiles: SELF_HOSTED,
    citation: "temporalio/temporal common/rpc/encryption/local_store_cert_provider.go (buildCAPool)",
    says: "A CA file holds no certificate. The server then fails to load all of them: it keeps the old ones while it \
           runs, and does not start again.",
    advice: "Put a CA into the file; a file that is not needed repeats a CA of another.",
};

static SLOT_CHANGE_UNSEEN: Lint = Lint {
    code: "NL903",
    name: "SlotChangeUnseen",
    severity: Severity::Error,
    family: Family::Slot,
    profiles: SELF_HOSTED,
    citation: "github.com/temporalio/temporal/issues/11230",
    says: "The set of CAs changes, but no file's first certificate does. The server's reload takes that for no change: \
           a CA that was added is not trusted, one that was removed still is, until the server is restarted.",
    advice: "Make each step change the first certificate of some file, or restart the server.",
};

pub(super) fn files(report: &mut Report<'_>, files: &[TrustBundle]) {
    for (position, file) in files.iter().enumerate() {
        let who = format!("CA file {}", position + 1);
        match file.len() {
            0 => report.add(&SLOT_EMPTY, who, "expected one CA certificate, found none"),
            1 => {}
            n => {
                let found = format!("expected one CA certificate, found {n}");
                report.add(&SLOT_HIDES_MEMBERS, who, found);
            }
        }
    }
}

pub(super) fn change(report: &mut Report<'_>, before: &[TrustBundle], after: &[TrustBundle]) {
    if union(before) != union(after) && firsts(before) == firsts(after) {
        let found =
            "expected the first certificate of some file to change, found only others changed";
        report.add(&SLOT_CHANGE_UNSEEN, "the CA files", found);
    }
}

fn union(files: &[TrustBundle]) -> TrustBundle {
    TrustBundle::new(files.iter().flat_map(TrustBundle::members).cloned())
}

fn firsts(files: &[TrustBundle]) -> Vec<Option<Fingerprint>> {
    files
        .iter()
        .map(|file| {
            file.members()
                .first()
                .map(crate::certificate::Certificate::fingerprint)
        })
        .collect()
}
