//! A directory to work in, and other programs to work with.

use std::{
    path::PathBuf,
    process::{Command, Output},
};

use newleaf_keystore::Passphrase;
use newleaf_x509::PrivateKey;
use tempfile::TempDir;
use zeroize::Zeroizing;

/// The passphrase of these tests.
pub(crate) const SECRET: &str = "correct horse";

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned()))
}

/// Keys of the kinds that newleaf makes.
pub(crate) const KEYS: [(&str, &str); 4] = [
    ("P-256", include_str!("../../../x509/tests/keys/p256-a.pem")),
    ("P-384", include_str!("../../../x509/tests/keys/p384-a.pem")),
    (
        "RSA 2048",
        include_str!("../../../x509/tests/keys/rsa2048-a.pem"),
    ),
    (
        "RSA 4096",
        include_str!("../../../x509/tests/keys/rsa4096-a.pem"),
    ),
];

pub(crate) fn key(name: &str) -> PrivateKey {
    let (_, text) = KEYS.iter().find(|(kind, _)| *kind == name).unwrap();
    PrivateKey::from_pem(text).unwrap()
}

/// A temporary directory in which programs run.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs_err::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs_err::write(self.path(name), bytes).unwrap();
    }

    /// Runs a program, its arguments split at white space; nothing, where the program is not installed. With `CI=true` a
    /// missing one is a failure.
    pub(crate) fn run(&self, program: &str, arguments: &str) -> Option<Output> {
        let ran = Command::new(program)
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output();
        if let Ok(output) = ran {
            return Some(output);
        }
        assert!(
            !newleaf_parts::are_required(),
            "`{program}` is missing, and CI=true"
        );
        eprintln!("not judged: `{program}` is not installed here");
        None
    }

    /// Runs a program that must succeed, and returns what it said.
    #[track_caller]
    pub(crate) fn done(&self, program: &str, arguments: &str) -> Option<String> {
        let output = self.run(program, arguments)?;
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{program} {arguments}\n{said}");
        Some(said)
    }
}
