//! Sockets for the relay: reads what they bring, writes what it says, and comes back when something is due.
//!
//! Every connection is a task that reads into memory which all share, lets the relay make of it what it may, and writes what
//! the relay then has to say to other callers. A server's task is woken instead: it runs after all that are ready already, and
//! so whatever one turn of the loop brings for it leaves in one write, many calls of many callers in one TLS record.

mod linger;
mod plain;
mod seat;
mod tls;

use std::{
    collections::BTreeMap,
    future::poll_fn,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use rustls::{ClientConnection, ServerConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    runtime::Handle,
    sync::{Notify, mpsc},
    time::{Instant, sleep_until},
};

use seat::{Seat, Task};

use crate::{
    api_key::ApiKey,
    h2::reason::Reason,
    limits,
    relay::{Answer, ConnectionId, Event, Loss, Relay, Route, ServerId, Terms, UpstreamId},
    status::ledger::Ledger,
};

/// What connects the sockets of one thread.
pub(crate) struct Switchboard {
    inner: Mutex<Inner>,
    crowded: BTreeMap<UpstreamId, Notify>,
    sooner: Notify,
    ledger: Arc<Ledger>,
    /// Where sockets are read and written.
    plane: Handle,
}

struct Inner {
    relay: Relay,
    /// Where sockets are read into.
    scratch: Vec<u8>,
    seats: BTreeMap<ConnectionId, Seat>,
    news: BTreeMap<ServerId, mpsc::UnboundedSender<News>>,
    /// When [`Switchboard::keep_time`] will come back by itself.
    alarm: Option<std::time::Instant>,
    /// Whether a call would have been carried after the last turn.
    was_ready: bool,
}

/// What a connection to the server has to tell those who dialled it.
#[derive(Debug)]
pub(crate) enum News {
    /// The server has acknowledged our SETTINGS.
    Settled,
    /// It has answered a question.
    Answered(Answer),
    /// It has answered a call.
    Served,
    /// It takes no new calls here.
    Goodbye,
    /// The connection is lost.
    Lost(Loss),
}

/// A socket, under TLS or not.
trait Transport: Send {
    /// Reads once, and hands what came to `take`. `false` at the end.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        take: &mut dyn FnMut(&[u8]),
    ) -> Poll<io::Result<bool>>;

    /// Writes as much of the bytes as it can, and returns how much it took.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Sees to it that what was taken is written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Returns whether the socket has taken bytes for which it had no room before, since this was asked last.
    fn has_moved(&mut self) -> bool;

    /// Says that nothing more will come.
    fn finish(&mut self);
}

impl Switchboard {
    /// Makes a board without sockets, which will be on `plane`, for upstreams that are called by these authorities.
    pub(crate) fn new(
        terms: Terms,
        authorities: &[String],
        ledger: Arc<Ledger>,
        plane: Handle,
    ) -> Arc<Self> {
        let mut relay = Relay::new(terms, now());
        let upstreams = authorities
            .iter()
            .map(|authority| relay.add_upstream(authority));
        let crowded = upstreams.map(|id| (id, Notify::new())).collect();
        Arc::new(Self {
            inner: Mutex::new(Inner {
                relay,
                scratch: vec![0; limits::READ_BUFFER_BYTES],
                seats: BTreeMap::new(),
                news: BTreeMap::new(),
                alarm: None,
                was_ready: false,
            }),
            crowded,
            sooner: Notify::new(),
            ledger,
            plane,
        })
    }

    /// Returns where sockets are read and written.
    pub(crate) fn plane(&self) -> &Handle {
        &self.plane
    }

    pub(crate) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Returns the upstreams, in the order in which they were given.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = UpstreamId> {
        self.crowded.keys().copied()
    }

    /// Returns whether calls to every upstream would be carried.
    pub(crate) fn is_ready(&self) -> bool {
        self.with(|relay| self.upstreams().all(|id| relay.is_ready(id)))
    }

    /// Carries a caller's calls until its connection ends.
    pub(crate) async fn carry(
        self: Arc<Self>,
        socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        route: Arc<Route>,
    ) {
        self.seat(Box::new(plain::Plain(socket)), route).await;
    }

    /// Carries a caller's calls over a connection whose TLS handshake is done.
    pub(crate) async fn carry_tls(
        self: Arc<Self>,
        socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        session: ServerConnection,
        route: Arc<Route>,
    ) {
        let transport = tls::Tls::new(socket, session);
        self.seat(Box::new(transport), route).await;
    }

    async fn seat(self: Arc<Self>, transport: Box<dyn Transport>, route: Arc<Route>) {
        let id = ConnectionId::Caller(self.with(|relay| relay.accept(route, now())));
        let mut task = Task::seat(self, id, transport);
        if let Err(error) = poll_fn(|cx| task.poll(cx)).await {
            tracing::debug!(%error, "a caller's connection broke");
        }
    }

