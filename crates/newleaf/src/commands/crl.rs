//! `newleaf crl`: lists of revoked leaves, for verifiers that look at them.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    crl::{self, Crl, CrlTemplate, Entry, Reason},
    describe,
};

use super::signer::CaArgs;
use crate::{
    code,
    console::{GOOD, HEAD},
    failure::{Exit, Failure},
    files::{self, DER_SEQUENCE, Existing, Readers, Within},
    issue::{self, Issued, Record, Signer},
    session::Session,
    text,
};

/// The list's file in a CA's directory, if no other is named.
const LIST_FILE: &str = "ca.crl";

/// Revoke leaves, for servers that read revocation lists
///
/// Temporal Cloud reads none: there, a stolen leaf is kept out by certificate filters or by a rollover of its CA. A self-hosted
/// server's proxy may read them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    New(NewArgs),
    Update(ListArgs),
}

/// Sign the first revocation list of a CA
#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    #[command(flatten)]
    list: ListArgs,
    /// The list's number; greater than that of a list that was lost
    #[arg(long, value_name = "N", default_value_t = 1)]
    number: u64,
    /// Replace the list that is there
    #[arg(long)]
    force: bool,
}

/// Sign the next revocation list of a CA, with what the last one says and more
///
/// What expired before the last list is left out (RFC 5280 §3.3). Run it before the list is due, also when nobody is revoked: a
/// verifier may refuse everybody once the list is out of date.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    ca: CaArgs,
    /// A leaf to revoke: its file, or its serial number as the CA's record has it; may be repeated
    #[arg(long, value_name = "LEAF")]
    revoke: Vec<String>,
    /// Why they are revoked
    #[arg(long, value_name = "REASON", default_value = "unspecified")]
    reason: ReasonName,
    /// When the next list is due, from now on
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = text::positive_span)]
    lifetime: SignedDuration,
    /// The list's file; ca.crl in the CA's directory, if left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Why a leaf is revoked, as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReasonName {
    /// Nothing is said
    Unspecified,
    /// Somebody else has, or may have, the private key
    KeyCompromise,
    /// The CA's key is compromised
    CaCompromise,
    /// The subject's name changed
    AffiliationChanged,
    /// Another certificate has taken its place
    Superseded,
    /// The subject is no more
    CessationOfOperation,
    /// What the certificate allowed is no longer allowed
    PrivilegeWithdrawn,
}

/// Runs `newleaf crl`.
pub(crate) fn run(command: Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => {
            let path = args.list.path();
            let existing = Existing::of_force(args.force);
            files::must_be_free(&[&path], existing)?;
            let signer = args.list.ca.signer()?;
            let list = args
                .list
                .template(&signer, Vec::new(), args.number, session.now())?;
            sign(&list, &signer, &path, existing, session)
        }
        Command::Update(args) => {
            let path = args.path();
            let signer = args.ca.signer()?;
            let last = read(&path)?;
            if !last.is_signed_by(signer.certificate()) {
                let ca = signer.certificate().subject().to_string();
                return Err(Failure::new(
                    &code::NOT_A_CRL,
                    format!(
                        "expected a revocation list signed by CA `{ca}` in `{}`, found one of `{}`",
                        path.display(),
                        last.issuer()
                    ),
                ));
            }
            let number = last.number().unwrap_or(0).saturating_add(1);
            let kept = still_listed(&last, &args.record()?);
            let list = args.template(&signer, kept, number, session.now())?;
            sign(&list, &signer, &path, Existing::Replace, session)
        }
    }
}

impl ListArgs {
    fn path(&self) -> PathBuf {
        let path = self.out.clone();
        path.unwrap_or_else(|| self.ca.ca.join(LIST_FILE))
    }

    fn record(&self) -> Result<Vec<Issued>, Failure> {
        Record::of(&self.ca.ca).read()
    }

    fn template(
        &self,
        signer: &Signer,
        mut entries: Vec<Entry>,
        number: u64,
        now: Timestamp,
    ) -> Result<CrlTemplate, Failure> {
        let record = self.record()?;
        for leaf in &self.revoke {
            let serial = serial_of(leaf, signer, &record)?;
            // Revoked before is revoked: the first instant and reason stand.
            if entries.iter().all(|entry| entry.serial != serial) {
                entries.push(Entry {
                    serial,
                    revoked_at: now,
                    reason: self.reason.into(),
                });
            }
        }
        Ok(CrlTemplate {
            number,
            this_update: now,
            next_update: issue::after(now, self.lifetime)?,
            entries,
        })
    }
}

