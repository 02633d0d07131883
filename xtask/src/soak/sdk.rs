//! The SDKs whose workers are played: each a small program below `xtask/soak`, made ready in the cache by the tools that its
//! users have. Versions are pinned in `package-lock.json` (made by `npm install --package-lock-only
//! --omit-lockfile-registry-resolved`), `go.mod`, `pom.xml`, and the part `temporalio`.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;

use super::report::Side;
use super::running;
use crate::environment::Environment;
use crate::parts::Prepared;
use crate::process::{self, RunError};
use crate::programs::{self, BuildError};
use crate::workspace::Workspace;

/// Fetches what a `pom.xml` names; pinned as everything is.
const MAVEN_COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// An SDK of Temporal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(super) enum Sdk {
    Python,
    #[value(name = "typescript")]
    TypeScript,
    Go,
    Java,
    Rust,
}

/// Why an SDK cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SdkError {
    #[error("`{program}` is not on the PATH")]
    NoTool { program: &'static str },
    #[error("could not prepare its files")]
    Files { source: io::Error },
    #[error("could not fetch or build it")]
    Make { source: RunError },
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A worker, ready to be started.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) sdk: Sdk,
    /// The program and its arguments, to which the task queue is added.
    words: Vec<PathBuf>,
}

impl Program {
    /// The command that starts it.
    pub(super) fn command(&self) -> Command {
        let mut words = self.words.iter();
        let mut command = running::command(words.next().map_or(Path::new(""), PathBuf::as_path));
        command.args(words);
        command
    }
}

impl SdkError {
    /// The error and what caused it: an installer may have said a lot.
    pub(super) fn in_full(&self) -> String {
        let causes = std::iter::successors(self.source(), |error| (*error).source());
        causes.fold(self.to_string(), |said, cause| format!("{said}: {cause}"))
    }
}

impl fmt::Display for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "python",
            Self::TypeScript => "typescript",
            Self::Go => "go",
            Self::Java => "java",
            Self::Rust => "rust",
        })
    }
}

impl Sdk {
    pub(super) const ALL: [Self; 5] = [
        Self::Python,
        Self::TypeScript,
        Self::Go,
        Self::Java,
        Self::Rust,
    ];

    /// The ways to Temporal of which each has a worker.
    pub(super) fn sides(self) -> &'static [Side] {
        match self {
            Self::Rust => &[Side::Proxied, Side::Direct, Side::Embedded],
            Self::Python | Self::TypeScript | Self::Go | Self::Java => {
                &[Side::Proxied, Side::Direct]
            }
        }
    }

    /// The files of its worker that are copied to where it is made ready.
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Python => &["worker.py"],
            Self::TypeScript => &[
                "package.json",
                "package-lock.json",
                "worker.js",
                "workflows.js",
            ],
            Self::Go => &["go.mod", "go.sum", "main.go"],
            Self::Java => &["pom.xml", "Soak.java"],
            // It stands on crates of this checkout, and is built where it is.
            Self::Rust => &[],
        }
    }

    /// Fetches and builds what is not there yet.
    pub(super) fn prepare(
        self,
        workspace: &Workspace,
        environment: &Environment,
        prepared: &Prepared,
    ) -> Result<Program, SdkError> {
        let kitchen = Kitchen {
            environment,
            room: environment.cache().join("soak").join(self.to_string()),
        };
        let sources = workspace.root().join("xtask/soak").join(self.to_string());
        let copied = fs_err::create_dir_all(&kitchen.room).and_then(|()| {
            self.files().iter().try_for_each(|name| {
                fs_err::copy(sources.join(name), kitchen.room.join(name)).map(drop)
            })
        });
        copied.map_err(|source| SdkError::Files { source })?;
        let words = match self {
            Self::Python => vec![
                prepared.directory.join("bin/python"),
                kitchen.room.join("worker.py"),
            ],
            Self::TypeScript => kitchen.typescript()?,
            Self::Go => kitchen.go()?,
            Self::Java => kitchen.java()?,
            Self::Rust => vec![kitchen.rust(workspace, &sources)?],
        };
        Ok(Program { sdk: self, words })
    }
}

/// Where one SDK's worker is made ready.
struct Kitchen<'a> {
    environment: &'a Environment,
    room: PathBuf,
}

impl Kitchen<'_> {
    fn typescript(&self) -> Result<Vec<PathBuf>, SdkError> {
        let node = self.tool("node")?;
        // What is installed by this lock need not be fetched again.
        let lock = fs_err::read(self.room.join("package-lock.json"));
        let done = self.room.join("node_modules/lock-of-newleaf");
        let installed = fs_err::read(&done);
        if !lock
            .as_ref()
            .is_ok_and(|lock| installed.is_ok_and(|done| done == *lock))
        {
            let mut npm = Command::new(self.tool("npm")?);
            // No package here needs a script to be of use. `npm ci` would refuse the lock for what it does not name: packages
            // for other platforms, which not every registry has.
            npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund"]);
            npm.arg("--cache").arg(self.shared("npm"));
            self.make(&mut npm)?;
            let noted = lock.and_then(|lock| fs_err::write(&done, lock));
            noted.map_err(|source| SdkError::Files { source })?;
        }
        Ok(vec![node, self.room.join("worker.js")])
    }

    fn go(&self) -> Result<Vec<PathBuf>, SdkError> {
        let program = self.room.join("worker");
        let mut go = Command::new(self.tool("go")?);
        go.env("GOFLAGS", "-mod=readonly -trimpath -buildvcs=false")
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .env("CGO_ENABLED", "0")
            .args(["build", "-o"])
            .arg(&program)
            .arg(".");
        self.make(&mut go)?;
        Ok(vec![program])
    }

    fn java(&self) -> Result<Vec<PathBuf>, SdkError> {
        let (java, javac) = (self.tool("java")?, self.tool("javac")?);
        let mut maven = Command::new(self.tool("mvn")?);
        let mut local = std::ffi::OsString::from("-Dmaven.repo.local=");
        local.push(self.shared("m2"));
        maven.args([
            "--batch-mode",
            "--quiet",
            MAVEN_COPY,
            "-DoutputDirectory=lib",
        ]);
        self.make(maven.arg(local))?;
        let mut compile = Command::new(javac);
        compile.args(["-d", "classes", "-cp", "lib/*", "Soak.java"]);
        self.make(&mut compile)?;
        let mut classes = self.room.join("classes").into_os_string();
        classes.push(":");
        classes.push(self.room.join("lib/*"));
        Ok(vec![
            java,
            "-Xmx256m".into(),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn".into(),
            "-cp".into(),
            classes.into(),
            "Soak".into(),
        ])
    }

    fn rust(&self, workspace: &Workspace, sources: &Path) -> Result<PathBuf, SdkError> {
        let mut cargo = workspace.cargo();
        cargo
            .args(["build", "--quiet", "--locked", "--release"])
            .arg("--manifest-path")
            .arg(sources.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&self.room);
        Ok(programs::build(&mut cargo)?.get("soak-rust")?.to_owned())
    }

    fn make(&self, command: &mut Command) -> Result<(), SdkError> {
        let made = process::capture(command.current_dir(&self.room));
        made.map(drop).map_err(|source| SdkError::Make { source })
    }

    fn tool(&self, program: &'static str) -> Result<PathBuf, SdkError> {
        self.environment
            .find(program)
            .ok_or(SdkError::NoTool { program })
    }

    /// What one tool keeps for every run.
    fn shared(&self, name: &str) -> PathBuf {
        self.environment.cache().join("soak").join(name)
    }
}
