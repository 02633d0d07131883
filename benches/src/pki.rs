//! The certificates of one run, made anew in its directory: a server, two generations of a client, and clients that
//! must be refused.

use std::{
    io,
    path::{Path, PathBuf},
};

use fs_err::os::unix::fs::{OpenOptionsExt as _, symlink};
use jiff::{SignedDuration, Timestamp};
use newleaf_identity::generate::{self, GenerateError, KeyKind};
use newleaf_x509::{
    Certificate, PrivateKey,
    issue::{self, CaTemplate, IssueError, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
};

/// The CA of the server.
pub const SERVER_CA: &str = "server-ca.pem";
/// The server's chain.
pub const SERVER_CHAIN: &str = "server.pem";
/// The server's key.
pub const SERVER_KEY: &str = "server.key";
/// The CAs whose clients the server accepts now.
pub const CLIENT_CAS: &str = "client-cas.pem";
/// Both CAs of clients.
pub const BOTH_CAS: &str = "client-cas-both.pem";
/// The new CA of clients only.
pub const NEW_CA: &str = "client-ca-new.pem";
/// The directory that targets take their identity from, laid out like a Kubernetes Secret volume.
pub const LIVE: &str = "live";
/// The chain in it.
pub const LIVE_CHAIN: &str = "tls.crt";
/// The key in it.
pub const LIVE_KEY: &str = "tls.key";
/// Both in one file, as haproxy wants them.
pub const LIVE_BOTH: &str = "tls.pem";

/// The link whose rename swaps all files at once.
const DATA: &str = "..data";

/// An identity that can be put to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// What is in use at first; its CA is taken away in the end.
    Old,
    /// What replaces it.
    New,
    /// Signed by a CA that the server does not know.
    Rogue,
    /// Signed by the new CA, and over.
    Expired,
}

impl Leaf {
    const ALL: [Self; 4] = [Self::Old, Self::New, Self::Rogue, Self::Expired];

    /// The common name of its certificate, by which servers tell leaves apart.
    pub fn name(self) -> &'static str {
        match self {
            Self::Old => "leaf-old",
            Self::New => "leaf-new",
            Self::Rogue => "leaf-rogue",
            Self::Expired => "leaf-expired",
        }
    }
}

