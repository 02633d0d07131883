//! A connection of a caller: the socket and what is said over it.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, sleep, timeout},
};

use super::{Call, Failure, LoadError, Route, UNARY_CALL, client::Client, socket::Socket};

/// Read at once from a socket.
const READ_BYTES: usize = 64 * 1024;

/// For a connection and the server's settings.
const CONNECT: Duration = Duration::from_secs(5);

/// For one attempt to have the first call answered.
const ATTEMPT: Duration = Duration::from_secs(2);

/// A connection with its state.
pub(super) struct Line {
    socket: Socket,
    pub(super) client: Client,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    /// Connects, and learns the server's settings.
    pub(super) async fn open(route: &Route, calls: &Arc<[Call]>) -> Result<Self, Failure> {
        let opened = timeout(CONNECT, Self::try_open(route, calls)).await;
        opened.unwrap_or(Err(Failure::Connect))
    }

    async fn try_open(route: &Route, calls: &Arc<[Call]>) -> Result<Self, Failure> {
        let Ok(socket) = route.connect().await else {
            return Err(Failure::Connect);
        };
        let mut line = Self {
            socket,
            client: Client::new(Arc::clone(calls)),
            buffer: vec![0; READ_BYTES],
        };
        while !line.client.is_settled() {
            line.flush().await?;
            line.read().await?;
        }
        Ok(line)
    }

    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        let out = self.client.output();
        if out.is_empty() {
            return Ok(());
        }
        let written = self.socket.write_all(out).await;
        out.clear();
        let flushed = match written {
            Ok(()) => self.socket.flush().await,
            Err(error) => Err(error),
        };
        if flushed.is_ok() {
            Ok(())
        } else {
            Err(Failure::Lost)
        }
    }

    pub(super) async fn read(&mut self) -> Result<(), Failure> {
        match self.socket.read(&mut self.buffer).await {
            Ok(length) if length > 0 => {
                let bytes = self.buffer.get(..length).unwrap_or_default();
                self.client.receive(bytes).or(Err(Failure::Lost))
            }
            Ok(_) | Err(_) => Err(Failure::Lost),
        }
    }

    /// One call and its answer, on a connection that has no other.
    pub(super) async fn once(&mut self) -> Result<(), Failure> {
        self.client.start(UNARY_CALL, Instant::now());
        loop {
            self.flush().await?;
            self.read().await?;
            if let Some(done) = self.client.done().pop() {
                return done.verdict;
            }
            if self.client.open() == 0 {
                return Err(Failure::Lost);
            }
        }
    }
}

/// Waits until one call is answered, on whatever connection.
pub(super) async fn first_answer(
    route: &Route,
    calls: &Arc<[Call]>,
    limit: Duration,
) -> Result<(), LoadError> {
    let began = Instant::now();
    loop {
        let attempt = async { Line::open(route, calls).await?.once().await };
        let answered = timeout(ATTEMPT, attempt).await;
        let Err(last) = answered.unwrap_or(Err(Failure::Unanswered)) else {
            return Ok(());
        };
        if began.elapsed() > limit {
            let waited = began.elapsed();
            return Err(LoadError::Unanswered { waited, last });
        }
        sleep(Duration::from_millis(1)).await;
    }
}
