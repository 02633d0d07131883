//! The configuration as it is written. What a value means, and whether it can be used, is decided in `resolve`.
//!
//! Everything is optional here, so that a missing value is one error with one place; nothing unknown is passed over. The
//! comments are the descriptions in the JSON schema.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use serde_saphyr::{Location, Spanned};

use super::defaults;
use crate::{profile::UsageName, text::KeyName};

/// A value and where it stands in the file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it stands.
    pub(crate) location: Location,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::deserialize(deserializer)?;
        Ok(Self {
            location: spanned.referenced,
            value: spanned.value,
        })
    }
}

/// Where a value stands says nothing about its shape.
impl<T: JsonSchema> JsonSchema for At<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }

    fn inline_schema() -> bool {
        T::inline_schema()
    }
}

/// The configuration of newleaf.
///
/// Paths are relative to this file. Spans are written as `30d`, `24h`, `10m` or `90s`; a day is 24 hours.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "newleaf.yaml")]
pub(crate) struct File {
    /// Where newleaf keeps what is its own: the journal, canary identities, hand-over notes. Lost, a rotation that
    /// runs cannot be resumed, and the record of issued leaves is gone.
    #[schemars(extend("default" = defaults::STATE))]
    pub(crate) state: Option<At<String>>,
    /// Trust domains, by name: one CA each, and everything that trusts or presents it.
    pub(crate) domains: BTreeMap<String, At<Domain>>,
    /// What leaves that stand alone are like, by name: for `newleaf leaf issue --profile` and `newleaf csr sign --profile`.
    pub(crate) profiles: BTreeMap<String, At<Profile>>,
}

/// What leaves of a kind are like.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    /// How long a leaf lives.
    #[schemars(extend("default" = defaults::LEAF_LIFETIME))]
    pub(crate) lifetime: Option<At<String>>,
    /// How far its validity reaches back, for verifiers whose clocks are late. Never beyond the CA's own beginning.
    #[schemars(extend("default" = defaults::BACKDATE))]
    pub(crate) backdate: Option<At<String>>,
    /// The kind of key.
    #[schemars(extend("default" = defaults::LEAF_KEY.name()))]
    pub(crate) key: Option<At<KeyName>>,
    /// What a leaf is to be used for.
    #[schemars(extend("default" = defaults::LEAF_USAGE.name()))]
    pub(crate) usage: Option<At<UsageName>>,
    /// The organization of every leaf, whatever a request says.
    pub(crate) organization: Option<At<String>>,
    /// The organizational unit of every leaf, whatever a request says.
    pub(crate) organizational_unit: Option<At<String>>,
    /// Other names of every leaf: `dns:…`, `uri:…`, `ip:…` or `email:…`, in which `{common_name}` stands for the leaf's.
    pub(crate) sans: Vec<At<String>>,
    /// Which other names a request may ask for, such as `dns:*.workers.example`; the asterisk stands for one or more
    /// characters. Others are left out, which is said. Without any, a request gets no other names.
    pub(crate) allow_sans: Vec<At<String>>,
}

/// One CA and everything that trusts or presents it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Domain {
    /// Who signs.
    pub(crate) issuer: Option<Issuer>,
    /// What leaves are like.
    pub(crate) leaf: Option<Leaf>,
    /// Every place that trusts the CA, by name. One that is left out is not changed, and its workers are cut off.
    pub(crate) trust_points: BTreeMap<String, At<TrustPoint>>,
    /// Everybody who presents a leaf of the CA, by name. One that is left out keeps the old CA from being distrusted
    /// only until its leaf has expired, and is cut off then.
    pub(crate) holders: BTreeMap<String, At<Holder>>,
    /// Who moves, and in which order; the holders of a wave move together. By default each holder is a wave, in
    /// the order of this file.
    pub(crate) waves: Option<Vec<Vec<At<String>>>>,
    /// Phases that a person must approve before the first change that leads there.
    #[schemars(extend("default" = defaults::APPROVALS.map(newleaf_rotation::Phase::name)))]
    pub(crate) approvals: Option<Vec<At<PhaseName>>>,
    /// How old a sighting may be and still count as evidence. Too short, and a holder that is seen rarely is never
    /// known; too long, and one that went back to an old leaf is noticed late.
    #[schemars(extend("default" = defaults::EVIDENCE_WINDOW))]
    pub(crate) evidence_window: Option<At<String>>,
    /// Soaks, patience and counts of a rotation.
    pub(crate) timing: Option<Timing>,
    /// Margins.
    pub(crate) limits: Option<Limits>,
}

