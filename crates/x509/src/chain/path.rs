//! A path from what is presented to one anchor, judged by webpki and by what Go asks beside.

use std::{cell::RefCell, time::Duration};

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::VerifiedPath;

use super::{
    Chain,
    go::{
        self,
        policy::{self, Step},
    },
    words,
};
use crate::{certificate::Certificate, extension::Usage};

/// A chain, each certificate of it read as Go reads it.
pub(super) struct Presented<'c> {
    leaf: (&'c Certificate, go::Reading<'c>),
    /// The intermediates that Go would take for a step of a path.
    intermediates: Vec<(&'c Certificate, go::Reading<'c>)>,
    /// Why the first of those that it would not take is not taken.
    left_out: Option<String>,
}

/// Whether a CA of a bundle may be the end of a client's path.
pub(super) enum Anchor {
    /// It may.
    Fit,
    /// It may not now, by what it says of itself.
    Unfit,
    /// Go, for its own reason, does not take it.
    NotForGo(String),
}

/// Why no path leads to an anchor.
pub(super) enum Dead {
    /// Nothing that is presented was signed by it.
    NoPath,
    /// Its name is right, and its key is not that which signed.
    AnotherKey(String),
    /// A path is there, and breaks a rule.
    Path(String),
}

impl<'c> Presented<'c> {
    /// Reads every certificate that is presented, as Go does before it looks for a path; says which one cannot be used.
    pub(super) fn read(chain: &'c Chain) -> Result<Self, String> {
        let read = |certificate: &'c Certificate| {
            let subject = certificate.subject();
            let reading = go::read(certificate);
            let reading = reading.map_err(|why| format!("Go does not read `{subject}`: {why}"))?;
            match reading.key.refused_anywhere() {
                None => Ok((certificate, reading)),
                Some(why) => Err(format!("`{subject}` {why}")),
            }
        };
        let leaf = read(chain.leaf())?;
        if let Some(why) = of_itself(&leaf.1) {
            return Err(format!("`{}` {why}", chain.leaf().subject()));
        }
        let (mut intermediates, mut left_out) = (Vec::new(), None);
        for ca in chain.intermediates() {
            let ca = read(ca)?;
            match of_itself(&ca.1) {
                Some(why) => {
                    left_out.get_or_insert_with(|| format!("`{}` {why}", ca.0.subject()));
                }
                // webpki does not ask whether an intermediate may sign certificates; Go does.
                None if ca.0.allows_usage(Usage::KeyCertSign) => intermediates.push(ca),
                None => {}
            }
        }
        Ok(Self {
            leaf,
            intermediates,
            left_out,
        })
    }

    /// Returns why an intermediate is left out of every path, if one is.
    pub(super) fn left_out(&self) -> Option<String> {
        self.left_out.clone()
    }

    /// Returns whether a path leads to `anchor` at `now`, or why none does.
    pub(super) fn lead_to(&self, anchor: &Certificate, now: Timestamp) -> Result<(), Dead> {
        let found = RefCell::new(None);
        let judge = |path: &VerifiedPath<'_>| {
            self.judge(path, anchor).map_err(|(error, reason)| {
                found.replace(Some(reason));
                error
            })
        };
        self.verify(anchor, now, &judge).map_err(|error| {
            let reason = found.take();
            match (error, reason) {
                (_, Some(reason)) => Dead::Path(reason),
                (webpki::Error::UnknownIssuer, None) => Dead::NoPath,
                (error @ webpki::Error::InvalidSignatureForPublicKey, None) => {
                    Dead::AnotherKey(words::rule(&error))
                }
                (error, None) => Dead::Path(words::rule(&error)),
            }
        })
    }

    fn verify(
        &self,
        anchor: &Certificate,
        now: Timestamp,
        judge: &dyn Fn(&VerifiedPath<'_>) -> Result<(), webpki::Error>,
    ) -> Result<(), webpki::Error> {
        let anchor = CertificateDer::from(anchor.der());
        let anchors = [webpki::anchor_from_trusted_cert(&anchor)?];
        let leaf = CertificateDer::from(self.leaf.0.der());
        let leaf = webpki::EndEntityCert::try_from(&leaf)?;
        let intermediates = self.intermediates.iter();
        let intermediates: Vec<_> = intermediates
            .map(|(ca, _)| CertificateDer::from(ca.der()))
            .collect();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let path = leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &intermediates,
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            webpki::KeyUsage::client_auth(),
            None,
            Some(judge),
        );
        path.map(drop)
    }

    /// Judges a path that webpki accepts.
    fn judge(
        &self,
        path: &VerifiedPath<'_>,
        anchor: &Certificate,
    ) -> Result<(), (webpki::Error, String)> {
        let steps: Vec<_> = path
            .intermediate_certificates()
            .map(webpki::Cert::der)
            .collect();
        // Self-issued intermediates would not count (RFC 5280 §4.2.1.9); Go counts them.
        let limit = limit(anchor);
        let n = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        if let Some(limit) = limit.filter(|limit| n > *limit) {
            let subject = anchor.subject();
            let reason =
                format!("`{subject}` allows {limit} intermediates under it, and there are {n}");
            return Err((webpki::Error::PathLenConstraintViolated, reason));
        }
        let step = |step: &CertificateDer<'_>| {
            let mut intermediates = self.intermediates.iter();
            intermediates.find(|(ca, _)| *ca.der() == **step)
        };
        let below: Vec<_> = std::iter::once(&self.leaf)
            .chain(steps.iter().filter_map(step))
            .collect();
        if let Some(reason) = incomparable(&below, anchor) {
            return Err((webpki::Error::NameConstraintViolation, reason));
        }
        let steps = below.iter().map(|(certificate, reading)| Step {
            policies: &reading.policies,
            is_self_issued: certificate.names_octets_of(certificate),
        });
        if policy::is_valid(&steps.collect::<Vec<_>>()) {
            return Ok(());
        }
        let reason = "a certificate policy is required, or mapped to any, and none is valid along the whole path";
        Err((
            webpki::Error::UnsupportedCriticalExtension,
            reason.to_owned(),
        ))
    }
}

