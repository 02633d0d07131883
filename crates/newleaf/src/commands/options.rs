//! Options that several commands have, each written once; who signs is told in [`super::signer`].
//!
//! A command whose default is its own says so in the help, by `mut_arg`.

use jiff::SignedDuration;
use newleaf_x509::issue::{San, Subject};

use crate::{
    config::defaults,
    failure::Failure,
    issue::{self, End},
    text::{self, KeyName},
};

/// Who is certified.
#[derive(Debug, clap::Args)]
pub(crate) struct SubjectArgs {
    /// Who is certified
    #[arg(long, value_name = "CN")]
    pub(crate) common_name: String,
    /// The organization
    #[arg(long, value_name = "O")]
    pub(crate) organization: Option<String>,
}

/// What the names of a leaf have beyond those of a CA.
#[derive(Debug, clap::Args)]
pub(crate) struct LeafNameArgs {
    /// The organizational unit
    #[arg(long, value_name = "OU")]
    pub(crate) organizational_unit: Option<String>,
    /// Another name: dns:NAME, uri:URI, ip:ADDRESS or email:ADDRESS; may be repeated
    #[arg(long, value_name = "NAME", value_parser = text::san)]
    pub(crate) san: Vec<San>,
}

/// The kind of key.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// The kind of key; ecdsa-p256, if left out
    #[arg(long, value_name = "KIND")]
    pub(crate) key: Option<KeyName>,
}

/// From when to when.
#[derive(Debug, clap::Args)]
pub(crate) struct ValidityArgs {
    /// How long the leaf lives; 30d, if neither this nor the profile says
    #[arg(long, value_name = "SPAN", value_parser = text::positive_span)]
    pub(crate) lifetime: Option<SignedDuration>,
    /// How far its validity reaches back, for verifiers whose clocks are late; 5m, if nothing else is said
    #[arg(long, value_name = "SPAN", value_parser = text::span)]
    pub(crate) backdate: Option<SignedDuration>,
}

/// What happens to a leaf that would outlive its CA.
#[derive(Debug, clap::Args)]
pub(crate) struct EndArgs {
    /// Let the leaf end with its CA, if it would outlive it
    #[arg(long)]
    shorten: bool,
}

impl SubjectArgs {
    /// Returns the subject.
    pub(crate) fn subject(self, unit: Option<String>) -> Result<Subject, Failure> {
        Subject::new(self.common_name, self.organization, unit).map_err(issue::refused)
    }
}

impl ValidityArgs {
    /// Returns how long, where the command has a default of its own.
    pub(crate) fn lifetime_or(&self, usual: &str) -> Result<SignedDuration, Failure> {
        self.lifetime.map_or_else(|| defaults::span(usual), Ok)
    }

    /// Returns how far back, where no profile has a say.
    pub(crate) fn backdate(&self) -> Result<SignedDuration, Failure> {
        let usual = || defaults::span(defaults::BACKDATE);
        self.backdate.map_or_else(usual, Ok)
    }
}

impl EndArgs {
    /// Returns what happens.
    pub(crate) fn end(&self) -> End {
        if self.shorten {
            End::WithCa
        } else {
            End::Refused
        }
    }
}

/// Makes an argument optional. In a group that need not be there, clap asks for what the group must have all the same; such a
/// group says by `requires` what it needs.
pub(crate) fn optional(arg: clap::Arg) -> clap::Arg {
    arg.required(false)
}
