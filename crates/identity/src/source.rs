//! Where an identity is read from: files, a program, or a socket.
//!
//! A program and a socket hand over one text: certificates with the leaf first, and exactly one private key among them, in
//! PEM. So what reads a secret manager, and holds the rights to, is another process; and a key can reach its holder
//! without ever lying on a disk.

mod command;
mod deadline;
mod file;
mod socket;

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use aws_lc_rs::digest;
use jiff::Timestamp;
use newleaf_x509::{certificate::PEM_LABEL, pem};
use zeroize::Zeroizing;

use crate::{
    directory::{self, Files},
    identity::{Identity, Refusal},
};

/// The most that is read of a file, a program or a socket: a chain of several RSA-4096 certificates is under 20 KB. A wrong
/// path to something huge must not fill the memory.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// The time between two looks at files or a socket: a replacement is noticed within half a second, for about 0.01 % of
/// one core.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// How long a program may take: a secret manager's slow day, twice over.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Where an identity is read from. A closed set: one more is a breaking release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A directory laid out as this module describes, or one that simply holds both files.
    Directory(PathBuf),
    /// Two files.
    Files {
        /// The chain, leaf first.
        chain: PathBuf,
        /// The private key.
        key: PathBuf,
    },
    /// What a program prints.
    Command(Helper),
    /// What a process says that listens on a Unix socket: it must be ours or root's.
    Socket(PathBuf),
}

/// A program that prints the identity of the moment: it reads a secret manager, and holds the rights to.
///
/// It has [`PATIENCE`] to end, and its exit status counts: what it printed before it failed is no identity. What it started ends
/// with it, as far as it stayed in its process group; what holds its standard output open is waited for no longer than a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The program; looked for on the `PATH`, run without a shell.
    pub program: PathBuf,
    /// Its arguments. Others can see them: no place for a secret.
    pub arguments: Vec<String>,
    /// The time between two runs: [`INTERVAL`], if it is shorter.
    pub every: Duration,
}

/// The texts of chain and key as they were found, not judged yet.
#[expect(missing_debug_implementations, reason = "it holds a private key")]
pub struct Material {
    chain: Zeroizing<String>,
    key: Zeroizing<String>,
    is_whole: bool,
}

/// Tells materials apart without keeping them: SHA-256 over chain and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

/// Why no identity could be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// A file could not be read; the source names it.
    #[error("could not read the identity's files")]
    Read(#[source] io::Error),
    /// A file is larger than [`MAX_BYTES`].
    #[error("expected a file of at most {MAX_BYTES} bytes, found {found} in `{}`", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        found: u64,
    },
    /// Something else lies where a file of the identity should.
    #[error("expected a regular file at `{}`, found {found}", path.display())]
    NotAFile {
        /// Where.
        path: PathBuf,
        /// What lies there.
        found: &'static str,
    },
    /// A program could not be run.
    #[error("could not run `{}`", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program failed; what it said about it is in the log, where its standard error goes.
    #[error("could not get the identity from `{}`: it ended with {status}", program.display())]
    Failed {
        /// The program.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
    /// A program said more than [`MAX_BYTES`], and was not listened to any more.
    #[error("expected at most {MAX_BYTES} bytes from `{}`, found more; it ended with {status}", program.display())]
    TooMuch {
        /// The program.
        program: PathBuf,
        /// How it ended, which a closed pipe may be the reason of.
        status: ExitStatus,
    },
    /// A program succeeded, and what it said is no text. It is not quoted.
    #[error("expected PEM from {place}, found bytes that are not UTF-8")]
    NotText {
        /// Who.
        place: String,
    },
    /// A program, a peer or a file system took too long. A program was ended.
    #[error("expected an identity from {place} within {bound:?}, waited in vain")]
    Silent {
        /// Who.
        place: String,
        /// How long.
        bound: Duration,
    },
    /// A socket could not be read.
    #[error("could not read the identity from the socket `{}`", path.display())]
    Socket {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The process at the other end of a socket is neither ours nor root's.
    #[error("expected a process of user {ours} or of root at the socket `{}`, found one of user {found}", path.display())]
    Stranger {
        /// The socket.
        path: PathBuf,
        /// Our user id.
        ours: u32,
        /// The peer's user id.
        found: u32,
    },
    /// What a program or a peer said is not PEM. It is not quoted.
    #[error("cannot read what {place} says")]
    Document {
        /// Who.
        place: String,
        /// Why.
        source: pem::PemError,
    },
    /// Among what a program or a peer said is something else than certificates and a private key. Passing over it could be
    /// passing over an intermediate.
    #[error(
        "expected `CERTIFICATE` and `PRIVATE KEY` blocks from {place}, found a `{label}` block on line {line}"
    )]
    Label {
        /// Who.
        place: String,
        /// The line of its `BEGIN`, counted from 1.
        line: usize,
        /// Its label.
        label: String,
    },
    /// What the files hold is no identity.
    #[error("cannot use the identity in {place}")]
    Refused {
        /// Where it was read.
        place: String,
        /// Why.
        source: Refusal,
    },
}

