//! Values as people write them: spans of time, kinds of key, other names; used by flags and the configuration alike.

use jiff::{SignedDuration, SpanRelativeTo, fmt::friendly::SpanParser};
use newleaf_identity::generate::KeyKind;
use newleaf_x509::issue::{Constraint, San};
use schemars::JsonSchema;
use serde::Deserialize;

/// A kind of key, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KeyName {
    /// ECDSA on P-256: fast and small.
    EcdsaP256,
    /// ECDSA on P-384: for a key that lives long, such as a CA's.
    EcdsaP384,
    /// RSA of 2048 bits, for clients that know nothing else.
    #[serde(rename = "rsa-2048")]
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// RSA of 3072 bits.
    #[serde(rename = "rsa-3072")]
    #[value(name = "rsa-3072")]
    Rsa3072,
    /// RSA of 4096 bits.
    #[serde(rename = "rsa-4096")]
    #[value(name = "rsa-4096")]
    Rsa4096,
}

impl KeyName {
    /// Returns the name as it is written.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }
}

impl From<KeyName> for KeyKind {
    fn from(name: KeyName) -> Self {
        match name {
            KeyName::EcdsaP256 => Self::EcdsaP256,
            KeyName::EcdsaP384 => Self::EcdsaP384,
            KeyName::Rsa2048 => Self::Rsa2048,
            KeyName::Rsa3072 => Self::Rsa3072,
            KeyName::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// Reads a span such as `30d`, `24h` or `1h 30m`. A day is 24 hours, a week is 7 days; months and years are not of one
/// length, so they are refused. Nothing here may be negative.
pub(crate) fn span(text: &str) -> Result<SignedDuration, String> {
    let expected = || format!("expected a span such as `30d`, `24h` or `90s`, found `{text}`");
    let span = SpanParser::new()
        .parse_span(text)
        .map_err(|_error| expected())?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(format!(
            "expected a span in weeks, days, hours, minutes or seconds, found `{text}`: months and years differ in length"
        ));
    }
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_error| expected())?;
    if duration.is_negative() {
        return Err(format!(
            "expected a span that is not negative, found `{text}`"
        ));
    }
    Ok(duration)
}

/// Reads a span that is longer than nothing.
pub(crate) fn positive_span(text: &str) -> Result<SignedDuration, String> {
    match span(text)? {
        SignedDuration::ZERO => Err(format!(
            "expected a span longer than nothing, found `{text}`"
        )),
        duration => Ok(duration),
    }
}

/// Reads a subject alternative name such as `dns:worker.internal`, `uri:spiffe://acme/worker`, `ip:10.0.0.7`
/// or `email:worker@acme.example`.
pub(crate) fn san(text: &str) -> Result<San, String> {
    let expected = || format!("expected `dns:…`, `uri:…`, `ip:…` or `email:…`, found `{text}`");
    let (kind, name) = text.split_once(':').ok_or_else(expected)?;
    if name.is_empty() {
        return Err(expected());
    }
    match kind {
        "dns" => Ok(San::Dns(name.to_owned())),
        "uri" => Ok(San::Uri(name.to_owned())),
        "email" => Ok(San::Email(name.to_owned())),
        "ip" => name
            .parse()
            .map(San::Ip)
            .map_err(|_error| format!("expected an IP address after `ip:`, found `{name}`")),
        _other => Err(expected()),
    }
}

/// Reads a name constraint such as `dns:workers.example`, `email:acme.example` or `ip:10.0.0.0/8`.
pub(crate) fn constraint(text: &str) -> Result<Constraint, String> {
    let expected = || {
        format!(
            "expected `dns:NAME`, `email:NAME`, `uri:HOST` or `ip:NETWORK/BITS`, found `{text}`"
        )
    };
    let (kind, name) = text.split_once(':').ok_or_else(expected)?;
    if name.is_empty() {
        return Err(expected());
    }
    match kind {
        "dns" => Ok(Constraint::Dns(name.to_owned())),
        "email" => Ok(Constraint::Email(name.to_owned())),
        "uri" => Ok(Constraint::Uri(name.to_owned())),
        "ip" => {
            let (network, bits) = name.split_once('/').ok_or_else(expected)?;
            let network = network.parse().map_err(|_error| expected())?;
            let bits = bits.parse().map_err(|_error| expected())?;
            Ok(Constraint::Network(network, bits))
        }
        _other => Err(expected()),
    }
}

#[cfg(test)]
mod tests;
