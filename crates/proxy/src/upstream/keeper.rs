//! Keeps connections to the server there: under the identity of the moment, and before they are missed.
//!
//! One loop owns all decisions. It has two things under way at most: the *trial* of a candidate identity, and the
//! *dialling* of one more connection under the adopted one. Make before break: a new connection is in use before the one it
//! replaces is let go, and a candidate's connection must have proved itself first.

use std::{pin::Pin, sync::Arc, time::Duration};

use newleaf_identity::{
    Identity, Watcher,
    directory::LoadError,
    publish::{Publisher, Snapshot},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{ages::Ages, whereabouts::Whereabouts};
use crate::{
    clock::{self, Backoff},
    connection::{Cause, Connection, Dialled, Farewell, Terms},
    dial::{Dialer, Proof},
    failure, limits,
    status::Ledger,
    switchboard::Switchboard,
};

/// Something under way. It succeeds or is given up by being dropped; it does not fail.
type Pending<T> = Option<Pin<Box<dyn Future<Output = T> + Send>>>;

/// What a keeper is made of.
pub(crate) struct Parts {
    pub(crate) board: Arc<Switchboard>,
    pub(crate) dialer: Dialer,
    pub(crate) watcher: Watcher,
    pub(crate) publisher: Publisher,
    pub(crate) connection_age: Duration,
}

/// The loop.
pub(crate) struct Keeper {
    board: Arc<Switchboard>,
    /// The connections that take new streams.
    live: Vec<Connection>,
    dialer: Arc<Dialer>,
    watcher: Watcher,
    publisher: Publisher,
    adopted: Option<Arc<Snapshot>>,
    trial: Pending<Dialled>,
    dialling: Pending<Dialled>,
    /// How many connections are to take new streams: one, and more while the server's limit of streams is reached.
    wanted: usize,
    ages: Ages,
    farewells: mpsc::UnboundedReceiver<Farewell>,
    farewell: mpsc::UnboundedSender<Farewell>,
    n_opened: u64,
}

/// What the loop woke up for.
enum News {
    Candidate(Box<Result<Identity, LoadError>>),
    Proved(Box<Dialled>),
    Dialled(Box<Dialled>),
    Farewell(Farewell),
    Crowded,
    Moved,
    Ageing,
}

impl Keeper {
    pub(crate) fn new(parts: Parts) -> Self {
        // Unbounded in type only: each connection says at most two farewells, and connections are few.
        let (farewell, farewells) = mpsc::unbounded_channel();
        Self {
            board: parts.board,
            live: Vec::new(),
            dialer: Arc::new(parts.dialer),
            watcher: parts.watcher,
            publisher: parts.publisher,
            adopted: None,
            trial: None,
            dialling: None,
            wanted: 1,
            ages: Ages::new(parts.connection_age),
            farewells,
            farewell,
            n_opened: 0,
        }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut whereabouts = Whereabouts::watch(Arc::clone(&self.dialer));
        loop {
            match self.news(&mut whereabouts).await {
                News::Candidate(candidate) => self.consider(*candidate),
                News::Proved(dialled) => self.adopt(*dialled),
                News::Dialled(dialled) => self.join(*dialled, &whereabouts),
                News::Farewell(farewell) => self.part(&farewell),
                News::Crowded => self.widen(),
                News::Moved | News::Ageing => {}
            }
            self.replenish(&whereabouts);
        }
    }

    async fn news(&mut self, whereabouts: &mut Whereabouts) -> News {
        let ageing = self.next_ageing();
        tokio::select! {
            // A farewell first: until it is heard, a dead connection is still in the list.
            biased;
            Some(farewell) = self.farewells.recv() => News::Farewell(farewell),
            dialled = arrived(&mut self.trial) => News::Proved(Box::new(dialled)),
            dialled = arrived(&mut self.dialling) => News::Dialled(Box::new(dialled)),
            candidate = self.watcher.next() => News::Candidate(Box::new(candidate)),
            () = self.board.crowded() => News::Crowded,
            () = whereabouts.moved() => News::Moved,
            () = until(ageing) => News::Ageing,
        }
    }

    /// Begins the trial of a candidate, in place of any other.
    fn consider(&mut self, candidate: Result<Identity, LoadError>) {
        let identity = match candidate {
            Ok(identity) => identity,
            Err(error) => return self.refuse(&failure::sentence(&error)),
        };
        self.trial = None;
        let adopted = self.adopted.as_ref().map(|s| s.identity.chain());
        if adopted == Some(identity.chain()) {
            tracing::info!(leaf = %identity.fingerprint(), "the identity is unchanged");
            return;
        }
        let leaf = identity.leaf();
        if !leaf.allows_client_auth() {
            let subject = leaf.subject();
            let why = format!(
                "expected leaf `{subject}` to allow client authentication in its extended key usage"
            );
            return self.refuse(&why);
        }
        tracing::info!(leaf = %identity.fingerprint(), subject = %leaf.subject(), "proving an identity");
        let (dialer, ledger) = (Arc::clone(&self.dialer), Arc::clone(self.board.ledger()));
        self.trial = Some(Box::pin(try_until_proved(
            dialer,
            Arc::new(identity),
            ledger,
        )));
    }

    fn refuse(&self, why: &str) {
        tracing::warn!(why, "refused a candidate; the identity in use stays");
        self.board.ledger().refused(why.to_owned());
    }

    /// Moves new streams to a candidate that has proved itself; what is open on older connections drains.
    fn adopt(&mut self, dialled: Dialled) {
        self.trial = None;
        // It would arrive under the identity that has just been replaced.
        self.dialling = None;
        self.wanted = 1;
        let snapshot = self.publisher.publish(Arc::clone(&dialled.identity));
        tracing::info!(
            generation = snapshot.generation,
            leaf = %snapshot.identity.fingerprint(),
            issuer = %snapshot.identity.leaf().issuer(),
            not_after = %snapshot.identity.not_after(),
            "adopted an identity"
        );
        self.adopted = Some(snapshot);
        let connection = self.live(dialled);
        self.board.ledger().adopted();
        // Make before break: the new one takes calls already.
        self.live = vec![connection];
    }

    /// Puts one more connection to use, in place of one that wanes if there is one.
    fn join(&mut self, dialled: Dialled, whereabouts: &Whereabouts) {
        self.dialling = None;
        let connection = self.live(dialled);
        let now = Instant::now();
        let wanes = |c: &Connection| c.is_waning(now) || whereabouts.lack(c.peer());
        let waning = self.live.iter().position(wanes);
        // What was in doubt may have come back since.
        let surplus = (self.live.len() >= self.wanted).then_some(0);
        if let Some(old) = waning.or(surplus) {
            drop(self.live.remove(old));
        }
        self.live.push(connection);
    }

    /// Takes a connection out of use that ended by itself.
    fn part(&mut self, farewell: &Farewell) {
        self.live.retain(|c| c.id() != farewell.id);
        match farewell.cause {
            Cause::Goodbye => {
                tracing::info!(age = ?farewell.age, "the server said goodbye to a connection");
                self.ages.observe(farewell.age);
            }
            Cause::Lost => {}
        }
    }

    /// Wants one more connection if all are full.
    fn widen(&mut self) {
        let is_crowded = self.board.with(|relay| relay.is_crowded());
        if is_crowded && self.dialling.is_none() {
            self.wanted = (self.live.len() + 1).min(limits::UPSTREAM_CONNECTIONS);
        }
    }

    /// Dials if fewer connections stay than are wanted.
    fn replenish(&mut self, whereabouts: &Whereabouts) {
        let Some(adopted) = &self.adopted else {
            return;
        };
        let now = Instant::now();
        let stays = |c: &&Connection| !c.is_waning(now) && !whereabouts.lack(c.peer());
        let n_staying = self.live.iter().filter(stays).count();
        if n_staying >= self.wanted || self.dialling.is_some() {
            return;
        }
        let (dialer, identity) = (Arc::clone(&self.dialer), Arc::clone(&adopted.identity));
        let board = Arc::clone(&self.board);
        self.dialling = Some(Box::pin(dial_until_answered(dialer, identity, board)));
    }

    fn next_ageing(&self) -> Option<Instant> {
        if self.dialling.is_some() {
            return None;
        }
        self.live.iter().map(Connection::renew_at).min()
    }

    fn live(&mut self, dialled: Dialled) -> Connection {
        self.n_opened += 1;
        // At 60 to 80 % of its age: late enough to be worth it, early enough for Temporal's own jitter of 10 %.
        let after = clock::jittered(self.ages.expected(), 600, 800);
        let terms = Terms {
            id: self.n_opened,
            renew_at: dialled.opened + after,
            farewells: self.farewell.clone(),
        };
        Connection::live(dialled, terms)
    }
}

/// Tries a candidate until the server accepts it. Its CA may not be accepted *yet*, so a refusal is not final; it
/// is counted once for each candidate, and told again when its reason changes.
async fn try_until_proved(
    dialer: Arc<Dialer>,
    identity: Arc<Identity>,
    ledger: Arc<Ledger>,
) -> Dialled {
    let mut backoff = Backoff::new(limits::PROOF_PAUSE, limits::PROOF_PAUSE_MAX);
    let mut told = String::new();
    let mut counted = false;
    loop {
        let error = match dialer.dial(&identity, Proof::Calls).await {
            Ok(dialled) => return dialled,
            Err(error) => error,
        };
        let why = failure::sentence(&error);
        if error.is_refusal() && !counted {
            ledger.refused(why.clone());
            counted = true;
        }
        if why != told {
            tracing::warn!(leaf = %identity.fingerprint(), why, "could not prove an identity; it is not adopted, and tried again");
            told = why;
        }
        backoff.pause().await;
    }
}

/// Dials under an identity that proved itself before, until the server answers.
async fn dial_until_answered(
    dialer: Arc<Dialer>,
    identity: Arc<Identity>,
    board: Arc<Switchboard>,
) -> Dialled {
    let mut backoff = Backoff::new(limits::REDIAL_PAUSE, limits::REDIAL_PAUSE_MAX);
    let mut told = String::new();
    loop {
        let error = match dialer.dial(&identity, Proof::Handshake).await {
            Ok(dialled) => return dialled,
            Err(error) => error,
        };
        let why = failure::sentence(&error);
        board.with(|relay| relay.note_trouble(&why));
        if why != told {
            tracing::warn!(why, "could not connect to the server; trying again");
            told = why;
        }
        backoff.pause().await;
    }
}

async fn arrived<T>(pending: &mut Pending<T>) -> T {
    match pending {
        Some(pending) => pending.await,
        None => std::future::pending().await,
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
