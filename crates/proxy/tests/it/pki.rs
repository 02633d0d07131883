//! CAs, leaves, and the directory in which an identity lies.

use std::{os::unix::fs::symlink, path::Path};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::{
    Identity,
    directory::{CHAIN_FILE, DATA_LINK, KEY_FILE},
    generate::{self, KeyKind},
};
use newleaf_x509::{
    Certificate, Chain, Fingerprint, PrivateKey,
    issue::{self, CaScope, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
};
use tempfile::TempDir;

/// Long enough for the real clock, by which TLS judges.
fn validity() -> Validity {
    Validity {
        not_before: "2020-01-01T00:00:00Z".parse().unwrap(),
        not_after: "2090-01-01T00:00:00Z".parse().unwrap(),
    }
}

fn template(common_name: &str, validity: Validity) -> CaTemplate {
    CaTemplate {
        subject: Subject::new(common_name, None, None).unwrap(),
        serial: generate::serial().unwrap(),
        validity,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the proxy judges by the real clock, so what it judges must be made by it"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A CA and its key.
pub(crate) struct Ca {
    pub(crate) certificate: Certificate,
    key: PrivateKey,
}

/// Key and chain of a leaf.
pub(crate) struct Leaf {
    pub(crate) chain: Chain,
    pub(crate) key: PrivateKey,
}

impl Ca {
    pub(crate) fn new(common_name: &str) -> Self {
        let key = generate::key(KeyKind::EcdsaP256).unwrap();
        let certificate = issue::ca(&template(common_name, validity()), &key).unwrap();
        Self { certificate, key }
    }

    /// A CA that certifies other CAs.
    pub(crate) fn root(common_name: &str) -> Self {
        let key = generate::key(KeyKind::EcdsaP256).unwrap();
        let scope = CaScope {
            path_length: 1,
            ..CaScope::default()
        };
        let certificate = issue::root(&template(common_name, validity()), &scope, &key).unwrap();
        Self { certificate, key }
    }

    /// A CA below this one; and its certificate as it would be if it were valid only after a while.
    pub(crate) fn intermediate(&self, wait: SignedDuration) -> (Self, Certificate) {
        let key = generate::key(KeyKind::EcdsaP256).unwrap();
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        let later = Validity {
            not_before: Timestamp::from_second((now() + wait).as_second()).unwrap(),
            ..validity()
        };
        let [certificate, to_come] = [validity(), later].map(|validity| {
            let template = template("intermediate", validity);
            let scope = CaScope::default();
            issue::intermediate(&template, &scope, key.public_key(), &issuer).unwrap()
        });
        (Self { certificate, key }, to_come)
    }

    pub(crate) fn leaf(&self, common_name: &str) -> Leaf {
        self.certify(common_name, LeafUse::Client)
    }

    /// A directory with the identity of a worker in it.
    pub(crate) fn directory_of_worker(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        self.leaf("worker").swap_into(directory.path());
        directory
    }

    pub(crate) fn server_leaf(&self) -> Leaf {
        self.certify("server", LeafUse::Server)
    }

    pub(crate) fn certify(&self, common_name: &str, usage: LeafUse) -> Leaf {
        self.certify_for(common_name, usage, validity())
    }

    /// A leaf that has only so much of seven years left.
    pub(crate) fn ending_leaf(&self, common_name: &str, left: SignedDuration) -> Leaf {
        self.ending(common_name, LeafUse::Client, left)
    }

    /// The same, for whatever use.
    pub(crate) fn ending(&self, common_name: &str, usage: LeafUse, left: SignedDuration) -> Leaf {
        let validity = Validity {
            not_after: Timestamp::from_second((now() + left).as_second()).unwrap(),
            ..validity()
        };
        self.certify_for(common_name, usage, validity)
    }

    fn certify_for(&self, common_name: &str, usage: LeafUse, validity: Validity) -> Leaf {
        let key = generate::key(KeyKind::EcdsaP256).unwrap();
        let template = LeafTemplate {
            subject: Subject::new(common_name, None, None).unwrap(),
            sans: vec![San::Dns("temporal.test".to_owned())],
            serial: generate::serial().unwrap(),
            validity,
            usage,
        };
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        let leaf = issue::leaf(&template, &key, &issuer).unwrap();
        Leaf {
            chain: Chain::new([leaf]).unwrap(),
            key,
        }
    }
}

impl Leaf {
    /// The same leaf, with a CA behind it.
    pub(crate) fn behind(self, ca: &Certificate) -> Self {
        let leaf = self.chain.leaf().clone();
        Self {
            chain: Chain::new([leaf, ca.clone()]).unwrap(),
            ..self
        }
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.chain.leaf().fingerprint()
    }

    pub(crate) fn identity(&self) -> Identity {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let identity = Identity::new(self.chain.clone(), &self.key, now);
        identity.ok().unwrap()
    }

    /// Replaces the identity as a Secret volume does: a new version, and one rename.
    pub(crate) fn swap_into(&self, directory: &Path) {
        let version = format!("..{}", self.fingerprint().short());
        fs_err::create_dir(directory.join(&version)).unwrap();
        self.write_into(&directory.join(&version));
        symlink(&version, directory.join("..next")).unwrap();
        fs_err::rename(directory.join("..next"), directory.join(DATA_LINK)).unwrap();
    }

    /// Writes both files in place, one after the other.
    pub(crate) fn write_into(&self, directory: &Path) {
        self.write_chain_into(directory);
        self.write_key_into(directory);
    }

    pub(crate) fn write_chain_into(&self, directory: &Path) {
        fs_err::write(directory.join(CHAIN_FILE), self.chain.to_pem()).unwrap();
    }

    pub(crate) fn write_key_into(&self, directory: &Path) {
        fs_err::write(directory.join(KEY_FILE), self.key.to_pem().as_bytes()).unwrap();
    }
}
