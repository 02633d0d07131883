//! What holds where the configuration says nothing: the one table.

use jiff::SignedDuration;
use newleaf_rotation::Phase;

use crate::{
    code,
    failure::Failure,
    profile::UsageName,
    text::{self, KeyName},
};

/// Beside the configuration, out of the way.
pub(crate) const STATE: &str = ".newleaf";
/// Beside the configuration.
pub(crate) const ISSUER_DIRECTORY: &str = "ca";
/// A CA's key lives long and signs seldom.
pub(crate) const ISSUER_KEY: KeyName = KeyName::EcdsaP384;
/// Short enough that rollovers stay a habit.
pub(crate) const ISSUER_LIFETIME: &str = "365d";
/// A weekend, a holiday and a week of trouble fit in.
pub(crate) const LEAF_LIFETIME: &str = "30d";
/// Whoever hands out leaves by itself can do so every day.
pub(crate) const SERVED_LIFETIME: &str = "24h";
/// Every handshake pays for it.
pub(crate) const LEAF_KEY: KeyName = KeyName::EcdsaP256;
/// Go's and Kubernetes' tools allow as much for clocks that are late.
pub(crate) const BACKDATE: &str = "5m";
/// What a worker is.
pub(crate) const LEAF_USAGE: UsageName = UsageName::Client;
/// The address that Temporal documents (docs.temporal.io/ops).
pub(crate) const CLOUD_ADDRESS: &str = "https://saas-api.tmprl.cloud:443";
/// The interval that Temporal's own configuration samples use.
pub(crate) const REFRESH_INTERVAL: &str = "1m";
/// newleaf-proxy, and whoever re-reads its files, needs no help.
pub(crate) const DELIVERY: &str = "reload";
/// The step after which an old leaf is refused.
pub(crate) const APPROVALS: [Phase; 1] = [Phase::Distrusted];
/// Three long polls of a worker, and some.
pub(crate) const EVIDENCE_WINDOW: &str = "15m";
/// Twice the age at which Temporal Cloud closes connections, so that all have been dialled anew.
pub(crate) const TRUSTED_SOAK: &str = "10m";
/// Twice the age at which Temporal Cloud closes connections.
pub(crate) const WAVE_SOAK: &str = "10m";
/// A whole evidence window.
pub(crate) const DISUSED_SOAK: &str = "15m";
/// Jobs that run once a day have run.
pub(crate) const FINAL_SOAK: &str = "24h";
/// Far below the rate limits of the Cloud Ops API.
pub(crate) const POLL: &str = "5s";
/// A person is back at their desk.
pub(crate) const PATIENCE: &str = "24h";
/// One may be luck.
pub(crate) const PASSES: u32 = 3;
/// What fails five times fails a sixth time.
pub(crate) const ATTEMPTS: u32 = 5;
/// Clocks without time service drift that much in weeks.
pub(crate) const SKEW: &str = "5m";
/// Time to do it again by hand.
pub(crate) const RESERVE: &str = "7d";

/// Reads a span of this table.
pub(crate) fn span(text: &str) -> Result<SignedDuration, Failure> {
    text::span(text).map_err(|message| Failure::new(&code::BUG, message))
}
