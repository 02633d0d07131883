//! What is wanted: a CA or a leaf, where its files shall lie, and for how long.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::{
    directory,
    generate::{self, KeyKind},
};
use newleaf_keystore::{SealedKey, TokenKey};
use newleaf_x509::{
    Certificate, Chain, PrivateKey, PublicKey,
    issue::{self, CaScope, CaTemplate, LeafTemplate, LeafUse, San, Subject, Validity},
};
use zeroize::Zeroizing;

use super::{
    CA_CHAIN_FILE, CA_FILE, CA_KEY_FILE, End, Record, Signer, TokenPlace, after, no_randomness,
    outlived, refused,
};
use crate::{
    code,
    failure::Failure,
    files::{self, Existing, Readers},
    passphrase::Source,
    text::KeyName,
};

/// Where files shall lie, and for how long what is in them is valid.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Who is certified.
    pub(crate) subject: Subject,
    /// The kind of key.
    pub(crate) key: KeyName,
    /// How long the certificate lives.
    pub(crate) lifetime: SignedDuration,
    /// How far its validity reaches back.
    pub(crate) backdate: SignedDuration,
    /// Where the files shall lie.
    pub(crate) directory: PathBuf,
    /// What to do with files that are there.
    pub(crate) existing: Existing,
}

/// How a CA's key is kept.
#[derive(Debug)]
pub(crate) enum Custody {
    /// As it is.
    Plain,
    /// Behind a passphrase.
    Sealed(Source),
    /// In a token, which never lets it out.
    Token(TokenPlace),
}

/// A key that was just made for a CA.
enum NewKey<'a> {
    /// It goes into a file.
    File(PrivateKey),
    /// It is in its token already.
    Token(&'a TokenPlace, TokenKey),
}

/// What makes a CA of a certificate.
#[derive(Debug)]
pub(crate) struct WantedCa {
    /// What it may sign.
    pub(crate) scope: CaScope,
    /// How its key is kept.
    pub(crate) custody: Custody,
}

/// What makes a leaf of a certificate.
#[derive(Debug)]
pub(crate) struct WantedLeaf {
    /// Other names.
    pub(crate) sans: Vec<San>,
    /// For what.
    pub(crate) usage: LeafUse,
    /// What happens if it would outlive its CA.
    pub(crate) end: End,
}

/// How far a validity may reach back below a CA: not beyond the CA's own beginning.
fn not_before(now: Timestamp, backdate: SignedDuration, ca: Option<&Certificate>) -> Timestamp {
    let reached = now.saturating_sub(backdate).unwrap_or(now);
    ca.map_or(reached, |ca| reached.max(ca.not_before()))
}

impl Wanted {
    /// Makes a CA, a root or below a parent: certificate, key and chain, all written or none.
    pub(crate) fn ca(
        &self,
        wanted: &WantedCa,
        parent: Option<&Signer>,
        now: Timestamp,
    ) -> Result<Certificate, Failure> {
        let paths = self.free_paths(CA_FILE, CA_KEY_FILE)?;
        let chain_path = self.directory.join(CA_CHAIN_FILE);
        let record = Record::of(&self.directory);
        files::must_be_free(&[&chain_path, record.path()], self.existing)?;
        let key = self.new_key(&wanted.custody)?;
        let made = self
            .sign_ca(wanted, key.signer(), parent, now)
            .and_then(|certificate| {
                let secret = key.secret(&wanted.custody)?;
                // Of a CA that was here before, nothing may be taken for this one's.
                files::remove(&chain_path)?;
                record.forget()?;
                if let Some(parent) = parent {
                    let above = parent.intermediates().iter().map(Certificate::to_pem);
                    let chain: String =
                        std::iter::once(certificate.to_pem()).chain(above).collect();
                    files::write(&chain_path, &chain, Readers::Everybody, self.existing)?;
                }
                self.write(&paths, &certificate.to_pem(), secret.as_ref())?;
                Ok(certificate)
            });
        if let (Err(_), NewKey::Token(place, _)) = (&made, &key) {
            place.unmake(self.subject.common_name());
        }
        made
    }

