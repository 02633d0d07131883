//! `newleaf csr`: ask to be certified, and sign such requests; the key stays where it was made.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use newleaf_identity::{directory, generate};
use newleaf_x509::{
    csr::Request,
    issue::{San, Subject},
    name::oid,
};

use super::{
    inspect,
    leaf::say_if_shortened,
    options::{EndArgs, KeyArgs, LeafNameArgs, SubjectArgs, ValidityArgs},
    signer::CaArgs,
};
use crate::{
    code,
    config::defaults,
    console::{GOOD, HEAD, WARN},
    failure::{Exit, Failure},
    files::{self, DER_SEQUENCE, Existing, Readers, Within},
    issue::{self, Wanted, WantedLeaf},
    passphrase::Source,
    profile::{Profile, SanPattern},
    session::Session,
};

/// The request's file, beside the key that it is for.
const REQUEST_FILE: &str = "tls.csr";

/// Ask for a certificate without the key leaving its host
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(NewArgs),
    Sign(Box<SignArgs>),
}

/// Make a key and a request for it: DIR/tls.key stays, DIR/tls.csr goes to the CA
///
/// What the CA sends back belongs into DIR/tls.crt.
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Where the files shall lie
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    names: LeafNameArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Ask for the key that is there, DIR/tls.key, instead of a new one
    #[arg(long, conflicts_with = "key")]
    same_key: bool,
    /// Replace the files that are there
    #[arg(long)]
    force: bool,
}

/// Sign a request, by policy: what is asked for and not allowed is left out, and said
///
/// The request must be signed with the key that it names. Of its subject, organization, organizational unit and common name are
/// taken, unless the profile says otherwise; other names only if the profile or --allow-san allows them. What else is asked for,
/// to be a CA above all, is never given.
#[derive(Debug, clap::Args)]
pub(crate) struct SignArgs {
    /// The request, in PEM or DER; `-` for standard input
    #[arg(value_name = "FILE")]
    request: PathBuf,
    #[command(flatten)]
    ca: CaArgs,
    /// Where the chain shall be written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The profile of newleaf.yaml that says what the leaf is like and what it may be asked for
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Other names that may be asked for, such as dns:*.workers.example; may be repeated
    #[arg(long, value_name = "PATTERN", value_parser = SanPattern::parse)]
    allow_san: Vec<SanPattern>,
    #[command(flatten)]
    validity: ValidityArgs,
    #[command(flatten)]
    end: EndArgs,
    /// Replace the file that is there
    #[arg(long)]
    force: bool,
}

/// Runs `newleaf csr`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new(args, session),
        Command::Sign(args) => sign(*args, session),
    }
}

fn new(args: NewArgs, session: &Session) -> Result<Exit, Failure> {
    let existing = Existing::of_force(args.force);
    let key_path = args.out.join(directory::KEY_FILE);
    let request_path = args.out.join(REQUEST_FILE);
    let names = args.names;
    let subject = args.subject.subject(names.organizational_unit)?;
    let key = if args.same_key {
        files::must_be_free(&[&request_path], existing)?;
        files::open_key(&key_path, &Source::Prompt)?
    } else {
        files::must_be_free(&[&key_path, &request_path], existing)?;
        generate::key(args.key.key.unwrap_or(defaults::LEAF_KEY).into())
            .map_err(issue::no_randomness)?
    };
    let request = Request::new(&subject, &names.san, &key).map_err(issue::refused)?;
    if !args.same_key {
        files::write(&key_path, &*key.to_pem(), Readers::Owner, existing)?;
    }
    files::write(
        &request_path,
        request.to_pem(),
        Readers::Everybody,
        existing,
    )?;
    let console = session.console();
    let who = console.paint_err(HEAD, request.subject()).to_string();
    console.note(format_args!(
        "{} for a certificate of `{who}`",
        console.paint_err(GOOD, "asked")
    ));
    console.note(format_args!(
        "request  {}  (send it to the CA)",
        request_path.display()
    ));
    console.note(format_args!(
        "key      {}  (0600; it stays here)",
        key_path.display()
    ));
    Ok(Exit::Done)
}

