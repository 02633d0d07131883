//! The control plane's memory: namespaces, and the asynchronous operations that change them.
//!
//! Values and decisions only. The instant is an argument, so what happens in an hour is tested in a millisecond.
//! An operation is given its ending when it is accepted; [`Account::settle`] lets the ending happen when its time
//! has come.

mod operation;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use temporalio_protos::protos::temporal::api::cloud::{
    cloudservice::v1::UpdateNamespaceRequest,
    namespace::v1::{Endpoints, Namespace, NamespaceSpec},
    operation::v1::AsyncOperation,
    resource::v1::ResourceState,
};
use tonic::Status;

use self::operation::Operation;
use crate::{
    clock::{self, to_proto},
    faults::BadEnding,
    options::{Limits, Timing},
    quirks::{Busy, ExpiredUnchanged, PendingSpec, Quirks, RepeatedId, StaleVersion},
    rules,
    trust::Trust,
};

/// How many operations are remembered; the oldest that are over are forgotten first.
const MAX_REMEMBERED_OPERATIONS: usize = 10_000;

/// All that the control plane knows.
#[derive(Debug)]
pub(crate) struct Account {
    timing: Timing,
    quirks: Quirks,
    limits: Limits,
    namespaces: BTreeMap<String, Entry>,
    operations: BTreeMap<String, Operation>,
    n_accepted: u64,
}

#[derive(Debug)]
struct Entry {
    spec: NamespaceSpec,
    version: u64,
    endpoint: String,
    created_at: Timestamp,
    modified_at: Option<Timestamp>,
    underway: Option<Underway>,
    failed: bool,
}

#[derive(Debug)]
struct Underway {
    operation: String,
    spec: NamespaceSpec,
}

/// An update that was accepted, and what the data plane will learn of it.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) operation: AsyncOperation,
    /// Nothing, if the operation ends badly or is not a new one.
    pub(crate) rollout: Option<Rollout>,
}

/// A trust on its way to the endpoint of a namespace.
#[derive(Clone, Debug)]
pub(crate) struct Rollout {
    pub(crate) namespace: String,
    pub(crate) after: Duration,
    pub(crate) trust: Trust,
}

impl Account {
    pub(crate) fn new(timing: Timing, quirks: Quirks, limits: Limits) -> Self {
        Self {
            timing,
            quirks,
            limits,
            namespaces: BTreeMap::new(),
            operations: BTreeMap::new(),
            n_accepted: 0,
        }
    }

    /// Adds a namespace that is active at once.
    pub(crate) fn insert(
        &mut self,
        name: &str,
        spec: NamespaceSpec,
        endpoint: String,
        now: Timestamp,
    ) {
        let entry = Entry {
            spec,
            version: 1,
            endpoint,
            created_at: now,
            modified_at: None,
            underway: None,
            failed: false,
        };
        self.namespaces.insert(name.to_owned(), entry);
    }

    /// Returns a namespace as it shows itself at `now`.
    pub(crate) fn namespace(&mut self, name: &str, now: Timestamp) -> Result<Namespace, Status> {
        self.settle(now);
        let entry = self.namespaces.get(name).ok_or_else(|| not_found(name))?;
        Ok(entry.show(name, self.quirks.pending_spec))
    }

    /// Returns the namespaces with names after `token`, at most `size` of them, in ascending order.
    pub(crate) fn namespaces_after(
        &mut self,
        token: &str,
        size: usize,
        now: Timestamp,
    ) -> Vec<Namespace> {
        self.settle(now);
        self.namespaces
            .iter()
            .filter(|(name, _)| name.as_str() > token)
            .take(size)
            .map(|(name, entry)| entry.show(name, self.quirks.pending_spec))
            .collect()
    }

    /// Returns an operation as it stands at `now`.
    pub(crate) fn operation(&mut self, id: &str, now: Timestamp) -> Result<AsyncOperation, Status> {
        self.settle(now);
        let operation = self
            .operations
            .get(id)
            .ok_or_else(|| Status::not_found(format!("async operation '{id}' not found")))?;
        Ok(operation.show(self.timing, now))
    }

