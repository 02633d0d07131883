//! The checks before the first change: facts in, verdicts out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    Certificate, TrustBundle,
    bundle::{MAX_CLOUD_MEMBERS, MAX_CLOUD_PEM_BYTES},
};

use crate::{
    change::ChangeError,
    id::TrustPointId,
    plan::Plan,
    sight::{Check, PreflightSight, Verdict},
    spec::Kind,
};

/// What is known before the first change. A fact that could not be learned is an `Err` with the reason.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The CA that signs today.
    pub current_ca: Result<Certificate, String>,
    /// Each trust point's bundle; `None` where it cannot be read by anybody but a person.
    pub bundles: BTreeMap<TrustPointId, Result<Option<TrustBundle>, String>>,
    /// For each trust point, whether its certificate filters admit every planned subject.
    pub filters: BTreeMap<TrustPointId, Result<(), String>>,
    /// How far our clock is from each trust point's, where it can be told.
    pub skews: BTreeMap<TrustPointId, Result<SignedDuration, String>>,
    /// Whether the issuer's and the holders' stores can be written.
    pub stores: BTreeMap<String, Result<(), String>>,
    /// How long the leaves of this rotation will live.
    pub leaf_lifetime: SignedDuration,
    /// The most our clock may differ from a trust point's.
    pub skew_budget: SignedDuration,
    /// How much life the current CA must have left beyond the rotation itself.
    pub reserve: SignedDuration,
}

/// The size of the CA that is to come, for the room in a bundle; a P-384 CA certificate is under 1 KB of PEM.
const NEW_CA_PEM_BYTES: usize = 2 * 1024;

/// Makes every check.
pub fn judge(facts: &Facts, plan: &Plan, now: Timestamp) -> PreflightSight {
    let mut checks = vec![remaining_life(facts, plan, now)];
    for (point, bundle) in &facts.bundles {
        checks.push(accepts_current(facts, point, bundle));
        if matches!(plan.kind, Kind::CaRollover { .. }) {
            checks.push(room(point, bundle, now));
        }
    }
    let about = |what: &str, point: &TrustPointId| format!("{what} of `{point}`");
    for (point, filters) in &facts.filters {
        let detail = "they admit every planned subject";
        checks.push(known(about("certificate filters", point), filters, detail));
    }
    for (point, skew) in &facts.skews {
        checks.push(clock(about("clock", point), skew, facts.skew_budget));
    }
    for (store, writable) in &facts.stores {
        checks.push(known(
            format!("store `{store}`"),
            writable,
            "it can be written",
        ));
    }
    checks.push(traffic(plan));
    PreflightSight { checks }
}

/// Says aloud of whose traffic no gate will ask.
fn traffic(plan: &Plan) -> Check {
    let unwatched: Vec<String> = plan.unwatched().iter().map(|h| format!("`{h}`")).collect();
    let (verdict, detail) = if unwatched.is_empty() {
        let n = plan.watched.len();
        let detail = format!("{n} of {n} identities are watched");
        (Verdict::Pass, detail)
    } else {
        let detail = format!(
            "no proxy and no pollers are configured for {}: no gate will notice if their calls fail",
            unwatched.join(", ")
        );
        (Verdict::NotAsked, detail)
    };
    Check {
        about: "traffic".to_owned(),
        verdict,
        detail,
    }
}

fn remaining_life(facts: &Facts, plan: &Plan, now: Timestamp) -> Check {
    let about = "remaining life of the current CA".to_owned();
    let ca = match &facts.current_ca {
        Ok(ca) => ca,
        Err(why) => {
            return Check {
                about,
                verdict: Verdict::Unknown,
                detail: why.clone(),
            };
        }
    };
    let needed = match plan.kind {
        Kind::CaRollover { .. } => plan.soaks().saturating_add(facts.reserve),
        Kind::LeafRenewal { .. } => facts.leaf_lifetime,
    };
    let left = ca.not_after().duration_since(now);
    let verdict = if left >= needed {
        Verdict::Pass
    } else {
        Verdict::Fail
    };
    let detail = format!(
        "expected at least {needed:#}, found {left:#} until {} at {now}",
        ca.not_after()
    );
    Check {
        about,
        verdict,
        detail,
    }
}

