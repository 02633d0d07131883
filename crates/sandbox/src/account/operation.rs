//! One asynchronous operation, from its acceptance to its ending.

use jiff::Timestamp;
use prost::{Message as _, Name as _};
use temporalio_protos::protos::temporal::api::cloud::{
    cloudservice::v1::UpdateNamespaceRequest,
    operation::v1::{AsyncOperation, async_operation::State},
};

use crate::{
    clock::{self, to_proto},
    faults::BadEnding,
    options::Timing,
};

/// An update that was accepted. It knows its ending, and keeps it to itself until its time is over.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) request: UpdateNamespaceRequest,
    pub(super) started_at: Timestamp,
    pub(super) ends_at: Timestamp,
    pub(super) bad_ending: Option<BadEnding>,
    pub(super) settled: bool,
}

impl Operation {
    /// Returns the operation as it stands at `now`.
    pub(super) fn show(&self, timing: Timing, now: Timestamp) -> AsyncOperation {
        let state = self.state(timing, now);
        let is_over = now >= self.ends_at;
        let failure_reason = match self.bad_ending {
            Some(BadEnding::Failed) if is_over => "the sandbox was asked to fail this operation",
            Some(BadEnding::Rejected) if is_over => {
                "the sandbox was asked to reject this operation"
            }
            Some(BadEnding::Failed | BadEnding::Rejected) | None => "",
        };
        let mut shown = AsyncOperation {
            id: self.id.clone(),
            state: state.into(),
            check_duration: timing.check.try_into().ok(),
            operation_type: "UpdateNamespace".to_owned(),
            failure_reason: failure_reason.to_owned(),
            started_time: Some(to_proto(self.started_at)),
            finished_time: is_over.then(|| to_proto(self.ends_at)),
            ..AsyncOperation::default()
        };
        let input = shown.operation_input.get_or_insert_default();
        input.type_url = UpdateNamespaceRequest::type_url();
        input.value = self.request.encode_to_vec();
        shown
    }

    /// Pending for the first fifth of its time, then in progress.
    fn state(&self, timing: Timing, now: Timestamp) -> State {
        if now >= self.ends_at {
            return match self.bad_ending {
                None => State::Fulfilled,
                Some(BadEnding::Failed) => State::Failed,
                Some(BadEnding::Rejected) => State::Rejected,
            };
        }
        if now < clock::after(self.started_at, timing.operation / 5) {
            State::Pending
        } else {
            State::InProgress
        }
    }
}