    /// Accepts an update of a namespace, or says why not; then nothing has changed. `bad_ending` is asked only on
    /// acceptance.
    pub(crate) fn update(
        &mut self,
        request: UpdateNamespaceRequest,
        bad_ending: impl FnOnce() -> Option<BadEnding>,
        now: Timestamp,
    ) -> Result<Accepted, Status> {
        self.settle(now);
        if let Some(known) = self.operations.get(&request.async_operation_id) {
            return self.repeat(known, &request, now);
        }
        let entry = self
            .namespaces
            .get(&request.namespace)
            .ok_or_else(|| not_found(&request.namespace))?;
        self.judge_version(entry, &request)?;
        self.judge_room(entry)?;
        let spec = request
            .spec
            .as_ref()
            .ok_or_else(|| Status::invalid_argument("spec is required"))?;
        let trust = self.read(entry, spec, now)?;
        let spec = rules::normalise(spec, &trust);
        if spec == entry.spec {
            return Err(Status::invalid_argument("nothing to change"));
        }
        let bad_ending = bad_ending();
        Ok(self.accept((request, spec), bad_ending, trust, now))
    }

    /// Lets every operation end whose time has come.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        let due = self
            .operations
            .values_mut()
            .filter(|operation| !operation.settled && operation.ends_at <= now);
        for operation in due {
            operation.settled = true;
            if let Some(entry) = self.namespaces.get_mut(&operation.request.namespace) {
                entry.settle(operation, self.quirks.pending_spec);
            }
        }
    }

    fn repeat(
        &self,
        known: &Operation,
        request: &UpdateNamespaceRequest,
        now: Timestamp,
    ) -> Result<Accepted, Status> {
        let is_same = known.request == *request;
        match self.quirks.repeated_id {
            RepeatedId::SameOperation if is_same => Ok(Accepted {
                operation: known.show(self.timing, now),
                rollout: None,
            }),
            RepeatedId::SameOperation | RepeatedId::AlreadyExists => Err(Status::already_exists(
                format!("async operation '{}' already exists", known.id),
            )),
        }
    }

    fn judge_version(&self, entry: &Entry, request: &UpdateNamespaceRequest) -> Result<(), Status> {
        let current = entry.shown_version(self.quirks.pending_spec);
        if request.resource_version == current {
            return Ok(());
        }
        let text = format!(
            "resource version mismatch: expected '{current}', found '{}'",
            request.resource_version
        );
        Err(match self.quirks.stale_version {
            StaleVersion::FailedPrecondition => Status::failed_precondition(text),
            StaleVersion::Aborted => Status::aborted(text),
            StaleVersion::InvalidArgument => Status::invalid_argument(text),
        })
    }

    fn judge_room(&self, entry: &Entry) -> Result<(), Status> {
        if let Some(underway) = &entry.underway {
            let text = format!("another operation is in progress: '{}'", underway.operation);
            return Err(match self.quirks.busy {
                Busy::FailedPrecondition => Status::failed_precondition(text),
                Busy::Aborted => Status::aborted(text),
                Busy::ResourceExhausted => Status::resource_exhausted(text),
            });
        }
        let n_underway = self
            .operations
            .values()
            .filter(|operation| !operation.settled)
            .count();
        if n_underway >= self.limits.concurrent_operations {
            return Err(Status::resource_exhausted(format!(
                "the account has {n_underway} operations in progress, which is the maximum"
            )));
        }
        Ok(())
    }

    fn read(&self, entry: &Entry, spec: &NamespaceSpec, now: Timestamp) -> Result<Trust, Status> {
        let unjudged = rules::read_unjudged(spec).map_err(Status::invalid_argument)?;
        let is_unchanged =
            Trust::of(&entry.spec).is_ok_and(|in_force| in_force.bundle == unjudged.bundle);
        match self.quirks.expired_unchanged {
            ExpiredUnchanged::Allowed if is_unchanged => Ok(unjudged),
            ExpiredUnchanged::Allowed | ExpiredUnchanged::Refused => {
                rules::read(spec, now).map_err(Status::invalid_argument)
            }
        }
    }

    fn accept(
        &mut self,
        (request, spec): (UpdateNamespaceRequest, NamespaceSpec),
        bad_ending: Option<BadEnding>,
        trust: Trust,
        now: Timestamp,
    ) -> Accepted {
        self.n_accepted += 1;
        let id = match request.async_operation_id.as_str() {
            "" => format!("sandbox-operation-{}", self.n_accepted),
            given => given.to_owned(),
        };
        let operation = Operation {
            id: id.clone(),
            started_at: now,
            ends_at: clock::after(now, self.timing.operation),
            bad_ending,
            settled: false,
            request,
        };
        let namespace = operation.request.namespace.clone();
        if let Some(entry) = self.namespaces.get_mut(&namespace) {
            entry.failed = false;
            entry.underway = Some(Underway {
                operation: id.clone(),
                spec,
            });
        }
        let accepted = Accepted {
            operation: operation.show(self.timing, now),
            rollout: bad_ending.is_none().then_some(Rollout {
                namespace,
                after: self.timing.operation + self.timing.propagation,
                trust,
            }),
        };
        self.forget_oldest();
        self.operations.insert(id, operation);
        accepted
    }

    fn forget_oldest(&mut self) {
        if self.operations.len() < MAX_REMEMBERED_OPERATIONS {
            return;
        }
        let oldest = self
            .operations
            .values()
            .filter(|operation| operation.settled)
            .min_by_key(|operation| operation.ends_at)
            .map(|operation| operation.id.clone());
        if let Some(id) = oldest {
            self.operations.remove(&id);
        }
    }
}

