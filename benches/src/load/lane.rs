//! One connection of the load, and its successors: a server that says goodbye gets no further calls, those under way
//! finish where they are, and the next connection takes over.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{
        Notify,
        mpsc::{self, UnboundedReceiver, UnboundedSender},
    },
    task::spawn_local,
    time::{Instant, sleep},
};

use super::{
    Call, Failure, LoadError, POLL_CALL, Route, Tally, UNARY_CALL,
    client::{Client, Done},
    line::Line,
};

/// The pause of a caller whose call failed, lest failures make a load of their own.
const PAUSE: Duration = Duration::from_millis(100);

/// Calls that one connection keeps going.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern {
    pub(super) streams: usize,
    pub(super) polls: usize,
    pub(super) churn: bool,
}

#[derive(Debug)]
pub(super) struct Lane {
    route: Route,
    calls: Arc<[Call]>,
    pattern: Pattern,
    tally: Rc<RefCell<Tally>>,
    sender: UnboundedSender<Instant>,
    /// Held by the connection that begins calls.
    arrived: RefCell<Option<UnboundedReceiver<Instant>>>,
    warm: RefCell<Option<Line>>,
    /// Calls under way, by kind, over all connections of this lane.
    open: [Cell<usize>; 2],
    /// Connections that are alive.
    lines: Cell<usize>,
    not_before: Cell<Option<Instant>>,
    stopped: Cell<bool>,
    given_up: Cell<bool>,
    /// A call ended on an older connection, or there is something to stop.
    wake: Notify,
}

impl Lane {
    pub(super) fn new(
        route: Route,
        calls: Arc<[Call]>,
        pattern: Pattern,
        tally: Rc<RefCell<Tally>>,
    ) -> Self {
        let (sender, arrived) = mpsc::unbounded_channel();
        Self {
            route,
            calls,
            pattern,
            tally,
            sender,
            arrived: RefCell::new(Some(arrived)),
            warm: RefCell::new(None),
            open: [Cell::new(0), Cell::new(0)],
            lines: Cell::new(0),
            not_before: Cell::new(None),
            stopped: Cell::new(false),
            given_up: Cell::new(false),
            wake: Notify::new(),
        }
    }

    /// Opens the first connection and has one call answered.
    pub(super) async fn open(&self) -> Result<(), LoadError> {
        let failed = |last| LoadError::Unanswered {
            waited: Duration::ZERO,
            last,
        };
        let mut line = Line::open(&self.route, &self.calls).await.map_err(failed)?;
        let answered = line.once().await;
        self.warm.replace(Some(line));
        answered.map_err(failed)
    }

    /// Whether the first connection is open.
    #[cfg(test)]
    pub(super) fn is_warm(&self) -> bool {
        self.warm.borrow().is_some()
    }

    pub(super) fn arrivals(&self) -> UnboundedSender<Instant> {
        self.sender.clone()
    }

    /// Begins the load on the connection that was opened.
    pub(super) fn begin(self: &Rc<Self>) {
        let warm = self.warm.take();
        let lane = Rc::clone(self);
        if self.pattern.churn {
            drop(warm);
            for _ in 0..self.pattern.streams {
                spawn_local(Rc::clone(self).churn());
            }
        } else {
            self.lines.set(1);
            spawn_local(lane.live(warm));
        }
    }

    /// Begins no further calls.
    pub(super) fn stop(&self) {
        self.stopped.set(true);
        self.wake.notify_waiters();
    }

    /// Counts what is still unanswered as failed.
    pub(super) fn give_up(&self) {
        self.given_up.set(true);
        let now = Instant::now();
        for (which, open) in self.open.iter().enumerate() {
            for _ in 0..open.take() {
                let done = Done {
                    which,
                    since: now,
                    verdict: Err(Failure::Unanswered),
                };
                self.tally.borrow_mut().count(&done, now);
            }
        }
    }

    /// Whether calls are under way.
    pub(super) fn is_busy(&self) -> bool {
        self.open.iter().any(|open| open.get() > 0)
    }

    /// One connection after the other, one call on each.
    async fn churn(self: Rc<Self>) {
        while !self.stopped.get() {
            let since = Instant::now();
            self.opened(UNARY_CALL);
            let verdict = async { Line::open(&self.route, &self.calls).await?.once().await }.await;
            self.ended(&Done {
                which: UNARY_CALL,
                since,
                verdict,
            });
            if verdict.is_err() {
                sleep(PAUSE).await;
            }
        }
    }

    /// Lives as long as a connection does, then sees to the next.
    async fn live(self: Rc<Self>, line: Option<Line>) {
        let line = match line {
            Some(line) => Ok(line),
            None => Line::open(&self.route, &self.calls).await,
        };
        match line {
            Ok(mut line) => {
                let arrived = self.arrived.take();
                self.carry(&mut line, arrived).await;
            }
            Err(failure) => self.unconnected(failure).await,
        }
        self.lines.set(self.lines.get() - 1);
        if !self.stopped.get() && self.arrived.borrow().is_some() && self.lines.get() == 0 {
            self.succeed();
        }
        self.wake.notify_waiters();
    }

