//! CAs and leaves that stand alone: made from flags, written to a directory, known to no trust domain.

mod files_of_ca;
mod record;
mod token;
mod wanted;

use jiff::{SignedDuration, Timestamp};
use newleaf_x509::{
    describe,
    issue::IssueError,
    lint::{Context, Profile},
};

pub(crate) use self::{
    files_of_ca::{CA_CHAIN_FILE, CA_FILE, CA_KEY_FILE, Signer},
    record::{Issued, Record},
    token::TokenPlace,
    wanted::{Custody, Wanted, WantedCa, WantedLeaf},
};
use crate::{code, failure::Failure};

/// What happens if a leaf would outlive its CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is refused.
    Refused,
    /// It ends with its CA, because the person said `--shorten`.
    WithCa,
}

/// The rules by which a CA of a trust domain is looked at.
pub(crate) fn rules(now: Timestamp) -> Context {
    Context {
        profile: Profile::TemporalCloud,
        now,
    }
}

/// Explains why a certificate was not issued.
pub(crate) fn refused(error: IssueError) -> Failure {
    let signs_leaves_only = matches!(&error, IssueError::PathLength { parent_path_length, .. } if *parent_path_length == 0);
    let failure =
        Failure::new(&code::ISSUE, error).hint("nothing was signed and nothing was written");
    if !signs_leaves_only {
        return failure;
    }
    failure.hint("a CA of path length 0 signs leaves only; `newleaf ca new --path-length 1` makes one that signs such CAs")
}

/// A leaf that would outlive its CA has a remedy that depends on what is left of the CA.
pub(crate) fn outlived(error: IssueError, now: Timestamp) -> Failure {
    let remedy = if let IssueError::LeafOutlivesCa { ca_not_after, .. } = &error {
        if *ca_not_after <= now {
            Some("the CA has expired: make a new one".to_owned())
        } else {
            let left = describe::span(ca_not_after.duration_since(now));
            Some(format!(
                "the CA has {left} left: ask for a shorter `--lifetime`, let the leaf end with it by `--shorten`, or make a new CA"
            ))
        }
    } else {
        None
    };
    match remedy {
        Some(remedy) => refused(error).hint(remedy),
        None => refused(error),
    }
}

/// The end of a validity that begins now.
pub(crate) fn after(now: Timestamp, lifetime: SignedDuration) -> Result<Timestamp, Failure> {
    now.checked_add(lifetime)
        .map_err(|error| Failure::new(&code::ISSUE, error))
}

pub(crate) fn no_randomness(error: newleaf_identity::generate::GenerateError) -> Failure {
    Failure::new(&code::GENERATE, error).hint("nothing was written")
}
