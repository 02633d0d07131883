//! A CA that stands alone: a root, or one below another.

use std::path::PathBuf;

use newleaf_keystore::TokenOptions;
use newleaf_x509::issue::{CaScope, Constraint, Constraints};

use super::{KeyPlace, made};
use crate::{
    code,
    commands::{
        options::{KeyArgs, SubjectArgs, ValidityArgs},
        signer::CaKeyArgs,
    },
    config::defaults,
    failure::{Exit, Failure},
    files::Existing,
    issue::{CA_CHAIN_FILE, Custody, Signer, TokenPlace, Wanted, WantedCa},
    passphrase::Source,
    session::Session,
    text,
};

/// A CA that stands alone.
#[derive(Debug, clap::Args)]
#[command(
    mut_arg("common_name", |arg| arg.help("Who is certified; put the generation into the name, as in \"payments-ca g1\"")),
    mut_arg("key", |arg| arg.help("The kind of key; ecdsa-p384, if left out")),
    mut_arg("lifetime", |arg| arg.help("How long the CA lives; 365d, if left out")),
    mut_arg("passphrase", |arg| arg.help("Who knows the passphrase that the key shall be encrypted with, or the PIN of its token: `env:NAME`, `file:PATH`, `keyring:NAME`, `command:PROGRAM ARGUMENT …` or `prompt`")),
    mut_arg("token", |arg| arg.help("Make the key in the PKCS #11 token with this label, which never lets it out; there is no ca.key then"))
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
    #[command(flatten)]
    parent: Option<ParentArgs>,
    #[command(flatten)]
    custody: CaKeyArgs,
    /// Do not encrypt the key: whoever reads the file can sign
    #[arg(long, conflicts_with_all = ["passphrase", "token"])]
    unencrypted: bool,
    /// Replace the files that are there
    #[arg(long)]
    force: bool,
}

/// The CA that signs this one.
#[derive(Debug, clap::Args)]
struct ParentArgs {
    /// Have the CA signed by the one in this directory
    #[arg(long, value_name = "DIR")]
    parent: PathBuf,
    /// Who knows the passphrase of the parent's key, or the PIN of its token: `env:NAME`, `file:PATH`, `keyring:NAME`,
    /// `command:PROGRAM ARGUMENT …` or `prompt`
    #[arg(
        long,
        value_name = "PLACE",
        requires = "parent",
        default_value = "prompt",
        value_parser = Source::parse
    )]
    parent_passphrase: Source,
    /// The label of the PKCS #11 token that keeps the parent's key
    #[arg(long, value_name = "LABEL", requires_all = ["parent", "parent_token_module"])]
    parent_token: Option<String>,
    /// The shared library of that token's maker
    #[arg(long, value_name = "FILE", requires = "parent_token")]
    parent_token_module: Option<PathBuf>,
    /// The label of the parent's key in the token; the parent's common name, if left out
    #[arg(long, value_name = "LABEL", requires = "parent_token")]
    parent_token_key: Option<String>,
}

impl ParentArgs {
    /// Reads the CA.
    fn signer(self) -> Result<Signer, Failure> {
        let (Some(token), Some(module)) = (self.parent_token, self.parent_token_module) else {
            return Signer::in_directory(&self.parent, &self.parent_passphrase);
        };
        let place = TokenPlace {
            options: TokenOptions { module, token },
            label: self.parent_token_key,
            pin: self.parent_passphrase,
        };
        Signer::in_token(&self.parent, &place)
    }
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
    let (custody, place) = match alone.custody.token() {
        Some(token) => {
            let place = KeyPlace::Token(token.options.token.clone());
            (Custody::Token(token), place)
        }
        None if alone.unencrypted => (Custody::Plain, KeyPlace::Plain),
        None => (Custody::Sealed(alone.custody.passphrase), KeyPlace::Sealed),
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
    let parent = alone.parent.map(ParentArgs::signer).transpose()?;
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
