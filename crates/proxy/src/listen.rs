//! Accepts callers in plaintext and hands their calls on.
//!
//! Nothing that happens on the server's side closes a caller's connection or sends it GOAWAY: a caller notices
//! neither a change of identity nor the ageing of connections. Only our own shutdown says goodbye to callers.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{limits, switchboard::Switchboard};

/// The pause after a failed accept: it fails for want of file descriptors, which comes and goes.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound listener.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, Unlink),
}

/// Removes the socket's file when the listener goes.
#[derive(Debug)]
pub(crate) struct Unlink(pub(crate) PathBuf);

impl Drop for Unlink {
    fn drop(&mut self) {
        if let Err(error) = fs_err::remove_file(&self.0) {
            tracing::debug!(%error, "the socket's file is gone already");
        }
    }
}

/// What is accepted: a reader and writer, whichever the listener.
trait Transport: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Transport for T {}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Transport>> {
        match self {
            Self::Tcp(listener) => {
                let (socket, _peer) = listener.accept().await?;
                socket.set_nodelay(true)?;
                Ok(Box::new(socket))
            }
            Self::Unix(listener, _unlink) => {
                let (socket, _peer) = listener.accept().await?;
                Ok(Box::new(socket))
            }
        }
    }
}

/// Accepts until `shutdown`, then lets the calls that are open finish within `drain_timeout`.
pub(crate) async fn serve(
    listener: Listener,
    board: Arc<Switchboard>,
    shutdown: impl Future<Output = ()>,
    drain_timeout: Duration,
) {
    let room = Arc::new(Semaphore::new(limits::DOWNSTREAM_CONNECTIONS));
    let mut callers = JoinSet::new();
    let accepting = async {
        loop {
            // Finished callers are forgotten as they go.
            while callers.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok(socket) => {
                    let carried = Arc::clone(&board).carry(socket);
                    callers.spawn(async move {
                        carried.await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a caller");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accepting => {}
        () = shutdown => {}
    }
    drop(listener);
    board.with(|relay| relay.shut_down(Instant::now().into_std()));
    tracing::info!(
        callers = callers.len(),
        "not accepting any more; letting open calls finish"
    );
    let finished = timeout(drain_timeout, async {
        while callers.join_next().await.is_some() {}
    });
    if finished.await.is_err() {
        tracing::warn!(
            callers = callers.len(),
            "calls outlasted the drain timeout and were cut"
        );
    }
}