/// A CA that lives in a directory of this machine.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Issuer {
    /// The directory; each generation has a directory of its own in it: `g1`, `g2`, and so on.
    #[schemars(extend("default" = defaults::ISSUER_DIRECTORY))]
    pub(crate) directory: Option<At<String>>,
    /// The common name, to which the generation is appended, as in `payments-ca g2`. By default the name of the domain
    /// with `-ca`.
    pub(crate) common_name: Option<At<String>>,
    /// The organization.
    pub(crate) organization: Option<At<String>>,
    /// The kind of key.
    #[schemars(extend("default" = defaults::ISSUER_KEY.name()))]
    pub(crate) key: Option<At<KeyName>>,
    /// How long a CA lives. A leaf never outlives its CA, so this is at least twice a leaf's lifetime in practice.
    #[schemars(extend("default" = defaults::ISSUER_LIFETIME))]
    pub(crate) lifetime: Option<At<String>>,
    /// Who knows the passphrase behind which the CA's keys are kept: `env:NAME`, `file:PATH`, `keyring:NAME` or
    /// `command:PROGRAM ARGUMENT …`, such as a keyring's. It is asked for whenever the CA signs. One of `passphrase`, `token`
    /// and `unencrypted` must be said.
    pub(crate) passphrase: Option<At<String>>,
    /// The PKCS #11 token in which the CA's keys are made and stay.
    pub(crate) token: Option<At<Token>>,
    /// Keep the CA's keys as they are, in files that only their owner can read: whoever has the owner's rights, a backup or the
    /// disk can sign.
    pub(crate) unencrypted: Option<At<bool>>,
}

/// A PKCS #11 token.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Token {
    /// The shared library of the token's maker, such as `/usr/lib/softhsm/libsofthsm2.so`.
    pub(crate) module: Option<At<String>>,
    /// The token's label.
    pub(crate) label: Option<At<String>>,
    /// Who knows the user PIN: `env:NAME`, `file:PATH`, `keyring:NAME` or `command:PROGRAM ARGUMENT …`.
    pub(crate) pin: Option<At<String>>,
}

/// What leaves are like.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Leaf {
    /// How long a leaf lives. Too short, and a weekend without newleaf cuts workers off; too long, and a stolen key
    /// works for long.
    #[schemars(extend("default" = defaults::LEAF_LIFETIME))]
    pub(crate) lifetime: Option<At<String>>,
    /// The kind of key.
    #[schemars(extend("default" = defaults::LEAF_KEY.name()))]
    pub(crate) key: Option<At<KeyName>>,
}

/// A place that trusts. Exactly one of `temporal_cloud`, `self_hosted` and `manual` says how its trust is changed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TrustPoint {
    /// A Temporal Cloud namespace, changed by the Cloud Ops API.
    pub(crate) temporal_cloud: Option<At<Cloud>>,
    /// A self-hosted server, changed by the CA files that it reads.
    pub(crate) self_hosted: Option<At<SelfHosted>>,
    /// A person changes it: newleaf writes down what to hand over, and waits for `newleaf approve`.
    pub(crate) manual: Option<At<Manual>>,
    /// Where its servers listen: the addresses at which a canary is tried.
    pub(crate) endpoints: Vec<At<Endpoint>>,
}

/// A Temporal Cloud namespace.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Cloud {
    /// The namespace's full name, such as `payments.a2dd6`. By default the name of the trust point.
    pub(crate) namespace: Option<At<String>>,
    /// The Cloud Ops API.
    #[schemars(extend("default" = defaults::CLOUD_ADDRESS))]
    pub(crate) address: Option<At<String>>,
    /// The API key that may update the namespace, as a reference: `env:NAME` or `file:PATH`. Never the key itself.
    pub(crate) api_key: Option<At<String>>,
    /// A PEM file with the CAs by which the API's server is judged. By default the platform's.
    pub(crate) server_ca: Option<At<String>>,
}

/// The CA files of a self-hosted server (its `clientCaFiles`).
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SelfHosted {
    /// The files, in the order of the server's configuration, one CA certificate each. A rollover needs two.
    pub(crate) slots: Vec<At<String>>,
    /// The server's `refreshInterval`: how long it may take to see a change of the files. Too short, and newleaf goes on
    /// before the server does.
    #[schemars(extend("default" = defaults::REFRESH_INTERVAL))]
    pub(crate) refresh_interval: Option<At<String>>,
}

/// Nothing to say: a person knows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manual {}

/// Where a server listens.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Endpoint {
    /// Host and port, such as `payments.a2dd6.tmprl.cloud:7233`.
    pub(crate) address: Option<At<String>>,
    /// The name that the server's certificate must bear, if it is not the host's.
    pub(crate) server_name: Option<At<String>>,
    /// A PEM file with the CAs by which the server is judged. By default the platform's.
    pub(crate) server_ca: Option<At<String>>,
    /// The namespace to ask about. By default the name of the trust point.
    pub(crate) namespace: Option<At<String>>,
}