    fn succeed(self: &Rc<Self>) {
        self.lines.set(self.lines.get() + 1);
        let next = Rc::clone(self);
        spawn_local(async move { next.live(None).await });
    }

    /// Fails what wants to begin while nothing can.
    async fn unconnected(&self, failure: Failure) {
        let mut arrived = self.arrived.take();
        let mut wanted = self
            .pattern
            .polls
            .saturating_sub(self.open[POLL_CALL].get())
            + self
                .pattern
                .streams
                .saturating_sub(self.open[UNARY_CALL].get());
        while let Some(Ok(_)) = arrived.as_mut().map(UnboundedReceiver::try_recv) {
            wanted += 1;
        }
        let now = Instant::now();
        for _ in 0..wanted {
            let done = Done {
                which: UNARY_CALL,
                since: now,
                verdict: Err(failure),
            };
            self.tally.borrow_mut().count(&done, now);
        }
        self.arrived.replace(arrived);
        sleep(PAUSE).await;
    }

    async fn carry(
        self: &Rc<Self>,
        line: &mut Line,
        mut arrived: Option<UnboundedReceiver<Instant>>,
    ) {
        let lost = loop {
            if self.given_up.get() {
                return;
            }
            if line.client.is_leaving() && arrived.is_some() {
                self.arrived.replace(arrived.take());
                self.succeed();
            }
            if arrived.is_some() {
                self.refill(&mut line.client);
            } else if line.client.open() == 0 {
                return;
            }
            if let Err(failure) = line.flush().await {
                break failure;
            }
            match self.turn(line, &mut arrived).await {
                Ok(()) => self.settle(&mut line.client),
                Err(failure) => break failure,
            }
        };
        line.client.give_up(lost);
        self.settle(&mut line.client);
        if arrived.is_some() {
            self.arrived.replace(arrived);
        }
    }

    /// Waits for the next thing to happen on a connection.
    async fn turn(
        &self,
        line: &mut Line,
        arrived: &mut Option<UnboundedReceiver<Instant>>,
    ) -> Result<(), Failure> {
        let begins = arrived.is_some();
        let open_loop = begins && self.pattern.streams == 0 && line.client.has_room();
        let pause = self.not_before.get();
        let shared = self.lines.get() > 1 || self.stopped.get() || pause.is_some();
        tokio::select! {
            biased;
            at = next(arrived), if open_loop => {
                self.arrive(&mut line.client, at);
                while let Some(Ok(at)) = arrived.as_mut().map(UnboundedReceiver::try_recv) {
                    self.arrive(&mut line.client, at);
                }
                Ok(())
            }
            read = line.read() => read,
            () = self.wake.notified(), if shared => Ok(()),
            () = until(pause), if begins && pause.is_some() => {
                self.not_before.set(None);
                Ok(())
            }
        }
    }

    fn arrive(&self, client: &mut Client, at: Instant) {
        client.start(UNARY_CALL, at);
        self.opened(UNARY_CALL);
    }

    /// Begins the calls that are kept going.
    fn refill(&self, client: &mut Client) {
        if self.stopped.get() || self.not_before.get().is_some() {
            return;
        }
        let kept = [
            (UNARY_CALL, self.pattern.streams),
            (POLL_CALL, self.pattern.polls),
        ];
        for (which, wanted) in kept {
            while client.has_room() && self.under_way(which).is_some_and(|open| open < wanted) {
                client.start(which, Instant::now());
                self.opened(which);
            }
        }
    }

    fn settle(&self, client: &mut Client) {
        let done = client.done();
        for done in &done {
            self.ended(done);
        }
        client.reuse(done);
    }

    fn under_way(&self, which: usize) -> Option<usize> {
        self.open.get(which).map(Cell::get)
    }

    fn opened(&self, which: usize) {
        if let Some(open) = self.open.get(which) {
            open.set(open.get() + 1);
        }
    }

    fn ended(&self, done: &Done) {
        let now = Instant::now();
        if let Some(open) = self.open.get(done.which) {
            open.set(open.get().saturating_sub(1));
        }
        if self.given_up.get() {
            return;
        }
        if done.verdict.is_err() {
            self.not_before.set(Some(now + PAUSE));
        }
        if self.lines.get() > 1 {
            self.wake.notify_waiters();
        }
        self.tally.borrow_mut().count(done, now);
    }
}

async fn next(arrived: &mut Option<UnboundedReceiver<Instant>>) -> Instant {
    if let Some(arrived) = arrived
        && let Some(at) = arrived.recv().await
    {
        return at;
    }
    std::future::pending().await
}

async fn until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}
