//! A CA that stands alone: a root, or one below another.

use std::path::PathBuf;

use newleaf_x509::issue::{CaScope, Constraint, Constraints};

use super::{KeyPlace, made};
use crate::{
    code,
    commands::options::{KeyArgs, SubjectArgs, ValidityArgs},
    config::defaults,
    failure::{Exit, Failure},
    files::Existing,
    issue::{CA_CHAIN_FILE, Custody, Signer, Wanted, WantedCa},
    passphrase::Source,
    session::Session,
    text,
};

/// A CA that stands alone.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("common_name", |arg| arg.help("Who is certified; put the generation into the name, as in \"payments-ca g1\"")),
    mut_arg("key", |arg| arg.help("The kind of key; ecdsa-p384, if left out")),
    mut_arg("lifetime", |arg| arg.help("How long the CA lives; 365d, if left out"))
)]
pub(super) struct Alone {
    /// Make a CA that stands alone, in this directory
    #[arg(long, value_name = "DIR", requires = "common_name")]
    out: Option<PathBuf>,
    #[command(flatten)]
    subject: Option<SubjectArgs>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    validity: ValidityArgs,
    /// How many CAs may follow below it; with 0 it signs leaves and nothing else
    #[arg(long, value_name = "N", default_value_t = 0)]
    path_length: u8,
    /// Certify only names below this one: dns:NAME, email:NAME, uri:HOST or ip:NETWORK/BITS; may be
    /// repeated
    #[arg(long, value_name = "NAME", value_parser = text::constraint)]
    permit: Vec<Constraint>,
    /// Certify no name below this one; may be repeated
    #[arg(long, value_name = "NAME", value_parser = text::constraint)]
    exclude: Vec<Constraint>,
    /// Have the CA signed by the one in this directory
    #[arg(long, value_name = "DIR")]
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
        default_value = "prompt",
        value_parser = Source::parse
    )]
    passphrase: Source,
    /// Do not encrypt the key: whoever reads the file can sign
    #[arg(long, conflicts_with = "passphrase")]
    unencrypted: bool,
    /// Replace the files that are there
    #[arg(long)]
    force: bool,
}

/// Makes it.
pub(super) fn make(alone: Alone, session: &Session) -> Result<Exit, Failure> {
    let (Some(directory), Some(subject)) = (alone.out, alone.subject) else {
        let message = "expected a trust domain, or `--out` with `--common-name`";
        return Err(Failure::new(&code::BUG, message));
    };
    let wanted = Wanted {
        subject: subject.subject(None)?,
        key: alone.key.key.unwrap_or(defaults::ISSUER_KEY),
        lifetime: alone.validity.lifetime_or(defaults::ISSUER_LIFETIME)?,
        backdate: alone.validity.backdate()?,
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
