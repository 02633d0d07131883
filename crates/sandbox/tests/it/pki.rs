//! Client CAs and leaves of the tests.

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::generate::{self, KeyKind};
use newleaf_x509::{
    Certificate, PrivateKey,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, Serial, Subject, Validity},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A client CA with its key.
pub(crate) struct Ca {
    pub(crate) certificate: Certificate,
    key: PrivateKey,
}

/// A leaf with its key.
pub(crate) struct Leaf {
    pub(crate) certificate: Certificate,
    pub(crate) key: PrivateKey,
}

impl Ca {
    /// A CA valid for a day.
    pub(crate) fn new(common_name: &str) -> Self {
        Self::valid(common_name, around(now()))
    }

    /// A CA that ended an hour ago.
    pub(crate) fn expired(common_name: &str) -> Self {
        let not_after = now() - SignedDuration::from_hours(1);
        let not_before = not_after - SignedDuration::from_hours(24);
        Self::valid(
            common_name,
            Validity {
                not_before,
                not_after,
            },
        )
    }

    fn valid(common_name: &str, validity: Validity) -> Self {
        let key = key();
        let template = CaTemplate {
            subject: Subject::new(common_name, Some("acme".to_owned()), None).unwrap(),
            serial: serial(),
            validity,
        };
        let certificate = issue::ca(&template, &key).unwrap();
        Self { certificate, key }
    }

    /// A leaf that lives as long as the CA.
    pub(crate) fn leaf(&self, common_name: &str) -> Leaf {
        let not_before = self.certificate.not_before();
        let not_after = self.certificate.not_after();
        self.leaf_valid(
            common_name,
            Validity {
                not_before,
                not_after,
            },
        )
    }

    /// A leaf that ended a minute ago.
    pub(crate) fn expired_leaf(&self, common_name: &str) -> Leaf {
        self.leaf_for(common_name, SignedDuration::from_mins(-1))
    }

    /// A leaf that ends so long from now.
    pub(crate) fn leaf_for(&self, common_name: &str, remaining: SignedDuration) -> Leaf {
        let not_before = self.certificate.not_before();
        let not_after = now() + remaining;
        self.leaf_valid(
            common_name,
            Validity {
                not_before,
                not_after,
            },
        )
    }

    fn leaf_valid(&self, common_name: &str, validity: Validity) -> Leaf {
        let key = key();
        let template = LeafTemplate {
            subject: Subject::new(common_name, Some("acme".to_owned()), None).unwrap(),
            sans: Vec::new(),
            serial: serial(),
            validity,
            usage: LeafUse::Client,
        };
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        let certificate = issue::leaf(&template, &key, &issuer).unwrap();
        Leaf { certificate, key }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.to_pem()
    }
}

impl Leaf {
    pub(crate) fn for_tls(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let chain = vec![CertificateDer::from(self.certificate.der().to_vec())];
        let key = PrivatePkcs8KeyDer::from(self.key.secret_der().to_vec());
        (chain, PrivateKeyDer::Pkcs8(key))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox under test reads the same clock"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

fn around(now: Timestamp) -> Validity {
    Validity {
        not_before: now - SignedDuration::from_hours(1),
        not_after: now + SignedDuration::from_hours(24),
    }
}

fn key() -> PrivateKey {
    generate::key(KeyKind::EcdsaP256).unwrap()
}

fn serial() -> Serial {
    generate::serial().unwrap()
}
