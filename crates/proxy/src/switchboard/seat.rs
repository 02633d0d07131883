//! One connection's turn: what its socket brings goes to the relay, and what the relay has to say goes out.

use std::{
    cell::LazyCell,
    collections::BTreeMap,
    io,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use tokio::task::yield_now;

use super::{Inner, Switchboard, Transport, linger::Linger, now};
use crate::relay::{ConnectionId, Relay};

/// The instant of one turn. It is asked for once, since a turn is short, and not at all where there is nothing to be done.
type Now = LazyCell<Instant>;

/// How often one connection is read before the others have their turn.
const READS_PER_TURN: usize = 4;

/// A connection's place at the board, where whoever has made the relay say something to it can write it.
pub(super) struct Seat {
    /// Nothing while its own task has its turn.
    transport: Option<Box<dyn Transport>>,
    /// Its task's.
    waker: Waker,
}

/// The task of a connection. Whatever ends it, the relay hears of it.
pub(super) struct Task {
    pub(super) board: Arc<Switchboard>,
    id: ConnectionId,
    /// A caller's connection never lingers: nobody waits for its calls.
    linger: Linger,
}

impl Seat {
    /// Has its task take its turn.
    pub(super) fn wake(&self) {
        self.waker.wake_by_ref();
    }

    /// Writes what the relay has to say to it, in somebody else's turn. What that leaves over is its own task's.
    fn write(&mut self, id: ConnectionId, relay: &mut Relay, now: &Now) {
        let cx = &mut Context::from_waker(&self.waker);
        let Some(transport) = &mut self.transport else {
            return;
        };
        match write(id, &mut **transport, cx, relay, now) {
            Ok(false) => {}
            // A connection that is over, or broken, is closed by whoever reads it.
            Ok(true) | Err(_) => self.waker.wake_by_ref(),
        }
    }
}

impl Task {
    /// Gives a connection its place at the board.
    pub(super) fn seat(
        board: Arc<Switchboard>,
        id: ConnectionId,
        transport: Box<dyn Transport>,
    ) -> Self {
        let seat = Seat {
            transport: Some(transport),
            waker: Waker::noop().clone(),
        };
        board.locked().seats.insert(id, seat);
        Self {
            board,
            id,
            linger: Linger::default(),
        }
    }

    /// Takes a turn, and comes back at once if an answer may be about to come. Ready when the connection is over.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let over = self.turn(cx);
        if over.is_pending() && self.linger.stays() {
            // All sockets are asked, without a wait, and then it is this task's turn again.
            let _always_pending = pin!(yield_now()).poll(cx);
        }
        over
    }

    /// Reads and writes as far as the socket goes.
    fn turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let inner = &mut *self.board.locked();
        let Some(seat) = inner.seats.get_mut(&self.id) else {
            return Poll::Ready(Ok(()));
        };
        seat.waker.clone_from(cx.waker());
        let Some(mut transport) = seat.transport.take() else {
            return Poll::Ready(Ok(()));
        };
        let now = Now::new(now);
        // What waits to be said goes first: what the kernel has to say of what came goes along with it. If that fails, what came
        // is still to be read, and then it fails again.
        let _later = write(self.id, &mut *transport, cx, &mut inner.relay, &now);
        let over = read(self.id, &mut *transport, cx, inner, &now).and_then(|has_heard| {
            if let ConnectionId::Server(server) = self.id {
                if has_heard {
                    self.linger.heard();
                }
                self.linger.owed(inner.relay.n_calls(server));
            }
            write(self.id, &mut *transport, cx, &mut inner.relay, &now)
        });
        if let Some(seat) = inner.seats.get_mut(&self.id) {
            seat.transport = Some(transport);
        }
        write_to_others(inner, &now);
        self.board.follow(inner);
        match over {
            Ok(false) => Poll::Pending,
            Ok(true) => Poll::Ready(Ok(())),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.board.close(self.id, "the connection was closed");
    }
}

/// Reads as far as the socket goes. Returns whether anything came.
fn read(
    id: ConnectionId,
    transport: &mut dyn Transport,
    cx: &mut Context<'_>,
    inner: &mut Inner,
    now: &Now,
) -> io::Result<bool> {
    let Inner {
        relay,
        scratch,
        seats,
        ..
    } = inner;
    let mut has_heard = false;
    for _ in 0..READS_PER_TURN {
        if relay.has_ended(id) {
            return Ok(has_heard);
        }
        let mut take = |bytes: &[u8]| {
            has_heard = true;
            let mut rest = bytes;
            while !rest.is_empty() {
                rest = relay.receive_some(id, rest, **now);
                // Whoever is told now works while the rest is relayed. At the end all are told.
                if !rest.is_empty() {
                    write_to_one(relay.next_due(), relay, seats, now);
                }
            }
        };
        match transport.poll_read(cx, scratch, &mut take) {
            Poll::Ready(Ok(true)) => {}
            Poll::Ready(Ok(false)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(has_heard),
        }
    }
    cx.waker().wake_by_ref();
    Ok(has_heard)
}

/// Writes to one, if there is one. Returns whether there was.
fn write_to_one(
    one: Option<ConnectionId>,
    relay: &mut Relay,
    seats: &mut BTreeMap<ConnectionId, Seat>,
    now: &Now,
) -> bool {
    if let Some(id) = one
        && let Some(seat) = seats.get_mut(&id)
    {
        seat.write(id, relay, now);
    }
    one.is_some()
}

/// Writes to all callers, and to servers for which much waits. The other servers are told in turns of their own.
fn write_to_others(Inner { relay, seats, .. }: &mut Inner, now: &Now) {
    while write_to_one(relay.next_to_tell(), relay, seats, now) {}
}

/// Returns whether the connection is over: it has ended, and all it had to say is written.
fn write(
    id: ConnectionId,
    transport: &mut dyn Transport,
    cx: &mut Context<'_>,
    relay: &mut Relay,
    now: &Now,
) -> io::Result<bool> {
    let over = write_all(id, transport, cx, relay, now);
    if transport.has_moved() {
        relay.moved(id, **now);
    }
    over
}

fn write_all(
    id: ConnectionId,
    transport: &mut dyn Transport,
    cx: &mut Context<'_>,
    relay: &mut Relay,
    now: &Now,
) -> io::Result<bool> {
    loop {
        let output = relay.output(id);
        if output.is_empty() {
            break;
        }
        match transport.poll_write(cx, output) {
            Poll::Ready(Ok(n_bytes)) => relay.written(id, n_bytes, **now),
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(relay.is_given_up(id)),
        }
    }
    let has_ended = relay.has_ended(id);
    if has_ended {
        transport.finish();
    }
    match transport.poll_flush(cx) {
        Poll::Ready(Ok(())) => Ok(has_ended),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Pending => Ok(relay.is_given_up(id)),
    }
}
