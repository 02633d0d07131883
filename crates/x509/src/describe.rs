//! Words for people: how long, until when, and what a certificate says.

use std::{borrow::Cow, fmt};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{
    certificate::Certificate,
    extension::{Purpose, Usage},
    fingerprint::{Fingerprint, Hex, Sha1Fingerprint},
};

/// What a certificate says, at an instant, in words. Prints as calm lines, the time that is left first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Description {
    /// Whether it is valid at this instant.
    pub standing: Standing,
    /// The seconds until its end; below zero after it.
    pub remaining_seconds: i64,
    /// The instant of the description.
    pub at: Timestamp,
    /// The first instant of validity.
    pub not_before: Timestamp,
    /// The last instant of validity.
    pub not_after: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// How many intermediates may follow, if it is a CA with a limit.
    pub path_length: Option<u32>,
    /// Who is certified.
    pub subject: String,
    /// Who signed.
    pub issuer: String,
    /// The serial number in hexadecimal.
    pub serial: String,
    /// The kind of the certified key.
    pub key: Cow<'static, str>,
    /// The algorithm of the signature.
    pub signature_algorithm: Cow<'static, str>,
    /// Key usage; `None` if the certificate does not say.
    pub key_usage: Option<Vec<&'static str>>,
    /// Extended key usage; `None` if the certificate does not say.
    pub extended_key_usage: Option<Vec<Cow<'static, str>>>,
    /// Subject alternative names.
    pub subject_alt_names: Vec<String>,
    /// The subject key identifier (SKI) in hexadecimal.
    pub subject_key_id: Option<String>,
    /// The authority key identifier (AKI) in hexadecimal.
    pub authority_key_id: Option<String>,
    /// SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// SHA-1 of the DER, as Temporal's tools show it.
    pub sha1_fingerprint: Sha1Fingerprint,
}

/// Where an instant lies in a validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Within it.
    Valid,
    /// Before it.
    NotYetValid,
    /// After it.
    Expired,
}

/// What a certificate is in a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It names a workload.
    Leaf,
    /// A CA that another CA signed.
    Intermediate,
    /// A CA that signed itself.
    Root,
}

impl Standing {
    /// Returns where `now` lies in the validity of a certificate.
    pub fn of(certificate: &Certificate, now: Timestamp) -> Self {
        if now < certificate.not_before() {
            Self::NotYetValid
        } else if now > certificate.not_after() {
            Self::Expired
        } else {
            Self::Valid
        }
    }
}

impl Kind {
    /// Returns what a certificate is.
    pub fn of(certificate: &Certificate) -> Self {
        if !certificate.is_ca() {
            Self::Leaf
        } else if certificate.is_signed_by(certificate) {
            Self::Root
        } else {
            Self::Intermediate
        }
    }
}

impl Description {
    /// Describes a certificate as it stands at `now`.
    pub fn of(certificate: &Certificate, now: Timestamp) -> Self {
        let extensions = certificate.extensions();
        let hex = |id: &Vec<u8>| Hex(id).text();
        Self {
            standing: Standing::of(certificate, now),
            remaining_seconds: certificate.not_after().duration_since(now).as_secs(),
            at: now,
            not_before: certificate.not_before(),
            not_after: certificate.not_after(),
            kind: Kind::of(certificate),
            path_length: extensions
                .basic_constraints
                .as_ref()
                .and_then(|bc| bc.value.path_length),
            subject: said(|text| certificate.subject().print(text)),
            issuer: said(|text| certificate.issuer().print(text)),
            serial: certificate.serial_hex(),
            key: certificate.public_key().algorithm().name(),
            signature_algorithm: certificate.signature_algorithm().name(),
            key_usage: extensions
                .key_usage
                .as_ref()
                .map(|usage| usage.value.usages().map(Usage::name).collect()),
            extended_key_usage: extensions
                .extended_key_usage
                .as_ref()
                .map(|eku| eku.value.iter().map(Purpose::name).collect()),
            subject_alt_names: extensions
                .subject_alt_names
                .iter()
                .flat_map(|sans| sans.value.iter())
                .map(|san| said(|text| san.print(text)))
                .collect(),
            subject_key_id: extensions.subject_key_id.as_ref().map(|id| hex(&id.value)),
            authority_key_id: extensions
                .authority_key_id
                .as_ref()
                .and_then(|aki| aki.value.key_id.as_ref().map(hex)),
            fingerprint: certificate.fingerprint(),
            sha1_fingerprint: certificate.sha1_fingerprint(),
        }
    }

    fn time_left(&self) -> String {
        match self.standing {
            Standing::Valid => span(self.not_after.duration_since(self.at)),
            Standing::NotYetValid => {
                format!("begins {}", relative(self.not_before, self.at))
            }
            Standing::Expired => format!("none, ended {}", relative(self.not_after, self.at)),
        }
    }

    fn kind_in_words(&self) -> String {
        let kind = match self.kind {
            Kind::Leaf => "leaf",
            Kind::Intermediate => "intermediate CA",
            Kind::Root => "root CA",
        };
        match self.path_length {
            Some(limit) => format!("{kind}, path length {limit}"),
            None => kind.to_owned(),
        }
    }
}

/// Prints a line for each fact; facts that the certificate does not state are left out.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sans = &self.subject_alt_names;
        let lines = [
            ("time left", Some(self.time_left())),
            (
                "valid",
                Some(format!("{} to {}", self.not_before, self.not_after)),
            ),
            ("kind", Some(self.kind_in_words())),
            ("subject", Some(self.subject.clone())),
            (
                "issuer",
                (self.kind != Kind::Root).then(|| self.issuer.clone()),
            ),
            ("other names", (!sans.is_empty()).then(|| sans.join(", "))),
            ("key", Some(self.key.to_string())),
            ("signature", Some(self.signature_algorithm.to_string())),
            (
                "key usage",
                self.key_usage.as_ref().map(|usages| usages.join(", ")),
            ),
            (
                "extended",
                self.extended_key_usage
                    .as_ref()
                    .map(|purposes| purposes.join(", ")),
            ),
            ("serial", Some(self.serial.clone())),
            ("SKI", self.subject_key_id.clone()),
            ("AKI", self.authority_key_id.clone()),
            ("SHA-256", Some(self.fingerprint.to_string())),
            ("SHA-1", Some(self.sha1_fingerprint.to_string())),
        ];
        for (name, fact) in lines {
            if let Some(fact) = fact {
                writeln!(f, "{name:<13}{fact}")?;
            }
        }
        Ok(())
    }
}

/// Prints with room for what most names need, so that the text does not move while it grows.
fn said(print: impl FnOnce(&mut String) -> fmt::Result) -> String {
    let mut text = String::with_capacity(64);
    match print(&mut text) {
        // Writing to a text does not fail.
        Ok(()) | Err(fmt::Error) => text,
    }
}

/// Says a span in its two largest units, as `3 d 4 h`; the sign is left out.
pub fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().unsigned_abs();
    let units = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let said: Vec<_> = units
        .iter()
        .skip_while(|(n, _)| *n == 0)
        .take(2)
        .filter(|(n, _)| *n != 0)
        .map(|(n, unit)| format!("{n} {unit}"))
        .collect();
    if said.is_empty() {
        "0 s".to_owned()
    } else {
        said.join(" ")
    }
}

/// Says where `at` lies as seen from `now`, as `in 3 d 4 h` or `5 min ago`.
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let gap = at.duration_since(now);
    if gap.is_negative() {
        format!("{} ago", span(gap))
    } else {
        format!("in {}", span(gap))
    }
}

#[cfg(test)]
mod tests;
