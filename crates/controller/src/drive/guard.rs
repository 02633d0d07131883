//! The net under looks and deeds: a panic and an endless one become trouble that the journal can hold.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
    time::Duration,
};

use newleaf_rotation::{Again, Trouble};
use tokio::time::timeout;

/// The longest that one look or deed may take. Each adapter bounds its own calls in seconds, a restart command in
/// minutes; this only catches what forgot to.
const LIMIT: Duration = Duration::from_mins(15);

/// Waits for a look or a deed. After a panic nothing is known, and a person must see it before it is tried again.
pub(super) async fn guard<T>(deed: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    let mut deed = pin!(deed);
    let caught = std::future::poll_fn(|context| {
        match catch_unwind(AssertUnwindSafe(|| deed.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(result),
            Err(panic) => Poll::Ready(Err(Trouble {
                again: Again::Never,
                what: format!(
                    "newleaf panicked, which is a fault of newleaf: {}",
                    said(&*panic)
                ),
            })),
        }
    });
    timeout(LIMIT, caught).await.unwrap_or_else(|_| {
        Err(Trouble {
            again: Again::Same,
            what: format!("no answer within {LIMIT:?}"),
        })
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("it said nothing")
}
