//! A socket under TLS: a server's, or a caller's where a listener asks for it.
//!
//! rustls reads its socket in steps of 4 KiB. Here the socket is read into the scratch that all connections share, and rustls
//! is fed from there: one system call brings what is there.

use std::{
    io::{self, BufRead as _, IoSlice, Write as _},
    ops::DerefMut,
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustls::{ConnectionCommon, SideData};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Transport;

/// A socket and its TLS session.
pub(super) struct Tls<S, C> {
    socket: S,
    session: C,
    /// Whether there may be bytes that came together with the end of the handshake.
    is_fresh: bool,
    has_finished: bool,
    /// Whether the socket had no room for all that was to be written last.
    is_behind: bool,
    /// How much it has taken since, as far as nobody has asked.
    n_late: usize,
}

impl<S, C, D> Tls<S, C>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    C: DerefMut<Target = ConnectionCommon<D>>,
    D: SideData,
{
    pub(super) fn new(socket: S, mut session: C) -> Self {
        // What it is given at once is bounded by whoever gives.
        session.set_buffer_limit(None);
        Self {
            socket,
            session,
            is_fresh: true,
            has_finished: false,
            is_behind: false,
            n_late: 0,
        }
    }

    /// Writes the records that wait, and counts the bytes that have left.
    fn flush(&mut self, cx: &mut Context<'_>, n_left: &mut usize) -> Poll<io::Result<()>> {
        while self.session.wants_write() {
            let mut sink = Sink {
                socket: &mut self.socket,
                cx,
            };
            match self.session.write_tls(&mut sink) {
                Ok(n_bytes) => {
                    *n_left += n_bytes;
                    if self.is_behind {
                        self.n_late += n_bytes;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.is_behind = true;
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        self.is_behind = false;
        Poll::Ready(Ok(()))
    }

    /// Hands out what was decrypted. `false` at the end.
    fn deliver(&mut self, take: &mut dyn FnMut(&[u8])) -> io::Result<bool> {
        let mut reader = self.session.reader();
        loop {
            match reader.fill_buf() {
                Ok([]) => return Ok(false),
                Ok(bytes) => {
                    let n_bytes = bytes.len();
                    take(bytes);
                    reader.consume(n_bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }
}

impl<S, C, D> Transport for Tls<S, C>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
    C: DerefMut<Target = ConnectionCommon<D>> + Send,
    D: SideData,
{
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<bool>> {
        if std::mem::take(&mut self.is_fresh) && !self.deliver(take)? {
            return Poll::Ready(Ok(false));
        }
        let mut buffer = ReadBuf::new(scratch);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        let mut records = buffer.filled();
        if records.is_empty() {
            return Poll::Ready(Ok(false));
        }
        while !records.is_empty() {
            self.session.read_tls(&mut records)?;
            match self.session.process_new_packets() {
                Ok(state) if state.plaintext_bytes_to_read() == 0 && !state.peer_has_closed() => {}
                Ok(_) => {
                    if !self.deliver(take)? {
                        return Poll::Ready(Ok(false));
                    }
                }
                Err(error) => {
                    // The alert that tells the server why.
                    let _told = self.poll_flush(cx);
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
                }
            }
        }
        Poll::Ready(Ok(true))
    }

    /// Takes nothing before all it took is written: so what waits, waits where it is counted. What it says it has not taken has
    /// not left: a call that is told to nobody may be told to another server.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_flush(cx))?;
        let n_bytes = self.session.writer().write(bytes)?;
        let mut n_left = 0;
        match self.flush(cx, &mut n_left) {
            Poll::Ready(Err(error)) if n_left == 0 => Poll::Ready(Err(error)),
            // An error comes again at the next flush.
            Poll::Ready(_) | Poll::Pending => Poll::Ready(Ok(n_bytes)),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush(cx, &mut 0)
    }

    fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.n_late) > 0
    }

    fn finish(&mut self) {
        if !std::mem::replace(&mut self.has_finished, true) {
            self.session.send_close_notify();
        }
    }
}

/// The socket as rustls writes to it.
struct Sink<'a, 'cx, S> {
    socket: &'a mut S,
    cx: &'a mut Context<'cx>,
}

impl<S: AsyncWrite + Unpin> io::Write for Sink<'_, '_, S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, records: &[IoSlice<'_>]) -> io::Result<usize> {
        let socket = Pin::new(&mut *self.socket);
        let written = match records {
            // What most writes are; the kernel takes it by a shorter way.
            [record] => socket.poll_write(self.cx, record),
            records => socket.poll_write_vectored(self.cx, records),
        };
        match written {
            Poll::Ready(written) => written,
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
