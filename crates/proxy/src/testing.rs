//! What the tests of this crate share: a CA, and identities it certified.

use jiff::Timestamp;
use newleaf_identity::{
    Identity,
    generate::{self, KeyKind},
};
use newleaf_x509::{
    Certificate, Chain, PrivateKey,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The instant of these tests.
pub(crate) fn now() -> Timestamp {
    at("2026-06-01T00:00:00Z")
}

pub(crate) fn ecdsa() -> PrivateKey {
    generate::key(KeyKind::EcdsaP256).unwrap()
}

/// A CA and its key, valid as long as any leaf of these tests.
pub(crate) struct Ca {
    pub(crate) certificate: Certificate,
    key: PrivateKey,
}

impl Ca {
    pub(crate) fn new() -> Self {
        let key = ecdsa();
        let template = CaTemplate {
            subject: subject("g1"),
            serial: generate::serial().unwrap(),
            validity: until(2090),
        };
        let certificate = issue::ca(&template, &key).unwrap();
        Self { certificate, key }
    }

    /// A client's leaf with this key, valid until the end of `year`.
    pub(crate) fn client(&self, key: &PrivateKey, year: i16) -> Identity {
        self.leaf(key, until(year), LeafUse::Client, Vec::new())
    }

    /// The leaf of a server of this name.
    pub(crate) fn server(&self, name: &str) -> Identity {
        let sans = vec![San::Dns(name.to_owned())];
        self.leaf(&ecdsa(), until(2090), LeafUse::Server, sans)
    }

    fn leaf(
        &self,
        key: &PrivateKey,
        validity: Validity,
        usage: LeafUse,
        sans: Vec<San>,
    ) -> Identity {
        let template = LeafTemplate {
            subject: subject("worker"),
            sans,
            serial: generate::serial().unwrap(),
            validity,
            usage,
        };
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        let leaf = issue::leaf(&template, key, &issuer).unwrap();
        let identity = Identity::new(Chain::new([leaf]).unwrap(), key, now());
        identity.ok().unwrap()
    }
}

fn subject(common_name: &str) -> Subject {
    Subject::new(common_name, None, None).unwrap()
}

/// From before these tests, by the machine's clock too, to the end of `year`.
fn until(year: i16) -> Validity {
    Validity {
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at(&format!("{year}-12-31T00:00:00Z")),
    }
}
