//! The signals by which a person or a supervisor asks newleaf to end: SIGTERM and ctrl-c mean the same.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A listener for both. While it exists they no longer kill the process.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Listens from now on.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next of them, whichever it is.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _signal = self.interrupt.recv() => {}
            _signal = self.terminate.recv() => {}
        }
    }
}