/// A party that presents an identity.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Holder {
    /// Where it reads its identity.
    pub(crate) store: Option<Store>,
    /// The common name of its leaves. By default the name of the holder.
    pub(crate) common_name: Option<At<String>>,
    /// The organization of its leaves.
    pub(crate) organization: Option<At<String>>,
    /// The organizational unit of its leaves.
    pub(crate) organizational_unit: Option<At<String>>,
    /// The other names of its leaves: `dns:…`, `uri:…` or `ip:…`.
    pub(crate) sans: Vec<At<String>>,
    /// What makes it take up a new identity.
    #[schemars(extend("default" = defaults::DELIVERY))]
    pub(crate) delivery: Option<At<Delivery>>,
    /// Where it can be seen what it presents. Without a source it is never known, and the old CA is distrusted only when
    /// the holder's old leaves have expired.
    pub(crate) evidence: Vec<At<Evidence>>,
}

/// Where a holder reads its identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Store {
    /// A directory with `tls.crt` and `tls.key`, laid out and replaced like a Kubernetes Secret volume.
    Directory(At<String>),
}

/// What makes a holder take up a new identity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Delivery {
    /// It notices by itself, as newleaf-proxy does.
    Reload,
    /// This command makes it: program and arguments, run without a shell.
    Restart(At<Vec<String>>),
}

/// Where it can be seen what a holder presents.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Evidence {
    /// Its newleaf-proxy tells: the proxy's admin endpoint, as host and port, or as `unix:` and an absolute path.
    Proxy(At<String>),
    /// Temporal tells: the identity of its pollers carries `newleaf:` and the SHA-256 fingerprint of the leaf.
    Pollers(Pollers),
    /// A person says so, with `newleaf attest`.
    Attested,
}

/// Which pollers are the holder's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Pollers {
    /// The trust point whose endpoint is asked.
    pub(crate) trust_point: Option<At<String>>,
    /// The task queue that it polls.
    pub(crate) task_queue: Option<At<String>>,
    /// What its pollers' identities begin with. By default the name of the holder.
    pub(crate) identity_prefix: Option<At<String>>,
}

/// A phase of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PhaseName {
    /// The new CA exists, and nobody trusts it yet.
    Prepared,
    /// Every trust point accepts old and new.
    Trusted,
    /// A leaf of the new CA has been accepted at every address.
    Canary,
    /// Holders move to new leaves, wave by wave.
    Issuing,
    /// Everybody has moved.
    Soaking,
    /// No trust point accepts the old CA.
    Distrusted,
    /// The old key is destroyed.
    Retired,
}

/// Soaks, patience and counts of a rotation.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timing {
    /// How long every trust point must have accepted both CAs before a leaf of the new one is signed. Shorter than the
    /// slowest server's propagation, and the first new leaf may be refused there.
    #[schemars(extend("default" = defaults::TRUSTED_SOAK))]
    pub(crate) trusted_soak: Option<At<String>>,
    /// How long a wave must have presented its new identity before the next one moves.
    #[schemars(extend("default" = defaults::WAVE_SOAK))]
    pub(crate) wave_soak: Option<At<String>>,
    /// How long the old CA must have been out of use before it is distrusted.
    #[schemars(extend("default" = defaults::DISUSED_SOAK))]
    pub(crate) disused_soak: Option<At<String>>,
    /// How long the old CA must have been distrusted before its key is destroyed: the time in which the way back is
    /// still short.
    #[schemars(extend("default" = defaults::FINAL_SOAK))]
    pub(crate) final_soak: Option<At<String>>,
    /// How long to rest between two looks.
    #[schemars(extend("default" = defaults::POLL))]
    pub(crate) poll: Option<At<String>>,
    /// How long one step may rest, all rests added up, before the rotation pauses and a person is asked. What its looks take,
    /// and the time in which nobody drives the rotation, come on top.
    #[schemars(extend("default" = defaults::PATIENCE))]
    pub(crate) patience: Option<At<String>>,
    /// How often a canary must be accepted in a row.
    #[schemars(range(min = 1), extend("default" = defaults::PASSES))]
    pub(crate) passes: Option<At<u32>>,
    /// How many attempts one step has before the rotation pauses.
    #[schemars(range(min = 1), extend("default" = defaults::ATTEMPTS))]
    pub(crate) attempts: Option<At<u32>>,
}

/// Margins.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Limits {
    /// How far clocks may disagree. An expiry counts as proof only this much later.
    #[schemars(extend("default" = defaults::SKEW))]
    pub(crate) skew: Option<At<String>>,
    /// How much life the current CA must have left beyond the rotation itself.
    #[schemars(extend("default" = defaults::RESERVE))]
    pub(crate) reserve: Option<At<String>>,
}
