//! What names stand for: asked of DNS in the way that the machine is set up to ask, and with what getaddrinfo keeps for itself,
//! for how long the answer holds.
//!
//! Like everything else on the machine it reads `/etc/hosts` and `/etc/resolv.conf`, anew for each question, so that their
//! changes count at once. Unlike the rest it does not read `/etc/nsswitch.conf`: what only a module of the C library knows
//! (mDNS, NIS) is not found (docs/decisions/0034).

mod answer;
mod exchange;
mod question;
mod system;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    pin::pin,
    sync::Arc,
    time::Duration,
};

use domain::base::iana::{Rcode, Rtype};
use tokio::time::{Instant, timeout};

use self::{answer::Reply, exchange::Silence, question::Candidate, system::Setup};
use crate::limits;

/// Who knows what names stand for. Clones are the same resolver.
#[derive(Clone, Debug)]
pub struct Resolver {
    options: Arc<ResolverOptions>,
}

/// Where a [`Resolver`] reads and asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverOptions {
    /// Servers to ask in place of those of [`Self::resolv_conf`], whose search domains do not count then. None: those.
    pub servers: Vec<SocketAddr>,
    /// The machine's choice of servers and search domains.
    pub resolv_conf: PathBuf,
    /// The port of the servers that it names.
    pub port: u16,
    /// Names that DNS is not asked for.
    pub hosts: PathBuf,
}

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// By family. None: nobody said anything of this family, which is not to say that there are no such addresses.
    pub(crate) four: Option<Vec<IpAddr>>,
    pub(crate) six: Option<Vec<IpAddr>>,
    /// What the name is an alias of, or the name itself.
    pub(crate) canonical: String,
    /// How long that holds.
    pub(crate) holds: Duration,
}

/// Why it is not known what a name stands for.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LookupError {
    #[error("expected a name that DNS can be asked for, found `{host}`")]
    Name { host: String },
    #[error(
        "expected an address of `{host}`, found none: {said}; see that the name is right, and that {servers} should know it"
    )]
    Absent {
        host: String,
        said: String,
        servers: String,
    },
    #[error(
        "could not look up `{host}`: {said}; see that {servers} can be reached, or name others by `--dns-server`"
    )]
    Silent {
        host: String,
        said: String,
        servers: String,
    },
}

/// What came of asking for one form of a name.
enum Outcome {
    Found(Found),
    /// The name, or the name's address, is not there, and a server says so.
    Absent(String),
    /// Nobody could say.
    Unknown(String),
}

impl ResolverOptions {
    /// As the machine is set up.
    pub fn system() -> Self {
        Self {
            servers: Vec::new(),
            resolv_conf: PathBuf::from("/etc/resolv.conf"),
            port: 53,
            hosts: PathBuf::from("/etc/hosts"),
        }
    }
}