impl Source {
    /// Reads and checks the identity: one look. In files without versions it may meet a writer halfway, and find a chain without
    /// its intermediate; a [`Watcher`](crate::Watcher) looks twice. It blocks, as [`Self::read`] does.
    pub fn load(&self, now: Timestamp) -> Result<Identity, LoadError> {
        self.check(&self.read()?, now)
    }

    /// Reads both files, from one version if there are versions; or what the program or the socket says.
    ///
    /// It blocks: a program may take [`PATIENCE`], a socket five seconds, and a file on a mount that hangs has no bound. In
    /// async code it is work for `spawn_blocking`, or for a [`Watcher`](crate::Watcher).
    pub fn read(&self) -> Result<Material, LoadError> {
        let files = match self {
            Self::Directory(directory) => directory::files(directory),
            Self::Files { chain, key } => Files {
                chain: chain.clone(),
                key: key.clone(),
                are_of_version: false,
            },
            Self::Command(helper) => return self.split(&command::run(helper, PATIENCE)?),
            Self::Socket(path) => return self.split(&socket::read(path, socket::SILENCE)?),
        };
        Ok(Material {
            chain: file::read(files.chain)?,
            key: file::read(files.key)?,
            is_whole: files.are_of_version,
        })
    }

    /// Returns the time between two looks.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Directory(_) | Self::Files { .. } | Self::Socket(_) => INTERVAL,
            Self::Command(helper) => helper.every.max(INTERVAL),
        }
    }

    /// Takes one text apart into chain and key; whether they are, is judged later.
    fn split(&self, text: &str) -> Result<Material, LoadError> {
        let document = pem::parse(text).map_err(|source| LoadError::Document {
            place: self.to_string(),
            source,
        })?;
        // Each has room for all there is, and blocks are copied as they are, so that no other copy of a key comes to be.
        let room = || Zeroizing::new(String::with_capacity(text.len() + 1));
        let (mut chain, mut key) = (room(), room());
        let mut blocks = document.blocks.iter().peekable();
        let mut part = None;
        for (index, line) in text.lines().enumerate() {
            if let Some(block) = blocks.next_if(|block| block.line == index + 1) {
                part = Some(self.part(block)?);
            }
            let into = match part {
                Some(Part::Chain) => &mut chain,
                Some(Part::Key) => &mut key,
                Some(Part::Parameters) | None => continue,
            };
            into.push_str(line);
            into.push('\n');
            if line.starts_with("-----END ") {
                part = None;
            }
        }
        Ok(Material {
            chain,
            key,
            is_whole: true,
        })
    }

    fn part(&self, block: &pem::Block) -> Result<Part, LoadError> {
        Part::of(&block.label).ok_or_else(|| LoadError::Label {
            place: self.to_string(),
            line: block.line,
            label: block.label.clone(),
        })
    }

    /// Checks what was read.
    pub fn check(&self, material: &Material, now: Timestamp) -> Result<Identity, LoadError> {
        Identity::from_pem(&material.chain, &material.key, now).map_err(|source| {
            LoadError::Refused {
                place: self.to_string(),
                source,
            }
        })
    }
}

/// What a block of one text belongs to.
#[derive(Clone, Copy)]
enum Part {
    Chain,
    Key,
    /// What OpenSSL writes before a key: its curve, which the key names too.
    Parameters,
}

impl Part {
    fn of(label: &str) -> Option<Self> {
        match label {
            PEM_LABEL => Some(Self::Chain),
            "EC PARAMETERS" => Some(Self::Parameters),
            key if key.ends_with("PRIVATE KEY") => Some(Self::Key),
            _other => None,
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory(directory) => write!(f, "`{}`", directory.display()),
            Self::Files { chain, key } => {
                write!(f, "`{}` and `{}`", chain.display(), key.display())
            }
            Self::Command(helper) => write!(f, "`{}`", helper.program.display()),
            Self::Socket(path) => write!(f, "the socket `{}`", path.display()),
        }
    }
}

impl Material {
    /// Returns whether nobody can be writing to it still: it is a version, or what somebody said to its end.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns the digest of chain and key.
    pub fn digest(&self) -> Digest {
        let mut context = digest::Context::new(&digest::SHA256);
        // The length keeps a byte that moves from one file to the other from going unnoticed.
        context.update(&self.chain.len().to_le_bytes());
        context.update(self.chain.as_bytes());
        context.update(self.key.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        Digest(bytes)
    }
}

/// Reads to the end of something that may be endless.
fn bounded(source: impl io::Read) -> io::Result<Zeroizing<String>> {
    use io::Read as _;
    // Room for any chain that is worth its name, so that no copy of a key is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(64 * 1024));
    source.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|found| found <= MAX_BYTES) {
        Ok(text)
    } else {
        let message = format!("expected at most {MAX_BYTES} bytes, found more");
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

#[cfg(test)]
mod tests;
