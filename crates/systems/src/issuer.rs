//! The local CA: makes CAs, signs leaves, destroys keys.
//!
//! ```text
//! <directory>/g1/ca.crt     the certificate; stays for ever, because bundles are compared with it
//! <directory>/g1/ca.key     the key, 0600, plain or encrypted; goes when the generation is retired. A key in a token
//!                           has no file: it bears the CA's common name there
//! <directory>/g1/issued     how many leaves this CA has signed; only beside a CA that newleaf made
//! ```
//!
//! `issued` is what makes the proof of expiry honest. "Every leaf ever issued has expired" is known only of a CA whose
//! key was made here, and only while the ledger still holds as many entries as the CA has signed: a
//! ledger that was lost, or restored from an old backup, proves nothing.

mod store;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::generate::{self, GenerateError, KeyKind};
use newleaf_rotation::{
    Again, Generation, RotationId, TrustDomainId,
    sight::{CaFact, CaSight},
};
use newleaf_x509::{
    Certificate, Chain, PrivateKey,
    chain::ChainError,
    issue::{self, CaTemplate, IssueError, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
    lint::{self, Severity},
};

use crate::{
    domain::IssuerOptions,
    ledger::{Ledger, LedgerEntry, LedgerError, Role},
    trouble::{self, Retry},
};
pub use store::StoreError;

/// How far validities reach back, so that a server whose clock is a little behind ours does not refuse what was
/// just made. Five minutes is what Go's and Kubernetes' tools allow for.
pub const BACKDATE: SignedDuration = SignedDuration::from_mins(5);

/// A CA of this machine, all its generations.
#[derive(Clone, Copy, Debug)]
pub struct LocalCa<'a> {
    domain: &'a TrustDomainId,
    options: &'a IssuerOptions,
}

/// A leaf that is wanted.
#[derive(Clone, Debug)]
pub struct LeafRequest {
    /// Which CA signs it.
    pub generation: Generation,
    /// Who is certified.
    pub subject: Subject,
    /// Other names.
    pub sans: Vec<San>,
    /// The kind of key.
    pub key: KeyKind,
    /// How long it lives.
    pub lifetime: SignedDuration,
    /// What happens if its CA ends before.
    pub end: LeafEnd,
    /// For whom.
    pub role: Role,
    /// For which rotation, if for one.
    pub rotation: Option<RotationId>,
}

/// What happens if a leaf would outlive its CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafEnd {
    /// It is refused: a holder counts on the lifetime that was configured.
    Refused,
    /// It ends with its CA: for canaries, which nobody counts on, and for the way back, where a short leaf is
    /// better than none.
    WithCa,
}

/// A key and the chain that certifies it, fresh from the CA.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
pub struct NewLeaf {
    /// The chain, leaf first.
    pub chain: Chain,
    /// The key.
    pub key: PrivateKey,
}

