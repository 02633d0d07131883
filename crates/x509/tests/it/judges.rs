//! What newleaf issues is accepted by verifiers that share no code with it, and what they should refuse they refuse.
//!
//! A judge that is not installed is said to be missing; with `CI=true` that is a failure.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use jiff::Timestamp;
use newleaf_x509::{
    Chain, PrivateKey, TrustBundle,
    crl::{self, CrlTemplate, Entry, Reason},
    issue::Issuer,
    lint::{self, Context, Profile},
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tempfile::TempDir;

use crate::issued::{KEYS, Pair, bad_pairs, days, now, pairs};

/// Says for each pair, at an instant, whether it is accepted, or why not.
type Verdicts = Vec<Result<(), String>>;

/// Asserts that a judge accepts the good pairs, and refuses the bad ones and those that have ended.
fn hold_court(judge: impl Fn(&[Pair], Timestamp) -> Verdicts) {
    let (good, bad) = (pairs(), bad_pairs());
    for (pair, verdict) in good.iter().zip(expect_all(&good, judge(&good, now()))) {
        assert_eq!(verdict, Ok(()), "{}", pair.name);
    }
    for (pair, verdict) in bad.iter().zip(expect_all(&bad, judge(&bad, now()))) {
        assert!(verdict.is_err(), "{} was accepted", pair.name);
    }
    let after_the_leaf = now() + days(91);
    for (pair, verdict) in good
        .iter()
        .zip(expect_all(&good, judge(&good, after_the_leaf)))
    {
        assert!(verdict.is_err(), "{} was accepted after its end", pair.name);
    }
}

fn expect_all(pairs: &[Pair], verdicts: Verdicts) -> Verdicts {
    assert_eq!(
        pairs.len(),
        verdicts.len(),
        "the judge did not judge every pair"
    );
    verdicts
}

#[test]
fn newleaf_itself() {
    hold_court(|pairs, now| {
        let judged = pairs.iter().map(|pair| {
            let bundle = TrustBundle::new([pair.ca.clone()]);
            let chain = Chain::new([pair.leaf.clone()]).unwrap();
            let accepted = chain
                .accepted_by(&bundle, now)
                .map_err(|refusal| refusal.to_string())?;
            assert_eq!(accepted, &pair.ca);
            Ok(())
        });
        judged.collect()
    });
}

#[test]
fn the_lints_have_nothing_to_say() {
    for pair in pairs() {
        let bundle = TrustBundle::new([pair.ca]);
        let chain = Chain::new([pair.leaf]).unwrap();
        for profile in [
            Profile::TemporalCloud,
            Profile::SelfHosted,
            Profile::Rfc5280,
        ] {
            let context = Context {
                profile,
                now: now(),
            };
            assert_eq!(lint::bundle(&bundle, &context), [], "{}", pair.name);
            assert_eq!(
                lint::chain_to(&chain, &bundle, &context),
                [],
                "{}",
                pair.name
            );
        }
    }
}

#[test]
fn webpki() {
    hold_court(|pairs, now| {
        let seconds = u64::try_from(now.as_second()).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        pairs.iter().map(|pair| webpki_verdict(pair, now)).collect()
    });
}

fn webpki_verdict(pair: &Pair, now: UnixTime) -> Result<(), String> {
    let ca = CertificateDer::from(pair.ca.der());
    let anchor = webpki::anchor_from_trusted_cert(&ca).map_err(|error| error.to_string())?;
    let leaf = CertificateDer::from(pair.leaf.der());
    let leaf = webpki::EndEntityCert::try_from(&leaf).map_err(|error| error.to_string())?;
    let usage = webpki::KeyUsage::client_auth();
    leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &[anchor],
        &[],
        now,
        usage,
        None,
        None,
    )
    .map(|_| ())
    .map_err(|error| error.to_string())
}

/// A list that newleaf signs keeps out whom it names, and nobody else.
#[test]
fn webpki_honours_our_revocation_lists() {
    let pair = pairs().remove(0);
    let key = PrivateKey::from_pem(KEYS[0].1).unwrap();
    let issuer = Issuer::new(&pair.ca, &key).unwrap();
    let verdict = |serial: &[u8]| {
        let template = CrlTemplate {
            number: 1,
            this_update: now(),
            next_update: now() + days(7),
            entries: vec![Entry {
                serial: serial.to_vec(),
                revoked_at: now(),
                reason: Reason::KeyCompromise,
            }],
        };
        let list = crl::issue(&template, &issuer).unwrap();
        let list = webpki::BorrowedCertRevocationList::from_der(list.der()).unwrap();
        let list = webpki::CertRevocationList::from(list);
        let lists = [&list];
        let options = webpki::RevocationOptionsBuilder::new(&lists)
            .unwrap()
            .with_depth(webpki::RevocationCheckDepth::EndEntity)
            .build();
        let ca = CertificateDer::from(pair.ca.der());
        let anchors = [webpki::anchor_from_trusted_cert(&ca).unwrap()];
        let leaf = CertificateDer::from(pair.leaf.der());
        let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
        let seconds = u64::try_from(now().as_second()).unwrap();
        leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &[],
            UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
            webpki::KeyUsage::client_auth(),
            Some(options),
            None,
        )
        .map(|_path| ())
    };
    let revoked = verdict(pair.leaf.serial());
    assert_eq!(revoked, Err(webpki::Error::CertRevoked));
    assert_eq!(verdict(&[0x41]), Ok(()));
}

