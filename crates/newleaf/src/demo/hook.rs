//! How the rotation restarts a client of the demo: its restart hook knocks at a Unix socket and waits for the answer.
//!
//! The hook is a command in `newleaf.yaml`, as it would be `systemctl restart` elsewhere; the controller that runs it
//! knows nothing of the demo.

use std::{io, path::Path};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
};

/// What the stage answers when the client has been restarted.
const DONE: &str = "done";

/// The longest answer that is read: one sentence.
const MAX_ANSWER_BYTES: u64 = 4_096;

/// Where the hook knocks.
#[derive(Debug)]
pub(crate) struct Door {
    listener: UnixListener,
}

/// Somebody who waits for an answer.
#[derive(Debug)]
pub(crate) struct Knock {
    stream: UnixStream,
}

/// Why the client was not restarted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HookError {
    /// The demo does not answer; it may be over.
    #[error("could not ask the demo to restart its client")]
    Ask(#[source] io::Error),
    /// The demo could not restart it.
    #[error("expected the answer `{DONE}`, found `{answer}`")]
    Refused {
        /// What it said.
        answer: String,
    },
}

impl Door {
    /// Opens a door at this path.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        UnixListener::bind(path).map(|listener| Self { listener })
    }

    /// Waits for a knock.
    pub(crate) async fn knock(&self) -> io::Result<Knock> {
        let (stream, _nameless) = self.listener.accept().await?;
        Ok(Knock { stream })
    }
}

impl Knock {
    /// Answers. Who knocked may be gone by now (its controller was killed); then nobody needs the answer.
    pub(crate) async fn answer<E: std::error::Error>(mut self, outcome: Result<(), E>) {
        let text = match outcome {
            Ok(()) => DONE.to_owned(),
            Err(error) => crate::demo::causes(&error),
        };
        if let Err(error) = self.stream.write_all(text.as_bytes()).await {
            tracing::debug!(%error, "nobody waits for the restart any more");
        }
    }
}

/// Knocks, and waits until the client has been restarted.
pub(crate) async fn restart_client(door: &Path) -> Result<(), HookError> {
    let stream = UnixStream::connect(door).await.map_err(HookError::Ask)?;
    let mut answer = String::new();
    stream
        .take(MAX_ANSWER_BYTES)
        .read_to_string(&mut answer)
        .await
        .map_err(HookError::Ask)?;
    if answer == DONE {
        return Ok(());
    }
    Err(HookError::Refused { answer })
}

#[cfg(test)]
mod tests;
