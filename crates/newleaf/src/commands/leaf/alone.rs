//! A leaf that stands alone.

use std::path::{Path, PathBuf};

use clap::ArgGroup;
use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{Certificate, describe};

use super::issued;
use crate::{
    code,
    commands::{
        options::{EndArgs, KeyArgs, LeafNameArgs, SubjectArgs, ValidityArgs},
        signer::CaKeyArgs,
    },
    config::defaults,
    console::WARN,
    failure::{Exit, Failure},
    files::Existing,
    issue::{Signer, Wanted, WantedLeaf},
    profile::Profile,
    session::Session,
};

/// A leaf that stands alone.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("ca_key_place").args(["ca_key", "token"]))]
#[command(mut_arg("key", |arg| arg.help("The kind of key; ecdsa-p256, if neither this nor the profile says")))]
pub(super) struct Alone {
    /// Issue a leaf that stands alone: write tls.crt and tls.key into this directory
    #[arg(long, value_name = "DIR", requires = "common_name")]
    out: Option<PathBuf>,
    /// The directory of the CA: its ca.crt and ca.key sign
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present_any = ["domain", "ca_cert"],
        conflicts_with_all = ["ca_cert", "ca_key"]
    )]
    ca: Option<PathBuf>,
    /// The CA's certificate, where it is not DIR/ca.crt
    #[arg(long, value_name = "FILE", requires = "ca_key_place")]
    ca_cert: Option<PathBuf>,
    /// The CA's private key, where it is not DIR/ca.key
    #[arg(long, value_name = "FILE", requires = "ca_cert")]
    ca_key: Option<PathBuf>,
    #[command(flatten)]
    key_place: CaKeyArgs,
    /// The profile of newleaf.yaml that says what the leaf is like
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    #[command(flatten)]
    subject: Option<SubjectArgs>,
    #[command(flatten)]
    names: LeafNameArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    validity: ValidityArgs,
    #[command(flatten)]
    end: EndArgs,
}

/// Issues it.
pub(super) fn issue(alone: Alone, existing: Existing, session: &Session) -> Result<Exit, Failure> {
    let signer = alone.signer()?;
    let (Some(directory), Some(said)) = (alone.out, alone.subject) else {
        let message = "expected a holder, or `--out` with `--common-name`";
        return Err(Failure::new(&code::BUG, message));
    };
    let profile = Profile::named(alone.profile.as_deref(), session)?;
    let mut sans = profile
        .sans_of(&said.common_name)
        .map_err(|message| Failure::new(&code::ISSUE, message))?;
    sans.extend(alone.names.san);
    let unit = alone.names.organizational_unit;
    let subject = SubjectArgs {
        organization: said.organization.or(profile.organization),
        ..said
    };
    let wanted = Wanted {
        subject: subject.subject(unit.or(profile.organizational_unit))?,
        key: alone.key.key.unwrap_or(profile.key),
        lifetime: alone.validity.lifetime.unwrap_or(profile.lifetime),
        backdate: alone.validity.backdate.unwrap_or(profile.backdate),
        directory,
        existing,
    };
    let leaf = WantedLeaf {
        sans,
        usage: profile.usage.into(),
        end: alone.end.end(),
    };
    let now = session.now();
    let chain = wanted.leaf(&leaf, &signer, now)?;
    say_if_shortened(chain.leaf(), wanted.lifetime, now, session);
    let directory = wanted.directory.display().to_string();
    issued(&chain, &directory, now, session)
}

impl Alone {
    /// Reads the CA.
    fn signer(&self) -> Result<Signer, Failure> {
        let place = &self.key_place;
        match (&self.ca_cert, &self.ca_key, place.token()) {
            (Some(certificate), Some(key), _) => Signer::read(certificate, key, &place.passphrase),
            (Some(certificate), None, Some(token)) => Signer::read_in_token(certificate, &token),
            (_, _, _) => place.signer(self.ca.as_deref().unwrap_or(Path::new(""))),
        }
    }
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
        Ok(Self {
            lifetime: defaults::span(defaults::LEAF_LIFETIME)?,
            backdate: defaults::span(defaults::BACKDATE)?,
            key: defaults::LEAF_KEY,
            usage: defaults::LEAF_USAGE,
            organization: None,
            organizational_unit: None,
            sans: Vec::new(),
            allow_sans: Vec::new(),
        })
    }
}
