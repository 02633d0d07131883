//! A CA that stands alone: a root, or one below another.

use std::path::PathBuf;

use jiff::SignedDuration;
use newleaf_x509::issue::{CaScope, Constraint, Constraints, Subject};

use super::{KeyPlace, made};
use crate::{
    config::defaults,
    failure::{Exit, Failure},
    files::Existing,
    issue::{self, CA_CHAIN_FILE, Custody, Signer, Wanted, WantedCa},
    passphrase::Source,
    session::Session,
    text::{self, KeyName},
};

/// A CA that stands alone.
#[derive(Debug, clap::Args)]
pub(super) struct Alone {
    /// Make a CA that stands alone, in this directory
    #[arg(long, value_name = "DIR", requires = "common_name")]
    out: Option<PathBuf>,
    /// Who is certified; put the generation into the name, as in "payments-ca g1"
    #[arg(long, value_name = "CN", requires = "out")]
    common_name: Option<String>,
    /// The organization
    #[arg(long, value_name = "O", requires = "out")]
    organization: Option<String>,
    /// The kind of key
    #[arg(
        long,
        value_name = "KIND",
        requires = "out",
        default_value = "ecdsa-p384"
    )]
    key: KeyName,
    /// How long the CA lives
    #[arg(
        long,
        value_name = "SPAN",
        requires = "out",
        default_value = "365d",
        value_parser = text::positive_span
    )]
    lifetime: SignedDuration,
    /// How far its validity reaches back, for verifiers whose clocks are late
    #[arg(
        long,
        value_name = "SPAN",
        requires = "out",
        default_value = defaults::BACKDATE,
        value_parser = text::span
    )]
    backdate: SignedDuration,
    /// How many CAs may follow below it; with 0 it signs leaves and nothing else
    #[arg(long, value_name = "N", requires = "out", default_value_t = 0)]
    path_length: u8,
    /// Certify only names below this one: dns:NAME, email:NAME, uri:HOST or ip:NETWORK/BITS; may be
    /// repeated
    #[arg(long, value_name = "NAME", requires = "out", value_parser = text::constraint)]
    permit: Vec<Constraint>,
    /// Certify no name below this one; may be repeated
    #[arg(long, value_name = "NAME", requires = "out", value_parser = text::constraint)]
    exclude: Vec<Constraint>,
    /// Have the CA signed by the one in this directory
    #[arg(long, value_name = "DIR", requires = "out")]
    parent: Option<PathBuf>,
    /// Who knows the passphrase of the parent's key: `env:NAME`, `file:PATH`, `keyring:NAME`,
    /// `command:PROGRAM ARGUMENT …` or `prompt`
    #[arg(
        long,
        value_name = "PLACE",
        requires = "parent",
        default_value = "prompt",
        value_parser = Source::parse
    )]
    parent_passphrase: Source,
    /// Who knows the passphrase that the key shall be encrypted with
    #[arg(
        long,
        value_name = "PLACE",
        requires = "out",
        default_value = "prompt",
        value_parser = Source::parse
    )]
    passphrase: Source,
    /// Do not encrypt the key: whoever reads the file can sign
    #[arg(long, requires = "out", conflicts_with = "passphrase")]
    unencrypted: bool,
    /// Replace the files that are there
    #[arg(long, requires = "out")]
    force: bool,
}

/// Makes it.
pub(super) fn make(alone: Alone, session: &Session) -> Result<Exit, Failure> {
    // Both are there: clap asks for the one without a domain, and for the other with it.
    let directory = alone.out.unwrap_or_default();
    let common_name = alone.common_name.unwrap_or_default();
    let wanted = Wanted {
        subject: Subject::new(common_name, alone.organization, None).map_err(issue::refused)?,
        key: alone.key,
        lifetime: alone.lifetime,
        backdate: alone.backdate,
        directory,
        existing: Existing::of_force(alone.force),
    };
    let (custody, place) = if alone.unencrypted {
        (Custody::Plain, KeyPlace::Plain)
    } else {
        (Custody::Sealed(alone.passphrase), KeyPlace::Sealed)
    };
    let ca = WantedCa {
        scope: CaScope {
            path_length: alone.path_length,
            names: Constraints {
                permitted: alone.permit,
                excluded: alone.exclude,
            },
        },
        custody,
    };
    let parent = alone
        .parent
        .map(|parent| Signer::in_directory(&parent, &alone.parent_passphrase))
        .transpose()?;
    let certificate = wanted.ca(&ca, parent.as_ref(), session.now())?;
    let exit = made(&certificate, &wanted.directory, &place, session)?;
    if parent.is_some() {
        let console = session.console();
        let chain = wanted.directory.join(CA_CHAIN_FILE);
        console.note(format_args!(
            "chain        {}  (leaves carry it; Temporal Cloud wants it in the namespace's CAs too, with the root)",
            chain.display()
        ));
    }
    Ok(exit)
}
