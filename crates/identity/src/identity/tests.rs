//! An identity is made of what fits together, and of nothing else.

use newleaf_x509::issue::LeafUse;

use crate::{
    Identity, Refusal,
    testing::{Ca, at, now},
};

#[test]
fn key_and_chain_that_fit_are_an_identity() {
    let ca = Ca::new("g1");
    let pair = ca.leaf("worker");
    let identity = Identity::from_pem(&pair.chain, &pair.key, now())
        .ok()
        .unwrap();
    assert_eq!(identity.leaf().subject().to_string(), "CN=worker");
    assert_eq!(identity.fingerprint(), identity.leaf().fingerprint());
    let ski = &ca
        .certificate
        .extensions()
        .subject_key_id
        .as_ref()
        .unwrap()
        .value;
    assert_eq!(identity.authority_key_id(), Some(ski.as_slice()));
    assert_eq!(identity.not_after(), at("2090-01-01T00:00:00Z"));
    assert!(identity.certified_key().keys_match().is_ok());
}

#[test]
fn what_does_not_fit_is_refused() {
    let ca = Ca::new("g1");
    let (pair, other) = (ca.leaf("worker"), ca.leaf("other"));
    let ended = ("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z");
    let ended = ca.leaf_valid("worker", ended, LeafUse::Client);
    let future = ("2030-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
    let future = ca.leaf_valid("worker", future, LeafUse::Client);
    let half = pair.chain.get(..pair.chain.len() / 2).unwrap();
    let check = |chain: &str, key: &str, expected: &str, may_pass: bool| {
        let refusal = Identity::from_pem(chain, key, now()).err().unwrap();
        let found = match &refusal {
            Refusal::Chain(source) => format!("{refusal}: {source}"),
            Refusal::Key(source) => format!("{refusal}: {source}"),
            Refusal::KeyMismatch { .. }
            | Refusal::NotValidNow { .. }
            | Refusal::UnusableKey { .. } => refusal.to_string(),
        };
        assert!(found.contains(expected), "{found}");
        assert_eq!(refusal.may_pass(), may_pass, "{found}");
    };
    check(&pair.chain, &other.key, "another key", true);
    check(
        &ended.chain,
        &ended.key,
        "valid from 2020-01-01T00:00:00Z to 2021-",
        false,
    );
    check(
        &future.chain,
        &future.key,
        "valid from 2030-01-01T00:00:00Z",
        true,
    );
    check(half, &pair.key, "chain", true);
    check("", &pair.key, "chain", true);
    check(&pair.chain, "", "private key", true);
    check(
        &pair.chain,
        &format!("{}{}", pair.key, other.key),
        "found 2",
        true,
    );
    check(
        &ca.certificate.to_pem(),
        &pair.key,
        "found the CA certificate",
        true,
    );
    // A key among the certificates is refused too, and not quoted.
    check(
        &format!("{}{}", pair.chain, pair.key),
        &pair.key,
        "chain",
        true,
    );
}
