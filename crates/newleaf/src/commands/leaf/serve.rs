//! `newleaf leaf serve`: leaves for processes of this machine, over a Unix socket. No leaf's key is ever on a disk.
//!
//! Whoever connects is sent one text, chain and key in PEM, and the connection is closed: what `newleaf-proxy
//! --identity-socket` and `newleaf_identity::Source::Socket` read. Who may have it is decided by the user id that the
//! kernel tells of the peer, not by the path; that the socket has mode 0600 is a second door.

use std::{
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use newleaf_identity::generate;
use newleaf_x509::{Chain, describe::relative, issue::LeafUse};
use rustix::process::getuid;
use tokio::{
    io::AsyncWriteExt as _,
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};
use zeroize::Zeroizing;

use crate::{
    code,
    commands::{
        options::{KeyArgs, LeafNameArgs, SubjectArgs, ValidityArgs},
        signer::CaArgs,
    },
    config::defaults,
    console::{GOOD, WARN},
    failure::{Exit, Failure},
    files::Existing,
    issue::{self, End, Signer, Wanted, WantedLeaf},
    session::Session,
};

/// How often it is looked whether the leaf is due, at most: clocks are set, and machines sleep.
const LOOK: Duration = Duration::from_secs(30);

/// The pause before a leaf that could not be issued is tried again.
const RETRY: SignedDuration = SignedDuration::from_mins(1);

/// How long a peer may take to be told: it is on this machine, and the text fits into the socket.
const PATIENCE: Duration = Duration::from_secs(5);

/// The pause after a failed accept: it fails for want of file descriptors, which comes and goes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Hand out a leaf over a Unix socket, and a new one in time; its key is never on a disk
///
/// The socket is for processes of this user and of root, such as `newleaf-proxy --identity-socket PATH`. A leaf is issued at the
/// start, and the next one, with a new key, when a third of its life is left. If that fails, it is tried again, and the leaf
/// that is there stays. Ends on ctrl-c and SIGTERM.
///
/// The CA's key is in the memory of this process, so let it be a process of its own, and the CA one whose leaves live for hours.
#[derive(Debug, clap::Args)]
#[command(mut_arg("lifetime", |arg| arg.help("How long each leaf lives; 24h, if left out")))]
pub(crate) struct ServeArgs {
    /// Where the socket shall be
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    #[command(flatten)]
    ca: CaArgs,
    #[command(flatten)]
    subject: SubjectArgs,
    #[command(flatten)]
    names: LeafNameArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    validity: ValidityArgs,
}

/// What is handed out, and when its successor is due.
struct Current {
    text: Zeroizing<String>,
    due_at: Timestamp,
}

/// Makes leaves.
struct Press<'s> {
    wanted: Wanted,
    leaf: WantedLeaf,
    signer: Signer,
    session: &'s Session,
}

/// Removes the socket's file when the process ends.
struct Unlink<'p>(&'p Path);

/// Runs it.
pub(super) fn run(args: ServeArgs, session: &Session) -> Result<Exit, Failure> {
    let signer = args.ca.signer()?;
    let names = args.names;
    let press = Press {
        wanted: Wanted {
            subject: args.subject.subject(names.organizational_unit)?,
            key: args.key.key.unwrap_or(defaults::LEAF_KEY),
            lifetime: args.validity.lifetime_or(defaults::SERVED_LIFETIME)?,
            backdate: args.validity.backdate()?,
            // Nothing is written.
            directory: PathBuf::new(),
            existing: Existing::Keep,
        },
        leaf: WantedLeaf {
            sans: names.san,
            usage: LeafUse::Client,
            end: End::Refused,
        },
        signer,
        session,
    };
    crate::commands::block_on(serve(&press, &args.socket))
}

