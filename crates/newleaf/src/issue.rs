//! CAs and leaves that stand alone: made from flags, written to a directory, known to no trust domain.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::{directory, generate};
use newleaf_x509::{
    Certificate, Chain, PrivateKey, describe,
    issue::{self, CaTemplate, IssueError, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
    lint::{Context, Profile},
};

use crate::{
    code,
    failure::Failure,
    files::{self, Existing, Readers},
    text::KeyName,
};

/// The certificate's file in a CA's directory.
pub(crate) const CA_FILE: &str = "ca.crt";
/// The private key's file in a CA's directory.
pub(crate) const CA_KEY_FILE: &str = "ca.key";

/// How far validities reach back, so that a verifier whose clock is a little late accepts what was just made.
const BACKDATE: SignedDuration = SignedDuration::from_mins(5);

/// A key that is wanted, where its certificate and it shall lie, and for how long.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Who is certified.
    pub(crate) subject: Subject,
    /// The kind of key.
    pub(crate) key: KeyName,
    /// How long the certificate lives.
    pub(crate) lifetime: SignedDuration,
    /// Where the files shall lie.
    pub(crate) directory: PathBuf,
    /// What to do with files that are there.
    pub(crate) existing: Existing,
}

/// A CA that can sign: certificate and key, not yet known to fit.
pub(crate) struct Signer {
    certificate: Certificate,
    key: PrivateKey,
}

impl Signer {
    /// Reads a CA.
    pub(crate) fn read(certificate: &Path, key: &Path) -> Result<Self, Failure> {
        Ok(Self {
            certificate: files::read_certificate(certificate)?,
            key: files::read_key(key)?,
        })
    }
}

impl Wanted {
    /// Makes a CA: certificate and key, both written or none.
    pub(crate) fn ca(&self, now: Timestamp) -> Result<Certificate, Failure> {
        let paths = self.free_paths(CA_FILE, CA_KEY_FILE)?;
        let key = generate::key(self.key.into()).map_err(no_randomness)?;
        let template = CaTemplate {
            subject: self.subject.clone(),
            serial: generate::serial().map_err(no_randomness)?,
            validity: self.validity(now, now.saturating_sub(BACKDATE).unwrap_or(now))?,
        };
        let certificate = issue::ca(&template, &key).map_err(refused)?;
        self.write(&paths, &certificate.to_pem(), &key)?;
        Ok(certificate)
    }

    /// Makes a leaf for a client of Temporal, signed by `signer`: chain and key, both written or none.
    pub(crate) fn leaf(
        &self,
        signer: &Signer,
        sans: Vec<San>,
        now: Timestamp,
    ) -> Result<Chain, Failure> {
        let Signer {
            certificate: ca,
            key: ca_key,
        } = signer;
        let issuer = Issuer::new(ca, ca_key).map_err(refused)?;
        let paths = self.free_paths(directory::CHAIN_FILE, directory::KEY_FILE)?;
        // A leaf may not begin before its CA does.
        let not_before = now
            .saturating_sub(BACKDATE)
            .unwrap_or(now)
            .max(ca.not_before());
        let template = LeafTemplate {
            subject: self.subject.clone(),
            sans,
            serial: generate::serial().map_err(no_randomness)?,
            validity: self.validity(now, not_before)?,
            usage: LeafUse::Client,
        };
        let key = generate::key(self.key.into()).map_err(no_randomness)?;
        let leaf = issue::leaf(&template, &key, &issuer).map_err(|error| outlived(error, now))?;
        let chain = Chain::new([leaf]).map_err(|error| Failure::new(&code::BUG, error))?;
        self.write(&paths, &chain.to_pem(), &key)?;
        Ok(chain)
    }

    fn free_paths(&self, certificate: &str, key: &str) -> Result<[PathBuf; 2], Failure> {
        let paths = [self.directory.join(certificate), self.directory.join(key)];
        let [certificate, key] = &paths;
        files::must_be_free(&[certificate, key], self.existing)?;
        Ok(paths)
    }

    fn validity(&self, now: Timestamp, not_before: Timestamp) -> Result<Validity, Failure> {
        let not_after = now
            .checked_add(self.lifetime)
            .map_err(|error| Failure::new(&code::ISSUE, error))?;
        Ok(Validity {
            not_before,
            not_after,
        })
    }

    /// The key first: a certificate without its key would look like an identity.
    fn write(
        &self,
        paths: &[PathBuf; 2],
        certificate: &str,
        key: &PrivateKey,
    ) -> Result<(), Failure> {
        let [certificate_path, key_path] = paths;
        files::write(key_path, &key.to_pem(), Readers::Owner, self.existing)?;
        files::write(
            certificate_path,
            certificate,
            Readers::Everybody,
            self.existing,
        )
    }
}

/// The rules by which a CA of a trust domain is looked at.
pub(crate) fn rules(now: Timestamp) -> Context {
    Context {
        profile: Profile::TemporalCloud,
        now,
    }
}

/// Explains why a certificate was not issued.
pub(crate) fn refused(error: IssueError) -> Failure {
    let failure = Failure::new(&code::ISSUE, error);
    failure.hint("nothing was signed and nothing was written")
}

/// A leaf that would outlive its CA has a remedy that depends on what is left of the CA.
fn outlived(error: IssueError, now: Timestamp) -> Failure {
    let remedy = if let IssueError::LeafOutlivesCa { ca_not_after, .. } = &error {
        if *ca_not_after <= now {
            Some("the CA has expired: make a new one".to_owned())
        } else {
            let left = describe::span(ca_not_after.duration_since(now));
            Some(format!(
                "the CA has {left} left: ask for a shorter `--lifetime`, or make a new CA"
            ))
        }
    } else {
        None
    };
    match remedy {
        Some(remedy) => refused(error).hint(remedy),
        None => refused(error),
    }
}

fn no_randomness(error: generate::GenerateError) -> Failure {
    Failure::new(&code::GENERATE, error).hint("nothing was written")
}
