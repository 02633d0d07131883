//! The three clients, each of the kind that its name says, and what the server sees of them.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use newleaf_sandbox::Seen;
use temporalio_protos::protos::temporal::api::workflowservice::v1 as api;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::demo::{
    channel::{self, DialError, Endpoint, Presented, Route},
    client::{Caller, Client},
    grpc::{self, Call},
    hook::Door,
    settings::{CA_NAME, NAMESPACE, PARTS, PROXIED, Part, RELOADING, RESTARTED},
    tally::{Counts, Tally},
};

/// How long a first call through the proxy may take.
const CALL_LIMIT: Duration = Duration::from_secs(1);

/// How long a client that was started again may take to have a connection.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long to rest between two looks for a first identity.
const LOOK_AGAIN: Duration = Duration::from_millis(30);

/// The clients. Each begins when it can: behind a proxy that carries calls, or with an identity in its directory. They
/// stop, in the middle of whatever they do, when this is dropped.
#[derive(Debug)]
pub(crate) struct Troupe {
    tallies: [(Part, Tally); 3],
    _clients: JoinSet<()>,
}

/// The client that reads its identity once, at the start.
#[derive(Debug)]
struct Restartable {
    endpoint: Endpoint,
    directory: PathBuf,
    tally: Tally,
    running: Option<Client>,
}

impl Troupe {
    /// Has the three begin.
    pub(crate) fn gather(
        proxy: SocketAddr,
        endpoint: &Endpoint,
        stores: &Path,
        door: Door,
    ) -> Self {
        let tallies = PARTS.map(|part| (part, Tally::default()));
        let [(_, proxied), (_, reloading), (_, restarted)] = tallies.clone();
        let mut clients = JoinSet::new();
        clients.spawn(async move {
            carries_calls(proxy).await;
            let _at_work = Client::start(caller(PROXIED), Route::Plain(proxy), &proxied);
            std::future::pending::<()>().await;
        });
        let (of_reloading, directory) = (endpoint.clone(), stores.join(RELOADING.name));
        clients.spawn(async move {
            while Presented::read(&of_reloading, &directory).is_err() {
                sleep(LOOK_AGAIN).await;
            }
            let route = Route::Reread(of_reloading, directory);
            let _at_work = Client::start(caller(RELOADING), route, &reloading);
            std::future::pending::<()>().await;
        });
        let restartable = Restartable {
            endpoint: endpoint.clone(),
            directory: stores.join(RESTARTED.name),
            tally: restarted,
            running: None,
        };
        clients.spawn(restartable.answer(door));
        Self {
            tallies,
            _clients: clients,
        }
    }

    /// Returns what each has counted.
    pub(crate) fn counts(&self, now: Instant) -> [(Part, Counts); 3] {
        self.tallies
            .each_ref()
            .map(|(part, tally)| (*part, tally.counts(now)))
    }
}

impl Restartable {
    /// Starts or restarts whenever somebody knocks; one after the other.
    async fn answer(mut self, door: Door) {
        loop {
            match door.knock().await {
                Ok(knock) => {
                    let outcome = self.restart().await;
                    knock.answer(outcome).await;
                }
                Err(error) => tracing::warn!(%error, "could not hear the restart hook"),
            }
        }
    }

    /// A rolling restart, as a good deployment does it: the new one is up before the old one goes, and the old one
    /// finishes its calls. If the new one does not come up, the old one stays.
    async fn restart(&mut self) -> Result<(), DialError> {
        let presented = Presented::read(&self.endpoint, &self.directory)?;
        let route = Route::Held(self.endpoint.clone(), presented);
        let mut next = Client::start(caller(RESTARTED), route, &self.tally);
        timeout(START_LIMIT, next.connected())
            .await
            .map_err(|_elapsed| DialError::Late)?;
        if let Some(old) = self.running.replace(next) {
            old.finish().await;
        }
        Ok(())
    }
}

/// Waits until a call through the proxy succeeds. It has no identity before the first leaf is issued.
async fn carries_calls(proxy: SocketAddr) {
    let call = Call::new("GetSystemInfo", &api::GetSystemInfoRequest {}, CALL_LIMIT);
    loop {
        if let Ok(connection) = channel::dial(&Route::Plain(proxy), 0).await
            && let Some(ready) = connection.ready().await
            && grpc::call(ready, &call).await.is_ok()
        {
            return;
        }
        sleep(LOOK_AGAIN).await;
    }
}

fn caller(part: Part) -> Caller {
    Caller {
        name: part.name.to_owned(),
        namespace: NAMESPACE.to_owned(),
        // Each has a queue of its own, so that Temporal's list of pollers tells them apart.
        task_queue: part.name.to_owned(),
    }
}

/// Returns which CAs the live connections of a client present, as the server sees them; for example "g1 g2".
pub(crate) fn presents(seen: &Seen, part: Part) -> String {
    let live = seen
        .leaves
        .values()
        .filter(|leaf| leaf.n_connections > 0 && is_named(&leaf.subject, part.name));
    let generations: BTreeSet<&str> = live.filter_map(|leaf| generation(&leaf.issuer)).collect();
    generations.into_iter().collect::<Vec<_>>().join(" ")
}

/// Returns how many calls of a client the server saw under one CA.
pub(crate) fn calls_under(seen: &Seen, part: Part, ca: &str) -> u64 {
    seen.leaves
        .values()
        .filter(|leaf| is_named(&leaf.subject, part.name) && generation(&leaf.issuer) == Some(ca))
        .map(|leaf| leaf.n_calls)
        .sum()
}

fn is_named(subject: &str, name: &str) -> bool {
    common_name(subject) == Some(name)
}

fn generation(issuer: &str) -> Option<&str> {
    common_name(issuer)?
        .strip_prefix(CA_NAME)
        .map(str::trim_start)
}

fn common_name(name: &str) -> Option<&str> {
    name.split(',')
        .find_map(|attribute| attribute.trim().strip_prefix("CN="))
}
