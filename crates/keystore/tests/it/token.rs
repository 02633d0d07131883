//! Keys in a PKCS #11 token, which is the real SoftHSM2.
//!
//! SoftHSM2 finds its tokens through a variable of the environment, which a process cannot change for itself safely. So each
//! test here starts this very binary again, with the variable set, for the part that talks to the token.

use std::{path::Path, process::Command};

use newleaf_keystore::{TokenKey, TokenOptions, token::TokenError};
use newleaf_x509::{
    Certificate, KeyAlgorithm,
    issue::{self, CaTemplate, Serial, Subject, Validity},
    signer::Signer as _,
};

use crate::bench::{Bench, passphrase};

const PIN: &str = "1234";

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// Tells the inner run that it is one.
const CONFIG: &str = "SOFTHSM2_CONF";

fn options(token: &str) -> TokenOptions {
    TokenOptions {
        module: MODULE.into(),
        token: token.to_owned(),
    }
}

/// Runs `inside` in a process of its own that has a fresh token labelled `newleaf`; `name` is the calling test's.
fn with_a_token(name: &str, inside: impl FnOnce()) {
    if std::env::var_os(CONFIG).is_some() {
        inside();
        return;
    }
    if !Path::new(MODULE).exists() {
        assert!(
            !newleaf_parts::are_required(),
            "SoftHSM2 is missing, and CI=true"
        );
        eprintln!("not tested: SoftHSM2 is not installed here");
        return;
    }
    let bench = Bench::new();
    fs_err::create_dir(bench.path("tokens")).unwrap();
    let config = format!(
        "directories.tokendir = {}\n",
        bench.path("tokens").display()
    );
    bench.write("softhsm2.conf", config);
    let run = |command: &mut Command| {
        let output = command
            .env(CONFIG, bench.path("softhsm2.conf"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let erred = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}{erred}");
        said
    };
    run(Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "newleaf"])
        .args(["--pin", PIN, "--so-pin", "5678"]));
    let said = run(Command::new(std::env::current_exe().unwrap()).args([
        "--exact",
        &format!("token::{name}"),
        "--nocapture",
    ]));
    assert!(
        said.contains("1 passed"),
        "the inner run did not run: {said}"
    );
}

fn ca(key: &TokenKey) -> Certificate {
    let template = CaTemplate {
        subject: Subject::new("token g1", None, None).unwrap(),
        serial: Serial::from_random([9; 16]),
        validity: Validity {
            not_before: "2026-03-01T00:00:00Z".parse().unwrap(),
            not_after: "2027-03-01T00:00:00Z".parse().unwrap(),
        },
    };
    issue::ca(&template, key).unwrap()
}

#[test]
fn a_key_in_a_token_signs_and_is_found_again() {
    with_a_token("a_key_in_a_token_signs_and_is_found_again", || {
        let (options, pin) = (options("newleaf"), passphrase(PIN));
        for kind in [
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::Rsa(2048),
        ] {
            let label = format!("ca {kind}");
            assert!(TokenKey::find(&options, &pin, &label).unwrap().is_none());
            let made = TokenKey::generate(&options, &pin, &label, kind).unwrap();
            assert_eq!(made.public_key().algorithm(), kind);
            let ca = ca(&made);
            assert!(ca.is_signed_by(&ca), "{kind}");
            let found = TokenKey::find(&options, &pin, &label).unwrap().unwrap();
            assert_eq!(found.public_key(), made.public_key());
            let again = TokenKey::generate(&options, &pin, &label, kind).err();
            assert!(matches!(again, Some(TokenError::Exists { .. })));
            TokenKey::destroy(&options, &pin, &label).unwrap();
            assert!(TokenKey::find(&options, &pin, &label).unwrap().is_none());
            TokenKey::destroy(&options, &pin, &label).unwrap();
        }
    });
}

/// ECDSA's numbers are of any length once leading zeros are gone; a hundred signatures meet short ones.
#[test]
fn every_signature_of_a_token_is_well_formed() {
    with_a_token("every_signature_of_a_token_is_well_formed", || {
        let (options, pin) = (options("newleaf"), passphrase(PIN));
        let kind = KeyAlgorithm::EcdsaP256;
        let key = TokenKey::generate(&options, &pin, "ca", kind).unwrap();
        for _ in 0..300 {
            let ca = ca(&key);
            assert!(ca.is_signed_by(&ca));
        }
    });
}

#[test]
fn what_is_wrong_is_said() {
    with_a_token("what_is_wrong_is_said", || {
        let find = |options: &TokenOptions, pin: &str| {
            TokenKey::find(options, &passphrase(pin), "ca").err()
        };
        let refused = find(&options("newleaf"), "0000").unwrap();
        assert!(matches!(refused, TokenError::Pin { .. }), "{refused:?}");
        let refused = find(&options("other"), PIN).unwrap();
        assert_eq!(
            refused.to_string(),
            "expected a token labelled `other`, found `newleaf`"
        );
        let mut elsewhere = options("newleaf");
        elsewhere.module = "/nowhere.so".into();
        let refused = find(&elsewhere, PIN).unwrap();
        assert!(matches!(refused, TokenError::Module { .. }), "{refused:?}");
        let kind = KeyAlgorithm::Rsa(1024);
        let refused = TokenKey::generate(&options("newleaf"), &passphrase(PIN), "ca", kind);
        assert!(matches!(refused.err(), Some(TokenError::Kind { .. })));
    });
}