fn accepts_current(
    facts: &Facts,
    point: &TrustPointId,
    bundle: &Result<Option<TrustBundle>, String>,
) -> Check {
    let about = format!("current CA at `{point}`");
    let (verdict, detail) = match (bundle, &facts.current_ca) {
        (Err(why), _) | (_, Err(why)) => (Verdict::Unknown, why.clone()),
        (Ok(None), _) => (
            Verdict::Pass,
            "it is kept by a person, who will be asked".to_owned(),
        ),
        (Ok(Some(bundle)), Ok(ca)) if bundle.contains(ca.fingerprint()) => {
            (Verdict::Pass, format!("`{}` is accepted", ca.subject()))
        }
        (Ok(Some(_)), Ok(ca)) => (
            Verdict::Fail,
            format!(
                "expected `{}` to be accepted, found it missing",
                ca.subject()
            ),
        ),
    };
    Check {
        about,
        verdict,
        detail,
    }
}

fn room(
    point: &TrustPointId,
    bundle: &Result<Option<TrustBundle>, String>,
    now: Timestamp,
) -> Check {
    let about = format!("room in the bundle of `{point}`");
    let bundle = match bundle {
        Ok(Some(bundle)) => bundle.without(|member| member.not_after() < now),
        Ok(None) => {
            let detail = "it is kept by a person, who will be asked".to_owned();
            return Check {
                about,
                verdict: Verdict::Pass,
                detail,
            };
        }
        Err(why) => {
            return Check {
                about,
                verdict: Verdict::Unknown,
                detail: why.clone(),
            };
        }
    };
    let bytes = bundle.to_pem().len() + NEW_CA_PEM_BYTES;
    let full = if bundle.len() >= MAX_CLOUD_MEMBERS {
        Some(ChangeError::TooMany {
            found: bundle.len() + 1,
        })
    } else if bytes > MAX_CLOUD_PEM_BYTES {
        Some(ChangeError::TooLarge { found: bytes })
    } else {
        None
    };
    let (verdict, detail) = full.map_or_else(
        || {
            let (members, pem) = (bundle.len(), bundle.to_pem().len());
            let (max, max_bytes) = (MAX_CLOUD_MEMBERS, MAX_CLOUD_PEM_BYTES);
            (
                Verdict::Pass,
                format!("{members} of {max} certificates, {pem} of {max_bytes} bytes"),
            )
        },
        |error| (Verdict::Fail, error.to_string()),
    );
    Check {
        about,
        verdict,
        detail,
    }
}

fn clock(about: String, skew: &Result<SignedDuration, String>, budget: SignedDuration) -> Check {
    match skew {
        Ok(skew) if skew.abs() <= budget => {
            let detail = format!("it differs from ours by {:#}", skew.abs());
            Check {
                about,
                verdict: Verdict::Pass,
                detail,
            }
        }
        Ok(skew) => {
            let detail = format!(
                "expected at most {budget:#} of difference, found {:#}",
                skew.abs()
            );
            Check {
                about,
                verdict: Verdict::Fail,
                detail,
            }
        }
        Err(why) => Check {
            about,
            verdict: Verdict::Unknown,
            detail: why.clone(),
        },
    }
}

fn known(about: String, fact: &Result<(), String>, good: &str) -> Check {
    match fact {
        Ok(()) => Check {
            about,
            verdict: Verdict::Pass,
            detail: good.to_owned(),
        },
        Err(why) => Check {
            about,
            verdict: Verdict::Fail,
            detail: why.clone(),
        },
    }
}

#[cfg(test)]
mod tests;
