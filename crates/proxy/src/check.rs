//! Tries everything that a proxy would do before its first call, and tells what was seen. Nothing is listened on.

use std::{fmt, net::SocketAddr};

use jiff::Timestamp;
use newleaf_identity::Identity;
use newleaf_x509::{Certificate, Fingerprint, describe::relative};
use serde::Serialize;
use tokio::time::timeout;

use crate::{
    clock,
    connection::Dialled,
    dial::Proof,
    failure::sentence,
    limits,
    options::Options,
    proxy::{self, StartError},
    status::ledger,
    upstream::keeper::Parts,
};

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// For each upstream, in the order of the options; those of a file come by name.
    pub upstreams: Vec<Checked>,
}

/// What was seen of one upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Its name.
    pub upstream: String,
    /// Its address, as it is configured.
    pub address: String,
    /// How it ended.
    pub verdict: Verdict,
    /// Why, if it did not end well.
    pub why: Option<String>,
    /// The leaf that was presented.
    pub leaf: Option<Seen>,
    /// Whether an API key was said.
    pub api_key: bool,
    /// The address that answered.
    pub peer: Option<SocketAddr>,
    /// The server's certificate, which was verified.
    pub server: Option<Seen>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Calls would be carried.
    Good,
    /// The server could not be reached, or refused.
    Refused,
    /// There are no credentials that could be tried.
    BadCredentials,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// SHA-256 of it.
    pub fingerprint: Fingerprint,
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// Its last instant; of a leaf, the first end in its chain.
    pub not_after: Timestamp,
    /// How much of its life is left, in words.
    pub expiry: String,
}

/// Checks options, credentials and servers.
///
/// # Errors
///
/// The options cannot be used, whatever the servers say.
pub async fn check(options: &Options) -> Result<Report, StartError> {
    proxy::admissible(options)?;
    let assembled = proxy::assemble(options, &tokio::runtime::Handle::current())?;
    let board = assembled.board;
    let trials = async {
        let mut upstreams = Vec::new();
        for (parts, options) in assembled.parts.into_iter().zip(&options.upstreams) {
            let mut checked = Checked {
                upstream: options.name.clone(),
                address: options.address.clone(),
                verdict: Verdict::BadCredentials,
                why: None,
                leaf: None,
                api_key: options.credentials.api_key().is_some(),
                peer: None,
                server: None,
            };
            checked.fill(parts).await;
            upstreams.push(checked);
        }
        Report { upstreams }
    };
    tokio::select! {
        report = trials => Ok(report),
        () = board.keep_time() => Ok(Report { upstreams: Vec::new() }),
    }
}

impl Report {
    /// Returns the worst of the verdicts.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.upstreams.iter().map(|checked| checked.verdict);
        verdicts.max().unwrap_or(Verdict::Good)
    }
}

impl Checked {
    /// Loads the credentials, dials, and proves them.
    async fn fill(&mut self, mut parts: Parts) {
        let credentials = match timeout(limits::CHECK, parts.candidates.next()).await {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(error)) => return self.why = Some(sentence(&error)),
            Err(_elapsed) => {
                let bound = limits::CHECK.as_secs();
                return self.why =
                    Some(format!("expected credentials within {bound} s, found none"));
            }
        };
        let now = clock::now();
        self.leaf = credentials
            .identity
            .as_deref()
            .map(|identity| Seen::leaf(identity, now));
        match parts.dialer.dial(&credentials, Proof::Calls).await {
            Ok(dialled) => {
                self.verdict = Verdict::Good;
                self.note_peer(&dialled, now);
            }
            Err(error) => {
                self.verdict = Verdict::Refused;
                self.why = Some(sentence(&error));
            }
        }
    }

    fn note_peer(&mut self, dialled: &Dialled, now: Timestamp) {
        self.peer = dialled.peer.address;
        let certificate = dialled.peer.certificate.as_ref();
        let certificate = certificate.and_then(|der| Certificate::from_der(der).ok());
        self.server = certificate.map(|certificate| Seen::of(&certificate, now));
    }
}

impl Seen {
    fn of(certificate: &Certificate, now: Timestamp) -> Self {
        Self {
            fingerprint: certificate.fingerprint(),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            not_after: certificate.not_after(),
            expiry: format!("ends {}", relative(certificate.not_after(), now)),
        }
    }

    fn leaf(identity: &Identity, now: Timestamp) -> Self {
        Self {
            not_after: identity.not_after(),
            expiry: ledger::expiry(identity, now).to_string(),
            ..Self::of(identity.leaf(), now)
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.upstreams.iter().try_for_each(|checked| checked.fmt(f))
    }
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "upstream {} ({})", self.upstream, self.address)?;
        if let Some(leaf) = &self.leaf {
            writeln!(f, "  leaf    {leaf}")?;
        }
        if self.api_key {
            writeln!(f, "  key     an API key goes with every call")?;
        }
        if let Some(peer) = self.peer {
            writeln!(f, "  peer    {peer}")?;
        }
        if let Some(server) = &self.server {
            writeln!(f, "  server  {server}")?;
        }
        let why = self.why.as_deref().unwrap_or_default();
        match self.verdict {
            Verdict::Good => writeln!(f, "  good    the server accepted it and answered a call"),
            Verdict::Refused => writeln!(f, "  refused {why}"),
            Verdict::BadCredentials => writeln!(f, "  bad     {why}"),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fingerprint, subject) = (self.fingerprint.short(), &self.subject);
        let (issuer, expiry) = (&self.issuer, &self.expiry);
        write!(f, "{fingerprint} {subject}, signed by {issuer}; {expiry}")
    }
}