/// Returns why Go cannot tell whether a name lies within the constraints of a CA above it, if there is such a name. What stands
/// below an anchor comes leaf first.
fn incomparable(
    below: &[&(&Certificate, go::Reading<'_>)],
    anchor: &Certificate,
) -> Option<String> {
    let constrains = anchor.extensions().name_constraints.is_some();
    let read = constrains.then(|| go::form(anchor).ok()).flatten();
    let mut above = read.map(|reading| reading.asked).unwrap_or_default();
    for (whose, reading) in below.iter().rev() {
        if let Some(name) = reading.incomparable(above) {
            return Some(format!(
                "Go cannot hold `{}` of `{}` against name constraints",
                name.escape_debug(),
                whose.subject()
            ));
        }
        above = above.and(reading.asked);
    }
    None
}

/// Returns how many intermediates a CA allows below it.
fn limit(ca: &Certificate) -> Option<u32> {
    let constraints = ca.extensions().basic_constraints.as_ref();
    constraints.and_then(|constraints| constraints.value.path_length)
}

/// Judges what webpki, for which an anchor is but a name and a key, does not look at.
pub(super) fn anchor(ca: &Certificate, now: Timestamp) -> Anchor {
    let may_sign = ca.is_ca() && ca.allows_usage(Usage::KeyCertSign);
    if !(ca.is_valid_at(now) && may_sign && ca.allows_client_auth()) {
        return Anchor::Unfit;
    }
    let subject = ca.subject();
    match go::read(ca) {
        Err(why) => Anchor::NotForGo(format!("Go does not read `{subject}`: {why}")),
        // Of strange tags the two readers make two things.
        Ok(reading) if !reading.is_ca || reading.path_length != limit(ca).map(u64::from) => {
            Anchor::NotForGo(format!("Go reads other basic constraints of `{subject}`"))
        }
        Ok(reading) => of_itself(&reading).map_or(Anchor::Fit, |why| {
            Anchor::NotForGo(format!("`{subject}` {why}"))
        }),
    }
}

/// Returns what keeps Go from taking a certificate for any part of a path, be it its end.
fn of_itself(reading: &go::Reading<'_>) -> Option<String> {
    let unhandled = reading.unhandled().map(|oid| unhandled(&oid));
    unhandled.or_else(|| reading.key.signs_nothing())
}

/// Says of a certificate what keeps Go from using it.
pub(super) fn unhandled(oid: &str) -> String {
    format!("has a critical extension that Go does not handle, {oid}")
}
