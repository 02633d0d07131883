//! Accepts callers in plaintext and hands their calls on.
//!
//! Nothing that happens on the server's side closes a caller's connection or sends it GOAWAY: a caller notices
//! neither a change of identity nor the ageing of connections. Only our own shutdown says goodbye to callers.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{forward::Forwarder, limits};

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
    forwarder: Forwarder,
    shutdown: impl Future<Output = ()>,
    drain_timeout: Duration,
) {
    let (drain, draining) = watch::channel(());
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
                    let caller = Caller {
                        forwarder: forwarder.clone(),
                        draining: draining.clone(),
                        _permit: permit,
                    };
                    callers.spawn(caller.serve(socket));
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
    drop(drain);
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

/// One caller's connection.
struct Caller {
    forwarder: Forwarder,
    draining: watch::Receiver<()>,
    _permit: OwnedSemaphorePermit,
}

impl Caller {
    async fn serve(mut self, socket: Box<dyn Transport>) {
        let mut builder = h2::server::Builder::new();
        builder
            .initial_window_size(limits::STREAM_WINDOW_BYTES)
            .initial_connection_window_size(limits::DOWNSTREAM_WINDOW_BYTES)
            .max_concurrent_streams(limits::DOWNSTREAM_STREAMS)
            .max_header_list_size(limits::HEADER_LIST_BYTES)
            .max_send_buffer_size(limits::SEND_BUFFER_BYTES);
        let shaking = builder.handshake::<_, Bytes>(socket);
        let mut connection = match timeout(limits::DOWNSTREAM_HANDSHAKE, shaking).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return tracing::debug!(%error, "a caller did not speak HTTP/2"),
            Err(_elapsed) => return tracing::debug!("a caller said nothing"),
        };
        let mut is_draining = false;
        loop {
            let accepted = tokio::select! {
                accepted = connection.accept() => accepted,
                _dropped = self.draining.changed(), if !is_draining => {
                    is_draining = true;
                    connection.graceful_shutdown();
                    continue;
                }
            };
            match accepted {
                Some(Ok((request, respond))) => {
                    let forwarder = self.forwarder.clone();
                    // It ends with the caller's stream, which ends with this connection.
                    tokio::spawn(async move { forwarder.carry(request, respond).await });
                }
                Some(Err(error)) => return tracing::debug!(%error, "a caller's connection broke"),
                None => return,
            }
        }
    }
}
