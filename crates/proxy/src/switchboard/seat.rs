//! One connection's turn: what its socket brings goes to the relay, and what the relay has to say goes out.

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use super::{Inner, Switchboard, Transport, now};
use crate::relay::ConnectionId;

/// How often one connection is read before the others have their turn.
const READS_PER_TURN: usize = 4;

/// A connection's place at the board. Whatever ends its task, the relay hears of it.
pub(super) struct Seat<T: Transport> {
    pub(super) board: Arc<Switchboard>,
    id: ConnectionId,
    transport: T,
    /// Whether it has let a server go first, and goes next whatever waits.
    has_stood_back: bool,
}

impl<T: Transport> Seat<T> {
    pub(super) fn new(board: Arc<Switchboard>, id: ConnectionId, transport: T) -> Self {
        Self {
            board,
            id,
            transport,
            has_stood_back: false,
        }
    }

    /// Reads and writes as far as the socket goes. Ready when the connection is over.
    pub(super) fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let board = Arc::clone(&self.board);
        let mut inner = board.locked();
        match inner.wakers.get_mut(&self.id) {
            Some(waker) => waker.clone_from(cx.waker()),
            None => {
                inner.wakers.insert(self.id, cx.waker().clone());
            }
        }
        // Asked once: a turn is short, and for a call that is alone each question counts.
        let now = now();
        let over = self
            .read(cx, &mut inner, now)
            .and_then(|()| self.write(cx, &mut inner, now));
        board.follow(&mut inner, Some(self.id));
        match over {
            Ok(false) => Poll::Pending,
            Ok(true) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, inner: &mut Inner, now: Instant) -> io::Result<()> {
        let Inner { relay, scratch, .. } = inner;
        if matches!(self.id, ConnectionId::Caller(_)) {
            // Otherwise the server has nothing to do until all callers are read, and then they have nothing to do.
            self.has_stood_back = !self.has_stood_back && relay.a_server_is_to_hear_now();
            if self.has_stood_back {
                cx.waker().wake_by_ref();
                return Ok(());
            }
        }
        for _ in 0..READS_PER_TURN {
            if relay.has_ended(self.id) {
                return Ok(());
            }
            let mut take = |bytes: &[u8]| relay.receive(self.id, bytes, now);
            match self.transport.poll_read(cx, scratch, &mut take) {
                Poll::Ready(Ok(true)) => {}
                Poll::Ready(Ok(false)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Returns whether the connection is over: it has ended, and all it had to say is written.
    fn write(&mut self, cx: &mut Context<'_>, inner: &mut Inner, now: Instant) -> io::Result<bool> {
        let relay = &mut inner.relay;
        loop {
            let output = relay.output(self.id);
            if output.is_empty() {
                break;
            }
            match self.transport.poll_write(cx, output) {
                Poll::Ready(Ok(n_bytes)) => relay.written(self.id, n_bytes, now),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(relay.is_given_up(self.id)),
            }
        }
        let has_ended = relay.has_ended(self.id);
        if has_ended {
            self.transport.finish();
        }
        match self.transport.poll_flush(cx) {
            Poll::Ready(Ok(())) => Ok(has_ended),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(relay.is_given_up(self.id)),
        }
    }
}

impl<T: Transport> Drop for Seat<T> {
    fn drop(&mut self) {
        self.board.close(self.id, "the connection was closed");
    }
}
