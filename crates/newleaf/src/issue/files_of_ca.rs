//! The directory of a CA: its certificate, its key unless a token keeps that, what lies between it and its root, and the record
//! of what it signed.

use std::path::{Path, PathBuf};

use newleaf_x509::{Certificate, issue::Issuer};

use super::{TokenPlace, refused};
use crate::{failure::Failure, files, passphrase::Source};

/// The certificate's file in a CA's directory.
pub(crate) const CA_FILE: &str = "ca.crt";
/// The private key's file in a CA's directory.
pub(crate) const CA_KEY_FILE: &str = "ca.key";
/// The file of what a leaf's chain carries beyond the leaf: the CA and those above it, the root left out. A root has none.
pub(crate) const CA_CHAIN_FILE: &str = "ca-chain.crt";

/// A CA that can sign: certificate and key, known to fit.
pub(crate) struct Signer {
    certificate: Certificate,
    intermediates: Vec<Certificate>,
    key: Box<dyn newleaf_x509::Signer>,
    directory: Option<PathBuf>,
}

impl Signer {
    /// Reads the CA of a directory.
    pub(crate) fn in_directory(directory: &Path, passphrase: &Source) -> Result<Self, Failure> {
        let (certificate, key) = (directory.join(CA_FILE), directory.join(CA_KEY_FILE));
        Self::read(&certificate, &key, passphrase)?.with_directory(directory)
    }

    /// Reads the CA of a directory whose key is in a token.
    pub(crate) fn in_token(directory: &Path, place: &TokenPlace) -> Result<Self, Failure> {
        Self::read_in_token(&directory.join(CA_FILE), place)?.with_directory(directory)
    }

    /// Reads a CA from two files.
    pub(crate) fn read(
        certificate: &Path,
        key: &Path,
        passphrase: &Source,
    ) -> Result<Self, Failure> {
        let certificate = files::read_certificate(certificate)?;
        files::warn_if_open(key, "the CA's key");
        Self::of(certificate, Box::new(files::open_key(key, passphrase)?))
    }

    /// Reads a CA's certificate from a file, and finds its key in a token.
    pub(crate) fn read_in_token(certificate: &Path, place: &TokenPlace) -> Result<Self, Failure> {
        let certificate = files::read_certificate(certificate)?;
        let key = place.find(certificate.subject().common_name())?;
        Self::of(certificate, Box::new(key))
    }

    fn of(certificate: Certificate, key: Box<dyn newleaf_x509::Signer>) -> Result<Self, Failure> {
        let signer = Self {
            certificate,
            intermediates: Vec::new(),
            key,
            directory: None,
        };
        signer.issuer()?;
        Ok(signer)
    }

    fn with_directory(mut self, directory: &Path) -> Result<Self, Failure> {
        let chain = directory.join(CA_CHAIN_FILE);
        if chain.exists() {
            self.intermediates = files::read_certificates(&chain)?;
        }
        self.directory = Some(directory.to_owned());
        Ok(self)
    }

    /// Returns the CA as one that signs.
    pub(crate) fn issuer(&self) -> Result<Issuer<'_>, Failure> {
        Issuer::new(&self.certificate, self.key.as_ref()).map_err(refused)
    }

    /// Returns the CA's certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Returns what a chain of this CA carries beyond the leaf.
    pub(crate) fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// Returns the CA's directory, if it was read from one.
    pub(crate) fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// Returns whether a public key is the CA's own.
    pub(crate) fn has_key(&self, key: &newleaf_x509::PublicKey) -> bool {
        self.key.public_key() == key
    }
}