/// Why the CA did not do what was asked. No leaf left our hands.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// The CA's files could not be used.
    #[error("could not use the store of CA {generation}")]
    Store {
        /// Which CA.
        generation: Generation,
        /// Why.
        source: StoreError,
    },
    /// There is no such CA.
    #[error("expected CA {generation} in `{directory}`, found none")]
    Missing {
        /// Which CA.
        generation: Generation,
        /// The CA's directory.
        directory: String,
    },
    /// The CA's key is gone.
    #[error("cannot sign with CA {generation}: its key is not there any more")]
    NoKey {
        /// Which CA.
        generation: Generation,
    },
    /// There is such a CA already.
    #[error("cannot make CA {generation}: `{directory}` exists, and a CA is never overwritten")]
    Exists {
        /// Which CA.
        generation: Generation,
        /// The CA's directory.
        directory: String,
    },
    /// A time beyond what can be written.
    #[error("cannot add {lifetime:#} to {now}")]
    Time {
        /// The lifetime.
        lifetime: SignedDuration,
        /// The instant of issue.
        now: Timestamp,
    },
    /// No key or serial number.
    #[error("could not draw a key or serial number")]
    Generate(#[from] GenerateError),
    /// The certificate cannot be made as asked.
    #[error("cannot issue the certificate")]
    Issue(#[from] IssueError),
    /// What was issued is no leaf: a fault of newleaf.
    #[error("cannot use the leaf that was just issued")]
    Chain(#[from] ChainError),
    /// The ledger did not take the entry, so the leaf was thrown away.
    #[error("could not enter the leaf in the ledger")]
    Ledger(#[from] LedgerError),
}

impl Retry for IssuerError {
    fn again(&self) -> Again {
        match self {
            Self::Store { source, .. } => source.again(),
            Self::Generate(_) | Self::Ledger(_) => Again::Same,
            Self::Missing { .. }
            | Self::NoKey { .. }
            | Self::Exists { .. }
            | Self::Time { .. }
            | Self::Issue(_)
            | Self::Chain(_) => Again::Never,
        }
    }
}

impl<'a> LocalCa<'a> {
    /// Names the CA of a trust domain.
    pub fn new(domain: &'a TrustDomainId, options: &'a IssuerOptions) -> Self {
        Self { domain, options }
    }

    /// Returns the generations that there are, oldest first, each with its certificate.
    pub fn generations(&self) -> Result<Vec<(Generation, Certificate)>, IssuerError> {
        let generations = store::generations(&self.options.directory).map_err(at(Generation(0)))?;
        let with_certificate = |generation| {
            let found = self.certificate(generation).transpose()?;
            Some(found.map(|certificate| (generation, certificate)))
        };
        generations
            .into_iter()
            .filter_map(with_certificate)
            .collect()
    }

    /// Returns the certificate of a generation, if there is one.
    pub fn certificate(&self, generation: Generation) -> Result<Option<Certificate>, IssuerError> {
        self.store(generation).certificate().map_err(at(generation))
    }

    /// Returns the certificate of a generation that must be there.
    pub fn existing(&self, generation: Generation) -> Result<Certificate, IssuerError> {
        self.certificate(generation)?
            .ok_or_else(|| IssuerError::Missing {
                generation,
                directory: self.options.directory.display().to_string(),
            })
    }

    /// Looks at a generation: certificate, key, and what is wrong with them by the rules of `context`. Who
    /// accepts it is for others to say.
    pub fn look(
        &self,
        generation: Generation,
        context: &lint::Context,
    ) -> Result<CaSight, IssuerError> {
        let store = self.store(generation);
        let key = store.has_key().map_err(at(generation))?;
        let Some(certificate) = self.certificate(generation)? else {
            return Ok(CaSight {
                ca: None,
                key,
                findings: Vec::new(),
                accepted_at: BTreeMap::new(),
            });
        };
        let mut broken = lint::ca(&certificate, context);
        let mut findings = Vec::new();
        if key {
            match store.key() {
                Ok(key) => broken.extend(
                    key.into_iter()
                        .flat_map(|key| lint::key_pair(&certificate, key.public_key(), context)),
                ),
                Err(error) => findings.push(trouble::chain(&error)),
            }
        }
        let errors = broken
            .iter()
            .filter(|found| found.lint.severity == Severity::Error);
        findings.extend(errors.map(|found| format!("{}: {}", found.lint.code, found.message)));
        let ca = Some(CaFact {
            fingerprint: certificate.fingerprint(),
            subject: certificate.subject().to_string(),
            not_after: certificate.not_after(),
        });
        let accepted_at = BTreeMap::new();
        Ok(CaSight {
            ca,
            key,
            findings,
            accepted_at,
        })
    }

    /// Makes a new generation. What is there already is never touched; the new one appears whole or not at all.
    pub fn make(&self, generation: Generation, now: Timestamp) -> Result<Certificate, IssuerError> {
        let store = self.store(generation);
        if store.exists() {
            return Err(IssuerError::Exists {
                generation,
                directory: store.directory().display().to_string(),
            });
        }
        let organization = self.options.organization.clone();
        let subject = Subject::new(store.common_name(), organization, None)?;
        let key = store.new_key().map_err(at(generation))?;
        let not_after = after(now, self.options.lifetime)?;
        let template = CaTemplate {
            subject,
            serial: generate::serial()?,
            validity: Validity {
                not_before: backdated(now),
                not_after,
            },
        };
        let certificate = issue::ca(&template, key.signer())?;
        store.create(&certificate, &key).map_err(at(generation))?;
        Ok(certificate)
    }

    /// Signs a leaf for a new key. The ledger has its entry before this returns.
    pub fn sign(
        &self,
        request: LeafRequest,
        ledger: &dyn Ledger,
        now: Timestamp,
    ) -> Result<NewLeaf, IssuerError> {
        let generation = request.generation;
        let store = self.store(generation);
        let ca = self.existing(generation)?;
        let ca_key = store.key().map_err(at(generation))?;
        let ca_key = ca_key.ok_or(IssuerError::NoKey { generation })?;
        let issuer = Issuer::new(&ca, ca_key.as_ref())?;
        let wanted = after(now, request.lifetime)?;
        let not_after = match request.end {
            LeafEnd::Refused => wanted,
            LeafEnd::WithCa => wanted.min(ca.not_after()),
        };
        let key = generate::key(request.key)?;
        let template = LeafTemplate {
            subject: request.subject,
            sans: request.sans,
            serial: generate::serial()?,
            validity: Validity {
                not_before: backdated(now).max(ca.not_before()),
                not_after,
            },
            usage: LeafUse::Client,
        };
        let leaf = issue::leaf(&template, &key, &issuer)?;
        ledger.record(&LedgerEntry {
            domain: self.domain.clone(),
            generation,
            fingerprint: leaf.fingerprint(),
            not_after: leaf.not_after(),
            issued_at: now,
            rotation: request.rotation,
            role: request.role,
        })?;
        store.count_one().map_err(at(generation))?;
        let chain = Chain::new([leaf])?;
        Ok(NewLeaf { chain, key })
    }

    /// Returns whether the ledger's `n_entries` are all that this CA can have signed.
    pub fn is_complete(
        &self,
        generation: Generation,
        n_entries: usize,
    ) -> Result<bool, IssuerError> {
        let signed = self.store(generation).signed().map_err(at(generation))?;
        Ok(signed.is_some_and(|signed| n_entries >= signed))
    }

    /// Destroys the key of a generation; its certificate stays. A key that is gone already is no error.
    ///
    /// The file is overwritten and unlinked. On an SSD or a copying file system the old blocks may outlive that; what
    /// ends the key's power for sure is that no trust point accepts its certificate any more.
    pub fn destroy_key(&self, generation: Generation) -> Result<(), IssuerError> {
        self.store(generation).destroy_key().map_err(at(generation))
    }

    /// Returns whether the directory of the CA can be written.
    pub fn is_writable(&self) -> Result<(), IssuerError> {
        store::try_write(&self.options.directory).map_err(at(Generation(0)))
    }

    fn store(&self, generation: Generation) -> store::CaStore<'a> {
        store::CaStore::new(self.options, generation)
    }
}

fn at(generation: Generation) -> impl Fn(StoreError) -> IssuerError {
    move |source| IssuerError::Store { generation, source }
}

fn backdated(now: Timestamp) -> Timestamp {
    now.checked_sub(BACKDATE).unwrap_or(now)
}

fn after(now: Timestamp, lifetime: SignedDuration) -> Result<Timestamp, IssuerError> {
    now.checked_add(lifetime)
        .map_err(|_out_of_range| IssuerError::Time { lifetime, now })
}
