//! Keeps connections to the server there: under the identity of the moment, and before they are missed.
//!
//! One loop for each upstream owns all decisions. Two kinds of things are under way: the *trial* of candidate credentials, and
//! the *dialling* of connections that are missing under the adopted ones. Make before break: a new connection is in use
//! before the one it replaces is let go, and a candidate's connection must have proved itself first.

use std::{pin::Pin, sync::Arc, time::Duration};

use newleaf_identity::publish::Publisher;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{
    ages::Ages,
    candidates::{CandidateError, Candidates},
    pace::Pace,
    trial::{Need, try_until_proved},
    whereabouts::Whereabouts,
};
use crate::{
    clock,
    connection::{Cause, Connection, Dialled, Farewell, Terms},
    credentials::Credentials,
    dial::{DialError, Dialer, Proof, first_of},
    failure, limits,
    status::ledger::Account,
    switchboard::Switchboard,
    trust::TrustKeeper,
};

/// Something under way. It is given up by being dropped.
type Pending<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a keeper is made of.
pub(crate) struct Parts {
    pub(crate) board: Arc<Switchboard>,
    pub(crate) dialer: Dialer,
    /// What keeps the dialer's CAs in step with their file, if they have one.
    pub(crate) trust: Option<TrustKeeper>,
    pub(crate) candidates: Candidates,
    pub(crate) publisher: Publisher,
    pub(crate) account: Arc<Account>,
    pub(crate) connection_age: Duration,
}

/// The loop.
pub(crate) struct Keeper {
    board: Arc<Switchboard>,
    /// The connections that take new streams.
    live: Vec<Connection>,
    dialer: Arc<Dialer>,
    candidates: Candidates,
    /// What is wanted: not adopted yet, or not all of it.
    candidate: Option<Credentials>,
    publisher: Publisher,
    account: Arc<Account>,
    adopted: Option<Credentials>,
    trial: Option<Pending<Dialled>>,
    /// How much depends on it.
    need: watch::Sender<Need>,
    dialling: Vec<Pending<Result<Dialled, DialError>>>,
    pace: Pace,
    /// Why the last dial under the adopted credentials failed, if it did.
    trouble: Option<String>,
    /// Whether that was a refusal.
    is_refused: bool,
    /// How many connections are to take new streams: one, and more while the server's limit of streams asks for them.
    wanted: usize,
    ages: Ages,
    farewells: mpsc::UnboundedReceiver<Farewell>,
    farewell: mpsc::UnboundedSender<Farewell>,
}

