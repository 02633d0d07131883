//! One connection to the server: who it presents, and how it ends.
//!
//! A connection lives in two phases. While it is *live* it takes new streams. It stops taking them when the
//! server says goodbye (GOAWAY), when it breaks, or when the [`Connection`] is dropped; from then on it *drains*:
//! streams that are open finish, within a bound, and then it closes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    credentials::Credentials,
    errand::errand,
    relay::{Answer, Ask, Loss, ServerId},
    switchboard::{News, Switchboard},
};

/// The facts of a connection, for whoever asks.
pub(crate) struct Line {
    id: u64,
    upstream: Arc<str>,
    credentials: Credentials,
    opened_at: Timestamp,
    opened: Instant,
    board: Weak<Switchboard>,
    server: ServerId,
    draining: AtomicBool,
}

/// A connection that is being proved. Dropping it closes it.
pub(crate) struct Link {
    board: Arc<Switchboard>,
    server: ServerId,
    news: mpsc::UnboundedReceiver<News>,
}

/// Why a connection that was being proved is gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    #[error("the server said goodbye")]
    Goodbye,
    #[error(transparent)]
    Lost(Loss),
    #[error("the connection was closed")]
    Closed,
}

/// A live connection. Dropping it makes it drain.
pub(crate) struct Connection {
    line: Arc<Line>,
    peer: Option<SocketAddr>,
    renew_at: Instant,
    board: Arc<Switchboard>,
}

/// A connection as it comes from the dialler, proved but not in use yet.
pub(crate) struct Dialled {
    pub(crate) credentials: Credentials,
    pub(crate) link: Link,
    pub(crate) peer: Peer,
    pub(crate) opened_at: Timestamp,
    pub(crate) opened: Instant,
}

/// Who answered at the other end.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// Its address, if the kernel tells.
    pub(crate) address: Option<SocketAddr>,
    /// Its certificate, which was verified.
    pub(crate) certificate: Option<CertificateDer<'static>>,
}

/// What a connection needs to know when it becomes live.
pub(crate) struct Terms {
    /// Its number, unique in this process.
    pub(crate) id: u64,
    /// The name of its upstream.
    pub(crate) upstream: Arc<str>,
    /// When its successor is to be dialled.
    pub(crate) renew_at: Instant,
    /// Where its farewell is told.
    pub(crate) farewells: mpsc::UnboundedSender<Farewell>,
}

/// News that a connection takes no new streams, though nobody here asked it to.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) id: u64,
    pub(crate) age: Duration,
    /// Whether the server has answered a call on it.
    pub(crate) has_served: bool,
    pub(crate) cause: Cause,
}

/// Why a connection takes no new streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The server sent GOAWAY.
    Goodbye,
    /// It broke.
    Lost,
}

impl Line {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn upstream(&self) -> &str {
        &self.upstream
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    pub(crate) fn opened_at(&self) -> Timestamp {
        self.opened_at
    }

    pub(crate) fn streams(&self) -> usize {
        let board = self.board.upgrade();
        board.map_or(0, |board| board.with(|relay| relay.n_calls(self.server)))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Relaxed)
    }
}

impl Link {
    pub(crate) fn new(
        board: Arc<Switchboard>,
        (server, news): (ServerId, mpsc::UnboundedReceiver<News>),
    ) -> Self {
        Self {
            board,
            server,
            news,
        }
    }

    /// Waits until the server has acknowledged our SETTINGS.
    pub(crate) async fn settled(&mut self) -> Result<(), Gone> {
        loop {
            match self.next().await? {
                News::Settled => return Ok(()),
                News::Answered(_) | News::Served | News::Goodbye | News::Lost(_) => {}
            }
        }
    }

    /// Makes a call of our own.
    pub(crate) async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer, Gone> {
        let now = Instant::now().into_std();
        self.board.with(|relay| relay.ask(self.server, ask, now));
        loop {
            match self.next().await? {
                News::Answered(answer) => return Ok(answer),
                News::Settled | News::Served | News::Goodbye | News::Lost(_) => {}
            }
        }
    }

    /// Returns what comes next, and an error if that is the end.
    async fn next(&mut self) -> Result<News, Gone> {
        match self.news.recv().await {
            Some(News::Goodbye) => Err(Gone::Goodbye),
            Some(News::Lost(loss)) => Err(Gone::Lost(loss)),
            Some(news) => Ok(news),
            None => Err(Gone::Closed),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        retire(&self.board, self.server);
    }
}

impl Connection {
    /// Makes a dialled connection live, unless it has ended since it was proved.
    pub(crate) fn live(dialled: Dialled, terms: Terms) -> Option<Self> {
        let Dialled {
            credentials,
            mut link,
            peer,
            opened_at,
            opened,
        } = dialled;
        let board = Arc::clone(&link.board);
        let line = Arc::new(Line {
            id: terms.id,
            upstream: terms.upstream,
            credentials,
            opened_at,
            opened,
            board: Arc::downgrade(&board),
            server: link.server,
            draining: AtomicBool::new(false),
        });
        let now = Instant::now().into_std();
        if !board.with(|relay| relay.put_to_use(link.server, now)) {
            return None;
        }
        board.ledger().opened(Arc::clone(&line));
        let connection = Self {
            line: Arc::clone(&line),
            peer: peer.address,
            renew_at: terms.renew_at,
            board: Arc::clone(&board),
        };
        tokio::spawn(errand(async move {
            watch(&mut link, &line, terms.farewells).await;
            line.draining.store(true, Relaxed);
            board.ledger().closed(&line);
        }));
        Some(connection)
    }

    pub(crate) fn id(&self) -> u64 {
        self.line.id
    }

    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    pub(crate) fn renew_at(&self) -> Instant {
        self.renew_at
    }

    /// Returns whether a successor should take its calls: it has grown old, or gives no sign of life.
    pub(crate) fn is_waning(&self, now: Instant) -> bool {
        let server = self.line.server;
        self.renew_at <= now || self.board.with(|relay| relay.is_doubted(server))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.line.draining.store(true, Relaxed);
        retire(&self.board, self.line.server);
    }
}

fn retire(board: &Switchboard, server: ServerId) {
    let now = Instant::now().into_std();
    board.with(|relay| relay.retire(server, now));
}

/// Tells a connection's farewells until it is closed.
async fn watch(link: &mut Link, line: &Line, farewells: mpsc::UnboundedSender<Farewell>) {
    let mut has_served = false;
    while let Some(news) = link.news.recv().await {
        let cause = match news {
            News::Goodbye => Cause::Goodbye,
            News::Lost(loss) => {
                tracing::info!(why = %loss, "connection to the server lost");
                Cause::Lost
            }
            News::Served => {
                has_served = true;
                continue;
            }
            News::Settled | News::Answered(_) => continue,
        };
        line.draining.store(true, Relaxed);
        // The keeper may be gone already, on shutdown; then nobody needs to know.
        let _nobody_left = farewells.send(Farewell {
            id: line.id,
            age: line.opened.elapsed(),
            has_served,
            cause,
        });
    }
}
