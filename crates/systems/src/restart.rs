//! The restart hook: a command that makes a holder take up its new identity.

use std::{io, process::Stdio, time::Duration};

use newleaf_rotation::{Again, HolderId, RotationId};
use tokio::{
    io::AsyncReadExt as _,
    process::{ChildStderr, Command},
    time::timeout,
};

use crate::trouble::{Retry, again_after};

/// How long a command may take. It should start a restart and return; whether the holder has come back is seen by the census.
const TIMEOUT: Duration = Duration::from_mins(2);

/// How long to listen for a command's last words once it has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// How much of a command's standard error is kept, to be shown when it fails.
const KEPT_BYTES: usize = 2 * 1024;

/// Where commands are looked for. newleaf's own environment, which may hold an API key, is not handed on.
const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why a holder was not restarted.
#[derive(Debug, thiserror::Error)]
pub enum RestartError {
    /// No program is named.
    #[error("expected a program to restart `{holder}` with, found none")]
    NoProgram {
        /// The holder.
        holder: HolderId,
    },
    /// The program did not start.
    #[error("could not start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The program failed.
    #[error("could not restart `{holder}`: `{program}` ended with {status}: {words}")]
    Failed {
        /// The holder.
        holder: HolderId,
        /// The program.
        program: String,
        /// How it ended.
        status: String,
        /// The beginning of what it wrote to standard error.
        words: String,
    },
    /// The program did not end; it was killed.
    #[error("expected `{program}` to end within {TIMEOUT:?}; it was killed")]
    Timeout {
        /// The program.
        program: String,
    },
}

impl Retry for RestartError {
    fn again(&self) -> Again {
        match self {
            Self::NoProgram { .. } => Again::Never,
            Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => Again::Never,
            Self::Start { source, .. } => again_after(source),
            Self::Failed { .. } | Self::Timeout { .. } => Again::Same,
        }
    }
}

/// Runs a holder's restart command, without a shell.
pub(crate) async fn run(
    holder: &HolderId,
    rotation: &RotationId,
    command: &[String],
) -> Result<(), RestartError> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| RestartError::NoProgram {
            holder: holder.clone(),
        })?;
    let failed = |source| RestartError::Start {
        program: program.clone(),
        source,
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", SEARCH_PATH)
        .env("NEWLEAF_HOLDER", holder.as_str())
        .env("NEWLEAF_ROTATION", rotation.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    let (mut stderr, mut words) = (child.stderr.take(), Vec::new());
    let ended = async {
        tokio::select! {
            status = child.wait() => status,
            () = listen(&mut stderr, &mut words) => child.wait().await,
        }
    };
    let status = match timeout(TIMEOUT, ended).await {
        Ok(status) => status.map_err(failed)?,
        Err(_elapsed) => {
            return Err(RestartError::Timeout {
                program: program.clone(),
            });
        }
    };
    if status.success() {
        return Ok(());
    }
    // What the program left running may hold the pipe open for ever.
    let _heard = timeout(LAST_WORDS, listen(&mut stderr, &mut words)).await;
    Err(RestartError::Failed {
        holder: holder.clone(),
        program: program.clone(),
        status: status.to_string(),
        words: String::from_utf8_lossy(&words).trim().to_owned(),
    })
}

/// Reads to the end, so that the program never waits for us, and keeps the beginning.
async fn listen(stderr: &mut Option<ChildStderr>, words: &mut Vec<u8>) {
    let Some(stderr) = stderr else { return };
    let mut chunk = [0; 1024];
    loop {
        let read = match stderr.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        let room = KEPT_BYTES.saturating_sub(words.len()).min(read);
        words.extend(chunk.iter().take(room));
    }
}
