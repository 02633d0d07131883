//! A namespace's mTLS endpoint: judged in the handshake by the accepted client CAs, per call by the filters.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use newleaf_x509::Certificate;
use rustls::{
    HandshakeKind, ServerConfig,
    server::{NoServerSessionStorage, ServerSessionMemoryCache, StoresServerSessions},
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::{
    net::TcpStream,
    sync::{mpsc, watch},
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::{Code, Status, body::Body};

use crate::{
    account::Rollout,
    clock,
    connection::{self, HANDSHAKE, Lifetime},
    frontend::Frontend,
    ledger::{Ledger, Open, Refusal},
    options::Timing,
    pki,
    quirks::{Established, FilterDenial, Quirks, Resumption},
    relay::Relay,
    trust::Trust,
    verifier::{self, Verdict, Verifier},
};

/// How many TLS sessions can be resumed.
const SESSIONS: usize = 1_024;

/// The call that a leaf of one namespace may not make.
const LIST_NAMESPACES: &str = "/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces";

/// A namespace's mTLS endpoint.
pub(crate) struct Endpoint {
    pub(crate) presented: Arc<CertifiedKey>,
    pub(crate) trusted: watch::Receiver<Arc<Trusted>>,
    pub(crate) timing: Timing,
    pub(crate) quirks: Quirks,
    pub(crate) ledger: Ledger,
    pub(crate) backend: Backend,
}

/// The trust that the data plane enforces, and the sessions that may be resumed under it.
pub(crate) struct Trusted {
    trust: Arc<Trust>,
    sessions: Arc<dyn StoresServerSessions>,
}

/// Who answers admitted calls.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    /// The sandbox.
    Frontend(Frontend),
    /// A real Temporal frontend.
    Upstream(std::net::SocketAddr),
}

/// Who answers the admitted calls of one connection.
enum Answers {
    Frontend(Frontend),
    Relay(Relay),
}

impl Trusted {
    pub(crate) fn new(trust: Trust, quirks: Quirks) -> Self {
        let sessions: Arc<dyn StoresServerSessions> = match quirks.resumption {
            Resumption::Rechecks | Resumption::IgnoresCaRemoval => {
                ServerSessionMemoryCache::new(SESSIONS)
            }
            Resumption::Off => Arc::new(NoServerSessionStorage {}),
        };
        Self {
            trust: Arc::new(trust),
            sessions,
        }
    }

    /// Returns what is enforced after a change. Sessions of an older trust are forgotten where resumption rechecks,
    /// so that their clients make a full handshake.
    fn succeeded_by(&self, trust: Trust, quirks: Quirks) -> Self {
        match quirks.resumption {
            Resumption::Rechecks | Resumption::Off => Self::new(trust, quirks),
            Resumption::IgnoresCaRemoval => Self {
                trust: Arc::new(trust),
                sessions: Arc::clone(&self.sessions),
            },
        }
    }
}

/// Brings a namespace's accepted changes to its endpoint, each when its time has come. The one writer of the trust.
pub(crate) async fn roll_out(
    mut rollouts: mpsc::Receiver<(Instant, Rollout)>,
    trusted: watch::Sender<Arc<Trusted>>,
    quirks: Quirks,
) {
    while let Some((at, rollout)) = rollouts.recv().await {
        sleep_until(at).await;
        trusted.send_modify(|current| {
            *current = Arc::new(current.succeeded_by(rollout.trust, quirks));
        });
    }
}

impl Endpoint {
    /// Serves one connection from its handshake to its end.
    pub(crate) async fn serve(self: Arc<Self>, stream: TcpStream, number: u64) {
        let trusted = Arc::clone(&self.trusted.borrow());
        let (verifier, verdict) = Verifier::new(Arc::clone(&trusted.trust));
        let stream = match self.handshake(stream, &trusted, verifier).await {
            Ok(stream) => stream,
            Err(error) => return self.refuse(&verdict, &error),
        };
        let Some((chain, is_resumed)) = self.presented(&stream, &trusted.trust) else {
            return;
        };
        let Some(leaf) = chain.first().cloned() else {
            return;
        };
        let caller = Arc::new(Caller {
            open: self.ledger.open(&leaf, is_resumed),
            leaf,
            answers: match &self.backend {
                Backend::Frontend(frontend) => Answers::Frontend(frontend.clone()),
                Backend::Upstream(address) => Answers::Relay(Relay::new(*address)),
            },
        });
        let endpoint = Arc::clone(&self);
        let service = move |request| {
            let (endpoint, caller) = (Arc::clone(&endpoint), Arc::clone(&caller));
            async move { endpoint.answer(&caller, request).await }
        };
        let lifetime = Lifetime {
            age: spread(self.timing.connection_age, number),
            grace: self.timing.age_grace,
        };
        connection::serve(stream, service, Some(lifetime), self.distrusted(chain)).await;
    }

    async fn handshake(
        &self,
        stream: TcpStream,
        trusted: &Trusted,
        verifier: Verifier,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(pki::provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(
                &self.presented,
            ))));
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.session_storage = Arc::clone(&trusted.sessions);
        if self.quirks.resumption == Resumption::Off {
            config.send_tls13_tickets = 0;
        }
        let accepting = TlsAcceptor::from(Arc::new(config)).accept(stream);
        timeout(HANDSHAKE, accepting).await?
    }

    /// Returns what the client presents, and whether it resumed a session; or refuses, if a resumed session does
    /// not stand up to the trust of the moment (its leaf may have ended since).
    fn presented(
        &self,
        stream: &TlsStream<TcpStream>,
        trust: &Trust,
    ) -> Option<(Vec<Certificate>, bool)> {
        let (_, connection) = stream.get_ref();
        let chain = verifier::read(connection.peer_certificates().unwrap_or_default()).ok()?;
        let is_resumed = connection.handshake_kind() == Some(HandshakeKind::Resumed);
        if is_resumed && self.quirks.resumption == Resumption::Rechecks {
            let now = clock::now();
            if let Err(distrust) = trust.accepts(chain.iter().cloned(), now) {
                self.ledger.refuse(Refusal {
                    at: now,
                    leaf: chain.first().map(Certificate::fingerprint),
                    reason: format!("resumed session: {distrust}"),
                });
                return None;
            }
        }
        Some((chain, is_resumed))
    }

    fn refuse(&self, verdict: &OnceLock<Verdict>, error: &std::io::Error) {
        let (leaf, reason) = match verdict.get() {
            Some(verdict) => (Some(verdict.leaf), verdict.reason.clone()),
            None => (None, error.to_string()),
        };
        self.ledger.refuse(Refusal {
            at: clock::now(),
            leaf,
            reason,
        });
    }

    /// Waits until an established connection must be cut for what it presents. Without mTLS every connection must
    /// ("disabling mTLS auth will cause existing mTLS connections to fail").
    fn distrusted(&self, chain: Vec<Certificate>) -> impl Future<Output = ()> + use<> {
        let mut trusted = self.trusted.clone();
        let established = self.quirks.established;
        async move {
            let must_go = trusted.wait_for(|trusted| {
                let accepted = trusted.trust.accepts(chain.iter().cloned(), clock::now());
                !trusted.trust.enabled || (established == Established::Cut && accepted.is_err())
            });
            if must_go.await.is_err() {
                // The writer is gone: nothing will change any more.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn answer(&self, caller: &Caller, request: Request<Incoming>) -> Response<Body> {
        caller.open.call(clock::now());
        if let Some(denial) = self.denial(caller, request.uri().path()) {
            caller.open.deny();
            return denial.into_http();
        }
        match &caller.answers {
            Answers::Frontend(frontend) => frontend.answer(request).await,
            Answers::Relay(relay) => relay.forward(request).await,
        }
    }

    fn denial(&self, caller: &Caller, path: &str) -> Option<Status> {
        let code = match self.quirks.filter_denial {
            FilterDenial::PermissionDenied => Code::PermissionDenied,
            FilterDenial::Unauthenticated => Code::Unauthenticated,
        };
        let is_admitted = self.trusted.borrow().trust.filters.admits(&caller.leaf);
        (!is_admitted || path == LIST_NAMESPACES)
            .then(|| Status::new(code, "Request unauthorized."))
    }
}

/// One connection's client.
struct Caller {
    leaf: Certificate,
    open: Open,
    answers: Answers,
}

/// Spreads an age by a tenth in either direction, so that connections made together do not go together. The golden
/// ratio scatters consecutive numbers evenly, without randomness.
fn spread(age: Duration, number: u64) -> Duration {
    let fraction = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let tenths = age / 10;
    let offset = ((tenths * 2).as_nanos() * u128::from(fraction)) >> 32;
    age.saturating_sub(tenths) + Duration::from_nanos(u64::try_from(offset).unwrap_or(0))
}

#[cfg(test)]
mod tests;