#[test]
fn openssl() {
    if !is_there("openssl", "version") {
        return;
    }
    hold_court(|pairs, now| {
        let room = TempDir::new().unwrap();
        let files = write(pairs, room.path());
        files
            .iter()
            .map(|(ca, leaf)| openssl_verdict(ca, leaf, now))
            .collect()
    });
}

fn openssl_verdict(ca: &Path, leaf: &Path, now: Timestamp) -> Result<(), String> {
    let output = Command::new("openssl")
        .args([
            "verify",
            "-x509_strict",
            "-purpose",
            "sslclient",
            "-no-CAfile",
            "-no-CApath",
        ])
        .args(["-attime", &now.as_second().to_string(), "-trusted"])
        .args([ca, leaf])
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn go() {
    if !is_there("go", "version") {
        return;
    }
    hold_court(|pairs, now| {
        let room = TempDir::new().unwrap();
        let files = write(pairs, room.path());
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/judges/verify.go");
        let output = Command::new("go")
            .args(["run", program, &now.as_second().to_string()])
            .args(files.iter().flat_map(|(ca, leaf)| [ca, leaf]))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the judge itself failed: {said}");
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| {
                if line == "ok" {
                    Ok(())
                } else {
                    Err(line.to_owned())
                }
            })
            .collect()
    });
}

/// pkilint judges certificates one by one: every rule of RFC 5280, and no finding of severity WARNING or worse. It does not
/// judge by the clock, and refuses nobody for what the certificate is for.
#[test]
fn pkilint() {
    let program = newleaf_parts::directory().map(|parts| parts.join("bin/lint_pkix_cert"));
    let Some(program) = program.filter(|program| program.exists()) else {
        assert!(
            !newleaf_parts::are_required(),
            "the judge pkilint is missing, and CI=true"
        );
        eprintln!("not judged: pkilint is not installed here");
        return;
    };
    let room = TempDir::new().unwrap();
    let of_one_kind = pairs().into_iter().step_by(KEYS.len() + 1);
    let files = write(&of_one_kind.collect::<Vec<_>>(), room.path());
    for file in files.iter().flat_map(|(ca, leaf)| [ca, leaf]) {
        let output = Command::new(&program)
            .args(["lint", "-s", "WARNING"])
            .arg(file)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        // It knows the schemes of the web only, and takes a SPIFFE id for broken.
        let is_finding = |line: &&str| {
            let grave = ["(WARNING)", "(ERROR)", "(FATAL)"];
            grave.iter().any(|word| line.contains(word)) && !line.contains("syntax: \"spiffe://")
        };
        let findings: Vec<_> = said.lines().filter(is_finding).collect();
        assert!(findings.is_empty(), "{}: {findings:?}", file.display());
        assert!(
            output.stderr.is_empty(),
            "the judge itself failed: {output:?}"
        );
    }
}

/// Writes each pair as two PEM files.
fn write(pairs: &[Pair], room: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut files = Vec::new();
    for (i, pair) in pairs.iter().enumerate() {
        let (ca, leaf) = (
            room.join(format!("{i}-ca.pem")),
            room.join(format!("{i}-leaf.pem")),
        );
        fs_err::write(&ca, pair.ca.to_pem()).unwrap();
        fs_err::write(&leaf, pair.leaf.to_pem()).unwrap();
        files.push((ca, leaf));
    }
    files
}

/// Returns whether a judge is installed; where it must be, its absence is a failure.
pub(crate) fn is_there(program: &str, argument: &str) -> bool {
    let answered = Command::new(program).arg(argument).output();
    if answered.is_ok_and(|output| output.status.success()) {
        return true;
    }
    assert!(
        !newleaf_parts::are_required(),
        "the judge `{program}` is missing, and CI=true"
    );
    eprintln!("not judged: `{program}` is not installed here");
    false
}
