//! What one upstream's credentials could be next: watches where they are read, and puts the newest of both together.

use std::sync::Arc;

use newleaf_identity::{Identity, Watcher, source::LoadError, watch};
use newleaf_x509::lint::Profile;
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use super::objection::{self, Objection};
use crate::{
    api_key::{self, ApiKey, ApiKeyError, ApiKeySource},
    clock,
    credentials::Credentials,
    limits,
    options::CredentialsOptions,
    text_file::TextFile,
};

/// Watches the sources of one upstream's credentials.
pub(crate) struct Candidates {
    identity: Option<Watcher>,
    api_key: Option<Keys>,
    /// By whose rules an identity is judged before it is tried.
    profile: Profile,
    /// The newest of each that could work.
    latest: Credentials,
    /// Whether that has not been told yet.
    is_news: bool,
    /// An identity that we object to, and when to judge it again: time may cure what is wrong, or a clock be set right.
    objected: Option<(Identity, Instant)>,
    /// Whether what was read last cannot be one.
    has_bad_identity: bool,
    has_bad_api_key: bool,
}

/// Makes the watchers look now.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    identity: Option<watch::Recheck>,
    api_key: Option<Arc<Notify>>,
}

/// Where API keys come from.
enum Keys {
    File(TextFile),
    Fixed,
}

/// Why what was found cannot work, whatever the server says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CandidateError {
    #[error(transparent)]
    Identity(#[from] LoadError),
    #[error(transparent)]
    Objection(#[from] Objection),
    #[error("cannot use the API key")]
    ApiKey(#[from] ApiKeyError),
}

impl Candidates {
    /// Begins to watch, on the runtime it is called in.
    pub(crate) fn new(options: &CredentialsOptions, profile: Profile) -> Self {
        let (api_key, fixed) = match options.api_key() {
            None => (None, None),
            Some(ApiKeySource::File(path)) => (Some(Keys::File(api_key::file(path.clone()))), None),
            Some(ApiKeySource::Fixed(key)) => (Some(Keys::Fixed), Some(Arc::clone(key))),
        };
        Self {
            identity: options
                .identity()
                .map(|source| Watcher::new(source.clone(), clock::now)),
            api_key,
            profile,
            is_news: fixed.is_some(),
            objected: None,
            has_bad_identity: false,
            has_bad_api_key: false,
            latest: Credentials {
                identity: None,
                api_key: fixed,
            },
        }
    }

    /// Returns the handle that asks for a look now.
    pub(crate) fn look(&self) -> Look {
        Look {
            identity: self.identity.as_ref().map(Watcher::recheck),
            api_key: match &self.api_key {
                Some(Keys::File(file)) => Some(file.recheck()),
                Some(Keys::Fixed) | None => None,
            },
        }
    }

    /// Waits for credentials that were not told yet, or for the news that something cannot be one. Both halves must
    /// be there if both are configured. Safe to drop halfway.
    pub(crate) async fn next(&mut self) -> Result<Credentials, CandidateError> {
        loop {
            if self.is_whole() && std::mem::take(&mut self.is_news) {
                return Ok(self.latest.clone());
            }
            tokio::select! {
                found = next_identity(&mut self.identity) => {
                    self.objected = None;
                    self.has_bad_identity = true;
                    self.admit(found?)?;
                }
                identity = objected(&mut self.objected) => {
                    // What is wrong has been told.
                    if self.admit(identity).is_err() {
                        continue;
                    }
                }
                api_key = next_api_key(&mut self.api_key) => {
                    self.has_bad_api_key = api_key.is_err();
                    self.latest.api_key = Some(Arc::new(api_key?));
                }
            }
            self.is_news = true;
        }
    }

    /// Lets an identity be tried that no server could be right to refuse for what it says of itself.
    fn admit(&mut self, identity: Identity) -> Result<(), Objection> {
        let findings = match objection::judge(&identity, self.profile, clock::now()) {
            Ok(findings) => findings,
            Err(objection) => {
                self.objected = Some((identity, Instant::now() + limits::OBJECTION));
                return Err(objection);
            }
        };
        for finding in findings {
            let (code, subject) = (finding.lint.code, &finding.subject);
            tracing::warn!(code, subject, "{}", finding.message);
        }
        self.has_bad_identity = false;
        self.latest.identity = Some(Arc::new(identity));
        Ok(())
    }

    /// Returns whether the last that was told is all there is: nothing that was read since cannot be one.
    pub(crate) fn are_sound(&self) -> bool {
        !self.has_bad_identity && !self.has_bad_api_key
    }

    fn is_whole(&self) -> bool {
        self.identity.is_some() == self.latest.identity.is_some()
            && self.api_key.is_some() == self.latest.api_key.is_some()
    }
}

impl Look {
    pub(crate) fn request(&self) {
        if let Some(identity) = &self.identity {
            identity.request();
        }
        if let Some(api_key) = &self.api_key {
            api_key.notify_one();
        }
    }
}

/// Returns an identity once it is to be judged again.
async fn objected(waits: &mut Option<(Identity, Instant)>) -> Identity {
    if let Some((_, at)) = waits {
        sleep_until(*at).await;
    }
    match waits.take() {
        Some((identity, _)) => identity,
        None => std::future::pending().await,
    }
}

async fn next_identity(watcher: &mut Option<Watcher>) -> Result<Identity, LoadError> {
    match watcher {
        Some(watcher) => watcher.next().await,
        None => std::future::pending().await,
    }
}

async fn next_api_key(keys: &mut Option<Keys>) -> Result<ApiKey, ApiKeyError> {
    match keys {
        Some(Keys::File(file)) => {
            let text = file.next().await.map_err(ApiKeyError::Read)?;
            ApiKey::parse(&text)
        }
        Some(Keys::Fixed) | None => std::future::pending().await,
    }
}
