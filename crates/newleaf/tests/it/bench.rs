//! A directory to work in, and the binary to work with.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

/// A temporary directory in which commands run.
pub(crate) struct Bench {
    directory: TempDir,
}

/// What a command said and how it ended.
pub(crate) struct Said {
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: i32,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A bench with a CA in `ca` and a leaf of it in `worker`.
    pub(crate) fn with_identity() -> Self {
        let bench = Self::new();
        bench.done("ca new --unencrypted --out ca --organization acme --common-name ca-g1");
        bench.done("leaf issue --ca ca --out worker --organization acme --common-name worker-a --san dns:a.x");
        bench
    }

    /// A bench with a passphrase in `p`, and an encrypted CA in `ca`.
    pub(crate) fn sealed() -> Self {
        let bench = Self::new();
        bench.write("p", "correct horse\n");
        bench.done("ca new --out ca --organization acme --common-name ca-g1 --passphrase file:p");
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs_err::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a file that its owner alone may read: many a one is a passphrase.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs_err::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs_err::set_permissions(path, mode).unwrap();
    }

    /// What long runs have said.
    pub(crate) fn log(&self) -> String {
        fs_err::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Copies an identity's two files into a directory of their own.
    pub(crate) fn copy_identity(&self, from: &str, to: &str) {
        fs_err::create_dir(self.path(to)).unwrap();
        for name in ["tls.crt", "tls.key"] {
            fs_err::copy(self.path(from).join(name), self.path(to).join(name)).unwrap();
        }
    }

    /// The names in a directory, sorted.
    pub(crate) fn names(&self, directory: &str) -> Vec<String> {
        let entries = fs_err::read_dir(self.path(directory)).unwrap();
        let name = |entry: std::io::Result<fs_err::DirEntry>| {
            let name = entry.unwrap().file_name();
            name.into_string().unwrap()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    /// The binary, ready to be started with these arguments, split at white space.
    pub(crate) fn newleaf(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_newleaf"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path());
        command
    }

    pub(crate) fn run(&self, arguments: &str) -> Said {
        Said::of(&self.newleaf(arguments).output().unwrap())
    }

    /// Runs a command that is fed through its standard input.
    pub(crate) fn fed(&self, arguments: &str, input: &str) -> Said {
        let mut child = self
            .newleaf(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut mouth = child.stdin.take().unwrap();
        // Who does not want to be fed has ended already.
        drop(mouth.write_all(input.as_bytes()));
        drop(mouth);
        Said::of(&child.wait_with_output().unwrap())
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &str) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, 0, "newleaf {arguments}\n{}", said.err);
        said
    }

    /// Runs a command that must fail with this exit code and this error code.
    #[track_caller]
    pub(crate) fn fails(&self, arguments: &str, exit: i32, code: &str) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, exit, "newleaf {arguments}\n{}", said.err);
        assert!(
            said.err.starts_with(&format!("error[{code}]: ")),
            "{}",
            said.err
        );
        said
    }

    /// Asks the openssl command line for a second opinion. Where it is missing, the test says so and goes on, except in
    /// CI.
    pub(crate) fn openssl(&self, arguments: &str) -> Option<Said> {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path());
        if let Ok(output) = command.output() {
            return Some(Said::of(&output));
        }
        assert!(std::env::var_os("CI").is_none(), "openssl is needed in CI");
        eprintln!("openssl is not there: its opinion is missing");
        None
    }

    /// The same, of an opinion that must be good.
    #[track_caller]
    pub(crate) fn openssl_agrees(&self, arguments: &str) -> Option<Said> {
        let said = self.openssl(arguments)?;
        assert_eq!(
            said.code, 0,
            "openssl {arguments}\n{}{}",
            said.out, said.err
        );
        Some(said)
    }
}

impl Said {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
            code: output.status.code().unwrap(),
        }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// The mode of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs_err::metadata(path).unwrap().permissions().mode() & 0o7777
}
