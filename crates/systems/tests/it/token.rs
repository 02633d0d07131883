//! A real PKCS #11 token, SoftHSM2, for a process of its own: SoftHSM2 finds its tokens through a variable of the
//! environment, which a process cannot change for itself safely.

use std::{io, path::Path, process::Command, sync::Arc};

use newleaf_keystore::{Ask, Passphrase, TokenOptions};
use newleaf_systems::domain::Custody;

/// Where Debian puts the module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const CONFIG: &str = "SOFTHSM2_CONF";
const PIN: &str = "1234";

#[derive(Debug)]
struct Knows(&'static str);

impl Ask for Knows {
    fn ask(&self) -> io::Result<Passphrase> {
        Ok(Passphrase::new(self.0.to_owned().into()))
    }
}

/// Somebody who knows a passphrase.
pub(crate) fn knows(passphrase: &'static str) -> Arc<dyn Ask> {
    Arc::new(Knows(passphrase))
}

/// Runs `inside` in a process of its own that has a fresh token; `name` is the calling test's, with its module.
pub(crate) fn with_a_token(name: &str, inside: impl FnOnce(Custody)) {
    if std::env::var_os(CONFIG).is_some() {
        inside(Custody::Token {
            options: TokenOptions {
                module: MODULE.into(),
                token: "newleaf".to_owned(),
            },
            pin: knows(PIN),
        });
        return;
    }
    if !Path::new(MODULE).exists() {
        let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        assert!(!ci, "SoftHSM2 is missing, and CI=true");
        eprintln!("not tested: SoftHSM2 is not installed here");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (tokens, config) = (
        directory.path().join("tokens"),
        directory.path().join("conf"),
    );
    fs_err::create_dir(&tokens).unwrap();
    fs_err::write(
        &config,
        format!("directories.tokendir = {}\n", tokens.display()),
    )
    .unwrap();
    let run = |command: &mut Command| {
        let output = command.env(CONFIG, &config).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let erred = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}{erred}");
        said
    };
    run(Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "newleaf"])
        .args(["--pin", PIN, "--so-pin", "5678"]));
    let said = run(Command::new(std::env::current_exe().unwrap()).args(["--exact", name]));
    assert!(
        said.contains("1 passed"),
        "the inner run did not run: {said}"
    );
}