    fn new_key<'a>(&self, custody: &'a Custody) -> Result<NewKey<'a>, Failure> {
        match custody {
            Custody::Plain | Custody::Sealed(_) => {
                let key = generate::key(self.key.into()).map_err(no_randomness)?;
                Ok(NewKey::File(key))
            }
            Custody::Token(place) => {
                let kind = KeyKind::from(self.key).algorithm();
                let key = place.make(self.subject.common_name(), kind)?;
                Ok(NewKey::Token(place, key))
            }
        }
    }

    fn sign_ca(
        &self,
        wanted: &WantedCa,
        key: &dyn newleaf_x509::Signer,
        parent: Option<&Signer>,
        now: Timestamp,
    ) -> Result<Certificate, Failure> {
        let template = CaTemplate {
            subject: self.subject.clone(),
            serial: generate::serial().map_err(no_randomness)?,
            validity: Validity {
                not_before: not_before(now, self.backdate, parent.map(Signer::certificate)),
                not_after: after(now, self.lifetime)?,
            },
        };
        let certificate = match parent {
            None => issue::root(&template, &wanted.scope, key),
            Some(parent) => issue::intermediate(
                &template,
                &wanted.scope,
                key.public_key(),
                &parent.issuer()?,
            ),
        };
        certificate.map_err(refused)
    }

    /// Makes a leaf with a new key: chain and key, both written or none.
    pub(crate) fn leaf(
        &self,
        wanted: &WantedLeaf,
        signer: &Signer,
        now: Timestamp,
    ) -> Result<Chain, Failure> {
        let paths = self.free_paths(directory::CHAIN_FILE, directory::KEY_FILE)?;
        let key = generate::key(self.key.into()).map_err(no_randomness)?;
        let chain = self.certify(wanted, key.public_key(), signer, now)?;
        self.write(&paths, &chain.to_pem(), Some(&key.to_pem()))?;
        Ok(chain)
    }

    /// Certifies a public key. Nothing is written but a line in the CA's record.
    pub(crate) fn certify(
        &self,
        wanted: &WantedLeaf,
        key: &PublicKey,
        signer: &Signer,
        now: Timestamp,
    ) -> Result<Chain, Failure> {
        if signer.has_key(key) {
            return Err(Failure::new(
                &code::ISSUE,
                "expected a key of the leaf's own, found the CA's",
            ));
        }
        let ca = signer.certificate();
        let whole = after(now, self.lifetime)?;
        let not_after = match wanted.end {
            End::Refused => whole,
            End::WithCa => whole.min(ca.not_after()),
        };
        let template = LeafTemplate {
            subject: self.subject.clone(),
            sans: wanted.sans.clone(),
            serial: generate::serial().map_err(no_randomness)?,
            validity: Validity {
                not_before: not_before(now, self.backdate, Some(ca)),
                not_after,
            },
            usage: wanted.usage.clone(),
        };
        let leaf = issue::leaf_for(&template, key, &signer.issuer()?)
            .map_err(|error| outlived(error, now))?;
        if let Some(directory) = signer.directory() {
            Record::of(directory).add(&leaf, now)?;
        }
        let certificates = std::iter::once(leaf).chain(signer.intermediates().iter().cloned());
        Chain::new(certificates).map_err(|error| Failure::new(&code::BUG, error))
    }

    fn free_paths(&self, certificate: &str, key: &str) -> Result<[PathBuf; 2], Failure> {
        let paths = [self.directory.join(certificate), self.directory.join(key)];
        let [certificate, key] = &paths;
        files::must_be_free(&[certificate, key], self.existing)?;
        Ok(paths)
    }

    /// The key first: a certificate without its key would look like an identity.
    fn write(
        &self,
        paths: &[PathBuf; 2],
        certificate: &str,
        key: Option<&Zeroizing<String>>,
    ) -> Result<(), Failure> {
        let [certificate_path, key_path] = paths;
        match key {
            Some(key) => files::write(key_path, &**key, Readers::Owner, self.existing)?,
            // One that is there belongs to the certificate that is replaced.
            None => files::remove(key_path)?,
        }
        files::write(
            certificate_path,
            certificate,
            Readers::Everybody,
            self.existing,
        )
    }
}

impl NewKey<'_> {
    fn signer(&self) -> &dyn newleaf_x509::Signer {
        match self {
            Self::File(key) => key,
            Self::Token(_, key) => key,
        }
    }

    /// Returns what the key's file shall hold, if there is to be one.
    fn secret(&self, custody: &Custody) -> Result<Option<Zeroizing<String>>, Failure> {
        match (self, custody) {
            (Self::File(key), Custody::Sealed(source)) => sealed(key, source).map(Some),
            (Self::File(key), Custody::Plain | Custody::Token(_)) => Ok(Some(key.to_pem())),
            (Self::Token(..), _) => Ok(None),
        }
    }
}

fn sealed(key: &PrivateKey, source: &Source) -> Result<Zeroizing<String>, Failure> {
    let passphrase = source.choose("passphrase for the CA's key")?;
    let sealed = SealedKey::seal(key, &passphrase);
    let sealed = sealed.map_err(|error| Failure::new(&code::GENERATE, error))?;
    Ok(Zeroizing::new(sealed.to_pem()))
}
