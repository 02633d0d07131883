//! The sentences of rotations: journals, engines, decisions, plans.

use newleaf_controller::{DecideError, EngineError, JournalError};
use newleaf_rotation::PlanError;

use super::Failure;
use crate::code;

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let is_disk_full = error.is_disk_full();
        match &error {
            JournalError::Sqlite { .. } | JournalError::Lock { .. } if is_disk_full => {
                Self::new(&code::JOURNAL, error)
                    .hint("make room on the disk; what was recorded stands, and `newleaf resume` goes on from there")
            }
            JournalError::Sqlite { .. } | JournalError::Lock { .. } => {
                Self::new(&code::JOURNAL, error)
                    .hint("what was recorded stands; `newleaf resume` goes on from there")
            }
            JournalError::Gone { .. } => Self::new(&code::JOURNAL, error).hint(
                "put the state directory back where it was and run `newleaf resume`; nothing was begun that is not recorded in it",
            ),
            JournalError::Newer { .. }
            | JournalError::Foreign { .. }
            | JournalError::Understand { .. }
            | JournalError::ReadInstant { .. } => {
                Self::new(&code::JOURNAL, error).hint("the file was left as it is")
            }
            JournalError::Missing { .. } => Self::new(&code::NO_ROTATION, error)
                .hint("no rotation was ever started here; `newleaf rotate` starts one"),
            JournalError::NoRotation { .. } => Self::new(&code::NO_ROTATION, error)
                .hint("`newleaf status` without a name shows the newest one"),
            JournalError::NotEnded { rotation, .. } => {
                let hint = format!(
                    "run `newleaf resume {rotation}` to go on with it, or `newleaf rollback {rotation} --reason …` to turn it round"
                );
                Self::new(&code::ROTATION_UNDER_WAY, error).hint(hint)
            }
            JournalError::Driven { .. } => Self::new(&code::DRIVEN, error)
                .hint("`newleaf status --watch` shows what it does; decisions reach it from here"),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Journal(error) => error.into(),
            EngineError::Meet { rotation, what } => Self::new(
                &code::CONFIG_VALUE,
                format!("cannot go on with rotation `{rotation}`: {what}"),
            ),
        }
    }
}

impl From<DecideError> for Failure {
    fn from(error: DecideError) -> Self {
        match error {
            DecideError::Refused { .. } => {
                Self::new(&code::DECISION_REFUSED, error).hint("nothing was changed")
            }
            DecideError::Unheard { .. } => Self::new(&code::DECISION_UNHEARD, error)
                .hint("the decision was withdrawn; nothing was changed"),
            DecideError::Journal { source, .. } => source.into(),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        Self::new(&code::PLAN, error).hint("nothing was started")
    }
}