/// Why the certificates could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// No randomness.
    #[error("could not make a key")]
    Generate(#[from] GenerateError),
    /// Templates that contradict each other.
    #[error("cannot issue a certificate")]
    Issue(#[from] IssueError),
    /// The directory cannot be written.
    #[error("could not write the certificates")]
    Write(#[from] io::Error),
    /// Validities out of the calendar.
    #[error("cannot compute a validity")]
    Validity(#[from] jiff::Error),
}

/// The certificates of one run.
#[derive(Clone, Debug)]
pub struct Pki {
    directory: PathBuf,
}

struct Ca {
    certificate: Certificate,
    key: PrivateKey,
}

impl Pki {
    /// Makes them all; the old leaf is live, and both CAs of clients are accepted.
    pub fn make(directory: &Path, now: Timestamp) -> Result<Self, PkiError> {
        let pki = Self {
            directory: directory.to_owned(),
        };
        let server_ca = Ca::new("bench server CA", now)?;
        let old = Ca::new("bench client CA 1", now)?;
        let new = Ca::new("bench client CA 2", now)?;
        let rogue = Ca::new("bench rogue CA", now)?;
        let days = |from: i64, to: i64| validity(now, from, to);
        let (chain, key) = server_ca.leaf("bench server", LeafUse::Server, days(-1, 30)?)?;
        pki.write(SERVER_CHAIN, &chain)?;
        pki.write(SERVER_KEY, &key)?;
        pki.write(SERVER_CA, &server_ca.certificate.to_pem())?;
        let both = old.certificate.to_pem() + &new.certificate.to_pem();
        pki.write(CLIENT_CAS, &both)?;
        pki.write(BOTH_CAS, &both)?;
        pki.write(NEW_CA, &new.certificate.to_pem())?;
        for leaf in Leaf::ALL {
            let (ca, validity) = match leaf {
                Leaf::Old => (&old, days(-1, 30)?),
                Leaf::New => (&new, days(-1, 30)?),
                Leaf::Rogue => (&rogue, days(-1, 30)?),
                Leaf::Expired => (&new, days(-5, -1)?),
            };
            let (chain, key) = ca.leaf(leaf.name(), LeafUse::Client, validity)?;
            pki.write(&format!("{}.crt", leaf.name()), &chain)?;
            pki.write(&format!("{}.key", leaf.name()), &key)?;
        }
        pki.put(Leaf::Old, 0)?;
        Ok(pki)
    }

    /// Where they lie.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory that targets take their identity from.
    pub fn live(&self) -> PathBuf {
        self.directory.join(LIVE)
    }

    /// Puts a leaf where targets look, by one rename, as kubelet does. `version` must not have been used before.
    pub fn put(&self, leaf: Leaf, version: u32) -> Result<(), PkiError> {
        let chain = self.read(&format!("{}.crt", leaf.name()))?;
        let key = self.read(&format!("{}.key", leaf.name()))?;
        let folder = format!("..{version:05}");
        fs_err::create_dir_all(self.live().join(&folder))?;
        self.write(&format!("{LIVE}/{folder}/{LIVE_CHAIN}"), &chain)?;
        self.write(&format!("{LIVE}/{folder}/{LIVE_KEY}"), &key)?;
        self.write(&format!("{LIVE}/{folder}/{LIVE_BOTH}"), &(chain + &key))?;
        let fresh = self.live().join(format!("{DATA}_tmp"));
        symlink(folder, &fresh)?;
        fs_err::rename(fresh, self.live().join(DATA))?;
        for file in [LIVE_CHAIN, LIVE_KEY, LIVE_BOTH] {
            let link = self.live().join(file);
            if !link.exists() {
                symlink(format!("{DATA}/{file}"), link)?;
            }
        }
        Ok(())
    }

    /// Overwrites the key that is live with that of another leaf, in place; its chain is still to come.
    pub fn tear(&self, leaf: Leaf) -> Result<(), PkiError> {
        let key = self.read(&format!("{}.key", leaf.name()))?;
        self.overwrite(LIVE_KEY, &key)
    }

    /// Overwrites the chain that is live, in place.
    pub fn mend(&self, leaf: Leaf) -> Result<(), PkiError> {
        let chain = self.read(&format!("{}.crt", leaf.name()))?;
        self.overwrite(LIVE_CHAIN, &chain)?;
        let key = self.read(&format!("{}.key", leaf.name()))?;
        self.overwrite(LIVE_BOTH, &(chain + &key))
    }

    fn overwrite(&self, file: &str, text: &str) -> Result<(), PkiError> {
        let mut file = fs_err::File::create(self.live().join(file))?;
        Ok(io::Write::write_all(&mut file, text.as_bytes())?)
    }

    /// Reads one of the files.
    pub fn read(&self, name: &str) -> Result<String, PkiError> {
        Ok(fs_err::read_to_string(self.directory.join(name))?)
    }

    /// Replaces one of the files by a rename.
    pub fn write(&self, name: &str, text: &str) -> Result<(), PkiError> {
        let path = self.directory.join(name);
        let fresh = path.with_extension("fresh");
        let mut options = fs_err::OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&fresh)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        Ok(fs_err::rename(fresh, path)?)
    }
}

impl Ca {
    fn new(name: &str, now: Timestamp) -> Result<Self, PkiError> {
        let key = generate::key(KeyKind::EcdsaP256)?;
        let template = CaTemplate {
            subject: Subject::new(name, None, None)?,
            serial: generate::serial()?,
            validity: validity(now, -10, 60)?,
        };
        let certificate = issue::ca(&template, &key)?;
        Ok(Self { certificate, key })
    }

    /// Chain and key of a leaf, as PEM.
    fn leaf(
        &self,
        name: &str,
        usage: LeafUse,
        validity: Validity,
    ) -> Result<(String, String), PkiError> {
        let key = generate::key(KeyKind::EcdsaP256)?;
        let template = LeafTemplate {
            subject: Subject::new(name, None, None)?,
            sans: vec![San::Dns("localhost".to_owned())],
            serial: generate::serial()?,
            validity,
            usage,
        };
        let issuer = Issuer::new(&self.certificate, &self.key)?;
        let leaf = issue::leaf(&template, &key, &issuer)?;
        Ok((leaf.to_pem(), key.to_pem().to_string()))
    }
}

fn validity(now: Timestamp, from_days: i64, to_days: i64) -> Result<Validity, PkiError> {
    let day = |days: i64| now.checked_add(SignedDuration::from_hours(days * 24));
    Ok(Validity {
        not_before: day(from_days)?,
        not_after: day(to_days)?,
    })
}
