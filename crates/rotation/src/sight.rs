//! Sights: what was seen of the world, as facts.
//!
//! The ages of evidence are judged where it is gathered, with `now` as an argument; what arrives here is
//! a fact ("seen presenting g2"), or the fact that nothing is known.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::Fingerprint;
use serde::{Deserialize, Serialize};

use crate::id::{Generation, HolderId, TrustPointId};

/// What one look at one goal brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "sight", rename_all = "snake_case")]
pub enum Sight {
    /// For [`crate::Goal::Preflight`].
    Preflight(PreflightSight),
    /// For [`crate::Goal::CaExists`] and [`crate::Goal::KeyDestroyed`].
    Ca(CaSight),
    /// For [`crate::Goal::Trust`].
    Trust(TrustSight),
    /// For [`crate::Goal::Accepted`] and [`crate::Goal::Refused`].
    Probes(ProbeSight),
    /// For [`crate::Goal::Stored`].
    Stored(StoredSight),
    /// For [`crate::Goal::Presented`] and [`crate::Goal::Disused`].
    Census(Census),
    /// For [`crate::Goal::Baseline`] and [`crate::Goal::Steady`].
    Traffic(Traffic),
}

/// The checks before the first change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreflightSight {
    /// One line for each check.
    pub checks: Vec<Check>,
}

/// One check and what it found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What is asked, for example "room in the bundle of `payments.a2dd6`".
    pub about: String,
    /// The answer.
    pub verdict: Verdict,
    /// Expected and found.
    pub detail: String,
}

/// The answer of a check. Unknown is not a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The fact is as it must be.
    Pass,
    /// The fact is not as it must be.
    Fail,
    /// The fact could not be learned.
    Unknown,
    /// Nobody configured where the fact could be learned. It stops nothing, and is never counted as passed.
    NotAsked,
}

/// A CA and its key, as its store holds them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaSight {
    /// The certificate, if there is one.
    pub ca: Option<CaFact>,
    /// Whether the private key is there.
    pub key: bool,
    /// Lint errors, in words.
    pub findings: Vec<String>,
    /// For each trust point that can be read, whether it still accepts the CA; asked only before the key is destroyed.
    pub accepted_at: BTreeMap<TrustPointId, bool>,
}

/// What matters of a CA certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaFact {
    /// SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// The subject, printed.
    pub subject: String,
    /// The last instant of validity.
    pub not_after: Timestamp,
}

/// What a trust point accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustSight {
    /// What is known of its bundle.
    pub bundle: BundleSight,
    /// A change that is being worked on, whoever asked for it; else what became of the one that is asked about.
    /// After turning round, the last change of the way there may still be about to land.
    pub change: ChangeSight,
    /// What this trust point's addresses did with a leaf of each generation that the goal names and of which
    /// we hold a canary leaf. What is read back and what the door does must agree: a read may be old, and
    /// a change takes its time from the one to the other.
    pub probes: BTreeMap<Generation, Vec<Probe>>,
    /// Who presents what; gathered only if the goal refuses a generation.
    pub census: Option<Census>,
}

/// What is known of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BundleSight {
    /// It was read.
    Read {
        /// Generations of this trust domain that are accepted.
        accepts: BTreeSet<Generation>,
        /// How many accepted CAs are not ours.
        strangers: usize,
    },
    /// It cannot be read by us; a person said that it accepts what the goal wants.
    Attested,
    /// It cannot be read by us, and nobody has said anything.
    Unread,
}

/// The state of a trust point's changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSight {
    /// Nothing is being worked on, and the change that is asked about did not fail.
    Settled,
    /// A change is being worked on; look again after this span.
    Underway(SignedDuration),
    /// The change that is asked about was handed to a person.
    WithPerson,
    /// The change that is asked about ended without effect.
    Failed(String),
}

/// The outcome of trying a leaf at every address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSight {
    /// Whether we hold a leaf of the generation to try with.
    pub have_leaf: bool,
    /// One outcome for each address.
    pub probes: Vec<Probe>,
    /// For each trust point, whether it was seen to accept the goal's generation just now; asked only
    /// while there is no leaf, because signing one wants it.
    pub accepted_at: BTreeMap<TrustPointId, bool>,
}

/// The outcome of trying a leaf at one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The trust point behind the address.
    pub point: TrustPointId,
    /// The address that was dialled.
    pub address: String,
    /// What happened.
    pub outcome: ProbeOutcome,
}

/// What happened to a leaf at an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeOutcome {
    /// Handshake and RPC succeeded this many times in a row.
    Accepted {
        /// How many times.
        passes: u32,
    },
    /// The server refused the leaf in the handshake.
    Refused {
        /// What it said.
        reason: String,
    },
    /// The server took the leaf and refused the call.
    Unauthorized {
        /// What it said.
        reason: String,
    },
    /// The address could not be tried.
    Unreachable {
        /// Why.
        reason: String,
    },
}

/// What a holder's store holds, and what was seen on the way there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredSight {
    /// The leaf in the store, if there is one.
    pub leaf: Option<LeafFact>,
    /// For each trust point, whether it was seen to accept the goal's generation just now. A point that is
    /// not named, or could not be read, does not.
    pub accepted_at: BTreeMap<TrustPointId, bool>,
}

/// What matters of a leaf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeafFact {
    /// SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// Which CA of this trust domain signed it; none, if it is a stranger's.
    pub generation: Option<Generation>,
    /// Whether it was issued for this rotation.
    pub of_rotation: bool,
    /// Whether it is valid now.
    pub valid: bool,
}

/// Who presents what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    /// Each registered holder.
    pub holders: BTreeMap<HolderId, Presence>,
    /// Leaves that were seen, and that belong to no registered holder.
    pub unregistered: Vec<Sighting>,
    /// Generations of which every leaf ever issued has expired, by our own issuance journal.
    pub expired: BTreeSet<Generation>,
}

/// What one holder presents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Seen within the window; every leaf it presented in the window.
    Seen(Vec<Sighting>),
    /// Nothing is known within the window. Not a pass.
    Unknown(String),
}

/// A leaf that was seen in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// Which CA of this trust domain signed it; none, if that is not known.
    pub generation: Option<Generation>,
    /// The leaf's fingerprint, if the source tells it.
    pub leaf: Option<Fingerprint>,
    /// Whether it was issued for this rotation.
    pub of_rotation: bool,
    /// Where the sighting comes from.
    pub source: Source,
}

/// Where evidence comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A `newleaf-proxy` told what its upstream connections present.
    Proxy,
    /// Temporal told the identity of a poller, which carries the leaf's fingerprint.
    Pollers,
    /// A person said so.
    Attested,
}

/// What the pollers and the calls of holders are like, by every source that tells of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// For each holder that was asked about: each of its sources, by name, and what it told.
    pub holders: BTreeMap<HolderId, BTreeMap<String, Reading>>,
}

/// What one source told of one holder's traffic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// How many pollers Temporal saw lately.
    Pollers(u64),
    /// How many calls a proxy has counted since it started.
    Calls(Calls),
    /// Nothing could be learned. Not a pass.
    Unknown(String),
}

/// Counted calls. Counts only grow; one that shrank began anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Calls that the server answered; none where the proxy does not count them.
    pub answered: Option<u64>,
    /// Calls that ended with a status that the proxy, not the server, gave.
    pub failed: u64,
}
