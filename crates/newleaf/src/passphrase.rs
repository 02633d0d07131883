//! Where passphrases and PINs come from: a variable, a file, the kernel's keyring, a program, or a person. Never an argument:
//! arguments are seen by everybody who can list processes.

mod keyring;
mod prompt;

use std::{
    fmt, io,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use newleaf_keystore::{Ask, Passphrase};
use zeroize::Zeroizing;

use crate::{code, config, failure::Failure, files};

/// The longest passphrase that is read. A wrong path to something huge must not fill the memory.
const MAX_SIZE: usize = 4096;

/// Where a passphrase is: never the passphrase itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a variable of the environment.
    Env(String),
    /// In a file: its first line.
    File(PathBuf),
    /// In the kernel's keyring, under a description.
    Keyring(String),
    /// In the first line that a program prints, run without a shell.
    Command(Vec<String>),
    /// In somebody's head.
    Prompt,
}

impl Source {
    /// Reads `env:NAME`, `file:PATH`, `keyring:NAME`, `command:PROGRAM ARGUMENT …` or `prompt`. What is none of them may be
    /// the passphrase itself, and is not quoted.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected `env:NAME`, `file:PATH`, `keyring:NAME`, `command:PROGRAM ARGUMENT …` or `prompt`, never the passphrase itself"
                .to_owned()
        };
        match text.split_once(':') {
            None if text == "prompt" => Ok(Self::Prompt),
            Some(("env", name)) if !name.is_empty() => Ok(Self::Env(name.to_owned())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("keyring", name)) if !name.is_empty() => Ok(Self::Keyring(name.to_owned())),
            Some(("command", line)) if !line.trim().is_empty() => Ok(Self::Command(
                line.split_whitespace().map(str::to_owned).collect(),
            )),
            Some(_) | None => Err(expected()),
        }
    }

    /// Takes paths from where the configuration lies.
    pub(crate) fn relative_to(self, base: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(base.join(path)),
            Self::Env(_) | Self::Keyring(_) | Self::Command(_) | Self::Prompt => self,
        }
    }

    /// Asks for the passphrase that opens something.
    pub(crate) fn open(&self, what: &str) -> Result<Passphrase, Failure> {
        self.get(what).map_err(|error| self.refused(error))
    }

    /// Asks for the passphrase that something new will be opened with: a person types it twice, and nobody may leave it
    /// empty.
    pub(crate) fn choose(&self, what: &str) -> Result<Passphrase, Failure> {
        let chosen = self.open(what)?;
        if *self == Self::Prompt && !self.open(&format!("{what}, again"))?.is_same(&chosen) {
            return Err(Failure::new(
                &code::PASSPHRASE,
                "expected the same passphrase twice, found two",
            )
            .hint("nothing was written"));
        }
        Ok(chosen)
    }

    fn refused(&self, error: io::Error) -> Failure {
        let failure = Failure::new(
            &code::PASSPHRASE,
            Unheard {
                source: error,
                place: match self {
                    Self::Prompt => "a terminal".to_owned(),
                    Self::Env(_) | Self::File(_) | Self::Keyring(_) | Self::Command(_) => {
                        self.to_string()
                    }
                },
            },
        );
        match self {
            Self::Prompt => failure.hint(
                "where no person sits at a terminal, add `--passphrase env:NAME`, `file:PATH`, `keyring:NAME` or `command:…`",
            ),
            Self::Env(name) => failure.hint(format!("set the variable `{name}`")),
            Self::Keyring(name) => failure.hint(format!(
                "`keyctl padd user {name} @u` puts it there, from standard input"
            )),
            Self::File(path) => failure.hint(format!(
                "the passphrase is the first line of `{}`",
                path.display()
            )),
            Self::Command(_) => failure.hint(
                "the passphrase is the first line that the program prints; it runs without a shell, and must end with success",
            ),
        }
    }

    fn get(&self, what: &str) -> io::Result<Passphrase> {
        let text = match self {
            Self::Env(name) => config::read_variable(name).map(Zeroizing::new)?,
            Self::File(path) => {
                files::warn_if_open(path, "which holds a passphrase");
                first_line(files::open(path)?)?
            }
            Self::Keyring(name) => keyring::read(name)?,
            Self::Command(line) => run(line)?,
            Self::Prompt => prompt::ask(what)?,
        };
        let passphrase = Passphrase::new(text);
        if passphrase.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty"));
        }
        Ok(passphrase)
    }
}

impl Ask for Source {
    fn ask(&self) -> io::Result<Passphrase> {
        self.get("passphrase of the CA's key")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("could not read the passphrase from {place}")]
struct Unheard {
    place: String,
    source: io::Error,
}

fn run(line: &[String]) -> io::Result<Zeroizing<String>> {
    let (program, arguments) = line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()?;
    let said = child
        .stdout
        .take()
        .map_or_else(|| Ok(Zeroizing::new(String::new())), first_line);
    let status = child.wait()?;
    if status.success() {
        return said;
    }
    Err(io::Error::other(format!("`{program}` ended with {status}")))
}

/// What follows the first line is no part of a passphrase; nor is the line's end.
fn first_line(from: impl io::Read) -> io::Result<Zeroizing<String>> {
    // With room for all of it, so that no copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(MAX_SIZE));
    let most = u64::try_from(MAX_SIZE).unwrap_or(u64::MAX);
    from.take(most).read_to_string(&mut text)?;
    let line = text.lines().next().unwrap_or_default();
    Ok(Zeroizing::new(line.to_owned()))
}

/// Prints the place as it is written.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Keyring(name) => write!(f, "keyring:{name}"),
            Self::Command(line) => write!(f, "command:{}", line.join(" ")),
            Self::Prompt => f.write_str("prompt"),
        }
    }
}

#[cfg(test)]
mod tests;
