//! What the tests of this crate share: a small CA, and identities it certified.

use jiff::Timestamp;
use newleaf_x509::{
    Certificate, PrivateKey,
    issue::{self, CaTemplate, Issuer, LeafTemplate, LeafUse, San, Subject, Validity},
};

use std::sync::Arc;

use rustls::{
    RootCertStore, ServerConfig, SupportedProtocolVersion,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};

use crate::{
    generate::{self, KeyKind},
    tls::provider,
};

/// Long enough that a real clock and every `now` of these tests lie within.
pub(crate) const VALIDITY: (&str, &str) = ("2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z");

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    at("2026-06-01T00:00:00Z")
}

/// A CA, its key, and what it issued as PEM.
pub(crate) struct Ca {
    pub(crate) certificate: Certificate,
    key: PrivateKey,
}

/// Chain and key as they would lie in files.
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Ca {
    pub(crate) fn new(common_name: &str) -> Self {
        let key = generate::key(KeyKind::EcdsaP256).unwrap();
        let template = CaTemplate {
            subject: Subject::new(common_name, None, None).unwrap(),
            serial: generate::serial().unwrap(),
            validity: validity(VALIDITY),
        };
        let certificate = issue::ca(&template, &key).unwrap();
        Self { certificate, key }
    }

    pub(crate) fn leaf(&self, common_name: &str) -> Pair {
        self.leaf_valid(common_name, VALIDITY, LeafUse::Client)
    }

    pub(crate) fn server(&self) -> Pair {
        self.leaf_valid("server", VALIDITY, LeafUse::Server)
    }

    pub(crate) fn leaf_valid(&self, common_name: &str, span: (&str, &str), usage: LeafUse) -> Pair {
        let key = generate::key(KeyKind::EcdsaP256).unwrap();
        let template = LeafTemplate {
            subject: Subject::new(common_name, None, None).unwrap(),
            sans: vec![San::Dns("localhost".to_owned())],
            serial: generate::serial().unwrap(),
            validity: validity(span),
            usage,
        };
        let issuer = Issuer::new(&self.certificate, &self.key).unwrap();
        let leaf = issue::leaf(&template, &key, &issuer).unwrap();
        Pair {
            chain: leaf.to_pem(),
            key: key.to_pem().to_string(),
        }
    }
}

fn validity((from, to): (&str, &str)) -> Validity {
    Validity {
        not_before: at(from),
        not_after: at(to),
    }
}

/// A server that asks for leaves of `ca` and hands out session tickets.
pub(crate) fn server_config(ca: &Ca) -> ServerConfig {
    let mut config = server_speaking(rustls::ALL_VERSIONS, ca);
    config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().unwrap();
    config.send_tls13_tickets = 4;
    config
}

/// A server that asks for leaves of `ca` and remembers sessions: in TLS 1.2 by their id.
pub(crate) fn server_speaking(
    versions: &[&'static SupportedProtocolVersion],
    ca: &Ca,
) -> ServerConfig {
    let provider = Arc::new(provider());
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(ca.certificate.der()))
        .unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let pair = ca.server();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(pair.chain.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