fn sign(args: SignArgs, session: &Session) -> Result<Exit, Failure> {
    let existing = Existing::of_force(args.force);
    files::must_be_free(&[&args.out], existing)?;
    let request = read(&args.request)?;
    let mut profile = Profile::named(args.profile.as_deref(), session)?;
    profile.allow_sans.extend(args.allow_san);
    let signer = args.ca.signer()?;
    let asked = request.plain_subject().map_err(issue::refused)?;
    let subject = Subject::new(
        asked.common_name(),
        profile
            .organization
            .clone()
            .or(asked.organization().map(str::to_owned)),
        profile
            .organizational_unit
            .clone()
            .or(asked.organizational_unit().map(str::to_owned)),
    )
    .map_err(issue::refused)?;
    let (sans, left_out) = weigh(&request, &profile, &subject)?;
    let wanted = Wanted {
        subject,
        key: profile.key,
        lifetime: args.validity.lifetime.unwrap_or(profile.lifetime),
        backdate: args.validity.backdate.unwrap_or(profile.backdate),
        directory: PathBuf::new(),
        existing,
    };
    let leaf = WantedLeaf {
        sans,
        usage: profile.usage.into(),
        end: args.end.end(),
    };
    let now = session.now();
    let chain = wanted.certify(&leaf, request.public_key(), &signer, now)?;
    files::write(&args.out, chain.to_pem(), Readers::Everybody, existing)?;
    let console = session.console();
    for what in left_out {
        console.note(format_args!(
            "{}: {what}",
            console.paint_err(WARN, "left out")
        ));
    }
    say_if_shortened(chain.leaf(), wanted.lifetime, now, session);
    let who = console.paint_err(HEAD, chain.leaf().subject()).to_string();
    console.note(format_args!(
        "{} leaf `{who}`",
        console.paint_err(GOOD, "signed")
    ));
    console.print(inspect::tree(chain.leaf(), now, console))?;
    console.note(format_args!("chain  {}", args.out.display()));
    Ok(Exit::Done)
}

/// Reads a request, in PEM or DER.
fn read(path: &Path) -> Result<Request, Failure> {
    let bytes = files::read_bytes(path)?;
    let request = if bytes.first() == Some(&DER_SEQUENCE) {
        Request::from_der(&bytes)
    } else {
        Request::from_pem(&files::text_of(path, bytes)?)
    };
    request.map_err(|error| Failure::new(&code::NOT_A_REQUEST, Within::new(path, error)))
}

/// Parts what is asked for into what is given and what is left out.
fn weigh(
    request: &Request,
    profile: &Profile,
    subject: &Subject,
) -> Result<(Vec<San>, Vec<String>), Failure> {
    let mut given = profile
        .sans_of(subject.common_name())
        .map_err(|message| Failure::new(&code::ISSUE, message))?;
    let mut left_out: Vec<String> = request
        .other_attributes()
        .into_iter()
        .map(|attribute| format!("`{attribute}` of the subject"))
        .collect();
    for (field, asked, certified) in [
        (
            "O",
            first(request, oid::ORGANIZATION),
            subject.organization(),
        ),
        (
            "OU",
            first(request, oid::ORGANIZATIONAL_UNIT),
            subject.organizational_unit(),
        ),
    ] {
        if let Some(asked) = asked.filter(|asked| certified != Some(asked.as_str())) {
            let asked = asked.escape_debug().to_string();
            left_out.push(format!("`{field}={asked}`: the profile says otherwise"));
        }
    }
    for name in request.sans() {
        match San::wished(name) {
            Some(san) if given.contains(&san) => {}
            Some(san) if profile.allows(&san) => given.push(san),
            Some(_) => left_out.push(format!(
                "`{name}`: no profile and no `--allow-san` allows it"
            )),
            None => left_out.push(format!("`{name}`: of a kind that is not certified")),
        }
    }
    left_out.extend(request.wishes_beyond_leaf());
    Ok((given, left_out))
}

fn first(request: &Request, oid: &str) -> Option<String> {
    request.subject().values(oid).next().map(str::to_owned)
}
