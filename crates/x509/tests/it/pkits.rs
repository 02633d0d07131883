//! NIST's Public Key Interoperability Test Suite: chains that a path validator must accept or refuse.
//!
//! Of its 252 cases those are run whose rule newleaf implements or hands to webpki: signatures, validity, names, basic
//! constraints, key usage, name constraints, unknown extensions. Revocation is left out since Temporal checks none, policies
//! since no verifier of clients asks for any. Where the verdict differs, [`EXPLAINED`] says why.
//!
//! The suite is found where `cargo xtask test` puts it, in the vectors of the Python package cryptography. Without it the
//! test says so and passes; with `CI=true` it fails.

use std::{collections::BTreeMap, path::PathBuf};

use newleaf_x509::{Certificate, Chain, TrustBundle};

use crate::issued::now;

/// What the names of the cases that are run contain.
const RUN: [&str; 23] = [
    "CertificatePathTest",
    "SignatureTest",
    "SignaturesTest",
    "DSAParameter",
    "notBeforeDate",
    "notAfterDate",
    "NameChaining",
    "NameUIDs",
    "RFC3280",
    "Rollover",
    "UTF8String",
    "asicConstraints",
    "cAFalse",
    "athLenConstraint",
    "keyCertSignFalse",
    "keyUsageNotCriticalTest",
    "DNnameConstraints",
    "RFC822nameConstraints",
    "DNSnameConstraints",
    "URInameConstraints",
    "UnknownCritical",
    "UnknownNotCritical",
    "MissingbasicConstraints",
];

/// Where newleaf's verdict is not the suite's, and why that is right for clients of Temporal.
const EXPLAINED: &[(&str, &str)] = &[
    ("ValidDNandRFC822nameConstraintsTest27EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest11EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest14EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest18EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest19EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest1EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest4EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest5EE", DIRECTORY_NAMES),
    ("ValidDNnameConstraintsTest6EE", DIRECTORY_NAMES),
    ("ValidDSAParameterInheritanceTest5EE", DSA),
    ("ValidDSASignaturesTest4EE", DSA),
    ("ValidNameChainingCapitalizationTest5EE", OCTETS),
    ("ValidNameChainingWhitespaceTest3EE", OCTETS),
    ("ValidNameChainingWhitespaceTest4EE", OCTETS),
    (
        "ValidNameUIDsTest6EE",
        "webpki refuses unique identifiers; NL020 warns of them",
    ),
    ("ValidRFC822nameConstraintsTest21EE", OTHER_NAMES),
    ("ValidRFC822nameConstraintsTest23EE", OTHER_NAMES),
    ("ValidRFC822nameConstraintsTest25EE", OTHER_NAMES),
    (
        "ValidRolloverfromPrintableStringtoUTF8StringTest10EE",
        OCTETS,
    ),
    ("ValidSelfIssuedpathLenConstraintTest15EE", SELF_ISSUED),
    ("ValidSelfIssuedpathLenConstraintTest17EE", SELF_ISSUED),
    ("ValidURInameConstraintsTest34EE", OTHER_NAMES),
    ("ValidURInameConstraintsTest36EE", OTHER_NAMES),
    ("ValidUTF8StringCaseInsensitiveMatchTest11EE", OCTETS),
    (
        "Validpre2000UTCnotBeforeDateTest3EE",
        "webpki reads no time before 1970",
    ),
];

const DIRECTORY_NAMES: &str = "webpki knows no constraints on directory names, and refuses what it does not know; Go \
                               refuses them too where they are critical";
const OTHER_NAMES: &str =
    "webpki knows no constraints on e-mail addresses and URIs, and refuses what it does not know";
const DSA: &str = "TLS 1.3 has no signature scheme for DSA";
const OCTETS: &str = "names are compared by their octets, as Go does; NL511 tells of it";
const SELF_ISSUED: &str =
    "self-issued intermediates count towards the path length, as they do for Go";

/// Reads every certificate of the suite, by its name without `.crt`.
fn suite() -> Option<BTreeMap<String, Certificate>> {
    let directory = directory()?;
    let files = fs_err::read_dir(directory).unwrap();
    let certificates = files.filter_map(|file| {
        let path = file.unwrap().path();
        let name = path.file_name()?.to_str()?.strip_suffix(".crt")?.to_owned();
        let certificate = Certificate::from_der(&fs_err::read(&path).unwrap()).ok()?;
        Some((name, certificate))
    });
    Some(certificates.collect())
}

fn directory() -> Option<PathBuf> {
    let libraries = newleaf_parts::directory()?.join("lib");
    let versions = fs_err::read_dir(libraries).ok()?;
    versions
        .filter_map(|version| {
            let packages = version.ok()?.path().join("site-packages");
            Some(packages.join("cryptography_vectors/x509/PKITS_data/certs"))
        })
        .find(|directory| directory.is_dir())
}

/// Returns the CAs from which a chain of this leaf may be made: who bears the name of its issuer, and so on up.
fn issuers(leaf: &Certificate, cas: &[Certificate]) -> Vec<Certificate> {
    let mut found: Vec<Certificate> = Vec::new();
    let mut wanted = vec![leaf.issuer().clone()];
    while let Some(name) = wanted.pop() {
        for ca in cas.iter().filter(|ca| ca.subject().collides_with(&name)) {
            if !found.contains(ca) {
                found.push(ca.clone());
                wanted.push(ca.issuer().clone());
            }
        }
    }
    found
}

#[test]
fn chains_are_judged_as_nist_does() {
    let Some(suite) = suite() else {
        assert!(
            !newleaf_parts::are_required(),
            "PKITS is missing, and CI=true"
        );
        eprintln!("not judged: PKITS is not installed here");
        return;
    };
    let root = suite["TrustAnchorRootCertificate"].clone();
    let bundle = TrustBundle::new([root.clone()]);
    let cas = suite.iter().filter(|(name, _)| !name.ends_with("EE"));
    let cas: Vec<_> = cas
        .map(|(_, ca)| ca.clone())
        .filter(|ca| *ca != root)
        .collect();
    let (mut n_run, mut different) = (0, Vec::new());
    for (name, leaf) in &suite {
        let is_run = name.ends_with("EE")
            && !name.contains("CRL")
            && RUN.iter().any(|word| name.contains(word));
        // Some cases end in a CA, which no client presents.
        if !is_run || leaf.is_ca() {
            continue;
        }
        let chain = Chain::new([vec![leaf.clone()], issuers(leaf, &cas)].concat()).unwrap();
        let verdict = chain.accepted_by(&bundle, now());
        n_run += 1;
        if verdict.is_ok() != name.starts_with("Valid") {
            let said = verdict.err().map(|refusal| refusal.to_string());
            different.push((name.as_str(), said.unwrap_or_else(|| "accepted".to_owned())));
        }
    }
    assert!(n_run >= 70, "only {n_run} cases were run");
    assert!(EXPLAINED.iter().all(|(_, why)| !why.is_empty()));
    let explained: Vec<_> = EXPLAINED.iter().map(|(name, _)| *name).collect();
    let found: Vec<_> = different.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, explained, "of {n_run} cases: {different:#?}");
}