async fn serve(press: &Press<'_>, path: &Path) -> Result<Exit, Failure> {
    let refused = |error| Failure::new(&code::LISTEN, error);
    let stop = crate::commands::stop_signal().map_err(refused)?;
    remove_stale(path).await;
    let listener = UnixListener::bind(path).map_err(|error| {
        refused(error).hint(format!("the socket would have been `{}`", path.display()))
    })?;
    let _unlink = Unlink(path);
    // Only now: a leaf that nobody could ask for would stand in the CA's record all the same.
    let mut current = press.next()?;
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(refused)?;
    let console = press.session.console();
    console.note(format_args!(
        "{} on `{}`",
        console.paint_err(GOOD, "serving"),
        path.display()
    ));
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(Exit::Done),
            () = sleep(press.until(&current)) => press.renew_if_due(&mut current),
            accepted = listener.accept() => match accepted {
                Ok((peer, _)) => {
                    press.renew_if_due(&mut current);
                    hand_out(peer, &current, press.session).await;
                }
                Err(error) => {
                    console.note(format_args!("could not accept a peer: {error}"));
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
}

impl Press<'_> {
    /// Issues a leaf with a new key.
    fn next(&self) -> Result<Current, Failure> {
        let now = self.session.now();
        let key = generate::key(self.wanted.key.into()).map_err(issue::no_randomness)?;
        let chain = self
            .wanted
            .certify(&self.leaf, key.public_key(), &self.signer, now)?;
        let key = key.to_pem();
        let certificates = chain.to_pem();
        // As large as it becomes, so that no copy of the key is left behind by growing.
        let mut text = Zeroizing::new(String::with_capacity(certificates.len() + key.len()));
        text.push_str(&certificates);
        text.push_str(&key);
        let console = self.session.console();
        console.note(format_args!(
            "{} leaf `{}`, which ends {}",
            console.paint_err(GOOD, "issued"),
            chain.leaf().subject(),
            relative(chain.not_after(), now)
        ));
        Ok(Current {
            text,
            due_at: due_at(&chain, now),
        })
    }

    /// Replaces the leaf if its time has come; if that cannot be done, it stays, and that is said.
    fn renew_if_due(&self, current: &mut Current) {
        let now = self.session.now();
        if now < current.due_at {
            return;
        }
        match self.next() {
            Ok(next) => *current = next,
            Err(failure) => {
                current.due_at = now.saturating_add(RETRY).unwrap_or(now);
                let console = self.session.console();
                console.note(format_args!(
                    "{}: could not issue the next leaf; the one that is there stays: {}",
                    console.paint_err(WARN, "warning"),
                    failure.what()
                ));
            }
        }
    }

    /// How long to sleep until the next look.
    fn until(&self, current: &Current) -> Duration {
        let left = current.due_at.duration_since(self.session.now());
        Duration::try_from(left).unwrap_or(Duration::ZERO).min(LOOK)
    }
}

/// A third of what is left of the life before the end.
fn due_at(chain: &Chain, now: Timestamp) -> Timestamp {
    let life = chain.not_after().duration_since(now);
    chain.not_after().saturating_sub(life / 3).unwrap_or(now)
}

async fn hand_out(mut peer: UnixStream, current: &Current, session: &Session) {
    let console = session.console();
    match peer.peer_cred() {
        Ok(who) if may_have(who.uid(), getuid().as_raw()) => {}
        Ok(who) => {
            let user = who.uid();
            return console.note(format_args!("refused a process of user {user}"));
        }
        Err(error) => return console.note(format_args!("could not tell who a peer is: {error}")),
    }
    let telling = async {
        peer.write_all(current.text.as_bytes()).await?;
        peer.shutdown().await
    };
    match timeout(PATIENCE, telling).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => console.note(format_args!("a peer went away: {error}")),
        Err(_elapsed) => console.note("a peer did not read what it had asked for"),
    }
}

/// Whether a process of this user may have the key: one of our own, or root's, who could read our memory anyway.
fn may_have(peer: u32, ours: u32) -> bool {
    peer == ours || peer == 0
}

/// A socket's file outlives a process that was killed. It is removed only if nobody listens there: where somebody does and is
/// busy, connecting fails too, in another way.
async fn remove_stale(path: &Path) {
    let is_socket = fs_err::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    let is_refused = |error: std::io::Error| error.kind() == std::io::ErrorKind::ConnectionRefused;
    if is_socket && UnixStream::connect(path).await.is_err_and(is_refused) {
        // Binding will tell, if that did not work.
        let _bind_tells = fs_err::remove_file(path);
    }
}

impl Drop for Unlink<'_> {
    fn drop(&mut self) {
        // Somebody has removed it already, or the next process will.
        let _gone_or_stale = fs_err::remove_file(self.0);
    }
}

#[cfg(test)]
mod tests;
