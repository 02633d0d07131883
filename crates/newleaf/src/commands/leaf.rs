//! `newleaf leaf`: issue a leaf, for a holder of a trust domain or for one that stands alone.

mod alone;
mod renew;
mod serve;

use clap::{ArgGroup, Subcommand};
use jiff::Timestamp;
use newleaf_controller::Journal;
use newleaf_identity::directory;
use newleaf_rotation::Generation;
use newleaf_systems::{
    domain::{Holder, Store},
    file::IdentityDirectory,
    issuer::{LeafEnd, LeafRequest, LocalCa},
    ledger::Role,
};
use newleaf_x509::Chain;

use self::alone::Alone;
pub(super) use self::alone::say_if_shortened;
use super::{inspect, options};
use crate::{
    code,
    config::{Config, DomainConfig},
    console::{GOOD, HEAD},
    failure::{Exit, Failure},
    files::Existing,
    issue,
    session::Session,
};

/// Issue and renew leaves
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Issue(Box<IssueArgs>),
    Renew(Box<renew::RenewArgs>),
    Serve(Box<serve::ServeArgs>),
}

/// Issue a leaf for a client of Temporal
///
/// With DOMAIN and HOLDER, the leaf is what newleaf.yaml says of that holder, is written to its store, and is entered in the
/// journal. Later leaves are issued by `newleaf rotate leaf`.
///
/// With --out, the leaf stands alone: DIR/tls.crt and DIR/tls.key are written. With --profile, it is what that profile of
/// newleaf.yaml says; flags are put over it. Without, no configuration is read.
///
/// The leaf says what Temporal asks for and nothing more: digitalSignature, clientAuth, not a CA. A leaf that would
/// outlive its CA is refused; with --shorten it ends with its CA, and that is said.
#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("which").required(true).args(["domain", "out"]),
    mut_arg("domain", options::optional),
    mut_arg("holder", options::optional),
    mut_arg("common_name", options::optional)
)]
pub(crate) struct IssueArgs {
    #[command(flatten)]
    known: Option<Known>,
    #[command(flatten)]
    alone: Alone,
    /// Replace the leaf that is there
    #[arg(long)]
    force: bool,
}

/// A holder of a trust domain, of whom newleaf.yaml says everything.
#[derive(Debug, clap::Args)]
struct Known {
    /// The trust domain, as newleaf.yaml names it
    #[arg(
        requires = "holder",
        conflicts_with_all = ["ca", "ca_cert", "ca_key", "profile", "CaKeyArgs", "SubjectArgs", "LeafNameArgs", "KeyArgs", "ValidityArgs", "EndArgs"]
    )]
    domain: String,
    /// The holder, as newleaf.yaml names it
    holder: String,
}

/// Runs `newleaf leaf`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    let args = match command {
        Command::Issue(args) => args,
        Command::Renew(args) => return renew::run(&args, session),
        Command::Serve(args) => return serve::run(*args, session),
    };
    let existing = Existing::of_force(args.force);
    let Some(Known { domain, holder }) = args.known else {
        return alone::issue(args.alone, existing, session);
    };
    let config = session.config()?;
    let domain = config.domain(&domain)?;
    let holder = domain.holder(&holder)?;
    for_holder(&config, domain, holder, existing, session)
}

/// Issues the first leaf of a holder, or one that replaces what is there. Outside a rotation only: a rotation
/// issues leaves itself, and knows which CA is trusted by whom.
fn for_holder(
    config: &Config,
    domain: &DomainConfig,
    holder: &Holder,
    existing: Existing,
    session: &Session,
) -> Result<Exit, Failure> {
    let now = session.now();
    let Store::Directory(path) = &holder.store;
    let store = IdentityDirectory::new(path);
    if existing == Existing::Keep && store.chain()?.is_some() {
        let name = &holder.id;
        return Err(Failure::new(
            &code::FILE_EXISTS,
            format!(
                "expected no identity of holder `{name}` in `{}`, found one",
                path.display()
            ),
        )
        .hint(format!(
            "`newleaf rotate leaf {}` renews it while traffic runs",
            domain.id
        ))
        .hint("add `--force` to replace it here and now"));
    }
    let journal = open_journal(config)?;
    if let Some(rotation) = journal.current(&domain.id)? {
        return Err(Failure::new(
            &code::ROTATION_UNDER_WAY,
            format!(
                "expected no rotation of trust domain `{}`, found `{rotation}` under way",
                domain.id
            ),
        )
        .hint(format!(
            "it issues the leaves itself; `newleaf status {rotation}` shows how far it is"
        )));
    }
    let ca = LocalCa::new(&domain.id, &domain.issuer);
    let request = LeafRequest {
        generation: signing_generation(&ca, domain, now)?,
        subject: holder.subject.clone(),
        sans: holder.sans.clone(),
        key: domain.leaf.key,
        lifetime: domain.leaf.lifetime,
        end: LeafEnd::Refused,
        role: Role::Holder(holder.id.clone()),
        rotation: None,
    };
    let leaf = ca.sign(request, &journal, now)?;
    store.store(&leaf.chain, &leaf.key, now)?;
    issued(&leaf.chain, &path.display().to_string(), now, session)
}

/// The generation that signs outside a rotation: the one whose key is there. After a rotation that was given up there may be
/// two, and which of them is trusted is not for this command to guess.
pub(crate) fn signing_generation(
    ca: &LocalCa<'_>,
    domain: &DomainConfig,
    now: Timestamp,
) -> Result<Generation, Failure> {
    let mut with_key = Vec::new();
    for (generation, _) in ca.generations()? {
        if ca.look(generation, &issue::rules(now))?.key {
            with_key.push(generation);
        }
    }
    match with_key.as_slice() {
        [generation] => Ok(*generation),
        [] => Err(Failure::new(
            &code::CA_STORE,
            format!(
                "expected a CA of trust domain `{}` with its key, found none",
                domain.id
            ),
        )
        .hint(format!(
            "`newleaf ca new {}` makes the first one",
            domain.id
        ))),
        several @ [_, _, ..] => {
            let found: Vec<String> = several.iter().map(Generation::to_string).collect();
            let message = format!(
                "expected one CA of trust domain `{}` with its key, found {}",
                domain.id,
                found.join(" and ")
            );
            // A rollover cannot begin here: it would not know which one goes.
            Err(Failure::new(&code::CA_STORE, message)
                .hint("if a rotation has not ended (`newleaf status`), `newleaf resume` or `newleaf rollback` ends it with one")
                .hint(format!(
                    "if none is under way, find out which CA the trust points accept and the leaves are of, and move the other's `ca.key` out of `{}` to a safe place",
                    domain.issuer.directory.display()
                )))
        }
    }
}

fn open_journal(config: &Config) -> Result<Journal, Failure> {
    fs_err::create_dir_all(config.state())
        .map_err(|error| Failure::new(&code::FILE_WRITE, error))?;
    Ok(Journal::open(config.journal())?)
}

fn issued(
    chain: &Chain,
    directory: &str,
    now: Timestamp,
    session: &Session,
) -> Result<Exit, Failure> {
    let console = session.console();
    let subject = console.paint_err(HEAD, chain.leaf().subject()).to_string();
    console.note(format_args!(
        "{} leaf `{subject}`",
        console.paint_err(GOOD, "issued")
    ));
    console.print(inspect::tree(chain.leaf(), now, console))?;
    console.note(format_args!("chain  {directory}/{}", directory::CHAIN_FILE));
    console.note(format_args!(
        "key    {directory}/{}  (0600)",
        directory::KEY_FILE
    ));
    Ok(Exit::Done)
}
