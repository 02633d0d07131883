//! Tasks that are seldom polled, in one shape: the runtime's code for a task, some KB for each kind, is there once for all.

use std::pin::Pin;

/// One of them. What every byte passes is not among them.
pub(crate) type Errand = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Puts a task into that shape.
pub(crate) fn errand(task: impl Future<Output = ()> + Send + 'static) -> Errand {
    Box::pin(task)
}