impl Entry {
    fn settle(&mut self, operation: &Operation, pending: PendingSpec) {
        let Some(underway) = self.underway.take() else {
            return;
        };
        match operation.bad_ending {
            None => {
                self.spec = underway.spec;
                self.version += 1;
                self.modified_at = Some(operation.ends_at);
            }
            Some(BadEnding::Failed | BadEnding::Rejected) => {
                self.failed = operation.bad_ending == Some(BadEnding::Failed);
                // The new version was shown and is taken back: that is one more change.
                self.version += match pending {
                    PendingSpec::Old => 0,
                    PendingSpec::New => 2,
                };
            }
        }
    }

    fn shown_version(&self, pending: PendingSpec) -> String {
        let ahead = match pending {
            PendingSpec::New if self.underway.is_some() => 1,
            PendingSpec::New | PendingSpec::Old => 0,
        };
        format!("version-{}", self.version + ahead)
    }

    fn show(&self, name: &str, pending: PendingSpec) -> Namespace {
        let spec = match (&self.underway, pending) {
            (Some(underway), PendingSpec::New) => &underway.spec,
            (Some(_), PendingSpec::Old) | (None, PendingSpec::Old | PendingSpec::New) => &self.spec,
        };
        let state = match (&self.underway, self.failed) {
            (Some(_), _) => ResourceState::Updating,
            (None, true) => ResourceState::UpdateFailed,
            (None, false) => ResourceState::Active,
        };
        Namespace {
            namespace: name.to_owned(),
            resource_version: self.shown_version(pending),
            spec: Some(spec.clone()),
            state: state.into(),
            async_operation_id: self
                .underway
                .as_ref()
                .map(|underway| underway.operation.clone())
                .unwrap_or_default(),
            endpoints: Some(Endpoints {
                mtls_grpc_address: self.endpoint.clone(),
                ..Endpoints::default()
            }),
            active_region: spec.replicas.first().map_or_else(
                || crate::cloud::REGION.to_owned(),
                |replica| replica.region.clone(),
            ),
            created_time: Some(to_proto(self.created_at)),
            last_modified_time: self.modified_at.map(to_proto),
            ..Namespace::default()
        }
    }
}

fn not_found(namespace: &str) -> Status {
    Status::not_found(format!("namespace '{namespace}' not found"))
}

#[cfg(test)]
mod tests;
