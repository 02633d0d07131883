//! `newleaf leaf renew`: the same names again, for a while longer.

use std::path::{Path, PathBuf};

use newleaf_identity::{directory, generate};
use newleaf_systems::file::IdentityDirectory;
use newleaf_x509::{
    Certificate, Chain, KeyAlgorithm, PrivateKey,
    extension::Purpose,
    issue::{LeafUse, San, Subject},
    name::{DistinguishedName, oid},
};

use super::{issued, say_if_shortened};
use crate::{
    code,
    commands::{
        options::{EndArgs, ValidityArgs},
        signer::CaArgs,
    },
    failure::{Exit, Failure},
    files::{self, Existing, Readers},
    issue::{self, Wanted, WantedLeaf},
    passphrase::Source,
    session::Session,
    text::KeyName,
};

/// Renew a leaf that stands alone: the same names, a new key, another lifetime
///
/// DIR/tls.crt says what is renewed: subject, other names, purposes, and the lifetime unless --lifetime says otherwise. The
/// old leaf stays until the new one is complete. What it says that newleaf would not certify is an error, not left out.
///
/// Leaves of a trust domain are renewed by `newleaf rotate leaf`, while traffic runs.
#[derive(Debug, clap::Args)]
#[command(mut_arg("lifetime", |arg| arg.help("How long the new leaf lives; as long as the old one, if left out")))]
pub(crate) struct RenewArgs {
    /// The directory with tls.crt and tls.key
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    #[command(flatten)]
    ca: CaArgs,
    /// Certify the key that is there, instead of a new one
    #[arg(long)]
    same_key: bool,
    #[command(flatten)]
    validity: ValidityArgs,
    #[command(flatten)]
    end: EndArgs,
}

/// Runs it.
pub(super) fn run(args: &RenewArgs, session: &Session) -> Result<Exit, Failure> {
    let signer = args.ca.signer()?;
    let chain_path = args.directory.join(directory::CHAIN_FILE);
    let key_path = args.directory.join(directory::KEY_FILE);
    let certificates = files::read_certificates(&chain_path)?;
    let old =
        Chain::new(certificates).map_err(|error| Failure::new(&code::NOT_CERTIFICATES, error))?;
    let old = old.leaf();
    let whole = old.not_after().duration_since(old.not_before());
    let key_name = key_name(old)?;
    let backdate = args.validity.backdate()?;
    let wanted = Wanted {
        subject: subject_of(old)?,
        key: key_name,
        // Backdating is no part of the life that its holder counts on.
        lifetime: args
            .validity
            .lifetime
            .unwrap_or_else(|| whole.saturating_sub(backdate)),
        backdate,
        directory: args.directory.clone(),
        existing: Existing::Replace,
    };
    let leaf = WantedLeaf {
        sans: sans_of(old)?,
        usage: usage_of(old)?,
        end: args.end.end(),
    };
    let key = if args.same_key {
        files::open_key(&key_path, &Source::Prompt)?
    } else {
        generate::key(key_name.into()).map_err(issue::no_randomness)?
    };
    let now = session.now();
    let chain = wanted.certify(&leaf, key.public_key(), &signer, now)?;
    if fs_err::symlink_metadata(args.directory.join(directory::DATA_LINK)).is_ok() {
        IdentityDirectory::new(&args.directory).store(&chain, &key, now)?;
    } else {
        replace(args, &chain, &key, [&chain_path, &key_path])?;
    }
    say_if_shortened(chain.leaf(), wanted.lifetime, now, session);
    let directory = args.directory.display().to_string();
    issued(&chain, &directory, now, session)
}

/// Two plain files cannot be replaced in one instant; a reader that comes between the two finds a key that is not the
/// certificate's, and newleaf's own readers wait for the second. `--same-key` has no such instant.
fn replace(
    args: &RenewArgs,
    chain: &Chain,
    key: &PrivateKey,
    [chain_path, key_path]: [&Path; 2],
) -> Result<(), Failure> {
    if !args.same_key {
        files::write(key_path, &*key.to_pem(), Readers::Owner, Existing::Replace)?;
    }
    files::write(
        chain_path,
        chain.to_pem(),
        Readers::Everybody,
        Existing::Replace,
    )
}

fn cannot(what: String) -> Failure {
    Failure::new(&code::ISSUE, what)
        .hint("nothing was signed and nothing was written")
        .hint("`newleaf leaf issue` makes a leaf with names of your choice")
}

/// Returns the subject, which must be one that newleaf writes, to the last attribute.
fn subject_of(old: &Certificate) -> Result<Subject, Failure> {
    let first = |oid| old.subject().values(oid).next().map(str::to_owned);
    let subject = Subject::new(
        first(oid::COMMON_NAME).unwrap_or_default(),
        first(oid::ORGANIZATION),
        first(oid::ORGANIZATIONAL_UNIT),
    )
    .map_err(issue::refused)?;
    if DistinguishedName::from(&subject).collides_with(old.subject()) {
        return Ok(subject);
    }
    Err(cannot(format!(
        "expected a subject of organization, organizational unit and common name, found `{}`",
        old.subject()
    )))
}

fn sans_of(old: &Certificate) -> Result<Vec<San>, Failure> {
    let names = old.extensions().subject_alt_names.as_ref();
    let names = names
        .map(|names| names.value.as_slice())
        .unwrap_or_default();
    names
        .iter()
        .map(|name| {
            San::wished(name).ok_or_else(|| {
                cannot(format!(
                    "expected other names that are DNS, URI, IP or email, found `{name}`"
                ))
            })
        })
        .collect()
}

fn usage_of(old: &Certificate) -> Result<LeafUse, Failure> {
    let purposes = old.extensions().extended_key_usage.as_ref();
    let purposes = purposes.map(|purposes| purposes.value.as_slice());
    match purposes {
        // A leaf without purposes was a client's for Temporal; the new one says so.
        None | Some([] | [Purpose::ClientAuth]) => Ok(LeafUse::Client),
        Some([Purpose::ServerAuth]) => Ok(LeafUse::Server),
        Some(
            [Purpose::ClientAuth, Purpose::ServerAuth] | [Purpose::ServerAuth, Purpose::ClientAuth],
        ) => Ok(LeafUse::ClientAndServer),
        Some(others) => {
            let others: Vec<_> = others.iter().map(ToString::to_string).collect();
            Err(cannot(format!(
                "expected the purposes clientAuth and serverAuth, found {}",
                others.join(", ")
            )))
        }
    }
}

fn key_name(old: &Certificate) -> Result<KeyName, Failure> {
    match old.public_key().algorithm() {
        KeyAlgorithm::EcdsaP256 => Ok(KeyName::EcdsaP256),
        KeyAlgorithm::EcdsaP384 => Ok(KeyName::EcdsaP384),
        KeyAlgorithm::Rsa(2048) => Ok(KeyName::Rsa2048),
        KeyAlgorithm::Rsa(3072) => Ok(KeyName::Rsa3072),
        KeyAlgorithm::Rsa(4096) => Ok(KeyName::Rsa4096),
        other @ (KeyAlgorithm::EcdsaP521
        | KeyAlgorithm::Rsa(_)
        | KeyAlgorithm::Ed25519
        | KeyAlgorithm::Other) => Err(cannot(format!(
            "expected ECDSA P-256 or P-384, or RSA of 2048, 3072 or 4096 bits, found {other}"
        ))),
    }
}
