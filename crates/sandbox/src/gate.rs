//! Who may call the Cloud Ops API, and how often.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use http::HeaderMap;
use jiff::Timestamp;
use tonic::Status;

use crate::options::{ApiKey, Limits, Owner};

/// Every gRPC request names the version of the messages that its client was built from.
const VERSION_HEADER: &str = "temporal-cloud-api-version";

/// Admits calls by API key, API version and rate.
#[derive(Debug)]
pub(crate) struct Gate {
    keys: Vec<ApiKey>,
    limits: Limits,
    window: Mutex<Window>,
}

/// The calls of one second: fixed windows, not a sliding one, which is enough to meet the limit.
#[derive(Debug, Default)]
struct Window {
    second: i64,
    account: u32,
    owners: BTreeMap<String, u32>,
}

impl Gate {
    pub(crate) fn new(keys: Vec<ApiKey>, limits: Limits) -> Self {
        Self {
            keys,
            limits,
            window: Mutex::default(),
        }
    }

    /// Returns whose call it is, or why it is not let in.
    pub(crate) fn admit(&self, headers: &HeaderMap, now: Timestamp) -> Result<ApiKey, Status> {
        let key = self.authenticate(headers, now)?;
        let version = headers
            .get(VERSION_HEADER)
            .and_then(|version| version.to_str().ok())
            .ok_or_else(|| {
                Status::invalid_argument(format!("the {VERSION_HEADER} header is required"))
            })?;
        if !is_version(version) {
            return Err(Status::invalid_argument(format!(
                "the {VERSION_HEADER} header has an invalid version: '{version}'"
            )));
        }
        self.count(key, now)?;
        Ok(key.clone())
    }

    fn authenticate(&self, headers: &HeaderMap, now: Timestamp) -> Result<&ApiKey, Status> {
        let given = headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| Status::unauthenticated("an API key is required"))?;
        let key = self
            .keys
            .iter()
            .find(|key| key.secret == given)
            .ok_or_else(|| Status::unauthenticated("invalid API key"))?;
        if key.expires_at <= now {
            return Err(Status::unauthenticated("the API key has expired"));
        }
        Ok(key)
    }

    fn count(&self, key: &ApiKey, now: Timestamp) -> Result<(), Status> {
        let owner_limit = match key.owner {
            Owner::User => self.limits.user_rps,
            Owner::ServiceAccount => self.limits.service_account_rps,
        };
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.second != now.as_second() {
            *window = Window {
                second: now.as_second(),
                ..Window::default()
            };
        }
        window.account += 1;
        let account = window.account;
        let owner = window.owners.entry(key.name.clone()).or_default();
        *owner += 1;
        if account > self.limits.account_rps || *owner > owner_limit {
            return Err(Status::resource_exhausted("request rate limit exceeded"));
        }
        Ok(())
    }
}

/// Returns whether the text has the form `v0.17.0`.
fn is_version(text: &str) -> bool {
    let Some(numbers) = text.strip_prefix('v') else {
        return false;
    };
    let parts: Vec<_> = numbers.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests;