    /// Begins to talk to a server over a connection whose handshake is done.
    pub(crate) fn connect(
        self: &Arc<Self>,
        (socket, session): (TcpStream, ClientConnection),
        upstream: UpstreamId,
        api_key: Option<Arc<ApiKey>>,
    ) -> (ServerId, mpsc::UnboundedReceiver<News>) {
        // Unbounded in type only: a connection has a handful of news in its life.
        let (sender, news) = mpsc::unbounded_channel();
        let server = self.with(|relay| relay.dial(upstream, api_key, now()));
        self.locked().news.insert(server, sender);
        let (board, id) = (Arc::clone(self), ConnectionId::Server(server));
        self.plane.spawn(async move {
            // A socket belongs to the thread that waits for it.
            let socket = match socket.into_std().and_then(TcpStream::from_std) {
                Ok(socket) => socket,
                Err(error) => return board.close(id, &error.to_string()),
            };
            let mut task = Task::seat(board, id, Box::new(tls::Tls::new(socket, session)));
            if let Err(error) = poll_fn(|cx| task.poll(cx)).await {
                task.board.close(id, &error.to_string());
            }
        });
        (server, news)
    }

    /// Does something with the relay, and whatever follows from it. May be called from any thread.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Relay) -> T) -> T {
        let mut inner = self.locked();
        let result = act(&mut inner.relay);
        self.follow(&mut inner);
        result
    }

    /// Ends when a call waits since all connections to its upstream are full, or are in doubt.
    pub(crate) async fn crowded(&self, upstream: UpstreamId) {
        match self.crowded.get(&upstream) {
            Some(crowded) => crowded.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Lets the relay do what is due, for ever.
    pub(crate) async fn keep_time(&self) {
        loop {
            let alarm = {
                let mut inner = self.locked();
                inner.relay.handle_timeout(now());
                inner.alarm = inner.relay.next_timeout();
                self.follow(&mut inner);
                inner.alarm
            };
            let ring = async {
                match alarm {
                    Some(alarm) => sleep_until(Instant::from_std(alarm)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ring => {}
                () = self.sooner.notified() => {}
            }
        }
    }

    /// Wakes who has something to write, tells who wants to know, and sets the alarm.
    fn follow(&self, inner: &mut Inner) {
        let Inner {
            relay,
            seats,
            news,
            was_ready,
            ..
        } = inner;
        while let Some(event) = relay.next_event() {
            self.tell(event, news);
        }
        self.ledger.carried(relay.tally());
        let is_ready = self.upstreams().all(|id| relay.is_ready(id));
        if *was_ready != is_ready {
            *was_ready = is_ready;
            self.ledger.ready(is_ready);
        }
        while let Some(id) = relay.next_touched() {
            if let Some(seat) = seats.get(&id) {
                seat.wake();
            }
        }
        if let Some(next) = relay.next_timeout()
            && inner.alarm.is_none_or(|alarm| next < alarm)
        {
            inner.alarm = Some(next);
            self.sooner.notify_one();
        }
    }

    fn tell(&self, event: Event, news: &BTreeMap<ServerId, mpsc::UnboundedSender<News>>) {
        let (id, item) = match event {
            Event::Settled(id) => (id, News::Settled),
            Event::Answered(id, answer) => (id, News::Answered(answer)),
            Event::Served(id) => (id, News::Served),
            Event::Goodbye(id, reason) => {
                if reason != Reason::NO_ERROR {
                    tracing::warn!(%reason, "the server said goodbye over a fault that it found");
                }
                (id, News::Goodbye)
            }
            Event::Lost(id, loss) => (id, News::Lost(loss)),
            Event::Crowded(upstream) | Event::Doubted(upstream) => {
                if let Some(crowded) = self.crowded.get(&upstream) {
                    crowded.notify_one();
                }
                return;
            }
            Event::Replayed => return self.ledger.replayed(),
            Event::Failed { path, cause, why } => {
                tracing::warn!(path, cause = cause.word(), why, "failed a call");
                return self.ledger.failed(cause);
            }
        };
        if let Some(sender) = news.get(&id) {
            // Whoever dialled may have given up; then nobody needs to know.
            let _nobody_left = sender.send(item);
        }
    }

    /// Tells the relay that a connection is gone, and why.
    fn close(&self, id: ConnectionId, why: &str) {
        let mut inner = self.locked();
        if let Some(breach) = inner.relay.breach(id) {
            tracing::info!(%breach, "ended a connection");
        }
        inner.relay.close(id, why, now());
        self.follow(&mut inner);
        inner.seats.remove(&id);
        if let ConnectionId::Server(server) = id {
            inner.news.remove(&server);
        }
    }

    fn locked(&self) -> MutexGuard<'_, Inner> {
        // A panic in one connection's turn must not end all others.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the instant of now. The relay has no clock; its sockets' tasks are where time comes in.
fn now() -> std::time::Instant {
    Instant::now().into_std()
}
