//! Dials the server under credentials, and proves that the server accepts them.
//!
//! With TLS 1.3 a client's handshake ends before the server has judged the client's leaf (RFC 8446 §2), and the server's
//! SETTINGS may be sent before it has. So the handshake proves nothing. That it acknowledges *our* SETTINGS does: they come
//! behind the client's last flight. And since Temporal Cloud applies certificate filters
//! to calls, not to handshakes, a new identity must also be allowed a call.

mod names;
mod tunnel;
mod way;

use std::{
    collections::BTreeSet,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use newleaf_identity::tls::{self, TlsError};
use rustls::{AlertDescription, pki_types::ServerName};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::{
    clock,
    connection::{Dialled, Gone, Link, Peer},
    credentials::Credentials,
    grpc::Code,
    limits, prove,
    relay::{Loss, UpstreamId},
    switchboard::Switchboard,
    trust::Roots,
};

pub(crate) use names::Names;
pub use tunnel::{ConnectProxy, ConnectProxyError};
pub(crate) use way::{Look, Way, WayError};

/// Where to dial, and what the server must be.
pub(crate) struct Dialer {
    pub(crate) id: UpstreamId,
    pub(crate) way: Way,
    pub(crate) server_name: ServerName<'static>,
    pub(crate) board: Arc<Switchboard>,
    pub(crate) roots: Roots,
    pub(crate) namespace: Option<String>,
    pub(crate) experience: Experience,
}

/// What was learned from dialling.
#[derive(Debug, Default)]
pub(crate) struct Experience {
    /// How many dials led nowhere since one succeeded.
    n_failed: AtomicUsize,
    /// How long the last one that succeeded took.
    took: Mutex<Option<Duration>>,
}

/// How far a dial has come that nothing has come of yet.
#[derive(Debug)]
struct Course {
    /// What the server's name stood for last, as far as it is known.
    known: BTreeSet<SocketAddr>,
    /// How many attempts were made since it stands for that.
    n_since: usize,
    /// How many were made in all.
    n_begun: usize,
}

/// How much a dialled connection must show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// That the server took the leaf: enough for credentials that proved themselves before.
    Handshake,
    /// That calls are allowed too: for new credentials. Of an API key a handshake says nothing.
    Calls,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    #[error(transparent)]
    Way(#[from] WayError),
    #[error("could not finish the TLS handshake with `{upstream}`")]
    Handshake { upstream: String, source: io::Error },
    #[error("expected `{upstream}` to answer over HTTP/2, found that it closed the connection")]
    Preface { upstream: String, source: Gone },
    #[error(
        "expected `{upstream}` to speak HTTP/2, found that it agreed to no protocol by ALPN and says something else"
    )]
    Alpn { upstream: String, source: Gone },
    #[error("could not {stage} within {} s", bound.as_secs())]
    Elapsed {
        stage: &'static str,
        bound: Duration,
    },
    #[error("could not prove the credentials by calling `{method}`")]
    Call { method: &'static str, source: Gone },
    #[error("expected `{method}` to answer OK, found {code}: {message}")]
    Denied {
        method: &'static str,
        code: Code,
        message: String,
    },
    #[error("expected `{method}` to answer a gRPC status, found HTTP status {status}")]
    NotGrpc {
        method: &'static str,
        status: String,
    },
    #[error("cannot present the identity")]
    Tls(#[from] TlsError),
}

impl DialError {
    /// Returns whether the server judged the credentials, and did not like them. A server that cannot be reached has not, nor
    /// one that is not well, nor one whose own certificate we did not like, nor a balancer that has nobody to ask.
    pub(crate) fn is_refusal(&self) -> bool {
        match self {
            // Within the handshake of TLS 1.2 the server says so; one that only hangs up may not even have read what we are.
            Self::Handshake { source, .. } => {
                let tls = source.get_ref().and_then(|error| error.downcast_ref());
                matches!(tls, Some(rustls::Error::AlertReceived(alert)) if is_about_us(*alert))
            }
            // With TLS 1.3 the server's alert comes behind a handshake that is done for us, and a reset may overtake it: the
            // socket that is closed there has not read all of what we sent. So a loss here counts as the refusal it mostly is.
            Self::Preface {
                source: Gone::Lost(Loss::Transport(_)),
                ..
            } => true,
            Self::Denied { code, .. } => !matches!(
                code,
                Code::ResourceExhausted | Code::Unavailable | Code::Other(_)
            ),
            Self::Way(_)
            | Self::Preface { .. }
            | Self::Alpn { .. }
            | Self::Elapsed { .. }
            | Self::Call { .. }
            | Self::NotGrpc { .. }
            | Self::Tls(_) => false,
        }
    }
}

/// Returns whether an alert may be about what we present; these are not, whoever we are.
fn is_about_us(alert: AlertDescription) -> bool {
    !matches!(
        alert,
        AlertDescription::ProtocolVersion
            | AlertDescription::UnrecognisedName
            | AlertDescription::NoApplicationProtocol
            | AlertDescription::InternalError
    )
}

impl Dialer {
    /// Dials, and returns a connection over which the server has answered. After a dial that failed, whyever, the next begins
    /// with the next address: what one refuses, another may take.
    pub(crate) async fn dial(
        &self,
        credentials: &Credentials,
        proof: Proof,
    ) -> Result<Dialled, DialError> {
        let dialled = self.dial_and_prove(credentials, proof).await;
        if dialled.is_ok() {
            self.experience.n_failed.store(0, Relaxed);
        } else {
            self.experience.n_failed.fetch_add(1, Relaxed);
            self.way.doubt();
        }
        dialled
    }

    async fn dial_and_prove(
        &self,
        credentials: &Credentials,
        proof: Proof,
    ) -> Result<Dialled, DialError> {
        let bound = limits::HANDSHAKE;
        let dialled = timeout(bound, self.dial_side_by_side(credentials)).await;
        let mut dialled = dialled.unwrap_or(Err(DialError::Elapsed {
            stage: "connect and shake hands",
            bound,
        }))?;
        match proof {
            Proof::Handshake => {}
            Proof::Calls => prove::calls(&mut dialled.link, self.namespace.as_deref()).await?,
        }
        Ok(dialled)
    }

    /// Dials, and while nothing comes of it dials once more beside that, and again, each time a head start later and beginning
    /// with the next address: a server that accepts connections and never speaks is found out by another that does.
    async fn dial_side_by_side(&self, credentials: &Credentials) -> Result<Dialled, DialError> {
        let n_failed = self.experience.n_failed.load(Relaxed);
        let mut course = Course::default();
        let mut attempts = vec![Box::pin(self.shake_hands(credentials, n_failed))];
        loop {
            tokio::select! {
                dialled = first_of(&mut attempts) => match dialled {
                    Ok(dialled) => return Ok(dialled),
                    Err(error) if attempts.is_empty() => return Err(error),
                    Err(_told_by_another) => {}
                },
                known = self.known_after(self.experience.head_start()) => {
                    if let Some(nth) = course.next(known) {
                        attempts.push(Box::pin(self.shake_hands(credentials, n_failed + nth)));
                    }
                }
            }
        }
    }

    /// Returns what the server's name stands for then, as far as it is known.
    async fn known_after(&self, head_start: Duration) -> BTreeSet<SocketAddr> {
        sleep(head_start).await;
        let look = self.way.look().await;
        look.map_or_else(|_unknown| BTreeSet::new(), |look| look.addresses)
    }

    async fn shake_hands(
        &self,
        credentials: &Credentials,
        n_turned: usize,
    ) -> Result<Dialled, DialError> {
        let upstream = || self.way.upstream().to_owned();
        let began = Instant::now();
        let socket = self.way.connect(n_turned).await?;
        let config = tls::client_config(Arc::clone(&self.roots.borrow()), credentials.resolver())?;
        let tls = TlsConnector::from(Arc::new(config))
            .connect(self.server_name.clone(), socket)
            .await
            .map_err(|source| DialError::Handshake {
                upstream: upstream(),
                source,
            })?;
        let (socket, session) = tls.into_inner();
        let peer = Peer {
            address: socket.peer_addr().ok(),
            certificate: session.peer_certificates().and_then(<[_]>::first).cloned(),
        };
        // A server that agrees to another protocol than h2 ends the handshake. One that knows no ALPN may speak h2 all the same.
        let is_agreed = session.alpn_protocol().is_some();
        let api_key = credentials.api_key.clone();
        let connected = self.board.connect((socket, session), self.id, api_key);
        let mut link = Link::new(Arc::clone(&self.board), connected);
        link.settled().await.map_err(|source| {
            let upstream = upstream();
            if !is_agreed && matches!(source, Gone::Lost(Loss::Breach(_))) {
                DialError::Alpn { upstream, source }
            } else {
                DialError::Preface { upstream, source }
            }
        })?;
        self.experience.note(began.elapsed());
        Ok(Dialled {
            credentials: credentials.clone(),
            link,
            peer,
            opened_at: clock::now(),
            opened: Instant::now(),
        })
    }
}

impl Default for Course {
    /// The first attempt has been made.
    fn default() -> Self {
        Self {
            known: BTreeSet::new(),
            n_since: 1,
            n_begun: 1,
        }
    }
}

impl Course {
    /// Returns which attempt is next, if there is to be another: each address deserves one, a single one a second, and others
    /// for which the name has come to stand meanwhile deserve the same.
    fn next(&mut self, known: BTreeSet<SocketAddr>) -> Option<usize> {
        if known != self.known {
            if !self.known.is_empty() {
                self.n_since = 0;
            }
            self.known = known;
        }
        if self.n_since >= self.known.len().max(2) || self.n_begun >= limits::ADDRESSES {
            return None;
        }
        let nth = self.n_begun;
        self.n_since += 1;
        self.n_begun += 1;
        Some(nth)
    }
}

impl Experience {
    fn note(&self, took: Duration) {
        *self.took.lock().unwrap_or_else(PoisonError::into_inner) = Some(took);
    }

    /// Returns how long a dial may take before another is begun beside it: thrice what the last one took, so that a server
    /// that is busy with handshakes is not given twice as many.
    fn head_start(&self) -> Duration {
        let took = *self.took.lock().unwrap_or_else(PoisonError::into_inner);
        let usual = took.map_or(limits::SECOND_DIAL_MAX, |took| took * 3);
        usual.clamp(limits::SECOND_DIAL, limits::SECOND_DIAL_MAX)
    }
}

/// Waits for whichever ends first, and takes it out of the list. Of an empty list none ever does.
pub(crate) async fn first_of<F: Future + Unpin>(attempts: &mut Vec<F>) -> F::Output {
    poll_fn(|cx| {
        let mut all = attempts.iter_mut().enumerate();
        let ended = all.find_map(|(nth, attempt)| match Pin::new(attempt).poll(cx) {
            Poll::Ready(output) => Some((nth, output)),
            Poll::Pending => None,
        });
        let Some((nth, output)) = ended else {
            return Poll::Pending;
        };
        drop(attempts.remove(nth));
        Poll::Ready(output)
    })
    .await
}

#[cfg(test)]
mod tests;
