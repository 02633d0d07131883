//! A leaf that stands alone.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    Certificate, describe,
    issue::{San, Subject},
};

use super::issued;
use crate::{
    code,
    config::defaults,
    console::WARN,
    failure::{Exit, Failure},
    files::Existing,
    issue::{self, End, Signer, Wanted, WantedLeaf},
    passphrase::Source,
    profile::Profile,
    session::Session,
    text::{self, KeyName},
};

/// A leaf that stands alone.
#[derive(Debug, clap::Args)]
pub(super) struct Alone {
    /// Issue a leaf that stands alone: write tls.crt and tls.key into this directory
    #[arg(long, value_name = "DIR", requires = "common_name")]
    out: Option<PathBuf>,
    /// The directory of the CA: its ca.crt and ca.key sign
    #[arg(
        long,
        value_name = "DIR",
        requires = "out",
        required_unless_present_any = ["domain", "ca_cert"],
        conflicts_with_all = ["ca_cert", "ca_key"]
    )]
    ca: Option<PathBuf>,
    /// The CA's certificate, where it is not DIR/ca.crt
    #[arg(long, value_name = "FILE", requires = "ca_key")]
    ca_cert: Option<PathBuf>,
    /// The CA's private key, where it is not DIR/ca.key
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    /// Who knows the passphrase of the CA's key: `env:NAME`, `file:PATH`, `keyring:NAME`,
    /// `command:PROGRAM ARGUMENT …` or `prompt`; only asked if the
    /// key is encrypted
    #[arg(
        long,
        value_name = "PLACE",
        requires = "out",
        default_value = "prompt",
        value_parser = Source::parse
    )]
    passphrase: Source,
    /// The profile of newleaf.yaml that says what the leaf is like
    #[arg(long, value_name = "NAME", requires = "out")]
    profile: Option<String>,
    /// Who is certified
    #[arg(long, value_name = "CN", requires = "out")]
    common_name: Option<String>,
    /// The organization
    #[arg(long, value_name = "O", requires = "out")]
    organization: Option<String>,
    /// The organizational unit
    #[arg(long, value_name = "OU", requires = "out")]
    organizational_unit: Option<String>,
    /// Another name: dns:NAME, uri:URI, ip:ADDRESS or email:ADDRESS; may be repeated
    #[arg(long, value_name = "NAME", requires = "out", value_parser = text::san)]
    san: Vec<San>,
    /// The kind of key; ecdsa-p256, if neither this nor the profile says
    #[arg(long, value_name = "KIND", requires = "out")]
    key: Option<KeyName>,
    /// How long the leaf lives; 30d, if neither this nor the profile says
    #[arg(long, value_name = "SPAN", requires = "out", value_parser = text::positive_span)]
    lifetime: Option<SignedDuration>,
    /// How far its validity reaches back; 5m, if neither this nor the profile says
    #[arg(long, value_name = "SPAN", requires = "out", value_parser = text::span)]
    backdate: Option<SignedDuration>,
    /// Let the leaf end with its CA, if it would outlive it
    #[arg(long, requires = "out")]
    shorten: bool,
}

/// Issues it.
pub(super) fn issue(alone: Alone, existing: Existing, session: &Session) -> Result<Exit, Failure> {
    let signer = match (&alone.ca, &alone.ca_cert, &alone.ca_key) {
        (None, Some(certificate), Some(key)) => Signer::read(certificate, key, &alone.passphrase)?,
        (directory, _, _) => {
            let directory = directory.clone().unwrap_or_default();
            Signer::in_directory(&directory, &alone.passphrase)?
        }
    };
    let profile = Profile::named(alone.profile.as_deref(), session)?;
    let common_name = alone.common_name.unwrap_or_default();
    let mut sans = profile
        .sans_of(&common_name)
        .map_err(|message| Failure::new(&code::ISSUE, message))?;
    sans.extend(alone.san);
    let subject = Subject::new(
        common_name,
        alone.organization.or(profile.organization),
        alone.organizational_unit.or(profile.organizational_unit),
    );
    let wanted = Wanted {
        subject: subject.map_err(issue::refused)?,
        key: alone.key.unwrap_or(profile.key),
        lifetime: alone.lifetime.unwrap_or(profile.lifetime),
        backdate: alone.backdate.unwrap_or(profile.backdate),
        directory: alone.out.unwrap_or_default(),
        existing,
    };
    let leaf = WantedLeaf {
        sans,
        usage: profile.usage.into(),
        end: End::of_shorten(alone.shorten),
    };
    let now = session.now();
    let chain = wanted.leaf(&leaf, &signer, now)?;
    say_if_shortened(chain.leaf(), wanted.lifetime, now, session);
    let directory = wanted.directory.display().to_string();
    issued(&chain, &directory, now, session)
}

/// A leaf that is shorter than what was asked for is said to be.
pub(crate) fn say_if_shortened(
    leaf: &Certificate,
    lifetime: SignedDuration,
    now: Timestamp,
    session: &Session,
) {
    let left = leaf.not_after().duration_since(now);
    if left < lifetime {
        let console = session.console();
        console.note(format_args!(
            "{}: the leaf ends with its CA, in {} instead of {}",
            console.paint_err(WARN, "shortened"),
            describe::span(left),
            describe::span(lifetime)
        ));
    }
}

impl Profile {
    /// Returns the profile that was named, or what holds without one.
    pub(crate) fn named(name: Option<&str>, session: &Session) -> Result<Self, Failure> {
        if let Some(name) = name {
            return session.config()?.profile(name).cloned();
        }
        let span = |text| text::span(text).map_err(|message| Failure::new(&code::BUG, message));
        Ok(Self {
            lifetime: span(defaults::LEAF_LIFETIME)?,
            backdate: span(defaults::BACKDATE)?,
            key: defaults::LEAF_KEY,
            usage: defaults::LEAF_USAGE,
            organization: None,
            organizational_unit: None,
            sans: Vec::new(),
            allow_sans: Vec::new(),
        })
    }
}