/// What the loop woke up for.
enum News {
    Candidate(Result<Credentials, CandidateError>),
    Proved(Box<Dialled>),
    Dialled(Box<Result<Dialled, DialError>>),
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
            candidates: parts.candidates,
            candidate: None,
            publisher: parts.publisher,
            account: parts.account,
            adopted: None,
            trial: None,
            need: watch::channel(Need::Urgent).0,
            dialling: Vec::new(),
            pace: Pace::new(),
            trouble: None,
            is_refused: false,
            wanted: 1,
            ages: Ages::new(parts.connection_age),
            farewells,
            farewell,
        }
    }

    /// Runs until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut whereabouts = Whereabouts::watch(Arc::clone(&self.dialer));
        loop {
            match self.news(&mut whereabouts).await {
                News::Candidate(candidate) => self.consider(candidate),
                News::Proved(dialled) => self.adopt(*dialled),
                News::Dialled(dialled) => self.join(*dialled, &whereabouts),
                News::Farewell(farewell) => self.part(&farewell),
                News::Crowded => self.widen(),
                News::Moved | News::Ageing => {}
            }
            self.narrow();
            self.replenish(&whereabouts);
            self.need.send_replace(self.need());
            self.account.current(self.is_current());
        }
    }

    /// Returns whether what is in use is what was read last.
    fn is_current(&self) -> bool {
        self.adopted.is_some() && self.candidate.is_none() && self.candidates.are_sound()
    }

    /// Returns how much depends on a trial.
    fn need(&self) -> Need {
        if self.live.is_empty() || self.is_refused {
            Need::Urgent
        } else {
            Need::Slight
        }
    }

    async fn news(&mut self, whereabouts: &mut Whereabouts) -> News {
        let ageing = self.next_ageing();
        tokio::select! {
            // A farewell first: until it is heard, a dead connection is still in the list.
            biased;
            Some(farewell) = self.farewells.recv() => News::Farewell(farewell),
            dialled = arrived(&mut self.trial) => News::Proved(Box::new(dialled)),
            dialled = first_of(&mut self.dialling) => News::Dialled(Box::new(dialled)),
            candidate = self.candidates.next() => News::Candidate(candidate),
            () = self.board.crowded(self.dialer.id) => News::Crowded,
            () = whereabouts.moved() => News::Moved,
            () = until(ageing) => News::Ageing,
        }
    }

    /// Begins the trial of candidates, in place of any other.
    fn consider(&mut self, candidate: Result<Credentials, CandidateError>) {
        let candidate = match candidate {
            Ok(candidate) => candidate,
            Err(error) => return self.refuse(&failure::sentence(&error)),
        };
        if self.adopted.as_ref() == Some(&candidate) {
            tracing::info!(upstream = self.account.name(), %candidate, "the credentials are unchanged");
        }
        self.candidate = Some(candidate);
        self.begin_trial(Instant::now());
    }

    /// Tries what is wanted, unless that is what there is.
    fn begin_trial(&mut self, not_before: Instant) {
        self.trial = None;
        let adopted = self.adopted.as_ref();
        let Some(candidate) = self.candidate.take_if(|wanted| adopted != Some(wanted)) else {
            self.candidate = None;
            return;
        };
        tracing::info!(upstream = self.account.name(), %candidate, "proving credentials");
        let ways = candidate.ways_from(adopted);
        self.candidate = Some(candidate);
        let (dialer, account) = (Arc::clone(&self.dialer), Arc::clone(&self.account));
        let need = self.need.subscribe();
        let trial = try_until_proved(dialer, ways, (account, need), not_before);
        self.trial = Some(Box::pin(trial));
    }

    fn refuse(&self, why: &str) {
        let upstream = self.account.name();
        tracing::warn!(
            upstream,
            why,
            "refused a candidate; the credentials in use stay"
        );
        self.account.refused(why.to_owned());
    }

    /// Moves new streams to credentials that have proved themselves; what is open on older connections drains.
    fn adopt(&mut self, dialled: Dialled) {
        // It would arrive under the credentials that have just been replaced.
        self.dialling.clear();
        let credentials = dialled.credentials.clone();
        let Some(connection) = self.live(dialled) else {
            // It ended as soon as it was proved: what there is stays.
            self.pace.wasted();
            return self.begin_trial(self.pace.not_before());
        };
        self.pace.used();
        self.trouble = None;
        self.is_refused = false;
        // Make before break: the new one takes calls already. And break before it is told: what is told is so.
        self.live = vec![connection];
        self.publish(&credentials);
        self.adopted = Some(credentials);
        self.account.adopted();
        // Half of what is wanted may be still to come.
        self.begin_trial(Instant::now());
    }

    /// Tells what is in use from now on.
    fn publish(&self, credentials: &Credentials) {
        let upstream = self.account.name();
        let before = self.adopted.as_ref();
        if let Some(identity) = &credentials.identity
            && !before.is_some_and(|before| before.has_identity_of(credentials))
        {
            let snapshot = self.publisher.publish(Arc::clone(identity));
            tracing::info!(
                upstream,
                generation = snapshot.generation,
                leaf = %identity.fingerprint(),
                issuer = %identity.leaf().issuer(),
                not_after = %identity.not_after(),
                "adopted an identity"
            );
        }
        if credentials.api_key.is_some()
            && !before.is_some_and(|before| before.has_api_key_of(credentials))
        {
            let generation = self.account.adopted_api_key();
            tracing::info!(upstream, generation, "adopted an API key");
        }
    }

    /// Puts one more connection to use, in place of one that wanes if there is one.
    fn join(&mut self, dialled: Result<Dialled, DialError>, whereabouts: &Whereabouts) {
        let dialled = match dialled {
            Ok(dialled) => dialled,
            Err(error) => return self.miss(&error),
        };
        self.trouble = None;
        self.is_refused = false;
        let Some(connection) = self.live(dialled) else {
            return self.pace.wasted();
        };
        let now = Instant::now();
        let wanes = |c: &Connection| c.is_waning(now) || whereabouts.lack(c.peer());
        let waning = self.live.iter().position(wanes);
        // What was in doubt may have come back since.
        let surplus = (self.live.len() >= self.wanted).then_some(0);
        if let Some(old) = waning.or(surplus) {
            let old = self.live.remove(old);
            if old.renew_at() <= now {
                self.ages.outlived();
            }
        }
        self.live.push(connection);
    }

    /// Notes why there is not one more connection.
    fn miss(&mut self, error: &DialError) {
        self.pace.failed();
        self.is_refused = error.is_refusal();
        let why = failure::sentence(error);
        let id = self.dialer.id;
        self.board.with(|relay| relay.note_trouble(id, &why));
        self.account.dialled(Some(&why));
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!(why, "could not connect to the server; trying again");
            self.trouble = Some(why);
        }
    }

    /// Takes a connection out of use that ended by itself.
    fn part(&mut self, farewell: &Farewell) {
        let nth = self.live.iter().position(|c| c.id() == farewell.id);
        let ended = nth.map(|nth| self.live.remove(nth));
        // One that was out of use already has nothing to say that was not said then.
        if ended.is_none() {
            return;
        }
        if farewell.has_served || farewell.age >= limits::CONNECTION_AGE_MIN {
            self.pace.used();
        } else {
            self.pace.wasted();
        }
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
        let is_crowded = self.board.with(|relay| relay.is_crowded(self.dialer.id));
        if is_crowded && self.dialling.is_empty() {
            self.wanted = (self.live.len() + 1).min(limits::UPSTREAM_CONNECTIONS);
        }
    }

    /// Gives a connection that has grown old no successor, if the others suffice.
    fn narrow(&mut self) {
        let now = Instant::now();
        let is_settled = self.dialling.is_empty() && self.live.len() == self.wanted;
        let old = self.live.iter().position(|c| c.renew_at() <= now);
        if let Some(old) = old
            && is_settled
            && self.wanted > 1
            && self
                .board
                .with(|relay| relay.has_one_to_spare(self.dialer.id))
        {
            self.wanted -= 1;
            let let_go = self.live.remove(old);
            let connection = let_go.id();
            tracing::info!(
                connection,
                "let go of a connection that is not needed any more"
            );
        }
    }

    /// Dials if fewer connections stay than are wanted: all that are not there side by side, if nothing speaks against it, and
    /// one after the other for those that wane.
    fn replenish(&mut self, whereabouts: &Whereabouts) {
        let Some(adopted) = &self.adopted else {
            return;
        };
        let now = Instant::now();
        let stays = |c: &&Connection| !c.is_waning(now) && !whereabouts.lack(c.peer());
        let n_staying = self.live.iter().filter(stays).count();
        let n_waned = usize::from(n_staying < self.wanted);
        let n_absent = self.wanted.saturating_sub(self.live.len());
        let n_due = if self.pace.is_fresh() {
            n_absent.max(n_waned)
        } else {
            n_waned
        };
        // Where nothing is missed, neither is what was refused.
        self.is_refused &= n_due > 0 || !self.dialling.is_empty();
        let not_before = self.pace.not_before();
        for _ in self.dialling.len()..n_due {
            let (dialer, credentials) = (Arc::clone(&self.dialer), adopted.clone());
            self.dialling.push(Box::pin(async move {
                sleep_until(not_before).await;
                dialer.dial(&credentials, Proof::Handshake).await
            }));
        }
    }

    fn next_ageing(&self) -> Option<Instant> {
        if !self.dialling.is_empty() {
            return None;
        }
        self.live.iter().map(Connection::renew_at).min()
    }

    fn live(&mut self, dialled: Dialled) -> Option<Connection> {
        // At 60 to 80 % of its age: late enough to be worth it, early enough for Temporal's own jitter of 10 %.
        let after = clock::jittered(self.ages.expected(), 600, 800);
        let terms = Terms {
            id: self.board.ledger().number(),
            upstream: self.account.name().into(),
            renew_at: dialled.opened + after,
            farewells: self.farewell.clone(),
        };
        self.account.dialled(None);
        Connection::live(dialled, terms)
    }
}

async fn arrived<T>(pending: &mut Option<Pending<T>>) -> T {
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