impl Resolver {
    /// A resolver that asks so.
    pub fn new(options: ResolverOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Returns where it reads and asks.
    pub fn options(&self) -> &ResolverOptions {
        &self.options
    }

    /// Returns what a host stands for now. What is found has an address at least.
    pub(crate) async fn look_up(&self, host: &str) -> Result<Found, LookupError> {
        if question::is_localhost(host) {
            return Ok(found(
                host,
                &[
                    IpAddr::V4(Ipv4Addr::LOCALHOST),
                    IpAddr::V6(Ipv6Addr::LOCALHOST),
                ],
            ));
        }
        let of_hosts = system::hosts(&self.options.hosts, host);
        if !of_hosts.is_empty() {
            return Ok(found(host, &of_hosts));
        }
        let setup = system::setup(&self.options);
        let candidates = question::candidates(host, &setup).ok_or_else(|| LookupError::Name {
            host: host.to_owned(),
        })?;
        let until = Instant::now() + limits::LOOKUP;
        let (mut absent, mut unknown) = (Vec::new(), Vec::new());
        for (n_tried, candidate) in candidates.iter().enumerate() {
            let until = share(Instant::now(), until, candidates.len() - n_tried);
            match ask_for(candidate, &setup, until).await {
                Outcome::Found(found) => return Ok(found),
                Outcome::Absent(said) => absent.push(said),
                Outcome::Unknown(said) => unknown.push(said),
            }
        }
        let (host, servers) = (host.to_owned(), setup.told());
        Err(if unknown.is_empty() {
            let said = absent.join(", ");
            LookupError::Absent {
                host,
                said,
                servers,
            }
        } else {
            let said = unknown.join(", ");
            LookupError::Silent {
                host,
                said,
                servers,
            }
        })
    }
}

/// Asks for both families at once. When one has answered, the other is not waited for long: some boxes on the way swallow
/// what they do not know.
async fn ask_for(candidate: &Candidate, setup: &Setup, until: Instant) -> Outcome {
    let mut four = pin!(ask(candidate, Rtype::A, setup, until));
    let mut six = pin!(async {
        if setup.no_aaaa {
            return Ok(Reply::none(candidate));
        }
        ask(candidate, Rtype::AAAA, setup, until).await
    });
    let (four, six) = tokio::select! {
        four = &mut four => { let six = rest(&four, six).await; (four, six) }
        six = &mut six => { let four = rest(&six, four).await; (four, six) }
    };
    judge(four, six)
}

/// Asks one server after the other, as often as the machine is set up to, and always from the first on: a later one may be
/// there for when the first is down, and know less. Nobody remembers who answered.
async fn ask(
    candidate: &Candidate,
    kind: Rtype,
    setup: &Setup,
    until: Instant,
) -> Result<Reply, String> {
    let n_questions = setup.servers.len() * setup.attempts;
    let servers = setup.servers.iter().cycle();
    let mut last: Option<(SocketAddr, Silence)> = None;
    for (n_asked, server) in servers.take(n_questions).enumerate() {
        let now = Instant::now();
        // All of them share the time, but none is given so little that nobody could answer.
        let patience = share(now, until, n_questions - n_asked).max(now + limits::DNS_SERVER_MIN);
        let patience = patience.min(now + setup.timeout).min(until);
        match exchange::ask(*server, (candidate, kind), setup, patience).await {
            Ok(reply) => return Ok(reply),
            Err(silence) => last = Some((*server, silence)),
        }
        if Instant::now() >= until {
            break;
        }
    }
    Err(last.map_or_else(
        || "there is no server to ask".to_owned(),
        |(server, silence)| format!("{server} {silence} when asked for `{candidate}` {kind}"),
    ))
}

/// Returns until when the first of `n` may take that share the time: what it leaves is theirs.
fn share(now: Instant, until: Instant, n: usize) -> Instant {
    let n = u32::try_from(n).unwrap_or(u32::MAX).max(1);
    now + until.saturating_duration_since(now) / n
}

/// Waits for the other family: with patience if the first brought nothing, unless there is no such name. That is not believed at
/// once: there are servers that say so when it is the family that is not there (RFC 4074 §4.2).
async fn rest(
    first: &Result<Reply, String>,
    other: impl Future<Output = Result<Reply, String>>,
) -> Result<Reply, String> {
    if first
        .as_ref()
        .is_ok_and(|reply| !reply.addresses.is_empty() || reply.code == Rcode::NXDOMAIN)
    {
        let late = |_elapsed| Err("the other family is late".to_owned());
        timeout(limits::OTHER_FAMILY, other)
            .await
            .unwrap_or_else(late)
    } else {
        other.await
    }
}

fn judge(four: Result<Reply, String>, six: Result<Reply, String>) -> Outcome {
    let replies = [&four, &six].map(|reply| reply.as_ref().ok());
    let with_address = replies
        .into_iter()
        .flatten()
        .filter(|reply| !reply.addresses.is_empty());
    let holds = with_address.clone().map(|reply| reply.holds).min();
    let canonical = with_address.map(|reply| reply.canonical.clone()).next();
    if let (Some(holds), Some(canonical)) = (holds, canonical) {
        return Outcome::Found(Found {
            four: four.ok().map(|reply| reply.addresses),
            six: six.ok().map(|reply| reply.addresses),
            canonical,
            holds: holds.clamp(limits::TTL_MIN, limits::TTL_MAX),
        });
    }
    match (four, six) {
        (Ok(reply), Ok(_)) => Outcome::Absent(reply.said),
        (Ok(reply), Err(_)) | (Err(_), Ok(reply)) if reply.code == Rcode::NXDOMAIN => {
            Outcome::Absent(reply.said)
        }
        (Err(said), _) | (_, Err(said)) => Outcome::Unknown(said),
    }
}

/// What the machine knows by itself, which it does not say how long.
fn found(host: &str, addresses: &[IpAddr]) -> Found {
    let (four, six) = addresses.iter().partition(|address| address.is_ipv4());
    Found {
        four: Some(four),
        six: Some(six),
        canonical: host.to_owned(),
        holds: limits::HOSTS_INTERVAL,
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

#[cfg(test)]
mod tests;
