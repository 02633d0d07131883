//! How the rollover left the world: always the same, whatever was killed on the way.

use std::{collections::BTreeMap, io};

use jiff::Timestamp;
use newleaf_systems::temporal_cloud::CloudError;
use serde::Serialize;

use crate::demo::{
    settings::{CA_NAME, PARTS},
    stage::Stage,
    troupe,
};

/// Whose key is there, whom the namespace accepts, and what the clients present, by the accounts of the disk, the Cloud
/// Ops API and the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct End {
    accepted: Vec<String>,
    keys: Vec<String>,
    presented: BTreeMap<&'static str, String>,
}

/// Why the end cannot be told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndError {
    /// The namespace cannot be read.
    #[error("could not read whom the namespace accepts")]
    Accepted(#[from] CloudError),
    /// The CA's directory cannot be read.
    #[error("could not see whose keys are there")]
    Keys(#[from] io::Error),
}

impl End {
    /// Looks.
    pub(crate) async fn of(stage: &Stage, now: Timestamp) -> Result<Self, EndError> {
        let seen = stage.seen();
        Ok(Self {
            accepted: stage.accepted(now).await?,
            keys: stage.keys()?,
            presented: PARTS
                .iter()
                .map(|part| (part.name, troupe::presents(&seen, *part)))
                .collect(),
        })
    }

    /// Returns how it must be when a generation has come and every other has gone.
    pub(crate) fn wanted(generation: &str) -> Self {
        Self {
            accepted: vec![format!("O=acme, CN={CA_NAME} {generation}")],
            keys: vec![generation.to_owned()],
            presented: PARTS
                .iter()
                .map(|part| (part.name, generation.to_owned()))
                .collect(),
        }
    }
}