/// Finds the serial number of a leaf of this CA, by its file or in the record.
fn serial_of(leaf: &str, signer: &Signer, record: &[Issued]) -> Result<Vec<u8>, Failure> {
    let ca = signer.certificate();
    if files::is_standard_input(Path::new(leaf)) || Path::new(leaf).is_file() {
        let certificates = files::read_certificates(Path::new(leaf))?;
        return match certificates.first() {
            Some(certificate) if certificate.is_signed_by(ca) => Ok(certificate.serial().to_vec()),
            Some(_) | None => Err(Failure::new(
                &code::ISSUE,
                format!(
                    "expected a leaf of CA `{}` in `{leaf}`, found another",
                    ca.subject()
                ),
            )),
        };
    }
    let plain = |serial: &str| serial.replace(':', "").to_ascii_lowercase();
    let known = record
        .iter()
        .any(|issued| plain(&issued.serial) == plain(leaf));
    let serial = known.then(|| bytes_of(&plain(leaf))).flatten();
    serial.ok_or_else(|| {
        Failure::new(
            &code::ISSUE,
            format!(
                "expected the file of a leaf, or a serial number of the CA's record, found `{leaf}`"
            ),
        )
        .hint("a serial number that this CA never gave would be revoked in vain")
    })
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

/// An entry stays until it has been in a list that was made after its leaf expired (RFC 5280 §3.3). Of a leaf that is not in
/// the record, nobody knows when that is.
fn still_listed(last: &Crl, record: &[Issued]) -> Vec<Entry> {
    let plain = |serial: &str| serial.replace(':', "").to_ascii_lowercase();
    let has_left = |entry: &Entry| {
        record.iter().any(|issued| {
            plain(&issued.serial) == plain(&entry.serial_hex())
                && issued.not_after < last.this_update()
        })
    };
    let entries = last.entries().iter();
    entries.filter(|entry| !has_left(entry)).cloned().collect()
}

fn read(path: &Path) -> Result<Crl, Failure> {
    let bytes = files::read_bytes(path)?;
    let list = if bytes.first() == Some(&DER_SEQUENCE) {
        Crl::from_der(&bytes)
    } else {
        Crl::from_pem(&files::text_of(path, bytes)?)
    };
    list.map_err(|error| Failure::new(&code::NOT_A_CRL, Within::new(path, error)))
}

fn sign(
    list: &CrlTemplate,
    signer: &Signer,
    path: &Path,
    existing: Existing,
    session: &Session,
) -> Result<Exit, Failure> {
    let signed = crl::issue(list, &signer.issuer()?).map_err(issue::refused)?;
    files::write(path, signed.to_pem(), Readers::Everybody, existing)?;
    let console = session.console();
    console.note(format_args!(
        "{} revocation list {} of CA `{}`, {} revoked",
        console.paint_err(GOOD, "signed"),
        list.number,
        console.paint_err(HEAD, signer.certificate().subject()),
        list.entries.len()
    ));
    for entry in &list.entries {
        console.say(format_args!(
            "{}  {}  {}",
            entry.serial_hex(),
            entry.revoked_at,
            entry.reason
        ))?;
    }
    let left = describe::span(list.next_update.duration_since(list.this_update));
    console.note(format_args!(
        "list  {}  (the next one is due in {left})",
        path.display()
    ));
    Ok(Exit::Done)
}

impl From<ReasonName> for Reason {
    fn from(name: ReasonName) -> Self {
        match name {
            ReasonName::Unspecified => Self::Unspecified,
            ReasonName::KeyCompromise => Self::KeyCompromise,
            ReasonName::CaCompromise => Self::CaCompromise,
            ReasonName::AffiliationChanged => Self::AffiliationChanged,
            ReasonName::Superseded => Self::Superseded,
            ReasonName::CessationOfOperation => Self::CessationOfOperation,
            ReasonName::PrivilegeWithdrawn => Self::PrivilegeWithdrawn,
        }
    }
}
