//! A caller's socket: bytes as they are.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Transport;

/// A socket without TLS.
pub(super) struct Plain<S>(pub(super) S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Transport for Plain<S> {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<bool>> {
        let mut buffer = ReadBuf::new(scratch);
        std::task::ready!(Pin::new(&mut self.0).poll_read(cx, &mut buffer))?;
        take(buffer.filled());
        Poll::Ready(Ok(!buffer.filled().is_empty()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Sockets hold nothing back.
        Poll::Ready(Ok(()))
    }

    fn has_moved(&mut self) -> bool {
        // Nobody asks whether a caller lives.
        false
    }

    fn finish(&mut self) {}
}
